"""The description of a chip: what sets time, energy and area, each value with its source."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from twin.config.checks import Name, refusal
from twin.config.description import HEADER, Description
from twin.config.electricity import Ratio
from twin.config.interconnect import Cluster, NetworkOnChip, TileMapping
from twin.config.kinds import Buffer, Memory, Registers, TileLink
from twin.config.part import KeyPath, Part, dotted, leaves
from twin.config.power import PowerStates
from twin.config.quantity import (
    Area,
    Bandwidth,
    Bytes,
    Energy,
    EnergyPerBit,
    EnergyPerOp,
    FlopRate,
    Power,
    Rate,
    Resistance,
    Time,
    Voltage,
)
from twin.config.resources import suggestion
from twin.config.technology import Technology

STATUSES = {
    "S": "read in a primary source",
    "S2": "read in a secondary source",
    "L": "measured with the twin",
    "D": "derived",
    "M": "from memory, not verified",
    "assumption": "assumed",
}
SOURCE = re.compile(r"(S2|S|L|D|M|assumption): \s*\S.*", re.DOTALL)

Lines = Annotated[int, Field(ge=1, le=1_000_000)]
Steps = Annotated[int, Field(ge=0, le=2**24)]
Place = Literal["registers", "buffer", "memory", "auto"]
Rows = Annotated[int, Field(ge=0, le=1_000_000)]
# Younger than the first chips of schema 1: at their defaults nothing is placed, fetched, rounded or drawn.
OPTIONAL = frozenset(
    {
        *(f"placement.{key}" for key in ("pulses", "pulse_word", "prefetch_h", "prefetch_input", "h_rounding")),
        "tile.io.w_noise",
        "tile.io.inp_noise",
    }
)
LONGEST_FIXED = 16  # bits: what float32 arithmetic rounds without an error of its own
FLOAT_BITS = 32


class Converter(Part):
    """The analog-to-digital converters of one side of a tile, which take turns over its lines."""

    about: ClassVar[frozenset[str]] = frozenset({"preset"})
    preset: Name | None = None
    """A named converter, whose values the other keys replace."""
    count: Annotated[int, Field(ge=1, le=1_000_000)]
    """Converters of one side."""
    rate: Rate
    """Conversions a second of one converter."""
    energy: Energy
    """Energy of one conversion."""
    area: Area
    """Silicon of one converter."""


class Direction(Part):
    """What mat-vecs of one direction convert otherwise than forward ones; what is left out is as in forward ones."""

    inp_res: Steps | None = None
    """Steps of the input converter from -1 to 1, an even count; 0: no rounding."""
    out_res: Steps | None = None
    """Steps of the output converter from -out_bound to out_bound, an even count; 0: no rounding."""
    out_bound: Annotated[float, Field(ge=0, le=1e6)] | None = None
    """Largest output before conversion, in units of the normalised output; 0: no bound."""
    out_noise: Annotated[float, Field(ge=0, le=1e3)] | None = None
    """Standard deviation of the noise of every output line, in units of the normalised output."""
    w_noise: Annotated[float, Field(ge=0, le=1e3)] | None = None
    """Standard deviation of the noise of every weight, drawn anew for every mat-vec, in weights of devices."""
    inp_noise: Annotated[float, Field(ge=0, le=1e3)] | None = None
    """Standard deviation of the noise of every input line behind its converter, in units of the normalised input."""
    noise_management: Literal["abs_max", "none"] | None = None
    """Divide the inputs of a mat-vec by the largest of them and multiply the outputs by it ("abs_max"), or do not."""


class InputOutput(Part):
    """The numerics of inputs and outputs, in aihwkit's names; 0 turns a non-ideality off."""

    inp_res: Steps
    """Steps of the input converter from -1 to 1, an even count (126 = 2^7 - 2); 0: no rounding."""
    out_res: Steps
    """Steps of the output converter from -out_bound to out_bound, an even count (510 = 2^9 - 2); 0: no rounding."""
    out_bound: Annotated[float, Field(ge=0, le=1e6)]
    """Largest output before conversion, in units of the normalised output; 0: no bound."""
    out_noise: Annotated[float, Field(ge=0, le=1e3)]
    """Standard deviation of the noise of every output line, in units of the normalised output."""
    w_noise: Annotated[float, Field(ge=0, le=1e3)] = 0.0
    """Standard deviation of the noise of every weight, drawn anew for every mat-vec, in weights of devices."""
    inp_noise: Annotated[float, Field(ge=0, le=1e3)] = 0.0
    """Standard deviation of the noise of every input line behind its converter, in units of the normalised input; lines
    at rest have it too.
    """
    noise_management: Literal["abs_max", "none"]
    """Divide the inputs of a mat-vec by the largest of them and multiply the outputs by it ("abs_max"), or do not."""
    bound_management: Literal["iterative", "none"]
    """Halve the inputs and repeat a mat-vec whose outputs reach the bound ("iterative"): forward and in read-outs."""
    bound_management_backward: Literal["iterative", "none"] = "none"
    """Halve and repeat backward mat-vecs too ("iterative"), which neither Gokmen 2017 nor aihwkit does."""
    max_bm_factor: Annotated[int, Field(ge=1, le=2**30)] = 1024
    """Largest factor by which the inputs are made smaller before bound management gives up."""
    backward: Direction | None = None
    """What backward mat-vecs have of their own."""
    transfer: Direction | None = None
    """What read-outs of A have of their own."""

    def of(self, direction: Literal["backward", "transfer"]) -> Self:
        """Return the io of a direction: that of forward mat-vecs with what the direction has of its own."""
        one: Direction | None = getattr(self, direction)
        if one is None:
            return self
        given = {key: getattr(one, key) for key in Direction.model_fields if key in one.model_fields_set}
        return self.model_copy(update={key: value for key, value in given.items() if value is not None})

    @model_validator(mode="after")
    def _both_ends_are_on_the_grid(self) -> Self:
        for at, own in self._directions():
            for key in ("inp_res", "out_res"):
                steps = own.get(key) or 0
                if steps % 2:
                    even = " or ".join(str(count) for count in (steps - 1, steps + 1) if count)
                    rule = f"must be even, as steps lie on both sides of 0; use {even}"
                    raise refusal((*at, key), rule)
        return self

    @model_validator(mode="after")
    def _converters_span_a_bound(self) -> Self:
        for at, own in self._directions():
            if own["out_res"] and not own["out_bound"]:
                raise refusal((*at, "out_res"), "needs out_bound above 0, the range that its steps divide")
        return self

    def _directions(self) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
        """Yield the values of every direction and where they stand."""
        own = dict(vars(self))
        yield (), own
        for name in ("backward", "transfer"):
            if own[name] is not None:
                yield (name,), own | {key: value for key, value in vars(own[name]).items() if value is not None}


