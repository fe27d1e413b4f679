"""Rasch 2024, Table 1: the time of one update per sample at N = 512, read from the ledger of a run.

The derivation, term by term, is in docs/validation/rasch-2024.md.
"""

import numpy as np
import pytest

from twin.data import Dataset

N = 512
SAMPLES = 40
NS = 2
UPDATE = {"desired_bl": 5, "update_management": False, "update_bl_management": False}
SETTINGS = {
    "sgd": {"learning_rate": 1.0, "update": UPDATE},
    # a transfer_lr with which any reading crosses
    "ttv2": {"auto_scale": False, "transfer_every": NS, "transfer_lr": 1e4, "update": UPDATE},
}
PHASES = [(1, {"ttv2": 56.3, "sgd": 30.9}), (2, {"ttv2": 83.8, "sgd": 55.9})]
STEPS = ("update_management", "update", "read_out", "filter", "transfer")


def update_ns(ran, algorithm, layout, sign_phases):
    """Run one N x N layer; return busy nanoseconds a sample by kind, and the ledger's table."""
    rng = np.random.default_rng(1)
    # Inputs and errors near 1 and a rate of 1: the lines fire in all five slots.
    inputs = rng.choice([0.5, 1.0], (8, N)).astype(np.float32)
    targets = rng.choice([-3.0, 3.0], (8, N)).astype(np.float32)
    engine = ran(
        algorithm,
        layout,
        SAMPLES,
        SETTINGS[algorithm],
        layers=((N, "identity", False),),
        data=Dataset(inputs, targets, inputs, targets),
        chip={"tile.sign_phases": str(sign_phases)},
    )
    table = engine.tables()["operations"].set_index("kind")
    return {kind: table["busy_ps"].get(kind, 0) / SAMPLES / 1000 for kind in STEPS}, table


@pytest.mark.parametrize(("sign_phases", "published"), PHASES)
@pytest.mark.parametrize(
    ("algorithm", "layout"), [("sgd", "two-array"), ("ttv2", "four-array"), ("ttv2", "three-array")]
)
def test_the_update_takes_the_time_of_table_1(ran, algorithm, layout, sign_phases, published):
    times, table = update_ns(ran, algorithm, layout, sign_phases)
    assert table.loc["update", "pulses"] == 5 * SAMPLES
    if algorithm == "ttv2":
        assert table.loc["transfer", "pulses"] == table.loc["transfer", "count"] == SAMPLES / NS
        assert table.loc["read_out", "mvms"] == SAMPLES / NS
    assert sum(times.values()) == pytest.approx(published[algorithm], abs=0.1)


def test_each_term_is_that_of_the_formula(ran):
    times, _ = update_ns(ran, "ttv2", "four-array", 1)
    rate = 700e9 / 4
    expected = {
        "update_management": 2 * N / rate * 1e9,
        "update": 5 * 5.0,
        "read_out": 40 / NS,
        "filter": 2 * N / NS / rate * 1e9,
        "transfer": 5.0 / NS,
    }
    assert times == pytest.approx(expected, abs=0.001)
