"""Classes of aihwkit: what their fields are where a text does not say so, presets included."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from twin.imports.aihwkit.syntax import Call, Reader, Value

NAMED = re.compile(r"(TikiTaka|ChoppedTTv2|TTv2|AGAD|MixedPrecision|)([A-Za-z]+?)([24]?)Preset")
FIELDS = frozenset({"is", "twin"})
"""Keys of our tables that are no fields of aihwkit's."""
UNMANAGED = "PresetIOParameters(noise_management=NoiseManagementType.NONE, bound_management=BoundManagementType.NONE)"
PULSED_ONCE = "PresetUpdateParameters(desired_bl=1, update_bl_management=False, update_management=False)"
MANAGED = {"forward": "PresetIOParameters()", "backward": "PresetIOParameters()"}

Table = dict[str, Any]


@cache
def _tables(name: str) -> dict[str, Table]:
    text = files("twin.imports.aihwkit").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _table(name: str) -> Table | None:
    """Return the table of a class or preset; None where no class has this name."""
    return _tables("classes").get(name) or _tables("presets").get(name) or _composed(name)


@cache
def _composed(name: str) -> Table | None:
    """Return a preset whose name says what it is made of, e.g. ``TTv2ReRamESPreset``."""
    found = NAMED.fullmatch(name)
    if found is None:
        return None
    kind, device, count = found.groups()
    rows = _tables("compounds")[kind or ("vector" if count else "single")]
    if not isinstance(rows.get(device), dict) or device == "shared" or (kind and count):
        return None
    cell = "PCMPresetUnitCell()" if device == "PCM" else f"{device}PresetDevice()"
    if kind == "MixedPrecision":
        return MANAGED | {"is": "DigitalRankUpdateRPUConfig", "device": f"MixedPrecisionCompound(device={cell})"}
    if count:
        cells = ", ".join([cell] * int(count))
        policy = "update_policy=VectorUnitCellUpdatePolicy.SINGLE_RANDOM"
        made = f"VectorUnitCell(unit_cell_devices=[{cells}], {policy})"
        return MANAGED | {"is": "UnitCellRPUConfig", "device": made}
    if not kind:
        return MANAGED | {"is": "UnitCellRPUConfig" if device == "PCM" else "SingleRPUConfig", "device": cell}
    own = dict(rows[device])
    pulses = own.pop("bl")
    cell = cell.replace("()", "(subtract_symmetry_point=True)") if device == "ReRamSB" else cell
    fields = {
        "unit_cell_devices": f"[{cell}, {cell}]",
        "transfer_forward": UNMANAGED,
        "transfer_update": rows.get("transfer_update", PULSED_ONCE),
        **rows["shared"],
        **own,
    }
    made = f"{rows['compound']}({', '.join(f'{key}={value}' for key, value in fields.items())})"
    return MANAGED | {"is": "UnitCellRPUConfig", "device": made, "update": f"UpdateParameters(desired_bl={pulses})"}


def preset_names() -> Iterator[str]:
    """Yield the names of all presets of whole configurations."""
    for name in _tables("presets"):
        if "InferenceRPUConfig" in ancestors(name):
            yield name
    for kind, rows in _tables("compounds").items():
        for device in rows:
            if isinstance(rows[device], dict) and device != "shared":
                prefix = "" if kind in {"single", "vector"} else kind
                yield from (f"{prefix}{device}{count}Preset" for count in (("2", "4") if kind == "vector" else ("",)))


@cache
def class_names(above: str = "") -> tuple[str, ...]:
    """Return the names of all classes and presets; of those below a class where one is named."""
    known = (*_tables("classes"), *_tables("presets"), *preset_names())
    return tuple(name for name in dict.fromkeys(known) if not above or above in ancestors(name))


@cache
def ancestors(name: str) -> tuple[str, ...]:
    """Return a class and those above it, from itself upwards; empty where it is not known."""
    table = _table(name)
    return (name, *(ancestors(table["is"]) if "is" in table else ())) if table is not None else ()


@cache
def twin_presets() -> dict[str, str]:
    """Return the device presets of the twin that have the values of a preset of aihwkit, by its name."""
    return {name: table["twin"] for name, table in _tables("presets").items() if "twin" in table}


@cache
def usual(name: str, *, presets: bool = True) -> Mapping[str, Value]:
    """Return the fields of a class with their defaults; without `presets`, those of the class that a preset is of."""
    table = _table(name) or {}
    above = usual(table["is"], presets=presets) if "is" in table else {}
    if not presets and name not in _tables("classes"):
        return above
    return {**above, **{key: _value(value) for key, value in table.items() if key not in FIELDS}}


def _value(value: Any) -> Value:
    if not isinstance(value, str):
        return value  # type: ignore[no-any-return]
    given: Call = Reader("classes.toml").read(f"Of(value={value})")
    return given.fields["value"].value
