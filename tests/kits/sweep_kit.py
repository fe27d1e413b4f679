"""Small sweeps, and what may happen to a point."""

import os
import signal
from pathlib import Path

from twin.sweep.measure import Status, ended

HEADER = """schema = 1
kind = "sweep"
name = "small"
description = "a few points that take a second"
workload = "digits-mlp"
"""
SMALL = """seeds = [1, 2]

[[axes]]
key = "algorithm"
values = ["sgd", "ttv2"]

[[axes]]
key = "layout"
values = ["two-array", "four-array"]

[fixed]
"training.epochs" = 2
"training.checkpoint_every" = 20
"data.samples" = 60
"""


def written(folder: Path, text: str = SMALL, **header: str) -> str:
    """Write a sweep; return its path."""
    path = folder / "small.toml"
    more = "".join(f"{key} = {value}\n" for key, value in header.items())
    path.write_text(HEADER + more + text)
    return str(path)


def fate(point):
    """Stand for a run: end as the point's seed says."""
    match point.axes["seed"]:
        case 1:
            os.kill(os.getpid(), signal.SIGKILL)
        case 2:
            os._exit(3)
        case 3:
            raise MemoryError
        case 4:
            return ended(Status.FAILED, "runs/x: not written (No space left on device); make room there")
    return ended(Status.DONE, "")


def greedy(point):  # noqa: ARG001 - every point is like the other
    """Ask for more memory than anybody has."""
    return ended(Status.DONE, str(len(bytearray(2**36))))
