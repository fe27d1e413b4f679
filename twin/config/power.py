"""What parts of a chip draw beside their work, and what is switched off where it is not needed."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import refusal
from twin.config.part import Part
from twin.config.quantity import Area, Energy, Power, Time

Banks = Annotated[int, Field(ge=1, le=65_536)]
Share = Annotated[float, Field(ge=0, le=1)]
GATING = ("gate_after", "wake_time", "wake_energy", "gated")


class PartPower(Part):
    """What one of a kind of part draws while it is awake, and when it is switched off ("gated").

    The four keys of gating come together; without them the part is always awake.
    """

    clock: Power | None = None
    """What its clock takes while it is awake, in use or not."""
    gate_after: Time | None = None
    """Time without work after which it is switched off."""
    wake_time: Time | None = None
    """Time from the operation that finds it off until it serves that."""
    wake_energy: Energy | None = None
    """Energy of switching it off and on again."""
    gated: Share | None = None
    """Share of its leakage that is left while it is off (0 to 1)."""

    @model_validator(mode="after")
    def _gating_is_whole(self) -> Self:
        own = vars(self)
        given = [key for key in GATING if own[key] is not None]
        for key in GATING:
            if given and own[key] is None:
                raise refusal((key,), f"is missing beside {given[0]}; {', '.join(GATING)} come together")
        return self


class TilePower(PartPower):
    """What one tile draws while it is awake, and when it is gated."""

    idle: Share | None = None
    """Share of `tile.periphery_power` that flows while the tile is awake, in use or not; work adds the rest."""
    lines: Literal["all", "used"] | None = None
    """Which lines the rest of the periphery's power is charged for: "used", those that are driven, converted or pulsed;
    "all", every line of a tile at work, as without this key.
    """
    controller: Power | None = None
    """What the controller of a tile takes while it is awake."""
    controller_area: Area | None = None
    """Silicon of that controller."""


class StorePower(PartPower):
    """What one memory draws while it is awake, and how it is switched off."""

    banks: Banks | None = None
    """Equal banks that are switched one by one: those in which nothing is kept are off. 1: off unless something is
    kept; without it the whole memory is on.
    """


class PowerStates(Part):
    """What parts draw beside their work, and when they are off; without a table a part always draws its leakage."""

    tile: TilePower | None = None
    """Every tile: its periphery, converters, clock and controller."""
    digital: PartPower | None = None
    """Every digital unit, of which each tile gates its slice."""
    vector: PartPower | None = None
    """The vector unit of every chip, where there is one."""
    registers: PartPower | None = None
    """The registers of every tile, where built; what leaks while they are off keeps their words."""
    buffer: StorePower | None = None
    """The buffer of every chip, of which one bank is always on, as samples arrive there."""
    memory: StorePower | None = None
    """The memory of every chip; its refresh goes on while it is gated (power-down), but not in banks that are off."""
