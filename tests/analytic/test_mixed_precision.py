"""Mixed precision: chi is the exact sum of gradients, and what leaves it arrives on W as pulses."""

import numpy as np
import pytest

from twin.operation import Counts, Kind, Opcode, Stream
from twin.runs.build import build
from twin.runs.planning import plan_run

N_IN, N_OUT = 8, 6
DW_MIN = 0.01
QUIET = dict.fromkeys(("dw_min_dtod", "up_down_dtod", "dw_min_std", "w_max_dtod", "w_min_dtod"), 0.0)
SPLIT = {"tile.rows": "4", "tile.cols": "3"}
both_axes = pytest.mark.parametrize("axis", ["row", "column"])


def machine_of(rig, settings, **more):
    """Constant steps of one size without noise: a pulse moves W by exactly dw_min."""
    quiet = {"dw_min": DW_MIN, "w_max": 10.0, "w_min": -10.0} | QUIET | more.pop("device_overrides", {})
    options = {"device": "symmetric-1200", "device_overrides": quiet} | more
    return rig("mixed-precision", layers=((N_OUT, "identity", False),), n_inputs=N_IN, settings=settings, **options)


def chi(made):
    """Copy chi as (n_out, n_in)."""
    record = made.machine.layers[0]
    lines, length = int(record["lines"]), int(record["line_length"])
    whole = made.vector("h", size=lines * length).reshape(lines, length).astype(np.float64)
    return whole if record["transfer_axis"] == 0 else whole.T


def put_chi(made, values):
    record = made.machine.layers[0]
    lines = values if record["transfer_axis"] == 0 else values.T
    made.vector("h", size=values.size)[:] = lines.ravel()


def accumulate(made, number, rng):
    """Accumulate one sample's gradient; return it."""
    x, d = rng.uniform(-1, 1, N_IN), rng.uniform(-1, 1, N_OUT)
    made.vector("x")[:], made.vector("d")[:] = x, d
    made.perform(Opcode.ACCUMULATE, sample=number)
    return np.outer(d, x)


@both_axes
@pytest.mark.parametrize("chip", [{}, SPLIT], ids=["one array", "split"])
@pytest.mark.parametrize("most", [31, 2])
def test_what_was_transferred_and_chi_are_the_sum_of_gradients(rig, axis, chip, most):
    rate, every = 0.05, 4
    settings = {"learning_rate": rate, "transfer_every": every, "transfer_axis": axis, "desired_bl": most}
    made = machine_of(rig, settings, chip=chip)
    start = made.machine.weights(0, "W").astype(np.float64)
    rng = np.random.default_rng(2)
    total = np.zeros((N_OUT, N_IN))
    pulses = 0
    for number in range(200):
        total += rate * accumulate(made, number, rng)
        if not made.program.layers[0].due(number):
            continue
        before = chi(made)
        steps = np.clip(np.trunc(before / DW_MIN), -most, most)
        pulses += made.perform(Opcode.PULSE_LINES, sample=number)[Counts.COINCIDENCES]
        np.testing.assert_allclose(chi(made), before - DW_MIN * steps, atol=1e-6)
        if most == 31:
            assert np.abs(chi(made)).max() <= DW_MIN + 1e-6
        moved = made.machine.weights(0, "W").astype(np.float64) - start
        np.testing.assert_allclose(moved + chi(made), total, atol=2e-5)
    assert pulses > 500


@both_axes
@pytest.mark.parametrize("chip", [{}, SPLIT], ids=["one array", "split"])
def test_lines_take_turns_and_the_largest_element_sets_their_slots(rig, axis, chip):
    made = machine_of(rig, {"transfer_axis": axis}, chip=chip)
    steps = np.random.default_rng(4).integers(-3, 4, (N_OUT, N_IN))
    steps[2] = 0
    steps[:, 5] = 0
    put_chi(made, (steps + 0.4 * np.sign(steps)) * DW_MIN)
    counts = made.perform(Opcode.PULSE_LINES)
    slots = []
    for part in made.machine.mapping.parts(0, "W"):
        block = np.abs(steps[part.out0 : part.out1, part.in0 : part.in1])
        slots.append(block.max(axis=1 if axis == "row" else 0).sum())
    assert counts[Counts.PULSES] == max(slots)
    assert counts[Counts.PART_PULSES] == sum(slots)
    assert counts[Counts.COINCIDENCES] == np.abs(steps).sum()
    assert counts[Counts.FIRED] == np.abs(steps).sum() + sum(slots)
    assert counts[Counts.CROSSED] == np.count_nonzero(steps)


def test_the_granularity_is_what_one_pulse_stands_for(rig):
    made = machine_of(rig, {"granularity": 0.25})
    put_chi(made, np.full((N_OUT, N_IN), 0.8))
    start = made.machine.weights(0, "W")
    made.perform(Opcode.PULSE_LINES)
    np.testing.assert_allclose(chi(made), 0.05, atol=1e-6)
    np.testing.assert_allclose(made.machine.weights(0, "W") - start, 3 * DW_MIN, atol=1e-6)


def test_nothing_whole_costs_nothing(rig):
    made = machine_of(rig, {})
    put_chi(made, np.full((N_OUT, N_IN), 0.99 * DW_MIN))
    start = made.machine.f.copy()
    assert not made.perform(Opcode.PULSE_LINES, sample=10).any()
    np.testing.assert_array_equal(made.machine.f, start)


