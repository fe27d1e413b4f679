"""The electrical side of a crosspoint device, as device presets state it and tiles of a chip take it."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from twin.config.checks import refusal
from twin.config.part import Part
from twin.config.quantity import Resistance, Time, Voltage

Ratio = Annotated[float, Field(gt=1, le=1e6)]


class Electricity(Part):
    """What a device's conduction, reading and writing take; a chip with a technology derives its tile from it."""

    mean_resistance: Resistance | None = None
    """Resistance of a device at weight 0."""
    on_off_ratio: Ratio | None = None
    """Largest to smallest conductance, at the ends of a device's range."""
    read_voltage: Voltage | None = None
    """Full-scale voltage on an input line of a mat-vec."""
    write_voltage: Voltage | None = None
    """Voltage across a device that steps."""
    write_resistance: Resistance | None = None
    """Resistance of the path through which a pulse writes; without it two terminals, and so `mean_resistance`."""
    half_select: bool | None = None
    """Pulsed lines carry half of the write voltage each, which every device on them conducts (true), or a transistor in
    each cell passes the whole where both of its lines are pulsed and nothing elsewhere (false).
    """
    pulse_time: Time | None = None
    """Time of one pulse slot of an update, for one sign."""

    @model_validator(mode="after")
    def _reading_does_not_write(self) -> Self:
        read, write = (vars(self)[key] for key in ("read_voltage", "write_voltage"))
        if read is not None and write is not None and read > write:
            raise refusal(("read_voltage",), f"must be at most write_voltage (= {write:g} V), or reading would write")
        return self


ELECTRICITY = tuple(Electricity.model_fields)
