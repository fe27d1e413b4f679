"""Rasch 2024, Table 1: the time of one update per sample at N = 512, read from the ledger of a run.

The derivation, term by term, is in docs/validation/rasch-2024.md.
"""

import numpy as np
import pytest

from twin.data import Dataset

N = 512
NS = 2
B = 100  # samples between transfers of mixed precision
UPDATE = {"desired_bl": 5, "update_management": False, "update_bl_management": False}
# a transfer_lr with which any reading crosses
CROSSING = {"auto_scale": False, "transfer_every": NS, "transfer_lr": 1e4, "update": UPDATE}
SETTINGS = {
    "sgd": {"learning_rate": 1.0, "update": UPDATE},
    "ttv2": CROSSING,
    "cttv2": CROSSING,
    "agad": CROSSING,
    # a granularity that chi exceeds in every line after B samples
    "mixed-precision": {"learning_rate": 1.0, "transfer_every": B, "granularity": 1e-3, "desired_bl": 1},
}
LAYOUTS = [
    ("sgd", "two-array"),
    *((algorithm, layout) for algorithm in ("ttv2", "cttv2") for layout in ("four-array", "three-array")),
    *(("agad", layout) for layout in ("four-array", "three-array-c")),
    ("mixed-precision", "two-array"),
]
PUBLISHED = {"ttv2": 56.3, "cttv2": 56.3, "agad": 62.1, "sgd": 30.9, "mixed-precision": 3024.5}
TWO_PHASES = {"ttv2": 83.8, "cttv2": 83.8, "agad": 89.6, "sgd": 55.9, "mixed-precision": 3050.1}
PHASES = [(1, PUBLISHED), (2, TWO_PHASES)]
STEPS = ("update_management", "update", "read_out", "filter", "transfer")
RATE = 700e9 / 4  # FLOP/s of one array


def samples_of(algorithm):
    return B if algorithm == "mixed-precision" else 40


def run_layer(ran, algorithm, layout, sign_phases=1, settings=None):
    """Run one N x N layer; return the engine."""
    rng = np.random.default_rng(1)
    # Inputs and errors near 1 and a rate of 1: the lines fire in all five slots.
    inputs = rng.choice([0.5, 1.0], (8, N)).astype(np.float32)
    targets = rng.choice([-3.0, 3.0], (8, N)).astype(np.float32)
    return ran(
        algorithm,
        layout,
        samples_of(algorithm),
        SETTINGS[algorithm] | (settings or {}),
        layers=((N, "identity", False),),
        data=Dataset(inputs, targets, inputs, targets),
        chip={"tile.sign_phases": str(sign_phases)},
        prepare=under_way if algorithm == "agad" else None,
    )


def under_way(machine):
    """Give every line a reference, as it has one when its sign has flipped: before, AGAD transfers nothing."""
    (layer,) = machine.layers
    machine.f[layer["reference"] : layer["reference"] + N * N] = 0.0


def update_ns(ran, algorithm, layout, sign_phases=1, settings=None):
    """Return busy nanoseconds a sample by kind, and the ledger's table."""
    engine = run_layer(ran, algorithm, layout, sign_phases, settings)
    table = engine.tables()["operations"].set_index("kind")
    return {kind: table["busy_ps"].get(kind, 0) / samples_of(algorithm) / 1000 for kind in STEPS}, table


@pytest.mark.parametrize(("sign_phases", "published"), PHASES)
@pytest.mark.parametrize(("algorithm", "layout"), LAYOUTS)
def test_the_update_takes_the_time_of_table_1(ran, algorithm, layout, sign_phases, published):
    times, table = update_ns(ran, algorithm, layout, sign_phases)
    if algorithm == "mixed-precision":
        assert table.loc["transfer", "pulses"] == N  # each line has one slot
    else:
        assert table.loc["update", "pulses"] == 5 * 40
    if algorithm in {"ttv2", "cttv2", "agad"}:
        assert table.loc["transfer", "pulses"] == table.loc["transfer", "count"] == 40 / NS
        assert table.loc["read_out", "mvms"] == 40 / NS
    assert sum(times.values()) == pytest.approx(published[algorithm], abs=0.1)


def test_agad_with_few_reads_and_one_pulse(ran):
    rare = {"transfer_every": 10, "update": UPDATE | {"desired_bl": 1}}
    times, _ = update_ns(ran, "agad", "three-array-c", settings=rare)
    assert sum(times.values()) == pytest.approx(17.1, abs=0.05)


@pytest.mark.parametrize(("algorithm", "line"), [("ttv2", 2), ("cttv2", 2), ("agad", 6)])
def test_each_term_is_that_of_the_formula(ran, algorithm, line):
    times, _ = update_ns(ran, algorithm, "four-array")
    expected = {
        "update_management": 2 * N / RATE * 1e9,
        "update": 5 * 5.0,
        "read_out": 40 / NS,
        "filter": line * N / NS / RATE * 1e9,
        "transfer": 5.0 / NS,
    }
    assert times == pytest.approx(expected, abs=0.001)


def test_each_term_of_mixed_precision_is_that_of_the_formula(ran):
    times, _ = update_ns(ran, "mixed-precision", "two-array")
    expected = {
        "update_management": N / RATE * 1e9,
        "update": 0.0,
        "read_out": 0.0,
        "filter": 2 * N**2 / RATE * 1e9,
        "transfer": N * 5.0 / B,
    }
    assert times == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize(("algorithm", "lines"), [("ttv2", 1), ("cttv2", 1), ("agad", 3)])
def test_the_digital_matrices_move_a_line_each_both_ways(ran, algorithm, lines):
    """With words of 8 bit, 16 N / ns bits a sample for H; for H, P and Pref three times that."""
    word = 4  # bytes of aimc-512's placement.h_word
    assert bytes_of_h(ran, algorithm, "four-array") == lines * 2 * N * word * 40 / NS


def test_mixed_precision_moves_chi_both_ways_with_every_sample(ran):
    assert bytes_of_h(ran, "mixed-precision", "two-array") == 2 * N**2 * 4 * B


def bytes_of_h(ran, algorithm, layout):
    """Run as `update_ns`; return the bytes that came from and went to the memory of H."""
    traffic = run_layer(ran, algorithm, layout).tables()["traffic"]
    return traffic[(traffic["stream"] == "H") & (traffic["path"] == "memory")]["bytes"].sum()
