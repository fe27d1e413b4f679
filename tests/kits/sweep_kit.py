"""Small sweeps, and what may happen to a point."""

import hashlib
import json
import math
import os
import random
import resource
import signal
import threading
import time
from functools import partial
from pathlib import Path

from twin.config.resources import root
from twin.sweep.local import LocalProcesses
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

TUNED = """seeds = [1, 2]

[[axes]]
key = "device"
values = ["gokmen-120", "gokmen-60"]

[search]
trials = 8
startup = 3
seeds = [11]

[[search.axes]]
key = "algorithm.transfer_lr"
low = 0.1
high = 30.0
scale = "log"

[[search.axes]]
key = "algorithm.transfer_every"
low = 1
high = 5
integer = true

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
        case 2:
            os._exit(3)
        case 3:
            raise MemoryError
    return ended(Status.DONE, "")


ACCIDENTS = """algorithm = "digital"
seeds = [1]

[[axes]]
key = "workload"
values = ["digits-mlp", "digits-mlp", "WIDE", "linear", "digits-mlp"]

[[axes]]
key = "algorithm.learning_rate"
values = [0.1, 0.1, 0.1, 1000.0, 0.1]

[[axes]]
key = "training.in_flight"
values = [1, 2, 1, 1, 3]

[design]
kind = "list"

[fixed]
"training.epochs" = 4
"training.checkpoint_every" = 20
"data.samples" = 60
"chip.memory.size" = "64 GiB"
"chip.placement.activations" = "memory"
"chip.placement.errors" = "memory"
"chip.placement.weights" = "memory"
"""
"""Points that are killed, find a full disk, need too much memory, diverge, and end well."""
MOST_MEMORY_B = 2**32
MOST_FILE_B = 12_000


class Accidents:
    """Runs ACCIDENTS on one process that may have `MOST_MEMORY_B`."""

    def run(self, points, measure):
        yield from LocalProcesses(1, MOST_MEMORY_B).run(points, partial(accident, measure=measure))


def accident(point, measure):
    """Run a point of ACCIDENTS; let happen to it what comes from outside."""
    if point.axes["workload"] == "digits-mlp" and point.axes["training.in_flight"] == 1:
        threading.Thread(target=_kill_under_way, args=[measure.keywords["folder"] / point.id], daemon=True).start()
    elif point.axes["training.in_flight"] == 2:
        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE_B, resource.RLIM_INFINITY))
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return measure(point)


def _kill_under_way(folder):
    while not list(folder.glob("checkpoint*")):
        time.sleep(0.0005)
    os.kill(os.getpid(), signal.SIGKILL)


def wide(folder):
    """Write a workload whose weights take 14 GB; return its path."""
    path = folder / "wide.toml"
    text = (root() / "workloads" / "digits-mlp.toml").read_text()
    layer = '{ kind = "dense", outputs = 64, activation = "tanh", bias = true },'
    layers = 2 * layer.replace("64", "60_000")
    assert layer in text
    path.write_text(text.replace(layer, layers))
    return str(path)


def stillborn(memory_B):  # noqa: ARG001 - as the real one
    """Stand for the start of a process: end at once."""
    os._exit(9)


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


def light(sweep, values, library):  # noqa: ARG001 - as the real one
    """Stand for the making of a point, without descriptions."""
    return Point(hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16], values, None)


def nothing(*_):
    """Show no progress."""


def tables(folder, names=TABLES):
    """Return the bytes of a sweep's tables by name."""
    return {name: (folder / name).read_bytes() for name in names}
