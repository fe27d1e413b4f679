"""Presets, overrides, the registry's door for plug-ins, and the page that documents them."""

import re
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from twin.devices import describe, device_preset, family_names, family_of, preset_names, registry
from twin.devices.family import BoundedFamily
from twin.devices.ideal import Ideal
from twin.errors import TwinError

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "devices.md").read_text(encoding="utf-8")
HOW_TO = (DOCS / "add-a-device.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", preset_names())
def test_preset_loads_has_a_source_and_its_stated_number_of_states(name):
    preset, device = describe(name), device_preset(name)
    assert isinstance(device, family_of(preset.family))
    assert len(preset.source) > 20
    assert device.states == pytest.approx(preset.states, rel=0.01)


@pytest.mark.parametrize("name", preset_names())
def test_preset_states_every_parameter_that_matters(name):
    preset, device = describe(name), device_preset(name)
    off = {"dw_min_dtod_log_normal", "write_noise_std", "corrupt_devices_prob", "corrupt_devices_range"}
    off |= {"lifetime", "lifetime_dtod", "reset", "reset_dtod", "reference_drift", "write_resistance"}
    off |= {"nu", "nu_dtod", "t_0", "endurance"}
    unstated = set(type(device).model_fields) - set(preset.parameters)
    assert unstated <= off
    assert not any(
        getattr(device, name) for name in unstated - {"corrupt_devices_range", "lifetime", "t_0", "endurance"}
    )
    assert device.lifetime == float("inf")


def test_overrides_change_a_field():
    assert device_preset("gokmen-60", {"dw_min": 0.05}).dw_min == 0.05
    assert device_preset("gokmen-60", {"dw_min": 1}).dw_min == 1.0


def test_overrides_may_change_the_family_and_keep_what_it_shares():
    device = device_preset("lee-af1", {"family": "constant-step", "dw_min": 0.01})
    assert device == family_of("constant-step").model_validate(
        {key: value for key, value in describe("lee-af1").parameters.items() if key != "asymmetry_factor"}
        | {"dw_min": 0.01}
    )


@pytest.mark.parametrize(
    ("name", "overrides", "expected"),
    [
        ("gokmen-66", {}, "'gokmen-60'"),
        ("qqqq", {}, "known are"),
        ("gokmen-60", {"dwmin": 1}, "'dw_min'"),
        ("gokmen-60", {"w_max": 1}, "w_max (= 1): family slope-soft-bounds has no such field"),
        ("gokmen-60", {"family": "soft-bound"}, "'soft-bounds'"),
        ("gokmen-60", {"family": "soft-bounds"}, "w_max: is missing"),
        ("gokmen-60", {"dw_min": -1}, "dw_min (= -1): must be at least 0.000000001"),
        ("gokmen-60", {"dw_min": float("nan")}, "dw_min (= nan): must be a finite number"),
        ("gokmen-60", {"dw_min_dtod": "wide"}, "dw_min_dtod (= 'wide'): must be a valid number"),
        ("gokmen-60", {"dw_min": 10**400}, "dw_min (= 1000"),
        ("gokmen-60", {"dw_min": 1e30}, "dw_min (= 1e+30): must be less than"),
        ("gokmen-60", {"family": ["ideal"]}, "family (= "),
        ("gokmen-60", {"mult_noise": 0}, "mult_noise (= 0): "),
        ("gokmen-60", {"up_down": 1.5}, "up_down (= 1.5): must be less than 1"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(name, overrides, expected):
    with pytest.raises(TwinError) as caught:
        device_preset(name, overrides)
    message = str(caught.value)
    assert expected in message
    assert "\n" not in message
    assert name in message


def test_families_are_frozen():
    with pytest.raises(ValidationError):
        device_preset("ideal").dw_min = 1.0


@pytest.fixture
def plug_in(monkeypatch):
    def install(name, value):
        monkeypatch.setattr(registry, "entry_points", lambda group: [EntryPoint(name, value, group)])
        registry._points.cache_clear()

    yield install
    registry._points.cache_clear()


def test_a_plug_in_family_comes_through_the_same_door(plug_in):
    plug_in("my-ideal", "twin.devices.ideal:Ideal")
    assert family_names()[-1] == "my-ideal"
    assert family_of("my-ideal") is Ideal
    assert isinstance(device_preset("gokmen-60", {"family": "my-ideal"}), Ideal)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ideal", "somewhere:Ideal", "is already"),
        ("absent", "no_such_module_of_mine:Family", "cannot be loaded"),
        ("wrong", "twin.devices.presets:Preset", "must be a subclass"),
    ],
)
def test_a_broken_plug_in_is_named(plug_in, name, value, expected):
    plug_in(name, value)
    with pytest.raises(TwinError, match=expected):
        family_of(name)


def test_the_page_lists_every_preset_with_its_numbers():
    for name in preset_names():
        preset, device = describe(name), device_preset(name)
        assert table_row(preset, device) in PAGE, table_row(preset, device)


def table_row(preset, device):
    noise = "none"
    if hasattr(device, "dw_min_std"):
        noise = f"{'multiplicative' if getattr(device, 'mult_noise', True) else 'additive'} {device.dw_min_std:g}"
    cells = (
        f"`{preset.name}`",
        preset.family,
        f"{device.dw_min:g}",
        f"{preset.states:g}",
        noise,
        preset.source,
    )
    return f"| {' | '.join(cells)} |"


def test_the_worked_example_of_the_page_runs(monkeypatch):
    code = re.findall(r"```python\n(.*?)```", HOW_TO, re.DOTALL)[0]
    namespace = {"__name__": "my_device"}
    exec(code, namespace)  # noqa: S102
    family = namespace["Saturating"]
    assert issubclass(family, BoundedFamily)
    (entry,) = re.findall(r"```toml\n(\[my-measured.*?)```", HOW_TO, re.DOTALL)
    parameters = tomllib.loads(entry)["my-measured-device"]
    monkeypatch.setattr(registry, "family_of", lambda _: family)
    device = family.model_validate(
        {key: value for key, value in parameters.items() if key not in ("family", "source", "sources", "states")}
    )
    assert device.states == pytest.approx(parameters["states"], rel=0.01)
    affine = device.populate((200, 200), np.random.default_rng(0))
    assert (affine.up_a - affine.up_b * affine.w_max).mean() == pytest.approx(0.004, rel=0.05)