def test_pulses_carry_cycle_noise_of_their_own(rig):
    """n pulses on a device without slope: mean n dw_min, standard deviation sqrt(n) 0.3 dw_min."""
    made = machine_of(rig, {}, device_overrides={"dw_min_std": 0.3})
    n = 4
    start = made.machine.weights(0, "W")
    changes = []
    for number in range(400):
        made.machine.set_weights(0, "W", start)
        put_chi(made, np.full((N_OUT, N_IN), (n + 0.5) * DW_MIN))
        made.perform(Opcode.PULSE_LINES, sample=number)
        changes.append((made.machine.weights(0, "W") - start).ravel() / DW_MIN)
    changes = np.array(changes, np.float64)
    size = changes.size
    assert abs(changes.mean() - n) < 4 * 0.3 * n**0.5 / size**0.5
    assert changes.std() == pytest.approx(0.3 * n**0.5, rel=4 / (2 * size) ** 0.5)
    correlation = np.corrcoef(changes.T) - np.eye(changes.shape[1])
    assert np.abs(correlation).max() < 5 / len(changes) ** 0.5


def test_a_gradient_that_is_no_number_ends_all_the_same(rig):
    made = machine_of(rig, {"desired_bl": 3})
    put_chi(made, np.full((N_OUT, N_IN), np.nan))
    assert made.perform(Opcode.PULSE_LINES)[Counts.COINCIDENCES] == 3 * N_OUT * N_IN


@both_axes
def test_with_exact_steps_training_is_that_of_sgd(rig, axis):
    """One transfer a sample with steps far below the gradient: W follows digital SGD to the step."""
    fine = {"dw_min": 1e-4}
    settings = {"learning_rate": 0.1, "transfer_every": 1, "transfer_axis": axis, "desired_bl": 10_000}
    made = machine_of(rig, settings, device_overrides=fine)
    w = made.machine.weights(0, "W").astype(np.float64)
    rng = np.random.default_rng(6)
    wanted = rng.uniform(-1, 1, (N_OUT, N_IN))
    for number in range(100):
        x = rng.uniform(-1, 1, N_IN)
        made.vector("x")[:] = x
        made.perform(Opcode.FORWARD, sample=number)
        made.vector("d")[:] = wanted @ x - made.vector("z")
        made.perform(Opcode.ACCUMULATE, sample=number)
        made.perform(Opcode.PULSE_LINES, sample=number)
        w += 0.1 * np.outer(wanted @ x - w @ x, x)
        np.testing.assert_allclose(made.machine.weights(0, "W"), w, atol=5e-4)
    assert np.abs(w - wanted).mean() < 0.1


@both_axes
def test_the_digital_work_grows_with_the_number_of_weights(rig, axis):
    """Rasch 2024, Table 1: 2 N^2 + N operations a sample; chi comes and goes whole; W is pulsed when due."""
    made = machine_of(rig, {"transfer_every": 3, "transfer_axis": axis})
    for number in range(6):
        operations = [o for o in made.program.operations(number) if o.layer == 0]
        flops = {o.kind: o.flops for o in operations}
        assert flops[Kind.FILTER] == 2 * N_IN * N_OUT
        assert flops[Kind.UPDATE_MANAGEMENT] == N_OUT
        moved = [(o.kind, o.words) for o in operations if o.stream is Stream.H]
        assert moved == [(Kind.H_LOAD, N_IN * N_OUT), (Kind.H_STORE, N_IN * N_OUT)]
        assert (Kind.TRANSFER in flops) == ((number + 1) % 3 == 0)
        assert Kind.UPDATE not in flops


def trained(mode, samples, workload):
    overrides = {"data.samples": str(samples), "training.epochs": "1"} | workload
    parts = build(plan_run("digits-mlp", "aimc-512", "two-array", "mixed-precision", mode, overrides, {}))
    parts.machine.set_rates(1.0)
    parts.effects.segment(0, samples)
    parts.engine.run(0, samples)
    return parts


@both_axes
@pytest.mark.parametrize(("in_flight", "every"), [(1, 1), (4, 3)])
def test_coupled_and_replayed_runs_agree(axis, in_flight, every):
    table = "algorithms.mixed-precision"
    own = {"training.in_flight": str(in_flight), f"{table}.transfer_every": str(every)}
    own |= {f"{table}.transfer_axis": f'"{axis}"', f"{table}.learning_rate": "0.1"}
    one, other = (trained(mode, 100, own) for mode in ("coupled", "replayed"))
    assert one.machine.f.tobytes() == other.machine.f.tobytes()
    assert sorted(one.effects.losses) == sorted(other.effects.losses)
    states = one.engine.state(), other.engine.state()
    for name, values in states[0].items():
        np.testing.assert_array_equal(values, states[1][name], err_msg=name)


def test_digits_are_learnt():
    """Five epochs of all 1,437 images with the workload's own rates."""
    parts = build(
        plan_run("digits-mlp", "aimc-512", "two-array", "mixed-precision", "replayed", {"training.epochs": "5"}, {})
    )
    parts.machine.set_rates(1.0)
    for first in range(0, 5 * 1437, 1437):
        program, _ = parts.effects.encoder.encode(first, first + 1437)
        parts.machine.execute(program, np.zeros((program.size, len(Counts))))
    assert parts.machine.evaluate(0)[1] < 0.12