class Tile(Part):
    """Crosspoint arrays behind one periphery."""

    rows: Lines
    """Output lines of one array."""
    cols: Lines
    """Input lines of one array."""
    integration_time: Time
    """Time in which one mat-vec drives its inputs and integrates its outputs."""
    conversion_overlap: bool
    """Let the converters work on one mat-vec while the next integrates."""
    pulse_time: Time
    """Time of one pulse slot of an update, for one sign."""
    sign_phases: Annotated[int, Field(ge=1, le=2)]
    """Times that a pulse slot is passed through: 2 where positive and negative changes take turns, else 1."""
    input_energy: Energy
    """Energy of one driven input line in one mat-vec."""
    pulse_energy: Energy
    """Energy of one pulse fired on a line."""
    coincidence_energy: Energy
    """Energy of one device that steps."""
    periphery_power: Power
    """What a tile draws while it reads or pulses."""
    read_voltage: Voltage
    """Full-scale voltage on an input line of a mat-vec."""
    mean_resistance: Resistance
    """Resistance of a device at weight 0."""
    on_off_ratio: Ratio
    """Largest to smallest conductance, at the ends of a device's range."""
    write_voltage: Voltage | None = None
    """Voltage across a device that steps; only a chip with a `technology` derives something from it."""
    write_resistance: Resistance | None = None
    """Resistance of the path through which a pulse writes; only a chip with a `technology` derives from it."""
    half_select: bool | None = None
    """Pulsed lines carry half of the write voltage each (true), or a transistor in each cell passes the whole where
    both lines are pulsed (false); only a chip with a `technology` derives from it.
    """
    array_area: Area
    """Silicon of one array of crosspoints."""
    line_area: Area
    """Silicon of the drivers of one row or column."""
    leakage: Power
    """What a tile draws all the time."""
    converter: Converter
    """The analog-to-digital converters behind the arrays."""
    io: InputOutput
    """What conversion, noise and bounds do to the numbers."""


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


