"""Devices and cells: a device of aihwkit becomes a preset of the twin and what differs from it."""

from collections.abc import Mapping
from math import exp, isclose
from typing import Any, NamedTuple

from twin.devices.presets import describe, device_preset
from twin.errors import TwinError
from twin.imports.aihwkit.classes import twin_presets
from twin.imports.aihwkit.found import Found
from twin.imports.aihwkit.inout import Values, same_conversion
from twin.imports.aihwkit.settings import Settings

PULSED = (
    *("dw_min", "dw_min_dtod", "dw_min_dtod_log_normal", "dw_min_std", "up_down", "up_down_dtod"),
    *("w_max", "w_min", "w_max_dtod", "w_min_dtod"),
)
FAMILIES: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "ConstantStepDevice": ("constant-step", "gokmen-vlasov", ()),
    "LinearStepDevice": (
        "linear-step",
        "capacitor",
        ("gamma_up", "gamma_down", "gamma_up_dtod", "gamma_down_dtod", "mean_bound_reference"),
    ),
    "SoftBoundsDevice": ("soft-bounds", "reram-sb", ()),
    "SoftBoundsReferenceDevice": ("soft-bounds", "reram-sb", ()),
    "ExpStepDevice": ("exponential-step", "reram-es", ("A_up", "A_down", "gamma_up", "gamma_down", "a", "b")),
    "PowStepDevice": (
        "power-step",
        "gokmen-vlasov",
        ("pow_gamma", "pow_gamma_dtod", "pow_up_down", "pow_up_down_dtod"),
    ),
    "PowStepReferenceDevice": (
        "power-step",
        "gokmen-vlasov",
        ("pow_gamma", "pow_gamma_dtod", "pow_up_down", "pow_up_down_dtod"),
    ),
    "PiecewiseStepDevice": ("piecewise-step", "measured", ("piecewise_up", "piecewise_down")),
}
"""Class to family, the preset of the family that stands below, and the fields beyond those of all pulsed devices."""
PRESETS = twin_presets()
PAIR = ("dw_min", "dw_min_dtod", "up_down_dtod", "dw_min_std", "w_max", "w_max_dtod", "A_up", "gamma_up", "a", "b")
NEVER = 0.0  # aihwkit: a lifetime of 0 or less is without an end


class Device(NamedTuple):
    """Devices of a matrix: a preset, what replaces its values, and whether the symmetry point is subtracted."""

    preset: str
    line: int
    overrides: Values
    referenced: bool
    counted: bool = False
    reference_std: float = 0.0


def device_of(cell: Settings, found: Found, io: Mapping[str, Any]) -> Device:
    """Translate a device, or the cell that stands for one.

    Raises
    ------
    TwinError
        For a class that has no nearest family.
    """
    if cell.is_a("OneSidedUnitCell"):
        return _pair(cell, found, io)
    if cell.is_a("VectorUnitCell", "ReferenceUnitCell"):
        return _first(cell, found, io)
    if cell.is_a("IdealDevice", "FloatingPointDevice"):
        cell.pass_over("reset_std", "construction_seed")
        return Device("ideal", cell.line, {}, referenced=False)
    if not cell.is_a("PulsedDevice") or cell.name == "PulsedDevice":
        known = ", ".join(FAMILIES)
        raise _refused(cell, f"is no device that the twin has; its families are those of {known}")
    return _pulsed(cell)


def _refused(cell: Settings, rule: str) -> TwinError:
    return cell.report.reader.refused(cell.line, f"{cell.place} (= {cell.name}): {rule}")


def _first(cell: Settings, found: Found, io: Mapping[str, Any]) -> Device:
    """Translate the first device of a cell of several; the others are listed."""
    devices = cell.all_below("unit_cell_devices")
    if not devices:
        raise _refused(cell, "has no unit_cell_devices; name at least one device")
    for other in devices[1:]:
        cell.report.met.remove(other)
    if len(devices) > 1:
        kind = "a reference is one more array of the same devices" if cell.is_a("ReferenceUnitCell") else "one device"
        cell.lose("unit_cell_devices", f"the first alone: {kind}")
        if not cell.is_a("ReferenceUnitCell"):
            cell.lose_unless_usual("of one device there is nothing to choose", "update_policy")
            cell.lose_unless_usual("1 for the first device", "gamma_vec")
    cell.pass_over("update_policy", "first_update_idx", "gamma_vec")
    return device_of(devices[0], found, io)


