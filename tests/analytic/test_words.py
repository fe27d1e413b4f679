"""Words of H: what is kept is on the grid, unbiased, within the range, and float32 at 4 B."""

import numpy as np
import pytest

from twin.errors import TwinError
from twin.machine.words import Word
from twin.operation import Counts, Opcode

N_IN, N_OUT = 400, 5
DW_MIN = 0.01
QUIET = dict.fromkeys(("dw_min_dtod", "up_down_dtod", "dw_min_std", "w_max_dtod", "w_min_dtod"), 0.0)


def machine_of(rig, h_word, algorithm="ttv2", settings=None, rounding="stochastic", **more):
    chip = {"placement.h_word": h_word, "placement.h_rounding": rounding}
    transfer = {} if algorithm == "mixed-precision" else {"transfer_lr": 1.0, "transfer_axis": "row"}
    options = {"device": "symmetric-1200", "device_overrides": {"dw_min": DW_MIN} | QUIET, "chip": chip} | more
    layers = ((N_OUT, "identity", False),)
    return rig(algorithm, layers=layers, n_inputs=N_IN, settings=transfer | (settings or {}), **options)


def filtered(made, v, sample=0):
    """Filter a reading v into the line of a sample; return that line of H and the counts."""
    made.vector("v")[:] = v
    counts = made.perform(Opcode.FILTER, sample=sample)
    return line(made, "h", sample % N_OUT), counts


def line(made, name, t):
    return made.vector(name, size=N_IN * N_OUT).reshape(N_OUT, N_IN)[t].copy()


def on_grid(values, step):
    steps = values.astype(np.float64) / step
    return np.abs(steps - np.round(steps)).max() < 1e-3


def test_a_word_of_4_bytes_is_float32_to_the_bit(rig):
    made, rng, h = machine_of(rig, "4 B"), np.random.default_rng(1), np.zeros(N_IN, np.float32)
    assert not made.machine.layers["h_step"].any()
    for number in range(40):
        v = rng.uniform(-0.2, 0.2, N_IN).astype(np.float32)
        total = (h + v).astype(np.float32)
        h = np.where(np.abs(total) > 1, np.copysign(np.float32(0), total), total)
        found, _ = filtered(made, v, number * N_OUT)
        assert found.tobytes() == h.tobytes()


@pytest.mark.parametrize(("word", "bits"), [("4 bit", 4), ("1 B", 8), ("12 bit", 12), ("2 B", 16)])
def test_h_lies_on_steps_of_the_threshold(rig, word, bits):
    made, rng = machine_of(rig, word), np.random.default_rng(2)
    for number in range(20):
        h, _ = filtered(made, rng.uniform(-0.3, 0.3, N_IN), number * N_OUT)
        assert on_grid(h, 2.0 ** (1 - bits))
        assert np.abs(h).max() <= 1 - 2.0 ** (1 - bits)
    assert not line(made, "h", 1).any()  # other lines are left alone


def test_stochastic_rounding_adds_up_without_bias(rig):
    """n terms of a tenth of a step: the mean is n / 10 steps, the variance of a rounding at most 1/4 step."""
    made, step, n = machine_of(rig, "1 B"), 1 / 128, 300
    for number in range(n):
        h, _ = filtered(made, 0.1 * step, number * N_OUT)
    steps = h / step
    sigma = np.sqrt(n * 0.1 * 0.9)  # each term rounds up with probability 1/10
    assert abs(steps.mean() - n / 10) < 4 * sigma / np.sqrt(N_IN)
    assert steps.std() == pytest.approx(sigma, rel=4 / np.sqrt(2 * N_IN))


def test_rounding_to_nearest_loses_what_is_below_half_a_step(rig):
    made, step = machine_of(rig, "1 B", rounding="nearest"), 1 / 128
    for number in range(50):
        h, _ = filtered(made, 0.49 * step, number * N_OUT)
    assert not h.any()
    for number in range(50):
        h, _ = filtered(made, 0.51 * step, number * N_OUT)
    np.testing.assert_array_equal(h, 50 * step)


