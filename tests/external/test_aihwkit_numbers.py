"""Do aihwkit's tiles and the twin, which imports what they print, give the same numbers?

Mean and variance over 10,000 repetitions of mat-vecs, pulsed updates and whole cycles of transfers, within 4 standard
errors. Skips where aihwkit cannot be imported; docs/validation/aihwkit.md has the figures and what differs.
"""

import numpy as np
import pytest
from versus_kit import REPEATS, TILES, Both, agree, distances, tensor, with_sums

from twin.operation import Opcode

configs = pytest.importorskip("aihwkit.simulator.configs")
parameters = pytest.importorskip("aihwkit.simulator.parameters")
devices = pytest.importorskip("aihwkit.simulator.configs.devices")
compounds = pytest.importorskip("aihwkit.simulator.configs.compounds")
presets = pytest.importorskip("aihwkit.simulator.presets.devices")
IO, Update = parameters.IOParameters, parameters.UpdateParameters
NO_BOUNDS = parameters.enums.BoundManagementType.NONE
NO_SCALE = parameters.enums.NoiseManagementType.NONE
CONSTANT = parameters.enums.WeightNoiseType.ADDITIVE_CONSTANT

RNG = np.random.default_rng(1)
ALIKE = dict.fromkeys(("dw_min_dtod", "up_down_dtod", "w_max_dtod", "w_min_dtod"), 0.0)
"""Devices without spread: then elements differ by their weight, input and error alone."""


def soft(**more):
    return devices.SoftBoundsDevice(**(ALIKE | {"dw_min": 0.05} | more))


# -- mat-vecs ------------------------------------------------------------------------------------------------------

ANALOG = {"inp_res": 0, "out_res": 0, "out_bound": 0, "out_noise": 0.0}
FINE = {"out_bound": 0.5, "out_noise": 0.1, "out_res": 0}
CONVERSIONS = {
    "defaults": {},
    "perfect": {"is_perfect": True},
    "noise of outputs": ANALOG | {"out_noise": 0.2},
    "noise of weights": ANALOG | {"w_noise": 0.1, "w_noise_type": CONSTANT},
    "noise of weights and outputs, converted": {"w_noise": 0.05, "w_noise_type": CONSTANT},
    "noise of inputs": ANALOG | {"inp_noise": 0.1},
    "noise of inputs, converted": {"inp_noise": 0.1},
    "coarse converters": {"inp_res": 1 / 14, "out_res": 1 / 30, "bound_management": NO_BOUNDS},
    "inputs as they are, clipped": {"out_bound": 4.0, "out_res": 1 / 30, "noise_management": NO_SCALE},
    "outputs clipped": {"out_bound": 0.5, "out_noise": 0.1, "out_res": 1 / 30, "bound_management": NO_BOUNDS},
    "bound management": FINE,
    "bound management that gives up": FINE | {"out_bound": 0.1, "max_bm_factor": 3},
    "bound management that inputs end": FINE | {"out_bound": 0.1, "inp_res": 1 / 30, "max_bm_res": 0.25},
}


@pytest.mark.parametrize("scale", [1.3, 0.01])
@pytest.mark.parametrize("forward", [True, False], ids=["forward", "backward"])
@pytest.mark.parametrize("name", CONVERSIONS)
def test_mat_vecs(tmp_path, name, forward, scale):
    io = {"forward" if forward else "backward": IO(**CONVERSIONS[name])}
    device = devices.ConstantStepDevice(w_max=2, w_min=-2, w_max_dtod=0, w_min_dtod=0)
    both = Both(configs.SingleRPUConfig(device=device, **io), (5, 8), tmp_path)
    assert both.lost == set()
    w = RNG.uniform(-1, 1, both.shape)
    x = (scale * RNG.uniform(-1, 1, 8 if forward else 5)).astype(np.float32)
    agree(lambda n: (both.their_products(w, x, n, forward=forward), both.our_products(w, x, n, forward=forward)))


# -- pulsed updates ------------------------------------------------------------------------------------------------