class Placement(Part):
    """Where the streams live, and how wide a word of each is.

    "auto" takes the first of registers, buffer and memory with room.
    """

    h: Place
    """Where the digital matrices of transfers live: H, AGAD's references, chi."""
    activations: Place
    """Where activations wait for the next layer and the backward pass."""
    errors: Place
    """Where the errors of the backward pass live."""
    weights: Place
    """Where digital matrices live: W of the baseline, A and C of digital-shd."""
    pulses: Literal["drivers", "registers", "buffer", "memory", "auto"] = "drivers"
    """Where the pulse probabilities of an update live: "drivers", they go straight from the slice to the drivers beside
    it and are kept nowhere.
    """
    prefetch_h: Rows = 0
    """Rows of H that a layer fetches ahead into its registers; 0: none."""
    prefetch_input: Annotated[int, Field(ge=0, le=4096)] = 0
    """Samples that come from the host into the buffer while those before are under way; 1: double-buffered input."""
    h_word: Bytes
    """Size of one element of H, which also rounds it: 4 B is float32, up to 2 B are fixed point."""
    h_rounding: Literal["stochastic", "nearest"] = "stochastic"
    """How H in fixed point is rounded."""
    activation_word: Bytes
    """Size of one activation."""
    error_word: Bytes
    """Size of one error."""
    weight_word: Bytes
    """Size of one weight of the digital baseline."""
    input_word: Bytes
    """Size of one element of a sample as it comes from the host."""
    pulse_word: Bytes = 1.0
    """Size of one pulse probability, where `pulses` are kept somewhere."""

    @model_validator(mode="after")
    def _pulses_that_are_kept_have_a_width(self) -> Self:
        if vars(self)["pulses"] != "drivers" and "pulse_word" not in self.model_fields_set:
            raise refusal(("pulse_word",), 'is needed where pulses are placed, e.g. "1 B"')
        return self

    @model_validator(mode="after")
    def _h_words_are_kept_as_they_are_counted(self) -> Self:
        bits = 8 * vars(self)["h_word"]
        if bits != FLOAT_BITS and not (bits == round(bits) and 2 <= bits <= LONGEST_FIXED):
            raise refusal(("h_word",), 'must be "4 B" (float32) or whole bits up to "2 B" (fixed point), e.g. "1 B"')
        return self


def flatten_sources(table: Mapping[str, Any]) -> dict[str, Any]:
    """Accept ``tile.rows = "..."`` beside ``"tile.rows" = "..."``: nested tables become dotted keys.

    Without recursion, because a stranger's file may nest as deeply as it likes.
    """
    flat: dict[str, Any] = {}
    rest = list(table.items())[::-1]
    while rest:
        key, value = rest.pop()
        if isinstance(value, dict):
            rest += [(f"{key}.{below}", item) for below, item in list(value.items())[::-1]]
        else:
            flat[key] = value
    return flat


def _flat(value: Any) -> Any:
    return flatten_sources(value) if isinstance(value, dict) else value


SourceTable = Annotated[
    dict[str, str], BeforeValidator(_flat), Field(description='Who says so: dotted key to "STATUS: citation".')
]


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


def check_sources(sources: Mapping[str, str], known: set[str], kind: str) -> None:
    """Refuse a source of what is none of the `known` keys nor a table above one, and a source without a status."""
    tables = {key.rsplit(".", cut)[0] for key in known for cut in range(1, key.count(".") + 1)}
    for key, text in sources.items():
        at = ("sources", *key.split("."))
        if key not in known | tables:
            raise refusal(at, f"is no field of the {kind}{suggestion(key, known | tables)}")
        if not SOURCE.fullmatch(text):
            raise refusal(at, f'must begin with a status ({", ".join(STATUSES)}), e.g. "S: paper, table 2"')


def citable(description: Part) -> list[str]:
    """List the dotted keys of all fields that may have a source."""
    return [
        dotted(path)
        for path, owner, name, value in leaves(description)
        if len(path) > 1 and path[0] != "sources" and name not in owner.about and value is not None
    ]


def needing_sources(chip: Chip) -> list[str]:
    """List those of all fields that set time, energy, area or numerics: `mapping` is a choice, not a figure."""
    return [key for key in citable(chip) if not key.startswith("mapping.")]


def source_key(key: str, sources: Mapping[str, str]) -> str | None:
    """Find the entry that covers `key`: its own, or that of the nearest enclosing table."""
    while key not in sources:
        if "." not in key:
            return None
        key = key.rsplit(".", 1)[0]
    return key