def test_draws_depend_on_line_and_time_and_on_nothing_else(rig):
    one, other = machine_of(rig, "1 B"), machine_of(rig, "1 B")
    first, _ = filtered(one, 0.003, 0)
    second, _ = filtered(one, 0.003, 1)
    assert (first != second).any()
    filtered(other, 0.003, 1)  # in another order
    again, _ = filtered(other, 0.003, 0)
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("rounding", ["stochastic", "nearest"])
def test_at_the_threshold_h_saturates_and_beyond_it_crosses(rig, rounding):
    made, step = machine_of(rig, "1 B", rounding=rounding), 1 / 128
    h, counts = filtered(made, np.repeat([1.0, -1.0], N_IN // 2))
    np.testing.assert_array_equal(h, np.repeat([1 - step, step - 1], N_IN // 2))
    assert counts[Counts.CROSSED] == 0
    h, counts = filtered(made, np.repeat([2.01 * step, -2.01 * step], N_IN // 2))
    assert not h.any()
    assert counts[Counts.CROSSED] == N_IN


def test_the_hysteretic_reset_is_the_nearest_step(rig):
    made = machine_of(rig, "1 B", settings={"reset": "hysteretic"})
    for number in range(3):
        h, counts = filtered(made, 1.5, number * N_OUT)
        np.testing.assert_array_equal(h, 77 / 128)  # 0.6 x 128 = 76.8
        assert counts[Counts.CROSSED] == N_IN


def test_the_threshold_of_cttv2_sets_the_range(rig):
    made = machine_of(rig, "1 B", "cttv2", {"auto_granularity": 1000.0})
    record = made.machine.layers[0]
    assert record["threshold"] != 1
    assert record["h_step"] == pytest.approx(record["threshold"] / 128)
    h, _ = filtered(made, 0.7 * float(record["threshold"]))
    assert on_grid(h, float(record["h_step"]))
    assert h.mean() == pytest.approx(0.7 * record["threshold"], rel=0.01)


def test_the_readings_that_agad_keeps_are_words_too(rig):
    made = machine_of(rig, "1 B", "agad")
    record = made.machine.layers[0]
    step = float(record["mean_step"])
    assert step == pytest.approx(2 * 0.6 / 128, rel=0.05)  # twice the nominal weight of symmetric-1200
    made.vector("v")[:] = 0.3
    record_read = int(record["read"])
    made.machine.f[record_read : record_read + 2] = 1.0  # a positive sign that has just flipped
    made.perform(Opcode.FILTER_DYNAMIC)
    mean = line(made, "mean", 0)
    assert on_grid(mean, step)
    assert mean.mean() == pytest.approx(0.3 * float(record["tail"]), abs=4 * step / np.sqrt(4 * N_IN))
    np.testing.assert_array_equal(line(made, "reference", 0), mean)


def test_agads_words_need_a_device_with_bounds(rig):
    with pytest.raises(TwinError, match=r"placement.h_word \(= 1 B\): AGAD's P needs a range"):
        machine_of(rig, "1 B", "agad", device="ideal", device_overrides={"dw_min": DW_MIN})


def test_chi_is_kept_in_fractions_of_a_pulse_without_bias(rig):
    settings = {"learning_rate": 1.0, "transfer_axis": "row", "desired_bl": 10}
    made = machine_of(rig, "1 B", "mixed-precision", settings)
    step = DW_MIN / 8  # 127 steps hold 10 pulses of 8
    assert made.machine.layers[0]["h_step"] == pytest.approx(step)
    made.vector("x")[:], made.vector("d")[:] = 1.0, 0.3 * step
    for sample in range(100):
        made.perform(Opcode.ACCUMULATE, sample=sample)
    chi = made.vector("h", size=N_IN * N_OUT) / step
    assert on_grid(chi, 1.0)
    sigma = np.sqrt(100 * 0.3 * 0.7)
    assert abs(chi.mean() - 30) < 4 * sigma / np.sqrt(chi.size)
    made.vector("d")[:] = 1.0
    made.perform(Opcode.ACCUMULATE, sample=100)
    np.testing.assert_allclose(made.vector("h", size=N_IN * N_OUT), 127 * step, rtol=1e-6)
    made.perform(Opcode.PULSE_LINES, sample=100)
    assert on_grid(made.vector("h", size=N_IN * N_OUT), step)


def test_a_word_knows_its_largest_number():
    assert [Word(bits).top for bits in (2, 8, 16)] == [1, 127, 32767]
