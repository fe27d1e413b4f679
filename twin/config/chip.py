"""The description of a chip: what sets time, energy and area, each value with its source."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from twin.config.checks import Name, refusal
from twin.config.description import HEADER, Description
from twin.config.dram import Dram
from twin.config.interconnect import Cluster, NetworkOnChip, TileMapping
from twin.config.part import Part, dotted, leaves
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
# Younger than the first chips of schema 1: at their defaults nothing is placed, fetched or rounded.
OPTIONAL = frozenset({"placement.pulses", "placement.pulse_word", "placement.prefetch_h", "placement.h_rounding"})
LONGEST_FIXED = 16  # bits: what float32 arithmetic rounds without an error of its own
FLOAT_BITS = 32


class Converter(Part):
    """The analog-to-digital converters of one side of a tile.

    `count` converters at `rate` take turns over the lines of a side; `energy` is per conversion, `area` each.
    """

    about: ClassVar[frozenset[str]] = frozenset({"preset"})
    preset: Name | None = None
    count: Annotated[int, Field(ge=1, le=1_000_000)]
    rate: Rate
    energy: Energy
    area: Area


class InputOutput(Part):
    """The numerics of inputs and outputs, in aihwkit's names; 0 turns a non-ideality off.

    `inp_res` and `out_res` are even counts of steps (126 = 2^7 - 2). Bound management repeats a mat-vec whose outputs
    reach the bound: forward and in read-outs by `bound_management`, backward by `bound_management_backward` (neither
    Gokmen 2017 nor aihwkit does). `out_bound` and `out_noise` are in
    units of the normalised output.
    """

    inp_res: Steps
    out_res: Steps
    out_bound: Annotated[float, Field(ge=0, le=1e6)]
    out_noise: Annotated[float, Field(ge=0, le=1e3)]
    noise_management: Literal["abs_max", "none"]
    bound_management: Literal["iterative", "none"]
    bound_management_backward: Literal["iterative", "none"] = "none"
    max_bm_factor: Annotated[int, Field(ge=1, le=2**30)] = 1024

    @model_validator(mode="after")
    def _both_ends_are_on_the_grid(self) -> Self:
        for key in ("inp_res", "out_res"):
            steps = vars(self)[key]
            if steps % 2:
                even = " or ".join(str(count) for count in (steps - 1, steps + 1) if count)
                rule = f"must be even, as steps lie on both sides of 0; use {even}"
                raise refusal((key,), rule)
        return self

    @model_validator(mode="after")
    def _converters_span_a_bound(self) -> Self:
        own = vars(self)
        if own["out_res"] and not own["out_bound"]:
            raise refusal(("out_res",), "needs out_bound above 0, the range that its steps divide")
        return self


class Tile(Part):
    """Crosspoint arrays behind one periphery.

    `rows` are output lines and `cols` input lines of one array. With `conversion_overlap` the converters
    work on one mat-vec while the next integrates. `mean_resistance` belongs
    to weight 0 and `on_off_ratio` to the ends of a device's range. `input_energy` is per driven line and mat-vec,
    `pulse_energy` per pulse fired on a line, `coincidence_energy` per device step, `periphery_power` drawn
    while reading or pulsing, `array_area` one array of crosspoints, `line_area` per row and per column.
    """

    rows: Lines
    cols: Lines
    integration_time: Time
    conversion_overlap: bool
    pulse_time: Time
    sign_phases: Annotated[int, Field(ge=1, le=2)]
    input_energy: Energy
    pulse_energy: Energy
    coincidence_energy: Energy
    periphery_power: Power
    read_voltage: Voltage
    mean_resistance: Resistance
    on_off_ratio: Annotated[float, Field(gt=1, le=1e6)]
    array_area: Area
    line_area: Area
    leakage: Power
    converter: Converter
    io: InputOutput


class Digital(Part):
    """A digital unit shared by `tiles` tiles, each of which owns a slice of rate / tiles."""

    rate: FlopRate
    tiles: Annotated[int, Field(ge=1, le=1_000_000)]
    energy: EnergyPerOp
    area: Area
    leakage: Power


class Memory(Part):
    """A memory with one port."""

    size: Bytes
    bandwidth: Bandwidth
    latency: Time
    energy: EnergyPerBit
    area: Area
    leakage: Power


class Channel(Memory):
    """A memory as one channel whose transfers take bytes / bandwidth, wherever and whenever they are."""

    about: ClassVar[frozenset[str]] = frozenset({"kind"})
    kind: Literal["channel"] = "channel"


class Link(Part):
    """The link between a tile and the rest of the chip, one a tile; with a network, to its router."""

    bandwidth: Bandwidth
    latency: Time
    energy: EnergyPerBit
    area: Area
    leakage: Power


class Host(Part):
    """The link over which training samples arrive."""

    bandwidth: Bandwidth
    latency: Time
    energy: EnergyPerBit


class Registers(Memory):
    """The register file of one tile, beside its slice of the digital unit; built where something is placed there."""


class Placement(Part):
    """Where the streams live, and how wide a word of each is.

    "auto" takes the first of registers, buffer and memory with room. `pulses` are the pulse probabilities of an
    update: "drivers" says that they go straight from the slice to the drivers beside it and are kept nowhere.
    `prefetch_h` is how many rows of H a layer fetches ahead into its registers. `h_word` also rounds H: 4 B is
    float32, up to 2 B are fixed point, rounded by `h_rounding`.
    """

    h: Place
    activations: Place
    errors: Place
    weights: Place
    pulses: Literal["drivers", "registers", "buffer", "memory", "auto"] = "drivers"
    prefetch_h: Rows = 0
    h_word: Bytes
    h_rounding: Literal["stochastic", "nearest"] = "stochastic"
    activation_word: Bytes
    error_word: Bytes
    weight_word: Bytes
    input_word: Bytes
    pulse_word: Bytes = 1.0

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


SourceTable = Annotated[dict[str, str], BeforeValidator(_flat)]


class System(Part):
    """Several such chips: `tiles` on each, and one port a chip to the others.

    A timing-only workload that one chip cannot hold is placed on as many as it takes, every block on chips of its own.
    """

    tiles: Annotated[int, Field(ge=1, le=1_000_000)]
    bandwidth: Bandwidth
    latency: Time
    energy: EnergyPerBit
    area: Area
    leakage: Power


class Chip(Description):
    """A chip: one design of tile, the digital units beside the tiles, buffer, memory, links and host.

    Without a `network` every tile has a link of its own to buffer and memory.
    """

    about: ClassVar[frozenset[str]] = HEADER | {"sources"}
    kind: Literal["chip"]
    tile: Tile
    digital: Digital
    buffer: Memory
    memory: Annotated[Channel | Dram, Field(discriminator="kind")]
    link: Link
    registers: Registers | None = None
    host: Host
    placement: Placement
    network: NetworkOnChip | None = None
    cluster: Cluster | None = None
    mapping: TileMapping = TileMapping()
    system: System | None = None
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
