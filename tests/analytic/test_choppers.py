"""Choppers against closed forms: what keeps its sign adds up, what does not follow the choppers averages out."""

import numpy as np
import pytest

from twin.kernels.records import INSTRUCTION
from twin.operation import N_COUNTS, Counts, Opcode
from twin.runs.build import build
from twin.runs.planning import plan_run

N_IN, N_OUT = 8, 6
DW_MIN = 0.01
FILTER = {"ttv2": Opcode.FILTER, "cttv2": Opcode.FILTER, "agad": Opcode.FILTER_DYNAMIC}
READ = {"ttv2": Opcode.READ_OUT, "cttv2": Opcode.READ_OUT_CHOPPED, "agad": Opcode.READ_OUT_CHOPPED}
QUIET = dict.fromkeys(("dw_min_dtod", "up_down_dtod", "dw_min_std", "w_max_dtod", "w_min_dtod"), 0.0)
both_axes = pytest.mark.parametrize("axis", ["row", "column"])


def machine_of(rig, algorithm, settings, n_in=N_IN, n_out=N_OUT, **more):
    """Constant steps of one size without noise: a pulse moves C by exactly dw_min."""
    base = {"transfer_lr": 1.0, "transfer_axis": "row"}
    options = {"device": "symmetric-1200", "device_overrides": {"dw_min": DW_MIN} | QUIET} | more
    return rig(algorithm, layers=((n_out, "identity", False),), n_inputs=n_in, settings=base | settings, **options)


def transfer(made, algorithm, number):
    """Perform one transfer; return what was read, signs corrected, and the counts of the pulses."""
    made.perform(READ[algorithm], sample=number)
    v = made.vector("v").copy()
    made.perform(FILTER[algorithm], sample=number)
    return v, made.perform(Opcode.PULSE, sample=number)


def matrix(made, name):
    """Copy a digital matrix of the first layer, (lines, line_length)."""
    record = made.machine.layers[0]
    lines, length = int(record["lines"]), int(record["line_length"])
    return made.vector(name, size=lines * length).reshape(lines, length).copy()


def offset(made, seed=1):
    """Put a constant matrix into A and return it as lines along the transfer axis."""
    a = np.random.default_rng(seed).uniform(0.05, 0.15, (N_OUT, N_IN))
    made.machine.set_weights(0, "A", a)
    return a if made.machine.layers[0]["transfer_axis"] == 0 else a.T


def cycles(made, algorithm, count, first=0):
    """Perform `count` transfers of every line, from cycle `first` on."""
    lines = int(made.machine.layers[0]["lines"])
    for number in range(first * lines, (first + count) * lines):
        transfer(made, algorithm, number)


# -- offsets --------------------------------------------------------------------------------------------------


@both_axes
def test_an_offset_of_a_drifts_into_c_with_ttv2_and_averages_out_with_choppers(rig, axis):
    plain = machine_of(rig, "ttv2", {"transfer_axis": axis})
    chopped = machine_of(rig, "cttv2", {"transfer_axis": axis, "in_chop_prob": 0.2, "in_chop_random": False})
    for made, algorithm in ((plain, "ttv2"), (chopped, "cttv2")):
        start = made.machine.weights(0, "C")
        a = offset(made)
        cycles(made, algorithm, 100)
        drift = (made.machine.weights(0, "C") - start).astype(np.float64)
        drift = drift if axis == "row" else drift.T
        if algorithm == "cttv2":
            # five reads of one sign, at most 0.15 each, never cross 1, and the next five take them back
            assert not drift.any()
            np.testing.assert_allclose(matrix(made, "h"), 0, atol=1e-5)
        else:
            reads = 100 // np.ceil(1 / a)  # crossings: every ceil(1 / a) reads
            np.testing.assert_allclose(drift, DW_MIN * reads, atol=1e-5)


