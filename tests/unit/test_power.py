"""What parts draw beside their work, and when they are off."""

import math

import pytest
from blocks_kit import small
from hypothesis import given
from hypothesis import strategies as st

from twin.chip import ChipCosts
from twin.descriptions.load import load_chip, load_layout
from twin.mapping import map_layers
from twin.runs.build import build
from twin.runs.planning import plan_run
from twin.runs.timed import build_timing_only

MIB = 2**20
LPDDR5_W = 4 * (37.9e-3 + 16.8e-9 / (3125 * 1.25e-9))  # four channels: background, and a refresh of 16.8 nJ


def load(name="aimc-14nm", **overrides):
    return load_chip(name, {key.replace("__", "."): value for key, value in overrides.items()}).model


def area(chip, kept):
    mapping = map_layers([(512, 512)], load_layout("four-array").model, chip)
    return {row.part: row for row in ChipCosts(chip, mapping, kept=kept).area()}


def leakage(chip, kept, part):
    return sum(row.leakage_W for name, row in area(chip, kept).items() if name.partition(" ")[0] == part)


def test_a_memory_stands_by_only_where_something_is_kept_there():
    chip = load()
    assert leakage(chip, {"buffer": 0, "memory": 0}, "memory") == 0
    for kept in ({"buffer": 0, "memory": 1}, {"buffer": 0, "memory": 3e9}, None):
        assert leakage(chip, kept, "memory") == pytest.approx(LPDDR5_W, rel=1e-12)


def test_a_chip_that_says_nothing_of_banks_pays_for_all_of_its_memories():
    chip = load("aimc-512")
    for kept in (None, {"buffer": 0, "memory": 0}):
        assert leakage(chip, kept, "memory") == chip.memory.leakage
        assert leakage(chip, kept, "buffer") == chip.buffer.leakage


@given(st.integers(0, MIB), st.sampled_from([1, 3, 16, 100]))
def test_a_buffer_leaks_by_the_banks_in_which_something_is_kept(n_bytes, banks):
    chip = load(power__buffer__banks=str(banks))
    found = leakage(chip, {"buffer": n_bytes, "memory": 0}, "buffer")
    assert found == pytest.approx(max(1, math.ceil(n_bytes * banks / MIB)) / banks * chip.buffer.leakage, rel=1e-12)


def test_banks_take_as_much_silicon_switched_off_as_on():
    rows = [area(load(), kept) for kept in (None, {"buffer": 0, "memory": 0})]
    assert {name: row.area_m2 for name, row in rows[0].items()} == {name: row.area_m2 for name, row in rows[1].items()}


@pytest.mark.parametrize(("algorithm", "stands_by"), [("sgd", False), ("ttv2", True)])
@pytest.mark.parametrize("trained", [False, True])
def test_a_run_pays_for_the_memory_of_h_where_its_algorithm_has_one(tmp_path, algorithm, stands_by, trained):
    workload = "digits-mlp" if trained else small(tmp_path, 1)
    layout = "four-array" if algorithm == "ttv2" else "two-array"
    plan = plan_run(workload, "aimc-14nm", layout, algorithm, "replayed")
    costs = build(plan).engine.costs if trained else build_timing_only(plan).costs
    rows = {row.part: row for row in costs.area()}
    assert (rows["memory"].leakage_W > 0) is stands_by
