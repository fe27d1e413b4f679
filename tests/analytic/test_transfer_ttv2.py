"""TTv2's transfer A -> H -> C against NumPy fed with the same read-outs; Rasch 2024, Eq. 15."""

import numpy as np
import pytest

from twin.operation import Counts, Opcode

N_IN, N_OUT = 8, 6
NOISE = {
    "tile.io.inp_res": "126",
    "tile.io.out_res": "510",
    "tile.io.out_bound": "12",
    "tile.io.out_noise": "0.06",
}
SPLIT = {"tile.rows": "4", "tile.cols": "3"}


def symmetric(**more):
    """Constant steps of one size without noise: a pulse moves C by exactly dw_min."""
    quiet = dict.fromkeys(("dw_min_dtod", "up_down_dtod", "dw_min_std", "w_max_dtod", "w_min_dtod"), 0.0)
    return {"device": "symmetric-1200", "device_overrides": {"dw_min": 0.01} | quiet | more}


def machine_of(rig, settings, chip=None, **more):
    base = {"transfer_lr": 2.0, "transfer_axis": "row"}
    options = symmetric() | {"chip": NOISE | (chip or {})} | more
    return rig("ttv2", layers=((N_OUT, "identity", False),), n_inputs=N_IN, settings=base | settings, **options)


def step(made, sample, rng):
    """One sample's update and, when due, its transfer; return the transfer's counts by opcode, or None."""
    made.vector("x")[:] = rng.uniform(-1, 1, N_IN)
    made.vector("d")[:] = rng.uniform(-1, 1, N_OUT)
    made.perform(Opcode.UPDATE, sample=sample)
    if not made.program.layers[0].due(sample):
        return None
    return {code: made.perform(code, sample=sample) for code in (Opcode.READ_OUT, Opcode.FILTER, Opcode.PULSE)}


@pytest.mark.parametrize("chip", [{}, SPLIT], ids=["one array", "split"])
@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("axis", ["row", "column"])
@pytest.mark.parametrize("reset", ["plain", "hysteretic"])
def test_h_and_c_follow_algorithm_2(rig, reset, axis, every, chip):
    made = machine_of(rig, {"reset": reset, "transfer_axis": axis, "transfer_every": every, "transfer_lr": 8.0}, chip)
    lines, length = (N_OUT, N_IN) if axis == "row" else (N_IN, N_OUT)
    h, crossed = np.zeros((lines, length), np.float32), np.zeros((lines, length))
    c = made.machine.weights(0, "C").astype(np.float64)
    rng = np.random.default_rng(7)
    transfers = 0
    for sample in range(60 * every):
        counts = step(made, sample, rng)
        assert (counts is not None) == ((sample + 1) % every == 0)
        if counts is None:
            continue
        t = transfers % lines  # lines take turns, starting with the first
        transfers += 1
        value = h[t] + np.float32(8.0) * made.vector("v")
        beyond = np.abs(value) > 1
        sign = np.where(beyond, np.sign(value), 0.0)
        h[t] = np.where(beyond, sign * (0.6 if reset == "hysteretic" else 0.0), value)
        crossed[t] += beyond
        line = (t, slice(None)) if axis == "row" else (slice(None), t)
        c[line] += 0.01 * sign
        found = made.vector("h", size=lines * length).reshape(lines, length)
        np.testing.assert_allclose(found, h, atol=1e-6)
        h = found.copy()  # rounding must not add up
        np.testing.assert_array_equal(made.vector("crossed", size=lines * length), crossed.ravel())
        np.testing.assert_allclose(made.machine.weights(0, "C"), c, atol=2e-6)
        assert counts[Opcode.FILTER][Counts.CROSSED] == beyond.sum()
        assert counts[Opcode.PULSE][Counts.COINCIDENCES] == beyond.sum()
        assert counts[Opcode.PULSE][Counts.PULSES] == beyond.any()
        arrays = {axis_block(p, axis) for p in made.machine.mapping.parts(0, "C") if holds(p, axis, t)}
        pulsed = sum(beyond[a:b].any() for a, b in arrays)
        assert counts[Opcode.PULSE][Counts.PART_PULSES] == pulsed
        assert counts[Opcode.PULSE][Counts.FIRED] == beyond.sum() + pulsed
    assert transfers == 60
    assert crossed.sum() > 10


def holds(part, axis, line):
    return part.out0 <= line < part.out1 if axis == "row" else part.in0 <= line < part.in1


def axis_block(part, axis):
    return (part.in0, part.in1) if axis == "row" else (part.out0, part.out1)


@pytest.mark.parametrize("chip", [{}, SPLIT], ids=["one array", "split"])
@pytest.mark.parametrize("axis", ["row", "column"])
def test_a_read_out_is_one_line_of_a_with_noise_on_the_converters_grid(rig, axis, chip):
    made = machine_of(rig, {"transfer_axis": axis}, chip)
    rng = np.random.default_rng(2)
    made.machine.set_weights(0, "A", rng.uniform(-0.5, 0.5, (N_OUT, N_IN)))
    a = made.machine.weights(0, "A")
    lines = N_OUT if axis == "row" else N_IN
    residuals = []
    for sample in range(400 * lines):
        counts = made.perform(Opcode.READ_OUT, sample=sample)
        v = made.vector("v")
        t = sample % lines
        residuals.append(v - (a[t] if axis == "row" else a[:, t]))
        parts = [p for p in made.machine.mapping.parts(0, "A") if holds(p, axis, t)]
        assert counts[Counts.MVMS] == 1
        assert counts[Counts.PART_MVMS] == counts[Counts.DRIVEN] == len(parts)
        assert counts[Counts.CONVERTED] == len(v)
        assert made.program.layers[0].line_parts("A", sample) == tuple(
            k for k, p in enumerate(made.machine.mapping.parts(0, "A")) if p in parts
        )
        np.testing.assert_allclose(v / (24 / 510), np.round(v / (24 / 510)), atol=1e-3)
    xi = np.array(residuals, np.float64)
    n = xi.size
    variance = 0.06**2 + (24 / 510) ** 2 / 12  # noise and rounding
    assert abs(xi.mean()) < 4 * (variance / n) ** 0.5
    assert xi.var() == pytest.approx(variance, rel=0.05)
    correlation = np.corrcoef(xi.T) - np.eye(xi.shape[1])
    assert np.abs(correlation).max() < 4.5 / len(xi) ** 0.5


