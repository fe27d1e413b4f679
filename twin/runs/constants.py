"""The values of descriptions as rows: value, unit, who says so, and where it was set."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from twin.config.electricity import ELECTRICITY
from twin.config.loaded import Loaded
from twin.config.origins import split
from twin.config.part import dimension_of, dotted, leaves
from twin.descriptions.cited import CONSTANTS, of_constant
from twin.descriptions.workload import Workload
from twin.results.result import Source

if TYPE_CHECKING:
    from twin.devices.family import DeviceFamily

OFF = "assumption: off, as the preset says nothing of it"


def description_rows(loaded: Loaded[Any]) -> list[Source]:
    """List every value of a loaded description with its unit, status, source and origin.

    Of a device this is every parameter of its family, not only those that the workload gives.
    """
    rows = []
    for path, owner, name, value in leaves(loaded.model):
        key = dotted(path)
        if key == "sources" or value is None or (isinstance(value, dict) and path[0] == "device"):
            continue
        if path[0] in CONSTANTS and name in owner.about:
            continue  # says where values come from, and is none
        if isinstance(value, dict):
            origin = loaded.origins.get(key, "")
            rows += [Source(f"{key}.{below}", plain(item), "", "", "", origin) for below, item in value.items()]
            continue
        rows.append(
            Source(key, *_shown(owner, name, value), *loaded.sources.get(key, ("", "")), loaded.origins.get(key, ""))
        )
        if key == "device.preset":
            rows += device_rows(loaded)
    return rows


def constants(loaded: Loaded[Any]) -> list[Source]:
    """List the values of a chip or a baseline that set time, energy, area or numerics, each with its source."""
    return [row for row in description_rows(loaded) if row.status]


def constants_of_run(loaded: Loaded[Any], algorithm: str, matrices: Iterable[str] = ()) -> list[Source]:
    """List the constants of a workload that a run of `algorithm` depends on, each with its source.

    Those of the electrical side of devices are listed by the chip that takes them.

    Parameters
    ----------
    loaded : Loaded
        A workload, or one that is timed only.
    algorithm : str
    matrices : iterable of str
        Those that the run keeps on devices.
    """
    needed = set(matrices)
    others = tuple(f"device.matrices.{name}." for name in _matrices(loaded) if name not in needed)
    if not needed:
        others += ("device.",)
    own = (f"algorithms.{algorithm}.", f"statistics.{algorithm}.")
    return [
        row
        for row in description_rows(loaded)
        if row.key.split(".")[0] in CONSTANTS
        and not row.key.startswith(others)
        and not (row.key.startswith("device.") and row.key.rpartition(".")[2] in ELECTRICITY)
        and (row.key.startswith(own) or not row.key.startswith(("algorithms.", "statistics.")))
    ]


def device_rows(loaded: Loaded[Workload]) -> Iterator[Source]:
    """Give the parameters of the workload's devices: of all matrices, then what is different for single ones."""
    for table, preset, overrides, only in _device_tables(loaded):
        yield from _parameters(loaded, table, preset, overrides, only)


def device_families(loaded: Loaded[Any]) -> Iterator[tuple[str, "DeviceFamily"]]:
    """Give the devices of every table of devices that a description has."""
    from twin.devices.presets import device_preset  # noqa: PLC0415 - devices import NumPy

    for table, preset, overrides, _ in _device_tables(loaded):
        yield table, device_preset(preset, overrides)


def _device_tables(loaded: Loaded[Any]) -> Iterator[tuple[str, str, Mapping[str, Any], Mapping[str, Any] | None]]:
    """Give every table of devices, its preset and overrides, and which of the parameters it sets if not all."""
    if "device" not in vars(loaded.model):
        return
    device = vars(vars(loaded.model)["device"])  # listing a value is not reading it
    preset, overrides = device["preset"], device["overrides"]
    yield "device", preset, overrides, None
    for name, one in device["matrices"].items():
        own = vars(one)["overrides"]
        if vars(one)["preset"] is not None:
            yield f"device.matrices.{name}", vars(one)["preset"], own, None
        else:
            yield f"device.matrices.{name}", preset, overrides | own, own


def _parameters(
    loaded: Loaded[Workload], table: str, preset: str, overrides: Mapping[str, Any], only: Mapping[str, Any] | None
) -> Iterator[Source]:
    from twin.devices.presets import describe, device_preset  # noqa: PLC0415 - devices import NumPy

    stated, family = describe(preset), device_preset(preset, overrides)
    values: dict[str, Any] = {"family": overrides.get("family", stated.family)}
    given = {name: value for name, value in vars(family).items() if value is not None}
    values |= dict(sorted(given.items(), key=lambda item: item[0] in ELECTRICITY))
    for name, value in values.items():
        if only is not None and name not in only:
            continue
        key = f"{table}.{name}"
        shown = _shown(family, name, value) if name != "family" else (plain(value), "")
        if name in overrides:
            cited = split(of_constant(key, vars(loaded.model)["sources"], loaded.origins))
            yield Source(key, *shown, *cited, loaded.origins.get(key, ""))
        elif name == "family" or name in stated.parameters:
            yield Source(key, *shown, *stated.cited(name), f"preset {preset}")
        else:
            yield Source(key, *shown, *split(OFF), "default")


def _matrices(loaded: Loaded[Any]) -> list[str]:
    device = vars(loaded.model).get("device")
    return list(vars(device)["matrices"]) if device is not None else []


def _shown(owner: Any, name: str, value: object) -> tuple[str, str]:
    """Give a field of a model as value and unit."""
    dimension = dimension_of(type(owner).model_fields[name])
    return dimension.pretty(value) if dimension and isinstance(value, float) else (plain(value), "")


def plain(value: object) -> str:
    """Show a value that has no unit of its own."""
    match value:
        case bool():
            return str(value).lower()
        case tuple() | list():
            return ", ".join(plain(item) for item in value)
        case dict():
            return ", ".join(f"{key} = {plain(item)}" for key, item in value.items())
        case _:
            return str(value).strip()


def split_quantity(value: object) -> tuple[str, str]:
    """Split a quantity into number and unit; anything else is a value without unit."""
    number, _, unit = plain(value).partition(" ")
    return (number, unit) if isinstance(value, str) and unit and number[0].isdigit() else (plain(value), "")
