"""SHD's transfer C += transfer_lr f(v) u^T: which vectors, which threshold, what mean change."""

import numpy as np
import pytest

from twin.operation import Counts, Opcode

N_IN, N_OUT = 8, 6
DW_MIN = 0.002


def machine_of(rig, settings, n_in=N_IN, n_out=N_OUT, **more):
    base = {
        "transfer_lr": 0.5,
        "transfer_axis": "row",
        "threshold": 0.0,
        "transfer_update": {"desired_bl": 31},
    }
    quiet = dict.fromkeys(("dw_min_dtod", "up_down_dtod", "dw_min_std", "w_max_dtod", "w_min_dtod"), 0.0)
    options = {"device": "symmetric-1200", "device_overrides": {"dw_min": DW_MIN} | quiet} | more
    return rig("shd", layers=((n_out, "identity", False),), n_inputs=n_in, settings=base | settings, **options)


def vectors(made, count):
    """Return the transfer vectors of the first `count` transfers."""
    drawn = []
    for sample in range(count):
        made.perform(Opcode.READ_OUT, sample=sample)
        made.perform(Opcode.TRANSFER_UPDATE, sample=sample)
        drawn.append(made.vector("u", size=int(made.machine.layers[0]["lines"])).astype(np.float64))
    return np.array(drawn)


@pytest.mark.parametrize("axis", ["row", "column"])
def test_one_hot_vectors_take_turns(rig, axis):
    lines = N_OUT if axis == "row" else N_IN
    u = vectors(machine_of(rig, {"transfer_axis": axis}), 2 * lines)
    np.testing.assert_array_equal(u, np.vstack([np.eye(lines)] * 2))


@pytest.mark.parametrize("lines", [2, 8, 32])
def test_hadamard_vectors_are_orthogonal(rig, lines):
    u = vectors(machine_of(rig, {"transfer_vectors": "hadamard"}, n_out=lines), 2 * lines)
    assert set(np.unique(u)) == {-1.0, 1.0}
    np.testing.assert_array_equal(u[:lines] @ u[:lines].T, lines * np.eye(lines))
    np.testing.assert_array_equal(u[:lines].T @ u[:lines], lines * np.eye(lines))
    np.testing.assert_array_equal(u[lines:], u[:lines])


@pytest.mark.parametrize("lines", [3, 6, 10, 48])
def test_a_cycle_of_hadamard_vectors_sums_to_the_identity_for_any_number_of_lines(rig, lines):
    """sum over a cycle of u u^T, times the rate's factor, must be the identity; else A's lines mix in C.

    A Sylvester matrix has a power of two of columns: the cycle runs over that many vectors.
    """
    size = 1 << (lines - 1).bit_length()
    u = vectors(machine_of(rig, {"transfer_vectors": "hadamard"}, n_out=lines), size)
    np.testing.assert_array_equal(u.T @ u, size * np.eye(lines))


@pytest.mark.parametrize("lines", [8, 6])
@pytest.mark.parametrize("axis", ["row", "column"])
@pytest.mark.parametrize("kind", ["one-hot", "hadamard"])
def test_a_cycle_transfers_the_whole_of_a(rig, kind, axis, lines):
    """With exact devices and quiet read-outs C gains transfer_lr A over a cycle, whatever the vectors."""
    n_out, n_in = (lines, 5) if axis == "row" else (5, lines)
    settings = {"transfer_vectors": kind, "transfer_axis": axis, "transfer_lr": 0.25}
    made = machine_of(rig, settings, n_in, n_out, device="ideal", device_overrides={})
    a = np.random.default_rng(1).uniform(-1, 1, (n_out, n_in))
    made.machine.set_weights(0, "A", a)
    start = made.machine.weights(0, "C")
    cycle = lines if kind == "one-hot" else 1 << (lines - 1).bit_length()
    vectors(made, cycle)
    np.testing.assert_allclose(made.machine.weights(0, "C") - start, 0.25 * a, atol=1e-5)


def test_f_zeroes_what_is_below_the_threshold(rig):
    made = machine_of(rig, {"threshold": 0.3})
    a = np.zeros((N_OUT, N_IN))
    a[0] = [0.29, -0.29, 0.3, -0.31, 0.0, 0.5, -1.0, 0.1]
    made.machine.set_weights(0, "A", a)
    made.perform(Opcode.READ_OUT, sample=0)
    counts = made.perform(Opcode.TRANSFER_UPDATE, sample=0)
    kept = np.where(np.abs(a[0].astype(np.float32)) >= np.float32(0.3), a[0], 0)
    np.testing.assert_allclose(made.vector("s"), kept, rtol=1e-6)
    assert counts[Counts.CROSSED] == np.count_nonzero(kept) == 4


