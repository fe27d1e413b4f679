"""A DRAM as a kind of memory: a part by its data sheet, and how many of it a controller drives and how."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self, final

from pydantic import Field, model_validator

from twin.chip.mover import Store
from twin.chip.service import AreaRow, Service, picoseconds
from twin.config.checks import refusal
from twin.config.quantity import Area, Bytes, Energy, EnergyPerBit, Power, Time
from twin.units import PS

if TYPE_CHECKING:
    from collections.abc import Callable

    from twin.chip.dram.memories import Memories
    from twin.chip.dram.sheet import DataSheet
    from twin.chip.mover import Spent
    from twin.operation import Operation

Count = Annotated[int, Field(ge=1, le=65_536)]
Clocks = Annotated[int, Field(ge=0, le=10_000_000)]
FIELDS = ("Ch", "Ra", "Bg", "Ba", "Ro", "Co")
"""The fields of an address as mapping schemes write them: channel, rank, bank group, bank, row, column."""
CLOCKS = (
    "nBL", "nCL", "nCWL", "nRCD", "nRCDWR", "nRP", "nRPab", "nRAS", "nRC", "nCCDS", "nCCDL", "nRRDS", "nRRDL",
    "nFAW", "nWR", "nWTRS", "nWTRL", "nRTP", "nRTW", "nCS", "nRFC", "nREFI",
)  # fmt: skip
"""Times in clocks, in the order of the kernel's parameters after tCK."""
PresetName = Annotated[str, Field(min_length=1, max_length=4096)]