@both_axes
def test_the_sum_of_random_choppers_has_the_moments_of_a_telegraph_signal(rig, axis):
    """H = a sum of n signs, of which each follows the last with probability 1 - p; r = 1 - 2 p.

    Mean (1 - r^n) / (1 - r); variance n (1 + r) / (1 - r) - 2 r (1 - r^n) / (1 - r)^2 - mean^2.
    """
    p, n, lines = 0.1, 300, 600
    shape = (1, lines) if axis == "row" else (lines, 1)
    settings = {"transfer_axis": axis, "in_chop_prob": p, "threshold": 1e5}
    made = machine_of(rig, "cttv2", settings, *shape)
    made.machine.set_weights(0, "A", np.full(shape[::-1], 0.1))
    program = np.zeros(2 * n * lines, INSTRUCTION)
    program["opcode"] = np.tile([int(Opcode.READ_OUT_CHOPPED), int(Opcode.FILTER)], n * lines)
    program["sample"] = np.repeat(np.arange(n * lines), 2)
    program["uses"] = 1
    made.machine.execute(program, np.zeros((program.size, N_COUNTS)))
    signs = matrix(made, "h").ravel().astype(np.float64) / 0.1
    r = 1 - 2 * p
    mean = (1 - r**n) / (1 - r)
    variance = n * (1 + r) / (1 - r) - 2 * r * (1 - r**n) / (1 - r) ** 2 - mean**2
    assert abs(signs.mean() - mean) < 4 * (variance / lines) ** 0.5
    assert abs(signs.var() / variance - 1) < 4 * (2 / lines) ** 0.5


def test_agad_cancels_a_reference_that_is_off(rig):
    """With A = a throughout, P tends to a within a period, so H keeps what its first periods left.

    P_ref after k periods of m reads is a (1 - q^k), q = (1 - beta)^m, the first period adds nothing, and the signs
    alternate, so H = a m sum_{k > 0} (-q)^k.
    """
    m, tail = 10, 2.5
    made = machine_of(rig, "agad", {"in_chop_prob": 1 / m, "tail_weightening": tail, "threshold": 100.0})
    a = offset(made)
    q = (1 - tail / m) ** m
    for period in range(6):
        cycles(made, "agad", m, first=m * period)
        np.testing.assert_allclose(matrix(made, "reference"), a * (1 - q ** (period + 1)), rtol=1e-4)
        np.testing.assert_allclose(matrix(made, "h"), a * m * sum((-q) ** k for k in range(1, period + 1)), rtol=1e-3)


@both_axes
@pytest.mark.parametrize("algorithm", ["cttv2", "agad"])
def test_a_gradient_that_keeps_its_sign_adds_up_whatever_the_choppers(rig, algorithm, axis):
    """Every cycle adds the same rank-1 gradient g to an ideal A, under each line's sign.

    c-TTv2: the k-th read of a period finds c (S + k g) with S what the periods before left under their signs.
    AGAD: what it finds is compared with the end of the period before, P with beta = 1, so each period of m reads
    but the first gives H exactly g (1 + ... + m).
    """
    m, periods = 4, 6
    more = {"tail_weightening": float(m)} if algorithm == "agad" else {}
    settings = {"transfer_axis": axis, "in_chop_prob": 1 / m, "in_chop_random": False, "threshold": 1e5} | more
    settings |= {"auto_scale": False, "fast_lr": 0.01, "transfer_every": N_OUT if axis == "row" else N_IN}
    made = machine_of(rig, algorithm, settings, device="ideal", device_overrides={})
    rng = np.random.default_rng(5)
    x, d = rng.uniform(0.5, 1, N_IN), rng.uniform(-1, -0.5, N_OUT)
    made.vector("x")[:], made.vector("d")[:] = x, d
    lines = N_OUT if axis == "row" else N_IN
    for transfers in range(m * periods * lines):
        number = (transfers + 1) * lines - 1
        if transfers % lines == 0:
            made.perform(Opcode.UPDATE_CHOPPED, sample=number)
        transfer(made, algorithm, number)
    g = 0.01 * np.outer(d, x)
    g = g if axis == "row" else g.T
    if algorithm == "agad":
        expected = (periods - 1) * m * (m + 1) / 2
    else:
        signs = np.repeat([(-1) ** k for k in range(periods)], m)
        expected = np.sum(signs * np.cumsum(signs))
    np.testing.assert_allclose(matrix(made, "h"), expected * g, rtol=1e-4)


def test_agad_adds_nothing_before_a_lines_sign_has_flipped_once(rig):
    """What A holds from its fabrication would pass for a gradient while there is no reference to compare it with."""
    m = 3
    made = machine_of(rig, "agad", {"in_chop_prob": 1 / m, "tail_weightening": 1.0, "threshold": 1e-6})
    offset(made)
    start = made.machine.weights(0, "C")
    cycles(made, "agad", m)
    assert not matrix(made, "h").any()
    np.testing.assert_array_equal(made.machine.weights(0, "C"), start)
    assert np.isfinite(matrix(made, "reference")).all()
    cycles(made, "agad", 1, first=m)
    assert (made.machine.weights(0, "C") != start).any()


