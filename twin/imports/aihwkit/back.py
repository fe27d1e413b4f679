"""The way back: devices, io, update, algorithm and mapping of a workload as a configuration of aihwkit.

The tables are those of the import, read the other way.
"""

from collections.abc import Mapping
from math import ceil, floor, log2
from typing import Any, NamedTuple

from twin.config.chip import Chip
from twin.config.tile import InputOutput
from twin.descriptions.workload import Workload
from twin.devices.family import DeviceFamily
from twin.devices.presets import describe, device_preset
from twin.devices.registry import family_of
from twin.errors import TwinError
from twin.imports.aihwkit.algorithms import COMPOUNDS, granularity, share_of_fast
from twin.imports.aihwkit.classes import usual
from twin.imports.aihwkit.devices import FAMILIES, PAIR, PRESETS, PULSED
from twin.imports.aihwkit.inout import BOUND, NOISE, NOISES, PULSES, READ, largest_factor
from twin.imports.aihwkit.settings import same
from twin.imports.aihwkit.syntax import Call, Given

OF_COMPOUND = {algorithm: name for name, algorithm in COMPOUNDS.items()}
OF_PRESET = {preset: name for name, preset in PRESETS.items()}
ALGORITHMS = ("digital", "sgd", "mixed-precision", *reversed(OF_COMPOUND))
NOISY = ("mult_noise", "write_noise_std", "corrupt_devices_prob")
HALF = (*PAIR, "dw_min_std_add", "dw_min_std_slope", "reset", "reset_dtod", "reset_std")
REFRESH = ("refresh_upper_thres", "refresh_lower_thres", "refresh_every", "refresh_bl")
FIELDS = {family: (*PULSED, *fields, *NOISY) for family, _, fields in FAMILIES.values()}
FIELDS |= {"one-sided": (*HALF, *REFRESH), "ideal": ("dw_min",)}
"""Family to the fields that aihwkit has."""


class Devices(NamedTuple):
    """Devices of a matrix, as aihwkit has them.

    Attributes
    ----------
    family, equal : str
        The twin's, and the nearest that aihwkit has.
    model : DeviceFamily
        Of the family `equal`.
    preset : str
        Class of aihwkit's preset with these values; empty where there is none.
    """

    family: str
    equal: str
    model: DeviceFamily
    preset: str = ""

    def values(self) -> dict[str, Any]:
        """Return what aihwkit has of them."""
        found = {key: getattr(self.model, key) for key in FIELDS[self.equal]}
        if found.get("corrupt_devices_prob"):
            found["corrupt_devices_range"] = self.model.model_dump()["corrupt_devices_range"]
        return {key: list(value) if isinstance(value, tuple) else value for key, value in found.items()}


class Exported(NamedTuple):
    """A configuration, the rate of its optimiser (`AnalogSGD`), and the devices by matrix."""

    config: Call
    learning_rate: float
    devices: Mapping[str, Devices]


def made(name: str, **fields: Any) -> Call:
    """Make an object of what its class has of these fields and does not give by itself."""
    known = usual(name)
    given = {key: Given(value, 0) for key, value in fields.items() if key in known and not same(value, known[key])}
    return Call(name, 0, given)


