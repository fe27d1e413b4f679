"""The description of a chip: what sets time, energy and area, each value with its source."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from twin.config.checks import refusal
from twin.config.description import HEADER, Description
from twin.config.interconnect import Cluster, NetworkOnChip, TileMapping
from twin.config.kinds import Buffer, Memory, Registers, TileLink
from twin.config.part import Part
from twin.config.placement import Placement
from twin.config.power import PowerStates
from twin.config.quantity import (
    Area,
    Bandwidth,
    EnergyPerBit,
    EnergyPerOp,
    FlopRate,
    Power,
    Time,
)
from twin.config.sources import STATUSES, SourceTable, check_sources, citable, source_key
from twin.config.technology import Technology
from twin.config.tile import Tile

# Younger than the first chips of schema 1: at their defaults nothing is placed, fetched, rounded or drawn.
OPTIONAL = frozenset(
    {
        *(f"placement.{key}" for key in ("pulses", "pulse_word", "prefetch_h", "prefetch_input", "h_rounding")),
        "tile.io.w_noise",
        "tile.io.inp_noise",
    }
)


class Digital(Part):
    """A digital unit shared by several tiles, each of which owns a slice of rate / tiles."""

    format: Literal["fp8", "fp16", "fp32"] | None = None
    """Format of all digital work, in place of `technology.arithmetic`: it sets rate, energy, area and leakage, and the
    words of activations, errors and weights. What was given together with it stays.
    """
    rate: FlopRate
    """Floating-point operations a second of one whole unit."""
    tiles: Annotated[int, Field(ge=1, le=1_000_000)]
    """Tiles that share one unit."""
    energy: EnergyPerOp
    """Energy of one floating-point operation."""
    area: Area
    """Silicon of one unit."""
    leakage: Power
    """What one unit draws all the time."""


class Vector(Part):
    """A vector unit beside the buffer of a chip, for the work of nodes without a matrix.

    Attention, norms, softmax, sums, forward and back; their words then pass no link of a tile.
    """

    rate: FlopRate
    """Floating-point operations a second."""
    energy: EnergyPerOp
    """Energy of one floating-point operation."""
    area: Area
    """Silicon of the unit."""
    leakage: Power
    """What the unit draws all the time."""


class Host(Part):
    """The link over which training samples arrive."""

    bandwidth: Bandwidth
    """Bytes a second."""
    latency: Time
    """Time until the first byte of a sample arrives."""
    energy: EnergyPerBit
    """Energy of one bit moved."""


class System(Part):
    """Several such chips, each with one port to the others.

    A network that is only timed and that one chip cannot hold is placed on as many as it takes, every block on chips of
    its own.
    """

    tiles: Annotated[int, Field(ge=1, le=1_000_000)]
    """Tiles on each chip."""
    bandwidth: Bandwidth
    """Bytes a second through a chip's port."""
    latency: Time
    """Time until the first byte of a transfer to another chip arrives."""
    energy: EnergyPerBit
    """Energy of one bit moved between chips."""
    area: Area
    """Silicon of one port."""
    leakage: Power
    """What one port draws all the time."""


class Chip(Description):
    """A chip: one design of tile, the digital units beside the tiles, buffer, memory, links and host.

    Without a `network` every tile has a link of its own to buffer and memory.
    """

    model_config = ConfigDict(defer_build=True)  # kinds of memories and links are found when the first chip is read
    about: ClassVar[frozenset[str]] = HEADER | {"sources"}
    kind: Literal["chip"]
    """Says that this file describes a chip."""
    technology: Technology | None = None
    """What the values that the chip leaves out are derived from."""
    tile: Tile
    """The tile, of which a network takes as many as it needs."""
    digital: Digital
    """The digital unit beside the tiles: activations, update management, H."""
    vector: Vector | None = None
    """A vector unit for nodes without a matrix; without it the slices beside the tiles do their work."""
    buffer: Buffer
    """The memory on the chip (SRAM)."""
    memory: Memory
    """The memory off the chip: a plain channel, or a DRAM with banks."""
    link: TileLink
    """What joins each tile to the rest of the chip."""
    registers: Registers | None = None
    """The register file of each tile, beside its slice of the digital unit; built where something is placed there."""
    host: Host
    """Where training samples come from."""
    placement: Placement
    """Which memory each stream lives in, and how wide its words are."""
    network: NetworkOnChip | None = None
    """A network between tiles and memories; without it every tile has a link of its own to buffer and memory."""
    cluster: Cluster | None = None
    """Several chips of a stated number, joined at their routers."""
    mapping: TileMapping = TileMapping()
    """In which order, how packed and how often layers lie on tiles."""
    system: System | None = None
    """How chips are joined where a network that is only timed takes several."""
    power: PowerStates | None = None
    """What parts draw beside their work, and what is switched off."""
    sources: SourceTable

    @model_validator(mode="after")
    def _a_cluster_joins_networks(self) -> Self:
        own = vars(self)
        if own["cluster"] is not None:
            if own["network"] is None:
                raise refusal(("cluster",), "needs a [network], whose router `gate` joins the chip to others")
            own["network"].refuse_unknown(vars(own["cluster"])["gate"], ("cluster", "gate"))
        return self

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        """Refuse what the cost model does not describe yet."""
        own = vars(self)
        copied = any(copies > 1 for copies in vars(own["mapping"])["replicate"])
        if own["network"] is not None or copied:
            placement = vars(own["placement"])
            for key in (name for name, place in placement.items() if place in {"registers", "auto"}):
                if own["registers"] is not None or placement[key] == "registers":
                    rule = "is not described together with a [network] or copies of arrays; use buffer or memory"
                    raise refusal(("placement", key), rule)
        return self

    @model_validator(mode="after")
    def _a_vector_unit_is_fed_by_buffer_and_memory(self) -> Self:
        """Refuse registers of tiles as a place of what the unit works on."""
        own, placement = vars(self), vars(vars(self)["placement"])
        for key in ("activations", "errors", "weights") if own["vector"] is not None else ():
            if placement[key] in {"registers", "auto"}:
                raise refusal(("placement", key), "is not described together with a [vector]; use buffer or memory")
        return self

    @model_validator(mode="after")
    def _a_format_needs_a_technology(self) -> Self:
        if vars(vars(self)["digital"])["format"] is not None and vars(self)["technology"] is None:
            raise refusal(("digital", "format"), "needs a [technology], from which its rate and energy are derived")
        return self

    @model_validator(mode="after")
    def _all_values_have_sources(self) -> Self:
        """Refuse a value without a source, a source without a value, and a source without a status."""
        sources = vars(self)["sources"]
        check_sources(sources, set(citable(self)), "chip")
        for key in needing_sources(self):
            if key not in OPTIONAL and source_key(key, sources) is None:
                rule = f'has no source; add to [sources]: {key} = "S: ..." (status {", ".join(STATUSES)})'
                raise refusal(tuple(key.split(".")), rule)
        return self


def needing_sources(chip: Chip) -> list[str]:
    """List those of all fields that set time, energy, area or numerics: `mapping` is a choice, not a figure."""
    return [key for key in citable(chip) if not key.startswith("mapping.")]