@final
class Dram(Store):
    """A DRAM with banks: times are in clocks of `tCK`, named as in Ramulator (nRCD = tRCD / tCK)."""

    places: ClassVar[frozenset[str]] = frozenset({"memory"})
    remedy: ClassVar[str] = "use more {place}.channels or {place}.ranks"
    banked: ClassVar[bool] = True
    sized: ClassVar[Mapping[str, tuple[str, ...]]] = {"channels": ("area",), "bus_width": ("area",)}
    kind: Literal["dram"]
    """Chooses a DRAM with rows, banks and refresh."""
    preset: PresetName | None = None
    """A shipped part by name, or a file of your own by path; other keys replace its values."""
    channels: Count
    """Channels, each with wires and queues of its own."""
    ranks: Annotated[int, Field(ge=1, le=16)]
    """Ranks that share the wires of a channel."""
    page_policy: Literal["open", "closed"]
    """Leave a row open until another is wanted ("open"), or close it unless another access waits for it ("closed")."""
    address_mapping: str
    """Fields of an address from the most significant, e.g. RoBaRaCoCh: row, bank, rank, column, channel; without Bg the
    group follows the bank.
    """
    queue_depth: Annotated[int, Field(ge=1, le=1024)]
    """Bursts that wait for reads in the controller of a channel, and as many for writes."""
    area: Area
    """Silicon of the controller on the chip."""

    bus_width: Count
    """Data wires of a channel."""
    burst_length: Count
    """Beats of one burst on every wire."""
    bank_groups: Annotated[int, Field(ge=1, le=64)]
    """Bank groups of a rank; 1 for a part without groups."""
    banks: Annotated[int, Field(ge=1, le=64)]
    """Banks of a group."""
    rows: Annotated[int, Field(ge=1, le=2**24)]
    """Rows of a bank."""
    row_size: Bytes
    """Bytes of a row, which stays in the row buffer of its bank while it is open."""
    command_buses: Annotated[int, Field(ge=1, le=2)]
    """2 where row and column commands have a bus each (HBM), else 1."""

    tCK: Time
    """Time of one clock, in which all that begin with n are counted."""
    nBL: Annotated[int, Field(ge=1, le=1024)]
    """Clocks that one burst takes on the wires."""
    nCL: Clocks
    """Clocks from a read command to its first data."""
    nCWL: Clocks
    """Clocks from a write command to its first data."""
    nRCD: Clocks
    """Clocks from opening a row to a read of it (tRCD)."""
    nRCDWR: Clocks
    """Clocks from opening a row to a write into it."""
    nRP: Clocks
    """Clocks from closing a row to opening the next in its bank."""
    nRPab: Clocks
    """Clocks from closing all banks of a rank to a refresh."""
    nRAS: Clocks
    """Clocks from opening a row to closing it, at least."""
    nRC: Clocks
    """Clocks from opening a row to opening another in the same bank, at least."""
    nCCDS: Clocks
    """Clocks from one column access to the next in another bank group."""
    nCCDL: Clocks
    """Clocks from one column access to the next in the same bank group."""
    nRRDS: Clocks
    """Clocks from opening a row to opening one in another bank group."""
    nRRDL: Clocks
    """Clocks from opening a row to opening one in another bank of the same group."""
    nFAW: Clocks
    """Clocks of the window in which a rank opens at most four rows."""
    nWR: Clocks
    """Clocks from the end of written data to closing the row."""
    nWTRS: Clocks
    """Clocks from the end of written data to a read in another bank group."""
    nWTRL: Clocks
    """Clocks from the end of written data to a read in the same bank group."""
    nRTP: Clocks
    """Clocks from a read command to closing the row."""
    nRTW: Clocks
    """Clocks from a read command to a write command of the same rank."""
    nCS: Clocks
    """Clocks of the gap on the wires between data of two ranks."""
    nRFC: Clocks
    """Clocks for which one refresh keeps a rank busy."""
    nREFI: Annotated[int, Field(ge=1, le=10_000_000)]
    """Clocks from one refresh of a rank to the next, on average."""

    activate_energy: Energy
    """Energy of one row opened and closed."""
    read_energy: EnergyPerBit
    """Energy of one bit read, on the die."""
    write_energy: EnergyPerBit
    """Energy of one bit written, on the die."""
    read_io_energy: EnergyPerBit
    """Energy of one bit read, on the wires."""
    write_io_energy: EnergyPerBit
    """Energy of one bit written, on the wires."""
    refresh_energy: Energy
    """Energy of one refresh of a rank."""
    background: Power
    """What a rank draws all the time."""

    @property
    def burst_bytes(self) -> int:
        """Bytes of one burst."""
        return self.bus_width * self.burst_length // 8

    @property
    def columns(self) -> int:
        """Bursts in a row."""
        return int(self.row_size) // self.burst_bytes

    @property
    def size_B(self) -> float:
        """Capacity of all channels."""
        banks = self.bank_groups * self.banks
        return float(self.channels * self.ranks * banks * self.rows * self.row_size)

    @property
    def peak_Bps(self) -> float:
        """Bytes a second when every channel's data bus is always busy."""
        return self.channels * self.burst_bytes / (picoseconds(self.nBL * self.tCK) * PS)

    @property
    def ports(self) -> int:
        """Channels."""
        return self.channels

    @property
    def area_m2(self) -> float:
        """Silicon of the controller."""
        return self.area

    @property
    def leakage_W(self) -> float:
        """What flows without any request: background and refresh of all ranks."""
        sheet = self.sheet()
        return sheet.background_W + sheet.refresh_W

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of an address, the most significant first."""
        return mapping_fields(self.address_mapping)

    def sheet(self) -> DataSheet:
        """Return rules and energies as the banks take them."""
        import numpy as np  # noqa: PLC0415 - reading a description needs none

        from twin.chip.dram.sheet import DataSheet  # noqa: PLC0415

        times = [picoseconds(self.tCK)] + [picoseconds(getattr(self, name) * self.tCK) for name in CLOCKS]
        closed = int(self.page_policy == "closed")
        counts = [self.ranks, self.bank_groups, self.banks, self.queue_depth, closed, self.command_buses]
        sizes = [self.channels, self.ranks, self.bank_groups, self.banks, self.rows, self.columns]
        ranks, bits = self.channels * self.ranks, 8 * self.burst_bytes
        return DataSheet(
            rules=np.array(times + counts, np.int64),
            order=np.array([FIELDS.index(field) for field in reversed(self.fields)], np.int64),
            sizes=np.array(sizes, np.int64),
            channels=self.channels,
            ranks=self.ranks,
            burst_bytes=self.burst_bytes,
            activate_J=self.activate_energy,
            read_J=bits * (self.read_energy + self.read_io_energy),
            write_J=bits * (self.write_energy + self.write_io_energy),
            background_W=ranks * self.background,
            refresh_W=ranks * self.refresh_energy / (self.nREFI * self.tCK),
        )

    def service(self, n_bytes: float, *, writes: bool) -> Service:
        """Return the energy of column accesses and wires; when is up to the banks, which count activations, too."""
        return Service(0, 0, self.sheet().energy_J(n_bytes, writes=writes))

    def silicon(self, name: str, count: int) -> list[AreaRow]:
        """Return the controllers with the background of all ranks, then what refreshing them takes."""
        sheet = self.sheet()
        return [
            AreaRow(name, count, count * self.area_m2, count * sheet.background_W),
            AreaRow(f"{name} refresh", count * self.channels * self.ranks, 0.0, count * sheet.refresh_W),
        ]

    def at_work(self, lines: Callable[[Operation], int], in_flight: int, chips: int) -> Memories:
        """Return banks and regions of the memories of all chips."""
        from twin.chip.dram.memories import Memories  # noqa: PLC0415

        return Memories(lines, self.sheet(), in_flight, chips)

    def diagnostics(self, spent: Spent) -> list[tuple[str, float, str]]:
        """Say what the rows did, and where the energy went."""
        sheet, opened = self.sheet(), spent.activations
        accesses = sum(n * sheet.bursts(n_bytes) for n_bytes, n in spent.moved)
        return [
            ("column accesses", float(accesses), "bursts"),
            ("rows opened", opened, "activations"),
            ("energy of activations", opened * sheet.activate_J, "J"),
            ("energy of column accesses and wires", spent.joules - opened * sheet.activate_J, "J"),
            ("energy of refresh", sheet.refresh_W * spent.seconds, "J"),
            ("energy of background", sheet.background_W * spent.seconds, "J"),
        ]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        own = vars(self)
        if sorted(mapping_fields(own["address_mapping"])) != sorted(FIELDS):
            rule = f"must name each of {', '.join(FIELDS)} once (Bg may be left out), e.g. RoBaRaCoCh"
            raise refusal(("address_mapping",), rule)
        burst = own["bus_width"] * own["burst_length"] / 8
        if burst != int(burst):
            raise refusal(("burst_length",), "a burst (burst_length x bus_width) must be whole bytes")
        if own["row_size"] % burst or own["row_size"] < burst:
            raise refusal(("row_size",), f"must be a multiple of a burst of {burst:.0f} B")
        if own["tCK"] <= 0:
            raise refusal(("tCK",), "must be above 0")
        if own["nRC"] < own["nRAS"]:
            raise refusal(("nRC",), f"must be at least nRAS (= {own['nRAS']}): a row closes before the next opens")
        if own["nREFI"] <= own["nRFC"]:
            raise refusal(("nREFI",), f"must be above nRFC (= {own['nRFC']}), or refresh takes all the time")
        if own["nCL"] + own["nBL"] + own["nCS"] < own["nCWL"]:
            raise refusal(("nCWL",), "must be at most nCL + nBL + nCS: data of a write would follow a later read's")
        if math.prod(own[name] for name in ("channels", "ranks", "bank_groups", "banks", "rows")) >= 2**48:
            raise refusal(("rows",), "is beyond 2^48 rows in all")
        return self


def mapping_fields(scheme: str) -> tuple[str, ...]:
    """Split a mapping scheme into its fields; a bank without a group stands for bank, then group."""
    parts = [scheme[k : k + 2] for k in range(0, len(scheme), 2)]
    if "Bg" not in parts and "Ba" in parts:
        parts.insert(parts.index("Ba") + 1, "Bg")
    return tuple(parts)
