"""The description of a tile: its arrays and the periphery that reads and pulses them."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import Name, refusal
from twin.config.electricity import Ratio
from twin.config.part import KeyPath, Part
from twin.config.quantity import Area, Energy, Power, Rate, Resistance, Time, Voltage

Lines = Annotated[int, Field(ge=1, le=1_000_000)]
Steps = Annotated[int, Field(ge=0, le=2**24)]


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