NODES = {"piecewise_up": [1.4, 1.0, 0.9, 0.7, 0.3], "piecewise_down": [0.2, 0.7, 0.9, 1.0, 1.2]}
LINEAR = ALIKE | {"dw_min": 0.02, "gamma_up": 0.4, "gamma_down": 0.7, "gamma_up_dtod": 0.0, "gamma_down_dtod": 0.0}
SHIFTED = {"slope_up_dtod": 0.0, "slope_down_dtod": 0.0, "mult_noise": True}
FAMILIES = {
    "constant": devices.ConstantStepDevice(**ALIKE, dw_min=0.02, up_down=0.2, dw_min_std=0.5),
    "linear": devices.LinearStepDevice(**LINEAR, up_down=0.1),
    "linear, additive noise": devices.LinearStepDevice(**LINEAR, mult_noise=False),
    "soft bounds": soft(up_down=0.1),
    "soft bounds, write noise": soft(write_noise_std=1.0, apply_write_noise_on_set=False),
    "soft bounds and reference": devices.SoftBoundsReferenceDevice(**ALIKE, **SHIFTED, dw_min=0.05, up_down=0.1),
    "at symmetry points": devices.SoftBoundsReferenceDevice(
        **ALIKE, **SHIFTED, dw_min=0.05, up_down=0.1, subtract_symmetry_point=True
    ),
    "soft bounds by pulses": devices.SoftBoundsPmaxDevice(
        **ALIKE, p_max=100, alpha=0.02, range_min=-0.6, range_max=0.6
    ),
    "exponential": devices.ExpStepDevice(**ALIKE, dw_min=0.02),
    "power": devices.PowStepDevice(**ALIKE, dw_min=0.05, pow_gamma=1.5, pow_gamma_dtod=0.0),
    "power and reference": devices.PowStepReferenceDevice(**ALIKE, dw_min=0.05, pow_gamma=1.5, pow_gamma_dtod=0.0),
    "piecewise": devices.PiecewiseStepDevice(**ALIKE, **NODES, dw_min=0.03),
}
TRAINS = {
    "defaults": {},
    "one length": {"update_bl_management": False},
    "one length, alike": {"update_management": False, "update_bl_management": False},
    "one pulse": {"desired_bl": 1},
    "five pulses": {"desired_bl": 5},
    "ten of one length": {"desired_bl": 10, "update_bl_management": False},
}


def updates(both):
    """Hold both sides' updates of one matrix, some of whose devices are at bounds, against each other."""
    rng = np.random.default_rng(2)
    w = rng.uniform(-0.5, 0.5, both.shape)
    w[0, 0], w[1, 1] = 0.56, -0.58
    x, d = (rng.uniform(-1, 1, n).astype(np.float32) for n in both.shape[::-1])
    x[2], d[1] = 0.0, 0.1 * d[1]
    agree(lambda n: (with_sums(both.their_updates(w, x, d, n)), with_sums(both.our_updates(w, x, d, n))))


@pytest.mark.parametrize("rate", [0.02, 0.3])
@pytest.mark.parametrize("name", FAMILIES)
def test_pulsed_updates_by_device(tmp_path, name, rate):
    both = Both(configs.SingleRPUConfig(device=FAMILIES[name]), (4, 5), tmp_path, rate)
    assert both.lost <= {"device.mult_noise"}
    updates(both)


@pytest.mark.parametrize("rate", [0.01, 0.1, 3.0])
@pytest.mark.parametrize("name", TRAINS)
def test_pulsed_updates_by_train(tmp_path, name, rate):
    both = Both(configs.SingleRPUConfig(device=soft(), update=Update(**TRAINS[name])), (4, 5), tmp_path, rate)
    assert both.lost == set()
    updates(both)


def test_exact_updates(tmp_path):
    none = Update(pulse_type=parameters.enums.PulseType.NONE)
    updates(Both(configs.SingleRPUConfig(device=soft(), update=none), (4, 5), tmp_path, 0.01))


# -- spread of devices ---------------------------------------------------------------------------------------------

SPREAD = {
    "constant": devices.ConstantStepDevice(dw_min=0.01),
    "linear": devices.LinearStepDevice(dw_min=0.01),
    "soft bounds": devices.SoftBoundsDevice(dw_min=0.01),
    "soft bounds, log-normal": devices.SoftBoundsDevice(dw_min=0.01, dw_min_dtod_log_normal=True),
    "at symmetry points": devices.SoftBoundsReferenceDevice(dw_min=0.05, subtract_symmetry_point=True),
    "exponential": devices.ExpStepDevice(dw_min=0.01),
    "power": devices.PowStepDevice(dw_min=0.01),
    "piecewise": devices.PiecewiseStepDevice(dw_min=0.03, **NODES),
    **{
        name: getattr(presets, f"{name}PresetDevice")()
        for name in ("Capacitor", "EcRam", "EcRamMO", "GokmenVlasov", "Idealized", "ReRamES", "ReRamSB")
    },
}
UNLIKE = {"device.lifetime", "device.apply_write_noise_on_set"}  # neither plays a part from weights of 0 in one batch


