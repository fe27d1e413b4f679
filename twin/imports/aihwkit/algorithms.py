"""Algorithms: the class of a cell says how it is trained, its values are the settings of the twin's algorithm."""

from collections.abc import Mapping
from math import ceil, floor, isclose
from typing import Any

from twin.devices.family import DeviceFamily
from twin.devices.presets import device_preset
from twin.imports.aihwkit.devices import Device, device_of
from twin.imports.aihwkit.found import Found
from twin.imports.aihwkit.inout import Values, own_conversion, update_of
from twin.imports.aihwkit.settings import Settings

ROUNDING = 1e-5  # of 1 / p in float32
SAME = 1e-6
ASSUMED = "an assumed learning rate"
"""In the source of a value: that the rate of the optimiser is a part of it."""
COMPOUNDS = {
    "DynamicTransferCompound": "agad",
    "ChoppedTransferCompound": "cttv2",
    "BufferedTransferCompound": "ttv2",
    "TransferCompound": "shd",
}
"""Compound to algorithm; one that is above another stands behind it."""
RATE = "the learning rate of the optimiser, which no configuration has"


def translate(config: Settings, io: Mapping[str, Any], found: Found) -> None:
    """Enter devices, reference, algorithm and its settings.

    Parameters
    ----------
    config : Settings
    io : mapping
        What the forward pass converts with.
    found : Found
    """
    device = config.below("device")
    if config.name == "FloatingPointRPUConfig":
        found.algorithm = "digital"
        found.assume("algorithms.digital.learning_rate", found.base.learning_rate, RATE)
        _enter([device_of(device, found, io)], found)
        return
    update = config.below("update", "UpdateParameters")
    if device.is_a("MixedPrecisionCompound"):
        _mixed_precision(device, update, io, found)
    elif device.is_a("TransferCompound"):
        _transfer(device, update, io, found)
    else:
        found.algorithm = "sgd"
        found.assume("algorithms.sgd.learning_rate", found.base.learning_rate, RATE)
        found.put_all("algorithms.sgd.update", update_of(update))
        _enter([device_of(device, found, io)], found)
        _list_exact(update, found)


def _list_exact(update: Settings, found: Found) -> None:
    """List that exact updates of pulsed devices have bounds here."""
    if found.values["device.preset"] != "ideal" and update.word("pulse_type") == "NONE":
        update.differs("pulse_type", "weights end at the bounds of their devices", "they have no bounds")


def _enter(devices: list[Device], found: Found) -> None:
    """Enter the devices of C (or W), and those of A where they differ; references where they are subtracted."""
    *fast, slow = devices
    for table, device in (("device", slow), *(("device.matrices.A", one) for one in fast if _differ(one, slow))):
        found.put(f"{table}.preset", device.preset, device.line)
        found.put_all(table, device.overrides)
    referenced = [device.referenced for device in devices]
    found.put("calibration.method", "exact" if any(referenced) else "none", slow.line)
    if devices[0].reference_std > 0:
        found.put("calibration.reference_std", devices[0].reference_std, devices[0].line)
    if any(device.counted for device in devices):
        found.put("training.endurance", True, slow.line)


def _differ(one: Device, other: Device) -> bool:
    bare = [{key: value for key, (value, _) in device.overrides.items()} for device in (one, other)]
    return one.preset != other.preset or bare[0] != bare[1]


def _mixed_precision(cell: Settings, update: Settings, io: Mapping[str, Any], found: Found) -> None:
    found.algorithm = "mixed-precision"
    table = "algorithms.mixed-precision"
    found.assume(f"{table}.learning_rate", found.base.learning_rate, RATE)
    found.put(f"{table}.transfer_every", max(1, cell.count("transfer_every")), cell.get("transfer_every").line)
    found.put(f"{table}.transfer_axis", "row", cell.line)
    found.put(f"{table}.granularity", max(0.0, cell.number("granularity")), cell.get("granularity").line)
    found.put(f"{table}.desired_bl", update.count("desired_bl"), update.get("desired_bl").line)
    update.pass_over("update_management", "update_bl_management")
    cell.pass_over("stoc_round_x", "stoc_round_d")
    cell.differs("transfer_every", "the first transfer comes after as many updates", "after one more")
    if update.count("desired_bl") > 1:
        there = "as many on average, and what is beyond desired_bl is lost"
        update.differs("desired_bl", "whole steps of chi are pulses, the rest stays in chi", there)
    cell.lose_unless_usual("every line of chi takes its turn", "n_rows_per_transfer", "random_row")
    _enter([device_of(cell.below("device"), found, io)], found)


