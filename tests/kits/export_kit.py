"""Workloads that aihwkit can express, by algorithm and by devices."""

from twin.descriptions.load import load_chip, load_workload
from twin.descriptions.resolved import toml_text
from twin.devices.presets import describe, preset_names
from twin.imports.aihwkit.back import configuration

EXPRESSED = {
    "digital": {},
    "sgd": {"update": {"desired_bl": 10, "update_bl_management": False}},
    "mixed-precision": {"transfer_every": 3, "granularity": 0.01, "desired_bl": 7},
    "shd": {
        "auto_scale": False,
        "threshold": 0.0,
        "gamma": 0.2,
        "fast_lr": 0.3,
        "transfer_lr": 0.05,
        "n_reads_per_transfer": 2,
        "transfer_axis": "column",
        "update": {"desired_bl": 10},
        "transfer_update": {"desired_bl": 5, "update_management": False, "update_bl_management": False},
    },
    "ttv2": {
        "auto_scale": False,
        "transfer_every": 0.25,
        "units_in_mbatch": True,
        "momentum": 0.2,
        "forget_buffer": False,
        "transfer_update": {"desired_bl": 4},
    },
    "cttv2": {"auto_granularity": 500.0, "threshold": 1.5, "in_chop_prob": 0.25, "out_chop_prob": 0.1},
    "agad": {
        "auto_scale": False,
        "fast_lr": 0.02,
        "in_chop_prob": 0.02,
        "tail_weightening": 20.0,
        "threshold": 0.7,
        "forget_buffer": False,
        "buffer_cap": 2.0,
    },
}
"""Algorithm to settings that aihwkit has, all of them."""
POWER = {"pow_gamma": 1.5, "pow_gamma_dtod": 0.2, "pow_up_down": 0.1, "pow_up_down_dtod": 0.05}
NOISE = {"corrupt_devices_prob": 0.1, "corrupt_devices_range": 0.3, "write_noise_std": 2.0}
FAMILIES = {
    **{name: {"preset": name} for name in preset_names() if describe(name).family != "slope-soft-bounds"},
    "overrides": {"preset": "ecram", "dw_min": 0.01, "up_down": 0.1, "mean_bound_reference": False},
    "constant step": {"preset": "idealized", "dw_min": 0.003, "w_max": 0.4},
    "soft bounds": {"preset": "gokmen-vlasov", "family": "soft-bounds", "dw_min_dtod_log_normal": True, **NOISE},
    "asymmetry 0": {"preset": "lee-af1", "asymmetry_factor": 0.0},
    "power step": {"preset": "gokmen-vlasov", "family": "power-step", "write_noise_std": 0.5, **POWER},
    "power step and reference": {"preset": "gokmen-vlasov", "family": "power-step", **POWER},
    "pair": {"preset": "pcm-pair", "dw_min": 0.02, "refresh_every": 7, "refresh_bl": 9, "reset_std": 0.0},
}
"""Devices that aihwkit has, of all families: preset and what replaces its parameters."""
IO = {
    "plain": {},
    "perfect": {"inp_res": 0, "out_res": 0, "out_bound": 0.0, "out_noise": 0.0, "bound_management": "none"},
    "a direction": {
        "inp_res": 62,
        "w_noise": 0.02,
        "noise_management": "none",
        "max_bm_factor": 16,
        "backward": {"out_noise": 0.1, "inp_noise": 0.05, "noise_management": "abs_max"},
        "transfer": {"out_res": 0, "out_bound": 0.0},
    },
    "one factor": {"max_bm_factor": 1},
    "no repeats": {"bound_management": "none", "out_bound": 3.0, "out_res": 30, "backward": {"out_res": 60}},
}
"""What a chip converts otherwise than `aimc-512`."""
CASES = [(algorithm, name) for algorithm in EXPRESSED for name in FAMILIES if algorithm == "sgd" or name != "ideal"]
"""Algorithm and devices; aihwkit's compounds take no ideal ones."""
CALIBRATED = frozenset({"soft-bounds", "power step and reference", "lee-af1"})


def expressed(algorithm, name, **more):
    """Return the exported configuration of a workload that aihwkit can express, the workload, and its chip.

    Where aihwkit's class of the devices has a reference, it is calibrated. `more` are overrides.
    """
    device = FAMILIES[name]
    family = device.get("family", describe(device["preset"]).family)
    calibrated = {name, family} & CALIBRATED
    settings = {
        f"algorithms.{algorithm}": EXPRESSED[algorithm],
        "device": device,
        "calibration": {"method": "exact", "reference_std": 0.02} if calibrated else {"method": "none"},
        **more,
    }
    on = {key.removeprefix("chip."): toml_text(value) for key, value in settings.items() if key.startswith("chip.")}
    own = {key: toml_text(value) for key, value in settings.items() if not key.startswith("chip.")}
    workload, chip = load_workload("digits-mlp", own).model, load_chip("aimc-512", on).model
    return configuration(workload, chip, algorithm), workload, chip


def io_of(name):
    """Return the io of a chip by its name in `IO`."""
    return load_chip("aimc-512").tables["tile"]["io"] | IO[name]