def _pulsed(device: Settings) -> Device:
    """Translate a pulsed device."""
    family, preset, fields = next(FAMILIES[name] for name in device.classes if name in FAMILIES)
    values: Values = (
        {key: _plain(device, key) for key in (*PULSED, *fields)} if not device.is_a(PMAX) else _pmax(device)
    )
    noise = device.get("mult_noise") if device.knows("mult_noise") else (True, device.line)
    values["mult_noise"] = (device.flag("mult_noise") if device.knows("mult_noise") else True, noise[1])
    if device.knows("write_noise_std"):
        values["write_noise_std"] = _plain(device, "write_noise_std")
        if device.number("write_noise_std") > 0 and device.flag("apply_write_noise_on_set"):
            device.lose("apply_write_noise_on_set", "initial weights have no write noise")
        device.pass_over("apply_write_noise_on_set")
    else:
        values["write_noise_std"] = (0.0, device.line)
    values["corrupt_devices_prob"] = _plain(device, "corrupt_devices_prob")
    if device.number("corrupt_devices_prob") > 0:
        values["corrupt_devices_range"] = _plain(device, "corrupt_devices_range")
    device.pass_over("corrupt_devices_range")
    _list_ageing(device)
    _list_rules(device, values)
    if device.knows("dw_min_std_add"):
        device.lose_unless_usual("only one-sided pairs have it", "dw_min_std_add", "dw_min_std_slope")
    preset = PRESETS.get(device.name, preset)
    referenced = device.knows("subtract_symmetry_point") and device.flag("subtract_symmetry_point")
    counted = device.flag("count_pulses")
    error = max(0.0, device.number("reference_std")) if device.knows("reference_std") else 0.0
    return Device(preset, device.line, _differing(device, preset, family, values), referenced, counted, error)


def _plain(device: Settings, key: str) -> tuple[Any, int]:
    value, line = device.get(key)
    if isinstance(value, list):
        nodes = device.numbers(key)
        return (nodes if len(nodes) > 1 else nodes * 2), line  # one node is a constant step
    return (value if isinstance(value, bool) else device.number(key)), line


PMAX = "SoftBoundsPmaxDevice"


def _pmax(device: Settings) -> Values:
    """Translate bounds that a train gives: ``w(p) = B (1 - exp(-alpha p)) + range_min`` is range_max at p_max."""
    pulses, alpha = device.number("p_max"), device.number("alpha")
    low, high = device.number("range_min"), device.number("range_max")
    lost = 1.0 - exp(-min(max(pulses * alpha, -700.0), 700.0))
    if lost <= 0 or high <= low:
        raise device.refused("p_max", "needs p_max and alpha above 0, and range_max above range_min")
    span = (high - low) / lost
    made = {"w_min": low, "w_max": low + span, "dw_min": span * alpha, "up_down": 1 + 2 * low / span}
    lines = {
        key: device.get(name).line for key, name in zip(made, ("range_min", "range_max", "alpha", "p_max"), strict=True)
    }
    for key in made:
        if device.get(key).value is not None:
            device.lose(key, "follows from p_max, alpha and the range")
    rest = {key: _plain(device, key) for key in PULSED if key not in made}
    return rest | {key: (value, lines[key]) for key, value in made.items()}


def _list_rules(device: Settings, values: Values) -> None:
    """List what aihwkit makes otherwise of cycle noise, and of the mean step by which pulses are counted."""
    own = {key: value for key, (value, _) in values.items()}
    if own["up_down"] and own["dw_min_std"] and not own["mult_noise"]:
        there = "of the step of its direction, 30 standard errors at up_down 0.3"
        device.differs("up_down", "additive cycle noise is in units of dw_min", there)
    mean = "pulses are counted by the mean of both steps"
    if device.is_a("ExpStepDevice"):
        up = (1 + min(own["up_down"], 0)) * max(1 - own["A_up"] * exp(own["gamma_up"] * own["b"]), 0)
        down = (1 - max(own["up_down"], 0)) * max(1 - own["A_down"] * exp(-own["gamma_down"] * own["b"]), 0)
        if not isclose(up, down):
            device.differs("A_down", mean, "by the down step alone; ReRamES moves 12 % less there at the same rate")
    elif own.get("pow_up_down"):
        device.differs("pow_up_down", f"{mean} with it", "without it, 12 % apart at pow_up_down 0.2")
    elif len({*own.get("piecewise_up", ()), *own.get("piecewise_down", ())}) > 1:
        device.differs("piecewise_up", f"{mean} at weight 0", "by the middle node of piecewise_up")


