"""To hold runs against each other bit by bit, and to end one in the middle."""

import numpy as np
import pandas as pd


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
