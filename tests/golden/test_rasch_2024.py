"""Rasch 2024, Table 1: the time of one update per sample at N = 512, read from the ledger of a run.

The derivation, term by term, is in docs/validation/rasch-2024.md.
"""

import numpy as np
import pytest

from twin.chip import ChipCosts
from twin.config.load import load_chip
from twin.data import Dataset
from twin.engine import Engine
from twin.machine.replay import Replayed

N = 512
SAMPLES = 40
NS = 2
UPDATE = {"desired_bl": 5, "update_management": False, "update_bl_management": False}
SETTINGS = {
    # x = 1 and |d| near 1 on every line: every probability is 1, so every line fires in each of 5 slots
    "sgd": {"learning_rate": 1.0, "update": UPDATE},
    # a transfer_lr that makes any reading cross
    "ttv2": {
        "fast_lr": 1.0,
        "auto_scale": False,
        "transfer_every": NS,
        "transfer_lr": 1e4,
        "update": UPDATE,
    },
}
PHASES = [(1, {"ttv2": 56.3, "sgd": 30.9}), (2, {"ttv2": 83.8, "sgd": 55.9})]
STEPS = ("update_management", "update", "read_out", "filter", "transfer")


def times_ns(rig, algorithm, layout, sign_phases):
    """Run one N x N layer on aimc-512 and return busy nanoseconds per sample by kind, and the ledger."""
    shipped = load_chip("aimc-512").model.tile.io
    io = {
        f"tile.io.{key}": str(getattr(shipped, key))
        for key in ("inp_res", "out_res", "out_bound", "out_noise")
    }
    rng = np.random.default_rng(1)
    inputs = rng.choice([0.5, 1.0], (8, N)).astype(np.float32)
    targets = rng.choice([-3.0, 3.0], (8, N)).astype(np.float32)
    made = rig(
        algorithm,
        layers=((N, "identity", False),),
        data=Dataset(inputs, targets, inputs, targets),
        settings=SETTINGS[algorithm],
        device="gokmen-60",
        layout=layout,
        chip=io | {"tile.sign_phases": str(sign_phases)},
    )
    effects = Replayed(made.machine, made.program, made.encoder)
    engine = Engine(made.program, effects, ChipCosts(made.chip, made.machine.mapping), 1)
    effects.segment(0, SAMPLES)
    engine.run(0, SAMPLES)
    table = engine.tables()["operations"].set_index("kind")
    return {kind: table["busy_ps"].get(kind, 0) / SAMPLES / 1000 for kind in STEPS}, table


@pytest.mark.parametrize(("sign_phases", "published"), PHASES)
@pytest.mark.parametrize(
    ("algorithm", "layout"), [("sgd", "two-array"), ("ttv2", "four-array"), ("ttv2", "three-array")]
)
def test_the_update_takes_the_time_of_table_1(rig, algorithm, layout, sign_phases, published):
    times, table = times_ns(rig, algorithm, layout, sign_phases)
    assert table.loc["update", "pulses"] == 5 * SAMPLES
    if algorithm == "ttv2":
        assert table.loc["transfer", "pulses"] == table.loc["transfer", "count"] == SAMPLES / NS
        assert table.loc["read_out", "mvms"] == SAMPLES / NS
    assert sum(times.values()) == pytest.approx(published[algorithm], abs=0.1)


def test_each_term_is_that_of_the_formula(rig):
    times, _ = times_ns(rig, "ttv2", "four-array", 1)
    rate = 700e9 / 4
    expected = {
        "update_management": 2 * N / rate * 1e9,
        "update": 5 * 5.0,
        "read_out": 40 / NS,
        "filter": 2 * N / NS / rate * 1e9,
        "transfer": 5.0 / NS,
    }
    assert times == pytest.approx(expected, abs=0.001)