# -- single effects -------------------------------------------------------------------------------------------


@both_axes
@pytest.mark.parametrize("chip", [{}, {"tile.rows": "4", "tile.cols": "3"}], ids=["one array", "split"])
def test_a_read_out_takes_the_signs_away_that_the_update_put_in(rig, axis, chip):
    settings = {"transfer_axis": axis, "auto_scale": False, "fast_lr": 0.1, "in_chop_prob": 0.0}
    made = machine_of(rig, "cttv2", settings, device="ideal", device_overrides={}, chip=chip)
    rng = np.random.default_rng(3)
    lines, length = (N_OUT, N_IN) if axis == "row" else (N_IN, N_OUT)
    along, across = rng.choice([-1.0, 1.0], lines), rng.choice([-1.0, 1.0], length)
    made.vector("in_chop", size=lines)[:], made.vector("out_chop", size=length)[:] = along, across
    x, d = rng.uniform(-1, 1, N_IN), rng.uniform(-1, 1, N_OUT)
    made.vector("x")[:], made.vector("d")[:] = x, d
    made.perform(Opcode.UPDATE_CHOPPED)
    signed = np.outer(d, x) * (np.outer(along, across) if axis == "row" else np.outer(across, along))
    np.testing.assert_allclose(made.machine.weights(0, "A"), 0.1 * signed, atol=1e-6)
    for t in range(lines):
        made.perform(Opcode.READ_OUT_CHOPPED, sample=t)
        line = d[t] * x if axis == "row" else x[t] * d
        np.testing.assert_allclose(made.vector("v"), 0.1 * line, atol=1e-6)


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("random", [False, True])
def test_choppers_flip_between_reads_of_their_line(rig, every, random):
    """Regularly: after every round(1 / in_chop_prob) reads. Those across the lines: after the last line only."""
    settings = {"transfer_every": every, "in_chop_prob": 0.25, "in_chop_random": random, "out_chop_prob": 0.5}
    made = machine_of(rig, "cttv2", settings)
    along, across = np.ones(N_OUT), np.ones(N_IN)
    flips = crossings = 0
    for transfers in range(400 * N_OUT):
        made.perform(Opcode.READ_OUT_CHOPPED, sample=(transfers + 1) * every - 1)
        cycle, t = divmod(transfers, N_OUT)
        found = made.vector("in_chop", size=N_OUT).copy()
        changed = found != along
        assert not changed[np.arange(N_OUT) != t].any()
        if not random:
            assert changed[t] == ((cycle + 1) % 4 == 0)
        flips += changed[t]
        along = found
        found = made.vector("out_chop", size=N_IN).copy()
        assert t == N_OUT - 1 or not np.any(found != across)
        crossings += np.sum(found != across)
        across = found
    n = 400 * N_OUT
    assert flips == pytest.approx(n / 4, abs=4 * (n * 0.25 * 0.75) ** 0.5)
    assert crossings == pytest.approx(400 * N_IN / 2, abs=4 * (400 * N_IN / 4) ** 0.5)


