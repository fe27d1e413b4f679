"""Literals of a chip that stay behind when a size is set to something else."""

import pytest
from chip_kit import without_technology

import twin
from twin.chip.sizes import belongs, coarse, unscaled
from twin.config.part import dotted, leaves
from twin.config.resources import shipped
from twin.descriptions.load import load_chip

BELONGS = belongs(load_chip("aimc-512").model)


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Return the path of a chip that derives nothing."""
    return without_technology(tmp_path_factory.mktemp("chip"))


def test_every_size_and_every_literal_is_one_of_a_chip():
    known = {dotted(path) for name in shipped("chip") for path, *_ in leaves(load_chip(name).model)}
    assert {key for size, literals in BELONGS.items() for key in (size, *literals)} - known == set()


@pytest.mark.parametrize("size", BELONGS)
def test_a_size_that_is_set_names_the_literals_that_stay(given, size):
    value = {"tile.rows": "256", "tile.cols": "256", "tile.io.out_res": "30", "tile.io.inp_res": "30"}.get(size)
    value = value or ('"2 GiB"' if size.endswith("size") else '"1 GFLOP/s"' if "rate" in size else '"1 GB/s"')
    (line,) = unscaled(load_chip(given, {size: value}))
    assert f"chip.{size} was set" in line
    assert all(key in line for key in BELONGS[size] if not key.startswith("power."))  # of which it has none


def test_a_chip_as_it_is_and_literals_that_were_set_too_are_not_named(given):
    assert list(unscaled(load_chip(given))) == []
    (line,) = unscaled(load_chip(given, {"buffer.size": '"2 MiB"', "buffer.area": '"2 mm^2"'}))
    assert "buffer.area" not in line
    assert "buffer.leakage" in line


def test_rows_and_columns_name_what_they_share_once(given):
    (line,) = unscaled(load_chip(given, {"tile.rows": "256", "tile.cols": "256"}))
    assert "tile.array_area" in line


@pytest.mark.parametrize("workload", ["digits-mlp", "gpt2-small"])
def test_a_run_warns_of_a_size_and_a_sweep_of_it_too(given, workload):
    own = {"chip.buffer.size": "2 MiB"}
    run = twin.simulate(workload, "sgd", samples=2, chip=given, overrides=own, progress=False)
    assert any("chip.buffer.size was set, but buffer.latency" in warning for warning in run.warnings)


def test_initial_weights_beyond_the_devices_range_are_reported():
    own = {"init.scale": 20.0, "training.epochs": 1}
    run = twin.simulate("digits-mlp", "sgd", samples=5, overrides=own, progress=False)
    table = run.diagnostics
    (first, second) = table.loc[table["what"].str.startswith("initial weights clipped"), "value"]
    assert 60 < first < 90
    assert 60 < second < 90
    assert sum("initial weights of W lay beyond" in warning for warning in run.warnings) == 2
    usual = twin.simulate("digits-mlp", "sgd", samples=5, overrides={"training.epochs": 1}, progress=False)
    assert not any("initial weights" in warning for warning in usual.warnings)


@pytest.mark.parametrize(
    ("key", "steps", "said"),
    [
        ("inp_res", 2, "inputs have 3 values between -1 and 1; it counts steps, not bits"),
        ("out_res", 4, "outputs have 5 values between -12 and 12; it counts steps, not bits"),
        ("inp_res", 0, "inputs are exact, as if they passed no converter"),
        ("out_res", 0, "outputs are exact"),
    ],
)
def test_few_steps_and_none_do_not_pass_without_a_word(key, steps, said):
    (line,) = coarse(load_chip("aimc-512", {f"tile.io.{key}": str(steps)}))
    assert line.startswith(f"chip.tile.io.{key} (= {steps}): ")
    assert said in line
    assert list(coarse(load_chip("aimc-512"))) == []