def test_the_read_out_counts_the_conductances_of_its_line(rig):
    for axis in ("row", "column"):
        made = machine_of(rig, {"transfer_axis": axis}, SPLIT)
        rng = np.random.default_rng(2)
        made.machine.set_weights(0, "A", rng.uniform(-0.5, 0.5, (N_OUT, N_IN)))
        a = made.machine.weights(0, "A").astype(np.float64)
        record = made.machine.matrices[made.machine.layers[0]["fast"]]
        line = a[4] if axis == "row" else a[:, 4]
        expected = np.sum(1 + float(record["conductance_slope"]) * line + 1)  # main and reference devices
        counts = made.perform(Opcode.READ_OUT, sample=4)
        assert counts[Counts.CONDUCTION] == pytest.approx(expected, rel=1e-5)


def test_pulses_on_c_carry_its_cycle_noise(rig):
    made = machine_of(rig, {"transfer_axis": "row"}, **symmetric(dw_min_std=0.3))
    start = made.machine.weights(0, "C")
    steps = []
    for sample in range(0, 3000, N_OUT):  # always the first line
        made.machine.set_weights(0, "C", start)
        made.vector("s")[:] = [1, -1, 0, 1, 1, -1, 0, 1]
        made.perform(Opcode.PULSE, sample=sample)
        change = made.machine.weights(0, "C") - start
        assert not change[1:].any()
        assert not change[0, [2, 6]].any()
        steps.append(change[0, [0, 1, 3, 4, 5, 7]] * [1, -1, 1, 1, -1, 1])
    steps = np.array(steps, np.float64) / 0.01
    n = len(steps)
    assert np.abs(steps.mean(axis=0) - 1).max() < 4.5 * 0.3 / n**0.5
    assert np.abs(steps.std(axis=0) / 0.3 - 1).max() < 4.5 / (2 * n) ** 0.5


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("bl", [1, 5])
def test_automatic_scale_is_equation_15(rig, momentum, bl):
    """lr = fast_lr desired_bl dw_min / (mu_x mu_d): read from exact updates of an ideal device."""
    dw_min = 0.001
    settings = {"fast_lr": 0.7, "auto_scale": True, "auto_momentum": momentum, "update": {"desired_bl": bl}}
    made = machine_of(rig, settings, device="ideal", device_overrides={"dw_min": dw_min})
    rng = np.random.default_rng(5)
    means = None
    for sample in range(30):
        x = rng.uniform(-1, 1, N_IN).astype(np.float32)
        d = (rng.uniform(-1, 1, N_OUT) * 10.0 ** rng.uniform(-4, 0)).astype(np.float32)
        tops = np.array([np.abs(x).max(), np.abs(d).max()], np.float64)
        if sample == 10:
            d[:] = 0  # a sample without an error moves nothing, the mean of the errors included
            tops[1] = means[1]
        means = tops if means is None else momentum * means + (1 - momentum) * tops
        before = made.machine.weights(0, "A").astype(np.float64)
        made.vector("x")[:], made.vector("d")[:] = x, d
        counts = made.perform(Opcode.UPDATE, sample=sample)
        rate = 0.7 * bl * dw_min / (means[0] * means[1])
        change = made.machine.weights(0, "A") - before
        np.testing.assert_allclose(change, rate * np.outer(d, x), rtol=1e-3, atol=2e-7)
        k = rate * np.abs(x).max() * np.abs(d).max() / dw_min
        assert counts[Counts.PULSES] in {min(np.ceil(k - 1e-5), bl), min(np.ceil(k + 1e-5), bl)}


def test_the_schedule_decays_the_transfer_rate_and_not_the_automatic_one(rig):
    made = machine_of(rig, {"fast_lr": 1.0, "auto_scale": True})
    made.machine.set_rates(0.25)
    assert made.machine.layers["lr"][0] == pytest.approx(1.0)
    assert made.machine.layers["transfer_lr"][0] == pytest.approx(0.5)
    fixed = machine_of(rig, {"fast_lr": 1.0, "auto_scale": False})
    fixed.machine.set_rates(0.25)
    assert fixed.machine.layers["lr"][0] == pytest.approx(0.25)
    sgd = rig("sgd", settings={"learning_rate": 0.1})
    sgd.machine.set_rates(0.25)
    assert sgd.machine.layers["lr"][0] == pytest.approx(0.025)


def test_each_layer_may_have_a_period_of_its_own(rig):
    made = rig(
        "ttv2",
        layers=((6, "tanh", True), (5, "tanh", True), (4, "identity", True)),
        settings={"transfer_every_per_layer": (3, 1, 2)},
    )
    assert made.machine.layers["transfer_every"].tolist() == [3, 1, 2]