def configuration(workload: Workload, chip: Chip, algorithm: str) -> Exported:
    """Make the configuration of a workload under an algorithm, with the io of a chip.

    Raises
    ------
    TwinError
        For an algorithm or devices without an equal.
    """
    if algorithm not in ALGORITHMS:
        rule = f"aihwkit has no equal of it; choose one of {', '.join(ALGORITHMS)}"
        raise TwinError(f"--algorithm (= {algorithm}): {rule}")
    table, io = getattr(workload.algorithms, algorithm.replace("-", "_")), chip.tile.io
    mapping = made("MappingParameter", digital_bias=workload.network.digital_bias)
    if algorithm == "digital":
        config = made("FloatingPointRPUConfig", device=made("FloatingPointDevice"), mapping=mapping)
        return Exported(config, table.learning_rate, {})
    names = ("A", "C") if algorithm in OF_COMPOUND else ("W",)
    devices = {name: nearest(*workload.device.of(name)) for name in names}
    cells = [_cell(one, workload, io) for one in devices.values()]
    if algorithm != "sgd" and any(one.equal == "ideal" for one in devices.values()):
        raise TwinError(
            "device.preset (= ideal): aihwkit's compounds are of pulsed devices; use sgd, or another device"
        )
    cell, kind = cells[0], "SingleRPUConfig"
    if algorithm in OF_COMPOUND:
        rate, cell = _compound(algorithm, table, cells, devices, io)
    else:
        rate = table.learning_rate
    if algorithm == "mixed-precision":
        own = {"transfer_every": table.transfer_every, "granularity": table.granularity}
        cell, kind = made("MixedPrecisionCompound", device=cell, **own), "DigitalRankUpdateRPUConfig"
        update = made("UpdateParameters", desired_bl=table.desired_bl)
    else:
        kind = "UnitCellRPUConfig" if "unit_cell_devices" in usual(cell.name) else kind
        update = _update(table.update)
    passes = {"forward": _io(io), "backward": _io(io.of("backward"), repeats=False)}
    return Exported(made(kind, mapping=mapping, device=cell, **passes, update=update), rate, devices)


def nearest(preset: str, overrides: Mapping[str, Any]) -> Devices:
    """Return devices in a family that aihwkit has.

    With an asymmetry factor of 0 or 1 they have constant steps or soft bounds and nothing else. Where slopes are drawn
    and not bounds (Gokmen 2021), bounds are drawn with their spread.

    Raises
    ------
    TwinError
        For a family of a plug-in.
    """
    usual_family, model = describe(preset).family, device_preset(preset, overrides)
    family = str(overrides.get("family", usual_family))
    if family in FIELDS:
        return Devices(family, family, model, OF_PRESET.get(preset, "") if family == usual_family else "")
    own = model.model_dump()
    if family == "asymmetry-factor":
        factor = own["asymmetry_factor"]
        equal = "soft-bounds" if factor else "constant-step"
        own["dw_min"] *= factor or 1.0
        given = equal if factor in {0, 1} else family
    elif family == "slope-soft-bounds":
        equal, given = "soft-bounds", family
        bound, spread = 1 / own["slope"], own["slope_dtod"]
        own |= {"w_max": bound, "w_min": -bound, "w_max_dtod": spread, "w_min_dtod": spread}
    else:
        raise TwinError(f"device.family (= {family}): aihwkit has no equal of it; choose one of {', '.join(FIELDS)}")
    known = family_of(equal)
    fields = {key: value for key, value in own.items() if key in known.model_fields}
    return Devices(given, equal, known.model_construct(**fields))


def _cell(one: Devices, workload: Workload, io: InputOutput) -> Call:
    """Make a device, or the cell of a one-sided pair."""
    if one.equal == "ideal":
        return made("IdealDevice")
    own = one.values() | {"count_pulses": workload.training.endurance, "lifetime": 0.0, "lifetime_dtod": 0.0}
    if one.equal == "one-sided":
        half = made(one.preset or "ExpStepDevice", **own, w_min=0.0, w_min_dtod=0.0)
        kind = "PCMPresetUnitCell" if one.preset else "OneSidedUnitCell"
        refresh = {key: own[key] for key in REFRESH} | {"units_in_mbatch": False, "refresh_forward": _io(io)}
        pulses = made("UpdateParameters", desired_bl=own["refresh_bl"])
        return made(kind, unit_cell_devices=[half, half], **refresh, refresh_update=pulses)
    calibrated = workload.calibration.method != "none"
    own |= {"subtract_symmetry_point": calibrated, "reference_std": workload.calibration.reference_std}
    if own["write_noise_std"]:
        own["apply_write_noise_on_set"] = False
    names = [name for name, (family, *_) in FAMILIES.items() if family == one.equal]
    fitting = (name for name in names if ("subtract_symmetry_point" in usual(name)) == calibrated)
    plain = made(next(fitting, names[0]), **own)
    preset = made(one.preset, **own) if one.preset else plain
    return min(preset, plain, key=lambda call: len(call.fields))