def their_trains(both, tiles, pulses, sign):
    """Pulse all devices of some tiles from 0 so many times; return their weights, tile by tile."""
    shape = (20, 25)
    x, d = np.ones((pulses, shape[1]), np.float32), np.full((pulses, shape[0]), -sign, np.float32)
    made = []
    for _ in range(tiles):
        tile = both.tile(shape)
        tile.set_learning_rate(both.granularity(tile))  # one pulse an update
        tile.set_weights(tensor(np.zeros(shape)))
        tile.update(tensor(x), tensor(d), False)
        made.append(tile.get_weights().numpy().astype(np.float64).ravel())
    return np.concatenate(made)


def our_trains(both, pulses, sign):
    """Pulse all devices here from 0 so many times; return their weights."""
    both.vector("x")[:], both.vector("d")[:] = 1.0, sign
    both.machine.layers["lr"][0] = both.machine.matrices["dw_min"][0]
    for _ in range(pulses):
        both.perform(Opcode.UPDATE)
    return both.machine.weights(0, "W").astype(np.float64).ravel()


@pytest.mark.parametrize("pulses", [1, 20, 300])
@pytest.mark.parametrize("sign", [1, -1], ids=["up", "down"])
@pytest.mark.parametrize("name", SPREAD)
def test_trains_of_pulses_on_devices_that_differ(tmp_path, name, sign, pulses):
    config = configs.SingleRPUConfig(device=SPREAD[name], update=Update(desired_bl=1))
    seeds = iter(range(1, 100))

    def draw(repeats):
        made = [Both(config, (100, 100), tmp_path, seed=next(seeds)) for _ in range(repeats // 10_000)]
        assert made[0].lost <= UNLIKE
        theirs = their_trains(made[0], TILES * len(made), pulses, sign)
        return theirs[:, None], np.concatenate([our_trains(both, pulses, sign) for both in made])[:, None]

    agree(draw, TILES)


# -- transfers -----------------------------------------------------------------------------------------------------


def pair():
    """Return a fast and a slow device, whose steps differ."""
    return {"unit_cell_devices": [soft(), soft(dw_min=0.02)], "units_in_mbatch": False, "fast_lr": 0.3}


def tiki_taka(**more):
    return compounds.TransferCompound(**(pair() | {"transfer_every": 1} | more))


def buffered(kind, **more):
    quiet = {"transfer_forward": IO(out_noise=0.02), "transfer_every": 1}
    return getattr(compounds, f"{kind}TransferCompound")(**(pair() | quiet | more))


NOISY = IO(out_noise=0.1, inp_noise=0.02)
TRANSFERS = {
    "Tiki-Taka": tiki_taka(transfer_every=2),
    "Tiki-Taka, rows": tiki_taka(transfer_columns=False),
    "Tiki-Taka, A in the weights": tiki_taka(gamma=0.3, transfer_lr=0.5, transfer_update=Update(desired_bl=3)),
    "Tiki-Taka, noisy reads": tiki_taka(transfer_forward=NOISY),
    "Tiki-Taka, two reads": tiki_taka(
        transfer_every=3, n_reads_per_transfer=2, scale_transfer_lr=False, transfer_lr=0.1, fast_lr=0.0
    ),
    "TTv2": buffered("Buffered", transfer_lr=3.0),
    "TTv2, momentum": buffered("Buffered", transfer_lr=3.0, momentum=0.3, thres_scale=0.7),
    "TTv2, rows, buffer kept": buffered(
        "Buffered", transfer_columns=False, transfer_lr=3.0, forget_buffer=False, momentum=0.1
    ),
    "chopped, no flips": buffered("Chopped", transfer_lr=0.2, in_chop_prob=0.0),
    "chopped regularly": buffered("Chopped", transfer_lr=0.2, in_chop_prob=0.5, in_chop_random=False),
    "chopped at random": buffered("Chopped", transfer_lr=0.2, in_chop_prob=0.3),
    "chopped both ways": buffered(
        "Chopped", transfer_every=2, transfer_lr=0.2, in_chop_prob=0.3, out_chop_prob=0.4, auto_granularity=1.5
    ),
    "chopped, automatic rate": buffered(
        "Chopped", transfer_lr=0.2, fast_lr=0.5, auto_scale=True, auto_momentum=0.9, in_chop_prob=0.3
    ),
}
QUIET = {"transfer_forward": IO(is_perfect=True), "in_chop_random": False}
DYNAMIC = {
    "AGAD": buffered("Dynamic", **QUIET, transfer_lr=0.2, in_chop_prob=0.5),
    "AGAD, rows, buffer capped": buffered(
        "Dynamic",
        **QUIET,
        transfer_columns=False,
        transfer_lr=0.4,
        in_chop_prob=0.34,
        tail_weightening=1.5,
        forget_buffer=False,
        buffer_cap=1.2,
    ),
}


def signals(both):
    """Return weights, input and error for a layer."""
    rng = np.random.default_rng(3)
    w = rng.uniform(-0.2, 0.2, both.shape)
    return (w, *(rng.uniform(-1, 1, n).astype(np.float32) for n in both.shape[::-1]))


def cycles(both, pairs, reads, begin=0):
    """Hold matrices (aihwkit's name to ours) after so many reads of every line, `begin` of them without signals."""
    w, x, d = signals(both)
    cycle = int(both.machine.layers["lines"][0] * both.machine.layers["transfer_every"][0])
    begin, steps = begin * cycle, reads * cycle

    def draw(repeats):
        theirs = both.their_cycles(w, x, d, steps, repeats, list(pairs), begin)
        ours = both.our_cycles(w, x, d, steps, repeats, [name for name in pairs.values() if name != "C"], begin)
        scale = {"h": float(both.machine.layers["threshold"][0]) / both.threshold}
        sides = [(theirs[one] * scale.get(name, 1.0), ours[name]) for one, name in pairs.items()]
        return tuple(np.concatenate([with_sums(side) for side in each], 1) for each in zip(*sides, strict=True))

    agree(draw)


@pytest.mark.parametrize("name", TRANSFERS)
def test_cycles_of_transfers(tmp_path, name):
    config = configs.UnitCellRPUConfig(device=TRANSFERS[name], update=Update(desired_bl=5))
    both = Both(config, (3, 4), tmp_path, 0.3)
    assert both.lost == set()
    pairs = {"hidden_weights_0": "A", "hidden_weights_1": "C"}
    cycles(both, pairs | ({} if "Tiki" in name else {"buffered_FP_weight_0": "h"}), 3)


@pytest.mark.parametrize("name", DYNAMIC)
def test_cycles_of_transfers_beside_a_reference(tmp_path, name):
    """After the reads in which aihwkit pulses nothing yet, in which neither A nor H moves here."""
    config = configs.UnitCellRPUConfig(device=DYNAMIC[name], update=Update(desired_bl=5))
    both = Both(config, (3, 4), tmp_path, 0.3)
    assert both.lost == set()
    pairs = {"hidden_weights_0": "A", "hidden_weights_1": "C", "buffered_FP_weight": "h", "running_mean_weight": "mean"}
    period = int(both.machine.layers["in_chop_period"][0])
    cycles(both, pairs, 2 * period, period + 1)


def mixed(tmp_path, rate, **more):
    cell = compounds.MixedPrecisionCompound(device=soft(dw_min=0.02), **more)
    config = configs.DigitalRankUpdateRPUConfig(device=cell, update=Update(desired_bl=5))
    both = Both(config, (3, 4), tmp_path, rate)
    assert both.lost == set()
    return both


@pytest.mark.parametrize("every", [1, 2])
def test_mixed_precision(tmp_path, every):
    """Of at most one pulse an element; aihwkit's first transfer is an update later, so it gets one without signals."""
    both = mixed(tmp_path, 0.03 / every, transfer_every=every)
    w, x, d = signals(both)

    def draw(repeats):
        theirs = both.their_cycles(w, x, d, 12, repeats, ["hidden_weights_chi"], 1)
        ours = both.our_cycles(w, x, d, 12, repeats, ["h"])
        sides = (theirs["W"], -theirs["hidden_weights_chi"]), (ours["W"], ours["h"])
        return tuple(np.concatenate([with_sums(one) for one in side], 1) for side in sides)

    agree(draw)


def test_mixed_precision_of_several_pulses_differs_in_spread_alone(tmp_path):
    """aihwkit fires as many pulses as chi has whole steps on average, the twin exactly so many."""
    both = mixed(tmp_path, 0.25)
    w, x, d = signals(both)
    theirs = both.their_cycles(w, x, d, 1, REPEATS, [], 1)["W"]
    ours = both.our_cycles(w, x, d, 1, REPEATS, [])["W"]
    assert distances(theirs, ours)[0].max() < 4.5
    spread = theirs.std(axis=0), ours.std(axis=0)
    several = np.abs(np.trunc(0.25 * np.outer(d, x) / 0.02)) >= 1
    assert several.sum() > 4
    assert (spread[0][several] >= 0.95 * spread[1][several]).all()
    assert (spread[0] > 1.3 * spread[1]).sum() >= 3
