"""Does a run say what it did not use of its descriptions, and what it used that they do not say?"""

import pytest

from twin.results.derived import summed
from twin.results.result import NO_EFFECT
from twin.runs.library import Library
from twin.runs.planning import plan_runs
from twin.runs.unused import unused

WORKLOAD = """
schema = 1
kind = "workload"
name = "mine"
description = "Of a test"
data = { set = "digits" }
network = { loss = "cross-entropy", layers = [{ kind = "dense", outputs = 10, activation = "softmax", bias = true }] }
training = { epochs = 1, seed = 1 }
init = { distribution = "uniform", scale = 1.0 }
device = { preset = "gokmen-60" }
calibration = { method = "exact" }
"""
TABLES = "[algorithms.digital]\nlearning_rate = 0.1\n[algorithms.cttv2]\nfast_lr = 0.1\n"


@pytest.fixture
def said(tmp_path):
    """Return what a run of these tables says of its algorithm, without what had no effect: nothing has run."""

    def plan(tables, algorithm, **overrides):
        path = tmp_path / "mine.toml"
        path.write_text(WORKLOAD + tables)
        found = plan_runs(str(path), "aimc-512", [algorithm], [], Library(), workload_overrides=overrides)
        return [line for line in unused(found[0]) if not line.endswith(NO_EFFECT)]

    return plan


def test_an_algorithm_without_a_table_beside_those_of_others_is_warned_of_in_one_line(said):
    (line,) = said(TABLES, "ttv2")
    assert line == (
        "the workload has [algorithms.cttv2]; ttv2 runs on the defaults of its table: "
        "name --algorithm cttv2, or add [algorithms.ttv2]"
    )


@pytest.mark.parametrize(
    ("tables", "algorithm", "overrides"),
    [
        (TABLES, "cttv2", {}),
        (TABLES, "digital", {}),
        ("", "ttv2", {}),  # the workload describes none
        (TABLES, "ttv2", {"algorithms.ttv2.fast_lr": "0.5"}),
        (TABLES + "[algorithms.ttv2]\ntransfer_every = 2\n", "ttv2", {}),
        (TABLES + "[algorithms.ttv2]\n", "ttv2", {}),  # empty: its defaults are meant
    ],
)
def test_an_algorithm_whose_table_is_there_is_not(said, tables, algorithm, overrides):
    assert not said(tables, algorithm, **overrides)


def test_keys_of_one_description_that_had_no_effect_are_one_line():
    chip = [f"chip.{key} {NO_EFFECT}" for key in ("system.tiles", "system.area")]
    alone = [f"timing.period {NO_EFFECT}", f"algorithms.shd.gamma {NO_EFFECT}", "nothing moves"]
    digital = [f"optimiser.{key} {NO_EFFECT}" for key in ("kind", "learning_rate")]
    assert summed([*chip, *alone, *digital]) == [
        f"2 keys of the chip (chip.system.tiles, chip.system.area) each {NO_EFFECT}",
        *alone,
        f"2 keys of optimiser (optimiser.kind, optimiser.learning_rate) each {NO_EFFECT}",
    ]