@pytest.mark.parametrize("algorithm", ["cttv2", "agad"])
@pytest.mark.parametrize("reset", ["plain", "hysteretic"])
@pytest.mark.parametrize("granularity", [0.0, 50.0])
def test_h_follows_the_pseudocode(rig, algorithm, reset, granularity):
    """NumPy fed with the same read-outs, noise and converters on."""
    noise = {"tile.io.out_res": "510", "tile.io.out_bound": "12", "tile.io.out_noise": "0.06"}
    every, beta = 2, 0.6
    settings = {"transfer_every": every, "threshold": 2.0, "auto_granularity": granularity, "reset": reset}
    rate = 1.0 if granularity else 8.0
    settings |= {"in_chop_prob": 0.2, "in_chop_random": True, "transfer_lr": rate}
    settings |= {"tail_weightening": beta / 0.2} if algorithm == "agad" else {}
    made = machine_of(rig, algorithm, settings, chip=noise)
    threshold = 2.0 * (granularity * DW_MIN / (N_OUT * every) if granularity else 1.0)
    h, mean, reference = np.zeros((3, N_OUT, N_IN))
    known = np.zeros(N_OUT, bool)
    rng = np.random.default_rng(7)
    crossed = flips = 0
    for transfers in range(300):
        number, t = (transfers + 1) * every - 1, transfers % N_OUT
        made.vector("x")[:], made.vector("d")[:] = rng.uniform(-1, 1, N_IN), rng.uniform(-1, 1, N_OUT)
        made.perform(Opcode.UPDATE_CHOPPED, sample=number)
        sign = float(made.vector("in_chop", size=N_OUT)[t])
        v, counts = transfer(made, algorithm, number)
        flipped = made.vector("in_chop", size=N_OUT)[t] != sign
        flips += flipped
        if algorithm == "agad":
            corrected = (v - sign * reference[t]) * known[t]
            mean[t] = (1 - beta) * mean[t] + beta * sign * v
            reference[t] = mean[t] if flipped else reference[t]
            known[t] |= flipped
        else:
            corrected = v
        value = h[t] + rate * corrected
        beyond = np.abs(value) > threshold
        h[t] = np.where(beyond, np.sign(value) * (0.6 * threshold if reset == "hysteretic" else 0.0), value)
        np.testing.assert_allclose(matrix(made, "h"), h, atol=1e-4)
        h = matrix(made, "h").astype(np.float64)
        assert counts[Counts.COINCIDENCES] == beyond.sum()
        crossed += beyond.sum()
    assert crossed > 20
    assert flips > 20


# -- runs -----------------------------------------------------------------------------------------------------


def trained(algorithm, layout, mode, samples, workload):
    overrides = {"data.samples": str(samples), "training.epochs": "1"} | workload
    parts = build(plan_run("digits-mlp", "aimc-512", layout, algorithm, mode, overrides, {}))
    parts.machine.set_rates(1.0)
    parts.effects.segment(0, samples)
    parts.engine.run(0, samples)
    return parts


@pytest.mark.parametrize("axis", ["row", "column"])
@pytest.mark.parametrize(
    ("algorithm", "layout", "more"),
    [
        ("cttv2", "four-array", {"in_chop_random": "true", "out_chop_prob": "0.3"}),
        ("cttv2", "three-array", {"in_chop_random": "false"}),
        ("agad", "four-array", {"in_chop_random": "true"}),
        ("agad", "three-array-c", {"in_chop_random": "false"}),
    ],
)
def test_coupled_and_replayed_runs_agree(algorithm, layout, more, axis):
    own = {"transfer_every": "1", "in_chop_prob": "0.5", "transfer_axis": f'"{axis}"'} | more
    own = {f"algorithms.{algorithm}.{key}": value for key, value in own.items()}
    one, other = (trained(algorithm, layout, mode, 150, own) for mode in ("coupled", "replayed"))
    assert one.machine.f.tobytes() == other.machine.f.tobytes()
    assert sorted(one.effects.losses) == sorted(other.effects.losses)
    states = one.engine.state(), other.engine.state()
    for name, values in states[0].items():
        np.testing.assert_array_equal(values, states[1][name], err_msg=name)


def error_after(algorithm, layout, epochs, workload):
    """Train in program order, rates halved after each third; return the fraction of wrong test images."""
    overrides = {"training.epochs": str(epochs)} | workload
    parts = build(plan_run("digits-mlp", "aimc-512", layout, algorithm, "replayed", overrides, {}))
    n = len(parts.data.inputs)
    for epoch in range(epochs):
        parts.machine.set_rates(0.5 ** (3 * epoch // epochs))
        program, _ = parts.effects.encoder.encode(epoch * n, (epoch + 1) * n)
        parts.machine.execute(program, np.zeros((program.size, len(Counts))))
    return parts.machine.evaluate(0)[1]


@pytest.mark.parametrize(("algorithm", "layout"), [("cttv2", "four-array"), ("agad", "three-array-c")])
def test_digits_are_learnt(algorithm, layout):
    assert error_after(algorithm, layout, 5, {}) < 0.12


def test_agad_learns_what_ttv2_does_not_where_references_are_off():
    """No calibration, and symmetry points that scatter by as much as the weights."""
    off = {"calibration.method": '"none"', "device.up_down_dtod": "0.5"}
    agad, ttv2 = (error_after(algorithm, "four-array", 12, off) for algorithm in ("agad", "ttv2"))
    assert agad < 0.07
    assert ttv2 > 1.5 * agad