def _list_ageing(device: Settings) -> None:
    """List what happens to a device with time: aihwkit counts mini-batches, the twin seconds."""
    if device.number("lifetime") != NEVER:
        device.lose("lifetime", "counts seconds here, not mini-batches: set device.lifetime yourself")
    device.pass_over("lifetime_dtod", "reset_std")  # nothing but a pair is reset


def _differing(device: Settings, preset: str, family: str, values: Values) -> Values:
    """Return what stands beside the preset: what differs, or everything where the class is no preset of aihwkit.

    Raises
    ------
    TwinError
        For a value that the family does not take, with its line.
    """
    usual = describe(preset)
    bare = {key: value for key, (value, _) in values.items()}
    try:
        device_preset(preset, bare | ({} if usual.family == family else {"family": family}))
    except TwinError as error:
        said = str(error).partition(": ")[2]
        key = next((key for key in values if said.startswith(f"{key} ")), "")
        line = values[key][1] if key else device.line
        raise device.report.reader.refused(line, f"{device.place}.{said}") from error
    if device.name not in PRESETS:
        return {"family": (family, device.line), **values} if usual.family != family else values
    made = device_preset(preset)
    return {key: one for key, one in values.items() if not _equal(getattr(made, key), one[0])}


def _equal(own: Any, given: Any) -> bool:
    """Whether a preset has a value already, but for the rounding of what was worked out: 0.3 / 0.75 and 0.4."""
    if isinstance(own, float):
        return isclose(own, given, rel_tol=1e-12)
    return bool(own == (tuple(given) if isinstance(given, list) else given))


def _pair(cell: Settings, found: Found, io: Mapping[str, Any]) -> Device:
    """Translate a one-sided cell of two devices with exponential or constant steps."""
    devices = cell.all_below("unit_cell_devices")
    if not devices or not devices[0].is_a("ExpStepDevice", "ConstantStepDevice"):
        half = devices[0].name if devices else "nothing"
        raise _refused(cell, f"is a pair of {half}; the twin's pairs are of ExpStepDevice or ConstantStepDevice")
    device = devices[0]
    for other in devices[1:]:
        cell.report.met.remove(other)
        if _contents(other) != _contents(device):
            cell.lose("unit_cell_devices", "both halves like the first")
    shape = ("A_up", "gamma_up", "a", "b") if device.is_a("ExpStepDevice") else ()
    fields = [key for key in PAIR if key in shape or key not in {"A_up", "gamma_up", "a", "b"}]
    values: Values = {key: _plain(device, key) for key in fields}
    if shape:
        values |= {key: _plain(device, key) for key in ("dw_min_std_add", "dw_min_std_slope")}
        device.pass_over("A_down", "gamma_down", "apply_write_noise_on_set")
    else:
        values |= dict.fromkeys(
            ("A_up", "gamma_up", "a", "b", "dw_min_std_add", "dw_min_std_slope"), (0.0, device.line)
        )
    device.pass_over("w_min", "w_min_dtod", "corrupt_devices_range")  # a half rises from 0
    values |= {key: _plain(device, key) for key in ("reset", "reset_dtod", "reset_std")}
    _list_ageing(device)
    values["refresh_every"] = (found.updates(cell, "refresh_every"), cell.get("refresh_every").line)
    for key in ("refresh_upper_thres", "refresh_lower_thres"):
        values[key] = _plain(cell, key)
    update = cell.below("refresh_update", "UpdateParameters")
    values["refresh_bl"] = (update.count("desired_bl"), update.get("desired_bl").line)
    update.pass_over("update_management", "update_bl_management", "pulse_type")
    same_conversion(cell.below("refresh_forward", "IOParameters"), io, one_hot=True)
    cell.pass_over("units_in_mbatch")
    counted = device.flag("count_pulses")
    return Device(
        "pcm-pair", cell.line, _differing(device, "pcm-pair", "one-sided", values), referenced=False, counted=counted
    )


def _contents(device: Settings) -> tuple[str, dict[str, Any]]:
    return device.name, device.contents()
