"""What a chip with a technology takes from the devices on its arrays: resistance, voltages, pulse width."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twin.config.electricity import ELECTRICITY
from twin.config.loaded import Loaded
from twin.config.origins import Draft, show_value
from twin.config.part import dimension_of
from twin.config.tile import Tile
from twin.descriptions.cited import of_constant
from twin.errors import TwinError

if TYPE_CHECKING:
    from twin.devices.family import DeviceFamily

DERIVED = "derived "
"""How the origin of every derived value begins."""
TAKEN = f"{DERIVED}from device "


@dataclass(frozen=True)
class Devices:
    """The electrical side of the devices that a run has on its arrays.

    Attributes
    ----------
    name : str
        The preset, and what of its electrical side was changed.
    stated : tuple of (str, float or bool, str)
        Key, value in SI units, and ``"STATUS: source"``.
    changed : tuple of str
        Keys that the workload sets.
    others : tuple of str
        Matrices whose devices have another electrical side.
    """

    name: str
    stated: tuple[tuple[str, float | bool, str], ...]
    changed: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def of_preset(name: str, overrides: Mapping[str, Any] = {}, cited: Mapping[str, str] = {}) -> Devices:
    """Return the electrical side of a preset with overrides, of which `cited` has the sources; raises as the preset."""
    from twin.devices.presets import describe, device_preset  # noqa: PLC0415 - devices import NumPy

    stated, family = describe(name), device_preset(name, overrides)
    changed = tuple(key for key in ELECTRICITY if key in overrides)
    found = tuple(
        (key, value, cited[key] if key in cited else ": ".join(stated.cited(key)))
        for key, value in _electricity(family).items()
        if value is not None
    )
    own = ", ".join(f"{key} {show_value(overrides[key])}" for key in changed)
    return Devices(f"{name} ({own})" if own else name, found, changed)


def of_workload(workload: Loaded[Any], matrices: Sequence[str] = (), rule: int = -1) -> Devices | None:
    """Return the electrical side of a workload's devices, or of those of a rule; None where it has none.

    `matrices` are those of the algorithm, of which those with other devices are named.
    """
    of = vars(workload.model) if rule < 0 else vars(vars(workload.model)["rules"][rule])
    if of.get("device") is None:
        return None
    device = of["device"].model_copy(deep=True)  # whether a run reads it does not depend on this
    from twin.devices.presets import device_preset  # noqa: PLC0415 - devices import NumPy

    preset, overrides = device.preset, device.overrides
    given, at = vars(workload.model)["sources"], "device" if rule < 0 else f"rules.{rule}.device"
    cited = {key: of_constant(f"{at}.{key}", given, workload.origins) for key in ELECTRICITY if key in overrides}
    found = of_preset(preset, overrides, cited)
    whole = _electricity(device_preset(preset, overrides))
    others = [name for name in matrices if _electricity(device_preset(*device.of(name))) != whole]
    return Devices(found.name, found.stated, found.changed, tuple(others))


def of_preset_in(draft: Draft, name: Any) -> Devices:
    """Return the electrical side of ``technology.device``; raises TwinError where no preset has this name."""
    try:
        return of_preset(name)
    except TwinError as error:
        rule = str(error).removeprefix(f"device preset {name!r}: ")
        raise TwinError(draft.message(("technology", "device"), rule, name)) from error


def _electricity(family: "DeviceFamily") -> dict[str, Any]:
    return {key: vars(family)[key] for key in ELECTRICITY}


def take(draft: Draft, devices: Devices | None, number: Callable[[str], float | None]) -> tuple[bool, tuple[str, ...]]:
    """Give a chip with a technology what its tile leaves out: of the run's devices, else of ``technology.device``.

    Parameters
    ----------
    draft : Draft
    devices : Devices or None
        Those of the run.
    number : callable
        Reads a value of the chip in SI units; None where it is absent or not as it must be.

    Returns
    -------
    renewed : bool
        Whether a resolved chip had the values of another device.
    notes : tuple of str
        Where the chip keeps values of its own, and which matrices have other devices.

    Raises
    ------
    TwinError
        Where there is no device, its preset is unknown, or voltages would write what is not to be written.
    """
    tile, stated = draft.data.get("tile"), draft.data["technology"].get("device")
    if not isinstance(tile, dict):
        return False, ()
    offered: dict[str, tuple[float | bool, str, str]] = {}
    for one in (of_preset_in(draft, stated) if stated else None, devices):
        if one is None:
            continue
        found = {key: (value, source, f"{TAKEN}{one.name}") for key, value, source in one.stated}
        if "mean_resistance" in found:  # two terminals, unless the same device says otherwise
            offered.pop("write_resistance", None)
        offered |= found
    renewed = draft.is_resolved and _drop_other(draft, tile, offered)
    kept = [key for key in ELECTRICITY if key in tile]
    for key, (value, source, origin) in offered.items():
        if key not in tile:
            dimension = dimension_of(Tile.model_fields[key])
            draft.fill(tile, ("tile", key), f"{value!r} {dimension.unit}" if dimension else value, source, origin)
    if "write_voltage" in offered:
        _check_voltages(draft, offered["write_voltage"][0], number)
    return renewed, tuple(_notes(draft, devices, kept, number)) if devices else ()


def _drop_other(draft: Draft, tile: dict[str, Any], offered: Mapping[str, tuple[float | bool, str, str]]) -> bool:
    """Forget what a resolved chip took from another device."""
    taken = {key: draft.origin(("tile", key)) for key in ELECTRICITY if key in tile}
    ours = {key: origin for key, (_, _, origin) in offered.items()}
    stale = [key for key, origin in taken.items() if origin.startswith(TAKEN) and origin != ours.get(key)]
    for key in stale:
        del tile[key]
    return bool(stale)


def _notes(draft: Draft, devices: Devices, kept: Sequence[str], number: Callable[[str], float | None]) -> Iterator[str]:
    said = {key: value for key, value, _ in devices.stated}
    own = [key for key in kept if not draft.origin(("tile", key)).startswith(DERIVED)]
    absent = [key for key in ELECTRICITY if key not in said and key not in own and key != "write_resistance"]
    if absent:
        yield f"device {devices.name}: says nothing of {', '.join(absent)}; the chip's technology.device does"
    other = [key for key in own if key in said and number(f"tile.{key}") not in {None, said[key]}]
    if other:
        keys = ", ".join(f"tile.{key}" for key in other)
        yield f"chip.{keys}: the chip has its own, not that of the device {devices.name}"
    if devices.others:
        yield (
            f"device.matrices.{devices.others[0]}: has other resistances, voltages or pulses than {devices.name}; time "
            "and energy of all tiles are those of the latter"
        )


def _check_voltages(draft: Draft, limit: float, number: Callable[[str], float | None]) -> None:
    """Refuse voltages of a chip that write where a device, which steps at `limit`, is read or half-selected."""
    read, write, half = (number(f"tile.{key}") for key in ("read_voltage", "write_voltage", "half_select"))
    if read is not None and read > limit:
        rule = f"is above the {limit:g} V at which the device steps, so that reading would write"
        raise TwinError(draft.message(("tile", "read_voltage"), rule, f"{read:g} V"))
    if half and write is not None and write / 2 >= limit:
        rule = f"half of it is not below the {limit:g} V at which the device steps: lower it, or half_select = false"
        raise TwinError(draft.message(("tile", "write_voltage"), rule, f"{write:g} V"))
