"""Small sweeps, and what may happen to a point."""

import hashlib
import json
import math
import os
import random
import signal
from pathlib import Path

from twin.sweep.measure import Status, ended
from twin.sweep.point import Point

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

TABLES = ("table.csv", "means.csv", "columns.csv")
FOUND = (*TABLES, "trials.csv", "best.csv")
SOUGHT = """seeds = [1, 2]

[[axes]]
key = "device.dw_min"
values = [0.01, 0.1]

[search]
trials = 12
startup = 5
seeds = [7, 8]
sampler_seed = 3

[[search.axes]]
key = "training.decay_factor"
low = 0.01
high = 1.0
scale = "log"

[[search.axes]]
key = "training.in_flight"
low = 1
high = 6
integer = true

[[search.axes]]
key = "algorithm.update.update_management"
values = [true, false]
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


class Here:
    """Runs points in this process."""

    def run(self, points, measure):
        for point in points:
            if point is not None:
                yield point, measure(point)


class AnyOrder:
    """Runs up to `window` points side by side, which end in an order drawn by `seed`."""

    def __init__(self, window, seed):
        self.window, self.chance = window, random.Random(seed)

    def run(self, points, measure):
        source, running = iter(points), []
        while True:
            while len(running) < self.window and (point := next(source, None)) is not None:
                running.append(point)
            if not running:
                return
            point = running.pop(self.chance.randrange(len(running)))
            yield point, measure(point)


def bowl(point, **_):
    """Stand for a run of SOUGHT: least where decay_factor is dw_min, in_flight is 3 and update_management is on."""
    axes = point.axes
    distance = math.log10(axes["training.decay_factor"] / axes["device.dw_min"])
    error = distance**2 + 0.1 * (axes["training.in_flight"] - 3) ** 2 + 0.001 * axes["seed"]
    row = ended(Status.DONE, "") | {"epochs": 2.0}
    return row | {"test_error": error + (not axes["algorithm.update.update_management"])}


def light(sweep, values):  # noqa: ARG001 - as the real one
    """Stand for the making of a point, without descriptions."""
    return Point(hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16], values, None)


def nothing(*_):
    """Show no progress."""


def tables(folder, names=TABLES):
    """Return the bytes of a sweep's tables by name."""
    return {name: (folder / name).read_bytes() for name in names}
