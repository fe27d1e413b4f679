"""The devices of a workload: a preset by name, and what replaces its parameters."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from twin.config.checks import Identifier, Name, refusal
from twin.config.part import Part
from twin.config.resources import misspelt, suggestion
from twin.descriptions.resolved import toml_text
from twin.errors import TwinError

Described = Annotated[str, Field(description="File that the parameters were read from; written by the twin.")]
Overrides = Annotated[
    dict[str, Any], Field(description="Parameters of the device family that replace those of the preset.")
]

LONGEST = 40
"""Characters in which the name of a device may list what was changed of its preset."""


class _DeviceTable(Part):
    """A table in which a preset's name and the parameters that replace the preset's stand together.

    A `file` is read here, so that its values become part of the workload, and what is resolved or resumed does not
    depend on it any more; its name stays in `described`.
    """

    about: ClassVar[frozenset[str]] = frozenset({"described"})

    @model_validator(mode="before")
    @classmethod
    def _gather_overrides(cls, table: Any) -> Any:
        if not isinstance(table, dict):
            return table
        if "preset" not in table:
            wrong = misspelt("preset", table)
            if wrong is not None:
                raise refusal((wrong,), f"unknown key{suggestion(wrong, ['preset'])}")
        own = {key: value for key, value in table.items() if key in cls.model_fields and key != "overrides"}
        overrides = {key: value for key, value in table.items() if key not in own}
        if isinstance(overrides.get("file"), str):
            own["described"] = overrides.pop("file")
            overrides = _described(own["described"]) | overrides
        return {**own, "overrides": overrides}


class MatrixDevice(_DeviceTable):
    """The devices of one matrix of the algorithm, where they differ from the others.

    With a `preset` these are that preset's with `overrides`; without, the workload's with `overrides` on top.
    """

    preset: Name | None = None
    """A device preset in place of the workload's; without it, the workload's devices with `overrides` on top."""
    described: Described = ""
    overrides: Overrides = Field(default_factory=dict)


class Device(_DeviceTable):
    """A device preset by name, and the parameters that replace the preset's.

    In TOML both stand in one table: ``device = {preset = "gokmen-60", dw_min = 0.01}``.
    """

    preset: Name
    """The device preset whose parameters hold where no other is given."""
    described: Described = ""
    overrides: Overrides = Field(default_factory=dict)
    matrices: dict[Identifier, MatrixDevice] = Field(default_factory=dict)
    """Matrix of the algorithm (W, A, C) to devices of its own: ``matrices.C = {preset = "ecram"}``."""

    def keys(self, before: str) -> list[str]:
        """Return the dotted keys of all parameters that replace others, `before` before each."""
        own = [f"{before}{key}" for key in vars(self)["overrides"]]
        for name, one in vars(self)["matrices"].items():
            own += [f"{before}matrices.{name}.{key}" for key in vars(one)["overrides"]]
        return own

    def of(self, matrix: str) -> tuple[str, dict[str, Any]]:
        """Return preset and overrides of the devices of a matrix."""
        own = self.matrices.get(matrix)
        if own is None:
            return self.preset, self.overrides
        if own.preset is not None:
            return own.preset, own.overrides
        return self.preset, self.overrides | own.overrides

    def label(self, matrices: Iterable[str]) -> str:
        """Name the devices, and those of matrices that have others, e.g. ``"gokmen-60 (dw_min 0.01), C: ecram"``.

        Behind the preset stands the file that describes the device, or what was changed.
        """
        whole = _named(self.preset, self.overrides, self.described)
        others = {}
        for name in sorted(matrices):
            own = self.matrices.get(name)
            others[name] = _named(*self.of(name), described=own.described if own else self.described)
        return ", ".join([whole, *(f"{name}: {other}" for name, other in others.items() if other != whole)])


def _named(preset: str, overrides: Mapping[str, Any], described: str) -> str:
    """Name a device by its preset and the file or the few parameters that make it another."""
    if described:
        return f"{preset} ({Path(described).name})"
    if not overrides:
        return preset
    few = ", ".join(f"{key} {toml_text(value)}" for key, value in overrides.items())
    return f"{preset} ({few if len(few) <= LONGEST else f'{len(overrides)} parameters changed'})"


def _described(path: str) -> dict[str, object]:
    from twin.devices.presets import read_description  # noqa: PLC0415 - devices import NumPy

    try:
        return read_description(path)
    except TwinError as error:
        raise refusal(("file",), f"must name a device description: {error}") from error
