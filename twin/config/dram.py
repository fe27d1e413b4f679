"""The description of a DRAM: a part by its data sheet, and how many of it a controller drives and how."""

import math
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import refusal
from twin.config.part import Part
from twin.config.quantity import Area, Bytes, Energy, EnergyPerBit, Power, Time

Count = Annotated[int, Field(ge=1, le=65_536)]
Clocks = Annotated[int, Field(ge=0, le=10_000_000)]
FIELDS = ("Ch", "Ra", "Bg", "Ba", "Ro", "Co")
"""The fields of an address as mapping schemes write them: channel, rank, bank group, bank, row, column."""
PresetName = Annotated[str, Field(min_length=1, max_length=4096)]


class Dram(Part):
    """A DRAM with banks: times are in clocks of `tCK`, named as in Ramulator (nRCD = tRCD / tCK).

    A row of `row_size` bytes stays in the row buffer of its bank; `rows` a bank, `banks` a group, `bank_groups` a rank.
    A burst is `burst_length` beats on `bus_width` wires in `nBL` clocks. nRCDWR is tRCD before a write, nRPab the
    precharge of all banks before a refresh, nRTW a read to a write of the same rank, nCS the gap between ranks.
    `command_buses` is 2 where rows and columns have one each (HBM). `address_mapping` names the fields of an address
    from the most significant, e.g. RoBaRaCoCh; without Bg, the group follows the bank. `queue_depth` bursts
    wait for reads and as many for writes. `activate_energy` is one row opened and closed, `refresh_energy` one
    refresh of a rank, `background` drawn by a rank all the time; energies per bit are of the die and, `_io`, of the
    wires. `area` is the controller on the chip.
    """

    about: ClassVar[frozenset[str]] = frozenset({"kind", "preset"})
    kind: Literal["dram"]
    preset: PresetName | None = None
    channels: Count
    ranks: Annotated[int, Field(ge=1, le=16)]
    page_policy: Literal["open", "closed"]
    address_mapping: str
    queue_depth: Annotated[int, Field(ge=1, le=1024)]
    area: Area

    bus_width: Count
    burst_length: Count
    bank_groups: Annotated[int, Field(ge=1, le=64)]
    banks: Annotated[int, Field(ge=1, le=64)]
    rows: Annotated[int, Field(ge=1, le=2**24)]
    row_size: Bytes
    command_buses: Annotated[int, Field(ge=1, le=2)]

    tCK: Time
    nBL: Annotated[int, Field(ge=1, le=1024)]
    nCL: Clocks
    nCWL: Clocks
    nRCD: Clocks
    nRCDWR: Clocks
    nRP: Clocks
    nRPab: Clocks
    nRAS: Clocks
    nRC: Clocks
    nCCDS: Clocks
    nCCDL: Clocks
    nRRDS: Clocks
    nRRDL: Clocks
    nFAW: Clocks
    nWR: Clocks
    nWTRS: Clocks
    nWTRL: Clocks
    nRTP: Clocks
    nRTW: Clocks
    nCS: Clocks
    nRFC: Clocks
    nREFI: Annotated[int, Field(ge=1, le=10_000_000)]

    activate_energy: Energy
    read_energy: EnergyPerBit
    write_energy: EnergyPerBit
    read_io_energy: EnergyPerBit
    write_io_energy: EnergyPerBit
    refresh_energy: Energy
    background: Power

    @property
    def burst_bytes(self) -> int:
        """Bytes of one burst."""
        return self.bus_width * self.burst_length // 8

    @property
    def columns(self) -> int:
        """Bursts in a row."""
        return int(self.row_size) // self.burst_bytes

    @property
    def size(self) -> float:
        """Capacity of all channels, bytes."""
        banks = self.bank_groups * self.banks
        return float(self.channels * self.ranks * banks * self.rows * self.row_size)

    @property
    def bandwidth(self) -> float:
        """Peak bandwidth of all channels, bytes a second."""
        return self.channels * self.burst_bytes / (self.nBL * self.tCK)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of an address, the most significant first."""
        return mapping_fields(self.address_mapping)

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