def _transfer(cell: Settings, update: Settings, io: Mapping[str, Any], found: Found) -> None:
    devices = cell.all_below("unit_cell_devices")
    if len(devices) < 2:
        raise cell.refused("unit_cell_devices", "must be at least two devices, the fast one first")
    for other in devices[2:]:
        cell.report.met.remove(other)
    if len(devices) > 2:
        cell.lose("unit_cell_devices", "the first two: a fast and a slow matrix")
    fast, slow = (device_of(device, found, io) for device in devices[:2])
    _list_other_references(devices, fast, slow)
    _enter([fast, slow], found)
    share = share_of_fast(_granularity(fast), _granularity(slow))
    found.algorithm = next(COMPOUNDS[name] for name in cell.classes if name in COMPOUNDS)
    values = _schedule(cell, found, share)
    pulses = cell.below("transfer_update", "UpdateParameters")
    if cell.is_a("ChoppedTransferCompound"):
        values |= _chopped(cell, fast) | _crossing(cell, pulses)
    elif cell.is_a("BufferedTransferCompound"):
        line = cell.get("thres_scale").line
        step = cell.number("thres_scale") * _granularity(slow)
        if not step > 0:
            raise cell.refused("thres_scale", "must be above 0")
        values["transfer_lr"] = (values["transfer_lr"][0] / step, line)  # H counts in units of its threshold
        values |= _left(cell) | _crossing(cell, pulses)
    else:
        values["threshold"] = (0.0, cell.line)
        values["gamma"] = _gamma(cell)
    read = cell.below("transfer_forward", "IOParameters")
    _list_rules(cell, read, found)
    _list_exact(update, found)
    table = f"algorithms.{found.algorithm}"
    found.put_all(table, values)
    _scaled_by(cell, found, table)
    if share != 1:
        said = f"times {share:.4g}: aihwkit's trains go by the mean step of all devices"
        found.also[f"{table}.fast_lr"] = ", ".join(filter(None, (found.also.get(f"{table}.fast_lr"), said)))
    found.put_all(f"{table}.update", update_of(update))
    if found.algorithm == "shd":
        found.put_all(f"{table}.transfer_update", update_of(pulses))
    own_conversion(read, io, found, "transfer")


def _list_rules(cell: Settings, read: Settings, found: Found) -> None:
    """List what aihwkit makes otherwise of H."""
    key = "thres_scale" if found.algorithm == "ttv2" else "buffer_granularity"
    quiet = read.flag("is_perfect") or not read.number("out_noise")
    if found.algorithm != "shd" and quiet:
        cell.differs(key, "an element of H that is exactly at its threshold waits for the next read", "it crosses")
    if found.algorithm == "agad":
        there = "H adds what A reads, and no pulse is fired until each sign has been read after its first flip"
        cell.differs("in_chop_prob", "before a sign has flipped, H adds nothing", there)


def _list_other_references(devices: list[Settings], fast: Device, slow: Device) -> None:
    """List what the references of both matrices do not share."""
    if fast.reference_std != slow.reference_std:
        devices[1].lose("reference_std", "that of the fast matrix")
    if fast.referenced != slow.referenced:
        devices[0 if fast.referenced else 1].lose(
            "subtract_symmetry_point", "the references of both at their symmetry points"
        )


def share_of_fast(own: float, other: float) -> float:
    """Return step of A / mean step of A and C, by which aihwkit's A learns faster.

    The trains of a compound are as long as the mean of its devices' granularities says (`VectorRPUDevice::populate`),
    though A alone is pulsed.
    """
    return 1.0 if isclose(own, other, rel_tol=SAME) else 2 * own / (own + other)


def _schedule(cell: Settings, found: Found, share: float) -> Values:
    """Translate rates, and which lines are read when; `share` is a factor of the rate of A."""
    every, counted = _spacing(cell), cell.flag("units_in_mbatch")
    cell.pass_over("no_self_transfer")
    rate = found.base.learning_rate
    scale = rate if cell.flag("scale_transfer_lr") else 1.0
    values: Values = {
        "fast_lr": (share * _fast_rate(cell, rate), cell.get("fast_lr").line),
        "auto_scale": (cell.flag("auto_scale"), cell.get("auto_scale").line)
        if cell.knows("auto_scale")
        else (False, cell.line),
        "transfer_every": (every, cell.get("transfer_every").line),
        "transfer_axis": ("column" if cell.flag("transfer_columns") else "row", cell.get("transfer_columns").line),
        "transfer_lr": (cell.number("transfer_lr") * scale, cell.get("transfer_lr").line),
    }
    if counted:
        values["units_in_mbatch"] = (True, cell.get("units_in_mbatch").line)
    if not cell.is_a("ChoppedTransferCompound") and cell.count("n_reads_per_transfer") > 1:
        values["n_reads_per_transfer"] = (cell.count("n_reads_per_transfer"), cell.get("n_reads_per_transfer").line)
    return values


def _spacing(cell: Settings) -> float:
    """Return `transfer_every`: as it is where it counts mini-batches, else aihwkit rounds it, halves up."""
    given = cell.number("transfer_every")
    every = given if cell.flag("units_in_mbatch") else floor(given + 0.5)
    if every <= 0:
        cell.lose("transfer_every", "1")
        return 1
    return int(every) if float(every).is_integer() else every