def test_nothing_above_the_threshold_costs_nothing(rig):
    made = machine_of(rig, {"threshold": 0.3})
    start = made.machine.f.copy()
    made.perform(Opcode.READ_OUT, sample=1)
    assert not made.perform(Opcode.TRANSFER_UPDATE, sample=1).any()
    kept = start.copy()
    record = made.machine.layers[0]
    kept[record["u"] : record["u"] + N_OUT] = made.vector("u", size=N_OUT)
    np.testing.assert_array_equal(made.machine.f, kept)


def test_with_threshold_zero_a_zero_is_not_counted_as_transferred(rig):
    made = machine_of(rig, {"threshold": 0.0})
    made.perform(Opcode.READ_OUT, sample=0)
    assert made.perform(Opcode.TRANSFER_UPDATE, sample=0)[Counts.CROSSED] == 0


@pytest.mark.parametrize("axis", ["row", "column"])
@pytest.mark.parametrize(("kind", "lines"), [("one-hot", 6), ("hadamard", 4)])
def test_the_mean_change_of_c_is_the_rate_times_f_v_u(rig, kind, lines, axis):
    n_out, n_in = (lines, 5) if axis == "row" else (5, lines)
    rate = 0.02
    made = machine_of(rig, {"transfer_vectors": kind, "transfer_axis": axis, "transfer_lr": rate}, n_in, n_out)
    a = np.random.default_rng(1).uniform(-0.4, 0.4, (n_out, n_in))
    made.machine.set_weights(0, "A", a)
    start = made.machine.f.copy()
    c = made.machine.weights(0, "C")
    changes = []
    t = 1
    for repeat in range(4000):
        made.machine.f[:] = start
        sample = t + repeat * lines
        made.perform(Opcode.READ_OUT, sample=sample)
        made.perform(Opcode.TRANSFER_UPDATE, sample=sample)
        changes.append(made.machine.weights(0, "C") - c)
    u = made.vector("u", size=lines).astype(np.float64)
    v = made.vector("v").astype(np.float64)
    np.testing.assert_allclose(v, a.T @ u if axis == "row" else a @ u, atol=1e-5)
    mean = (rate if kind == "one-hot" else rate / lines) * (np.outer(u, v) if axis == "row" else np.outer(v, u))
    dw = np.array(changes, np.float64)
    error = dw.std(axis=0) / len(dw) ** 0.5
    still = mean == 0
    assert not dw[:, still].any()
    z = (dw.mean(axis=0) - mean)[~still] / np.maximum(error[~still], 1e-9)
    assert np.abs(z).max() < 4.5
    assert abs(z.mean()) < 3


@pytest.mark.parametrize("axis", ["row", "column"])
def test_a_one_hot_transfer_costs_only_the_arrays_that_hold_its_line(rig, axis):
    """Arrays that take no part neither take pulse slots nor fire pulses."""
    chip = {"tile.rows": "2", "tile.cols": "3"}
    made = machine_of(rig, {"transfer_axis": axis}, chip=chip)
    whole = machine_of(rig, {"transfer_axis": axis})
    a = np.random.default_rng(1).uniform(0.2, 0.4, (N_OUT, N_IN))
    for one in (made, whole):
        one.machine.set_weights(0, "A", a)
        one.perform(Opcode.READ_OUT, sample=3)
    counts = made.perform(Opcode.TRANSFER_UPDATE, sample=3)
    parts = made.program.layers[0].line_parts("C", 3)
    assert len(parts) == 3
    assert counts[Counts.PART_PULSES] == len(parts) * counts[Counts.PULSES]
    assert counts[Counts.FIRED] <= counts[Counts.PULSES] * (len(parts) + (N_IN if axis == "row" else N_OUT))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0])
def test_forward_and_backward_use_gamma_a_plus_c(rig, gamma):
    made = machine_of(rig, {"gamma": gamma}, in_flight=2)
    rng = np.random.default_rng(1)
    a, c = rng.uniform(-0.4, 0.4, (2, N_OUT, N_IN))
    made.machine.set_weights(0, "A", a)
    made.machine.set_weights(0, "C", c)
    x, d = rng.uniform(-1, 1, N_IN), rng.uniform(-1, 1, N_OUT)
    made.vector("x", slot=1)[:], made.vector("d", slot=1)[:] = x, d
    layer = made.program.layers[0]
    rules = made.machine.designs[0].algorithm
    for operation in (*rules.forward(layer), *rules.backward(layer)):
        if operation.opcode:
            made.perform(operation.opcode, slot=1)
    np.testing.assert_allclose(made.vector("z", slot=1), (c + gamma * a) @ x, atol=1e-5)
    np.testing.assert_allclose(made.vector("e", slot=1), (c + gamma * a).T @ d, atol=1e-5)
