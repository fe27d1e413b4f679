"""Noise of measured devices: is read noise told from cycle noise, and are monotone devices left in peace?"""

import numpy as np
import pytest

from twin.devices.fit import fit_device
from twin.devices.noise import spread_of
from twin.devices.trains import Train, assemble

STEP, NOISE, PULSES = 0.02, 0.35, 100


def measured(seed, cycles=4, read=0.006, mult=True, reads=1, devices=1, hump=0.0):
    """Trains of soft-bounds devices on a range of 1."""
    rng = np.random.default_rng(seed)
    trains = []
    for device in range(devices):
        g = 0.0
        for up in [True, False] * cycles:
            values, states = [], []
            for pulse in range(PULSES + 1):
                if pulse:
                    step = STEP * ((1 - g if up else g) + hump * np.sin(2 * np.pi * g) ** 2)
                    step += NOISE * (step if mult else STEP) * rng.standard_normal()
                    g = min(max(g + step if up else g - step, 0.0), 1.0)
                values += [g + read * rng.standard_normal() for _ in range(reads)]
                states += [pulse] * reads
            trains.append(Train(str(device), up, values, states))
    return assemble("simulated", trains)


@pytest.mark.parametrize("devices", [3, pytest.param(6, marks=pytest.mark.slow)])
@pytest.mark.parametrize("mult", [True, False])
def test_read_noise_does_not_turn_one_kind_of_cycle_noise_into_the_other(mult, devices):
    """With reads of 0.6 % and steps of up to 2 % of the range, 11 of 12 multiplicative devices were additive."""
    found = [fit_device(measured(seed, mult=mult)).noise for seed in range(devices)]
    assert sum(noise.mult_noise is mult or not noise.decided for noise in found) >= devices - 1
    assert sum(noise.mult_noise is mult for noise in found) >= devices - 1
    assert np.mean([noise.read.value for noise in found]) == pytest.approx(0.006, rel=0.1)


@pytest.mark.parametrize(
    ("cycles", "devices"),
    [(3, 4), *(pytest.param(cycles, 12, marks=pytest.mark.slow) for cycles in (3, 5))],
)
def test_monotone_devices_of_few_cycles_are_not_called_otherwise(cycles, devices):
    fits = [fit_device(measured(seed, cycles)) for seed in range(devices)]
    assert sum(not curve.monotone for fit in fits for curve in (fit.up, fit.down)) <= devices / 6
    assert fits[0].up.chance > 1 / 401  # a probability, not a constant


@pytest.mark.slow
def test_the_chance_of_a_monotone_curve_is_a_probability_with_read_noise_too():
    """Bins share reads; drawn as if they did not, 20 % of the chances were below 5 %."""
    fits = [fit_device(measured(seed, 5)) for seed in range(500, 520)]
    assert sum(curve.chance < 0.05 for fit in fits for curve in (fit.up, fit.down)) <= 5  # of 40


@pytest.mark.parametrize("devices", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_a_hump_is_seen_through_the_noise(devices):
    fits = [fit_device(measured(seed, cycles=20, hump=1.5)) for seed in range(devices)]
    assert not any(fit.up.monotone for fit in fits)


@pytest.mark.slow
def test_nine_in_ten_intervals_hold_the_truth():
    """Of 30 devices with 4 cycles: the nominal 95 % is reached for the step, 9 in 10 for noises of so few steps."""
    held = {"dw_min": 0, "dw_min_std": 0, "read_noise": 0}
    for seed in range(100, 130):
        fit = fit_device(measured(seed))
        truth = {"dw_min": STEP / fit.span, "dw_min_std": NOISE, "read_noise": 0.006 * 2 / fit.span}
        for name, true in truth.items():
            _, low, high = fit.intervals()[name]
            held[name] += low <= true <= high
    assert min(held.values()) >= 24  # 27 expected at 90 %; 24 or fewer would have a chance of 7 %


def test_repeated_reads_narrow_the_read_noise():
    once, thrice = (fit_device(measured(1, reads=reads)).noise.read for reads in (1, 3))
    assert thrice.high - thrice.low < 0.7 * (once.high - once.low)
    assert thrice.low <= 0.006 <= thrice.high


@pytest.mark.parametrize("devices", [3, pytest.param(8, marks=pytest.mark.slow)])
def test_without_read_noise_none_is_found(devices):
    reads = [fit_device(measured(seed, read=0.0)).noise.read for seed in range(devices)]
    assert sum(read.low == 0.0 for read in reads) >= devices - 1
    assert max(read.value for read in reads) < 0.002


def test_a_spread_leaves_out_what_measuring_adds():
    rng = np.random.default_rng(3)
    found = spread_of(1 + 0.2 * rng.standard_normal(400) + 0.1 * rng.standard_normal(400), 0.01)
    assert found.low < 0.2 < found.high
    assert spread_of(0.1 * rng.standard_normal(50), 1.0).value == 0.0