def _fast_rate(cell: Settings, rate: float) -> float:
    """Return the rate of A; one that is not positive is the optimiser's."""
    own = cell.number("fast_lr")
    scaled = cell.flag("scale_fast_lr")
    return own * (rate if scaled else 1.0) if own > 0 else rate


def _scaled_by(cell: Settings, found: Found, table: str) -> None:
    """Say which rates have the assumed learning rate of the optimiser in them."""
    assumed = f"{ASSUMED} of {found.base.learning_rate:g}"
    own = cell.number("fast_lr")
    if cell.flag("scale_transfer_lr"):
        found.also[f"{table}.transfer_lr"] = f"times {assumed}"
    if own > 0 and cell.flag("scale_fast_lr"):
        found.also[f"{table}.fast_lr"] = f"times {assumed} (aihwkit 1.1: absolute)"
    elif own <= 0:
        found.also[f"{table}.fast_lr"] = assumed


def _gamma(cell: Settings) -> tuple[float, int]:
    """Return the share of A in the weights; `gamma_vec` has it beside the 1 of the last matrix."""
    line = cell.get("gamma").line
    vector = cell.numbers("gamma_vec")
    if not vector:
        return cell.number("gamma"), line
    if len(vector) != 2 or vector[-1] != 1:
        cell.lose("gamma_vec", "gamma of A alone, and 1 for C")
    return vector[0], cell.get("gamma_vec").line


def _chopped(cell: Settings, fast: Device) -> Values:
    """Translate choppers and the buffer."""
    size, line = cell.number("buffer_granularity"), cell.get("buffer_granularity").line
    size = size if size > 0 else 1.0
    auto = max(0.0, cell.number("auto_granularity"))
    values: Values = {
        "auto_momentum": (cell.number("auto_momentum"), cell.get("auto_momentum").line),
        "in_chop_prob": (_flips(cell), cell.get("in_chop_prob").line),
        "in_chop_random": (cell.flag("in_chop_random"), cell.get("in_chop_random").line),
        "auto_granularity": (auto, cell.get("auto_granularity").line),
        "threshold": (size if auto else size * _granularity(fast), line),
        **_left(cell),
    }
    if cell.is_a("DynamicTransferCompound"):
        values["tail_weightening"] = (cell.number("tail_weightening"), cell.get("tail_weightening").line)
        cell.lose_unless_usual("the signs across the axis stay", "out_chop_prob")
        if cell.flag("in_chop_random") and cell.number("in_chop_prob") > 0:
            cell.lose("in_chop_random", "at random alone; there signs flip after every 1 / in_chop_prob reads as well")
        cap = cell.number("buffer_cap")
        if cap > 0 and not cell.flag("forget_buffer"):
            values["buffer_cap"] = (cap, cell.get("buffer_cap").line)
    else:
        values["out_chop_prob"] = (cell.number("out_chop_prob"), cell.get("out_chop_prob").line)
    cell.lose_unless_usual("a buffer H", "no_buffer")
    return values


def _flips(cell: Settings) -> float:
    """Return how often a sign flips; aihwkit flips regularly after 1 / p reads, rounded up, at least 2."""
    prob = cell.number("in_chop_prob")
    if prob <= 0 or cell.flag("in_chop_random"):
        return prob
    return 1 / max(2, ceil(1 / prob - ROUNDING))


def _left(cell: Settings) -> Values:
    """Translate what stays in H after a crossing."""
    return {
        "reset": ("plain", cell.get("momentum").line),
        "momentum": (cell.number("momentum"), cell.get("momentum").line),
        "forget_buffer": (cell.flag("forget_buffer"), cell.get("forget_buffer").line),
    }


def _crossing(cell: Settings, pulses: Settings) -> Values:
    """Translate how many pulses a crossing gives; list what it does beyond."""
    most, kind = max(1, pulses.count("desired_bl")), pulses.word("pulse_type")
    pulses.pass_over("update_management", "update_bl_management")
    if kind == "NONE":
        pulses.lose("pulse_type", "pulses")
    elif most > 1 and kind.startswith("STOCHASTIC"):
        pulses.lose("pulse_type", "as many pulses as H is whole thresholds beyond 0, not so many on average")
    cell.lose_unless_usual("one pulse a threshold", "step")
    cell.lose_unless_usual("0: C alone", "gamma", "gamma_vec")
    return {"transfer_update.desired_bl": (most, pulses.get("desired_bl").line)} if most > 1 else {}


def _granularity(device: Device) -> float:
    return granularity(device_preset(device.preset, {key: value for key, (value, _) in device.overrides.items()}))


def granularity(device: DeviceFamily) -> float:
    """Return the mean step of a device at weight 0, aihwkit's unit of the buffer."""
    return float(getattr(device, "granularity", device.dw_min))
