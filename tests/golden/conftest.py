"""Runs of the real machine under the real engine, on made-up data."""

import numpy as np
import pytest

from twin.chip import ChipCosts
from twin.data import Dataset
from twin.descriptions.load import load_chip
from twin.engine import Engine
from twin.machine.replay import Replayed

MLP = ((256, "sigmoid", True), (128, "sigmoid", True), (10, "softmax", True))
IO = ("inp_res", "out_res", "out_bound", "out_noise")


def images(n_inputs=784):
    """Make eight images, a fifth of their pixels bright, of four classes."""
    rng = np.random.default_rng(1)
    bright = rng.random((8, n_inputs)) < 0.2
    inputs = (bright * rng.random((8, n_inputs))).astype(np.float32)
    targets = rng.integers(0, 4, (8, 1)).astype(np.float32)
    return Dataset(inputs, targets, inputs, targets)


@pytest.fixture
def ran(rig):
    """Return a function that runs samples on aimc-512 as shipped and returns the engine."""

    def run(algorithm, layout, samples, settings, *, layers=MLP, data=None, in_flight=1, chip=None, prepare=None):
        shipped = load_chip("aimc-512").model.tile.io
        made = rig(
            algorithm,
            layers=layers,
            loss="cross-entropy" if layers[-1][1] == "softmax" else "squared-error",
            data=data or images(),
            settings=settings,
            device="gokmen-60",
            layout=layout,
            chip={f"tile.io.{key}": str(getattr(shipped, key)) for key in IO} | (chip or {}),
            in_flight=in_flight,
        )
        if prepare is not None:
            prepare(made.machine)
        effects = Replayed(made.machine, made.program, made.encoder)
        engine = Engine(made.program, effects, ChipCosts(made.chip, made.machine.mapping), in_flight)
        effects.segment(0, samples)
        engine.run(0, samples)
        return engine

    return run