def _compound(
    algorithm: str, table: Any, cells: list[Call], devices: Mapping[str, Devices], io: InputOutput
) -> tuple[float, Call]:
    """Make the compound of an algorithm; return the optimiser's rate before it.

    A learns with the optimiser's rate, which aihwkit 1.1 and 1.2 take alike, but where `auto_scale` sets its own.
    """
    kind, chopped = OF_COMPOUND[algorithm], algorithm in {"cttv2", "agad"}
    own = {key: getattr(table, key) for key in type(table).model_fields}
    fast, slow = (granularity(devices[name].model) for name in ("A", "C"))
    own["fast_lr"] /= share_of_fast(fast, slow)
    if chopped and table.auto_scale:
        rate = table.transfer_lr
    else:
        rate, own["fast_lr"] = own["fast_lr"], 0.0
    own["transfer_lr"] *= (slow if algorithm == "ttv2" else 1.0) / rate
    every = table.transfer_every
    own["transfer_every"] = float(every if table.units_in_mbatch else max(1, floor(every + 0.5)))
    own["transfer_columns"] = table.transfer_axis == "column"
    if chopped:
        own["buffer_granularity"] = table.threshold / (1.0 if table.auto_granularity else fast)
        regular = table.in_chop_prob > 0 and not table.in_chop_random
        own["in_chop_prob"] = 1 / round(1 / table.in_chop_prob) if regular else table.in_chop_prob
    own["transfer_forward"] = _io(io.of("transfer"))
    own["transfer_update"] = _update(table.transfer_update) if algorithm == "shd" else _crossing(table)
    return rate, made(kind, unit_cell_devices=cells, **own)


def _crossing(table: Any) -> Call:
    """Make the update of a crossing: as many pulses as H is whole thresholds beyond 0."""
    most = table.transfer_update.desired_bl
    kind = "DETERMINISTIC_IMPLICIT" if most > 1 else "STOCHASTIC_COMPRESSED"
    managed = {"update_bl_management": False, "update_management": False}
    return made("UpdateParameters", desired_bl=most, pulse_type=f"PulseType.{kind}", **managed)


def _update(update: Any) -> Call:
    own = {key: getattr(update, key) for key in ("desired_bl", "update_management", "update_bl_management")}
    return made("UpdateParameters", pulse_type=_member("PulseType", PULSES, update.pulse_type), **own)


def _io(io: InputOutput, *, repeats: bool = True) -> Call:
    """Make the io of a direction; only those that repeat have bound management."""
    read = {key: getattr(io, key) for key in (*READ, *NOISES)}
    if not any(read.values()) and io.noise_management == "abs_max":
        return made("IOParameters", is_perfect=True)
    for key in ("inp_res", "out_res"):
        read[key] = 1 / read[key] if read[key] else -1.0
    read["noise_management"] = _member("NoiseManagementType", NOISE, io.noise_management)
    if read["w_noise"]:
        read["w_noise_type"] = "WeightNoiseType.ADDITIVE_CONSTANT"
    if repeats:
        read["bound_management"] = _member("BoundManagementType", BOUND, io.bound_management)
        if io.bound_management == "iterative":
            read |= _repeats(2 ** floor(log2(io.max_bm_factor)), io.inp_res)
    return made("IOParameters", **read)


def _repeats(factor: int, steps: int) -> dict[str, float]:
    """Return what makes bound management end at a factor, nothing where aihwkit's defaults do."""
    known = usual("IOParameters")
    most, most_steps = (float(str(known[key])) for key in ("max_bm_factor", "max_bm_res"))
    if largest_factor(most, most_steps, steps) == factor:
        return {}
    return {"max_bm_factor": factor // 2, "max_bm_res": float(ceil(factor / steps)) if steps else most_steps}


def _member(enumeration: str, known: Mapping[str, str], value: str) -> str:
    """Write a word of the twin as a member of an enumeration."""
    return f"{enumeration}.{ {word: name for name, word in known.items()}[value] }"
