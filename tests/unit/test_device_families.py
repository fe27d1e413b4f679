"""Families of measured devices: is the one found that the data come from, and is a simpler one preferred?"""

from functools import cache

import numpy as np
import pytest

from twin.cli.device_fit import fit_measured
from twin.devices import device_preset
from twin.devices.families import compare, parameters, simplest
from twin.devices.fit import fit_device
from twin.devices.presets import read_description
from twin.devices.registry import family_of
from twin.devices.trains import Train, assemble
from twin.errors import TwinError

KNOWN = {
    "constant-step": ({"dw_min": 0.03}, 90),
    "soft-bounds": ({"dw_min": 0.05}, 150),
    "linear-step": (
        {"dw_min": 0.05, "gamma_up": 0.5, "gamma_down": 0.5, "gamma_up_dtod": 0.0, "gamma_down_dtod": 0.0},
        150,
    ),
    "power-step": ({"dw_min": 0.15, "pow_gamma": 2.0, "pow_gamma_dtod": 0.0}, 150),
    "exponential-step": (
        {"dw_min": 0.05, "A_up": 0.3, "A_down": 0.3, "gamma_up": 2.0, "gamma_down": 2.0, "a": 1.0, "b": 0.0},
        150,
    ),
}
NONE = ("w_max_dtod", "w_min_dtod", "dw_min_dtod", "up_down", "up_down_dtod", "write_noise_std", "corrupt_devices_prob")


def measured(family, seed, cycles=5, read=0.005, mult=True):
    """Trains of one device of a family, between -1 and 1."""
    own, pulses = KNOWN[family]
    fields = {"family": family, "w_max": 1.0, "w_min": -1.0, "dw_min_std": 0.3, "mult_noise": mult} | dict.fromkeys(
        NONE, 0.0
    )
    raw = device_preset("reram-sb", fields | own).populate((1, 1), np.random.default_rng(0))
    rng = np.random.default_rng(seed)
    w, trains = raw.w_min.copy(), []
    for up in [True, False] * cycles:
        values = [w[0, 0]]
        for _ in range(pulses):
            step = raw.up(w) if up else raw.down(w)
            step = step + 0.3 * (step if mult else raw.dw_min) * rng.standard_normal((1, 1))
            w = np.clip(w + step if up else w - step, raw.w_min, raw.w_max).astype(np.float32)
            values.append(w[0, 0])
        trains.append(Train("", up, np.array(values) + read * rng.standard_normal(pulses + 1), np.arange(pulses + 1)))
    return assemble("simulated", trains)


@cache
def fitted(family, seed, **keys):
    """Fit a device and every family that it may be of, once for all tests."""
    trains = measured(family, seed, **keys)
    fit = fit_device(trains)
    return fit, compare(trains, fit)


@pytest.mark.parametrize("seeds", [(2,), pytest.param((0, 1, 2), marks=pytest.mark.slow)], ids=len)
@pytest.mark.parametrize("family", ["constant-step", "soft-bounds", "linear-step", "power-step"])
def test_the_family_that_the_data_come_from_is_among_the_best(family, seeds):
    """Soft bounds are also a linear step of gamma 1, with as many parameters."""
    taken = []
    for seed in seeds:
        _, found = fitted(family, seed)
        own = next(one for one in found if one.name == family)
        assert own.bic - min(one.bic for one in found) < 12
        assert own.chi2 < 1.2
        taken.append(simplest(found).name)
    if family == "soft-bounds":
        assert set(taken) <= {"soft-bounds", "linear-step"}
    else:
        assert taken.count(family) >= max(len(seeds) - 1, 1)


@pytest.mark.slow
def test_an_exponential_of_many_cycles_is_told_from_a_power():
    found = fitted("exponential-step", 1, cycles=30)[1]
    assert simplest(found).name == "exponential-step"


def test_a_line_is_no_constant_and_a_constant_no_line():
    for family, other in (("constant-step", "linear-step"), ("linear-step", "constant-step")):
        found = {one.name: one for one in fitted(family, 2)[1]}
        assert found[family].bic + 5 < found[other].bic


@pytest.mark.parametrize(
    ("family", "keys"),
    [
        *((family, {}) for family in KNOWN if family != "exponential-step"),
        pytest.param("exponential-step", {}, marks=pytest.mark.slow),
        ("soft-bounds", {"mult": False}),
        *(pytest.param(family, {"mult": False}, marks=pytest.mark.slow) for family in KNOWN if family != "soft-bounds"),
    ],
)
def test_every_candidate_is_a_device_with_the_steps_that_were_fitted(family, keys):
    fit, found = fitted(family, 2, **keys)
    half = fit.span / 2
    w = np.linspace(-0.8, 0.8, 9, dtype=np.float32)
    places = (w + 1) / 2
    for one in found:
        fields = parameters(fit, one)
        device = family_of(one.family).model_validate(fields).populate((1, 9), np.random.default_rng(0))
        nodes = np.linspace(0.0, 1.0, one.mean.shape[1])
        for k, step in enumerate((device.up(w[None]), device.down(w[None]))):
            assert step[0] == pytest.approx(np.interp(places, nodes, one.mean[k]) / half, abs=0.05 * fit.dw_min)
        relative = fit.noise.mult_noise  # a constant step has the same noise of either kind
        own = fields["dw_min_std"] * (1.0 if relative else fields["dw_min"])
        assert own == pytest.approx(fit.noise.cycle.value * (1.0 if relative else fit.dw_min), rel=1e-4)


def test_the_written_device_names_its_family_and_another_can_be_taken(tmp_path, capsys):
    rows, pulse = [], 0
    trains = measured("soft-bounds", 2)
    for k in range(trains.up.size):
        if trains.first[k]:
            pulse = 0
            rows.append((pulse, trains.before[k], trains.up[k]))
        pulse += 1
        rows.append((pulse, trains.after[k], trains.up[k]))
    path = tmp_path / "a.csv"
    path.write_text("pulse,conductance,direction\n" + "".join(
        f"{n},{g:.9g},{'up' if up else 'down'}\n" for n, g, up in rows))  # fmt: skip
    fit_measured([path], out=tmp_path / "mine.toml")
    printed = capsys.readouterr().out
    assert "taken" in printed
    taken = read_description(str(tmp_path / "mine.toml"))
    assert taken["family"] in {"soft-bounds", "linear-step"}
    fit_measured([path], out=tmp_path / "mine.toml", family="tabular")
    assert len(read_description(str(tmp_path / "mine.toml"))["piecewise_up"]) == 33
    with pytest.raises(TwinError, match=r"--family \(= soft-bound\): is none that is fitted; did you mean"):
        fit_measured([path], family="soft-bound")
