"""To hold runs against each other bit by bit, and to end one in the middle."""

import numpy as np
import pandas as pd

from twin.runs.build import build
from twin.runs.planning import plan_run

RUNS = [
    ("digital", "digital"),
    ("sgd", "two-array"),
    ("shd", "four-array"),
    ("shd", "three-array"),
    ("ttv2", "four-array"),
    ("ttv2", "three-array"),
]
"""Algorithms on layouts."""


def assert_same(one, other):
    """Hold weights, losses, engine state and ledger of two built runs against each other."""
    assert one.machine.f.tobytes() == other.machine.f.tobytes()
    assert sorted(one.effects.losses) == sorted(other.effects.losses)
    states = one.engine.state(), other.engine.state()
    assert states[0].keys() == states[1].keys()
    for name, values in states[0].items():
        np.testing.assert_array_equal(values, states[1][name], err_msg=name)
    tables = one.engine.tables(), other.engine.tables()
    assert tables[0].keys() == tables[1].keys()
    for name, table in tables[0].items():
        pd.testing.assert_frame_equal(table, tables[1][name], check_exact=True)


def trained(workload, algorithm, layout, mode, samples, own=(), chip=()):
    """Train in one piece; return everything the run consists of."""
    overrides = {"data.samples": str(samples), "training.epochs": "1"} | dict(own)
    parts = build(plan_run(workload, "aimc-512", layout, algorithm, mode, overrides, dict(chip)))
    parts.machine.set_rates(1.0)
    parts.effects.segment(0, samples)
    parts.engine.run(0, samples)
    return parts


def contents(folder):
    """Return every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Stopped(BaseException):
    """Ends a run in the middle as Ctrl-C does."""


def stop_at(sample):
    """Return a progress that ends the run at a sample."""

    def progress(done, total):  # noqa: ARG001
        if done >= sample:
            raise Stopped

    return progress


def quiet(done, total):
    """Show no progress."""
