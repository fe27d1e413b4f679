"""What the scripts of long curves share: a curve's first 2 %, data kept from training, a state after every epoch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from twin.data.dataset import Dataset
from twin.data.sets import load
from twin.runs.build import Parts
from twin.runs.numerics import train

Arrays = dict[str, npt.NDArray[np.generic]]


def first_loss(parts: Parts, samples: int) -> float:
    """Return the mean training loss of the first samples of an epoch."""
    parts.machine.data = parts.data.limited(samples, 10)  # the test is not asked for
    return next(train(parts)).train_loss


def kept(parts: Parts, first: int, last: int) -> Dataset:
    """Return a network's data with samples `first` to `last` of the training data, which it does not learn, as test."""
    workload = parts.workload
    whole = load(workload.data.model_copy(update={"samples": last}), workload.training.seed, parts.network.steps)
    own = slice(first, last)
    return replace(parts.data, test_inputs=whole.inputs[own], test_targets=whole.targets[own])


def restore(parts: Parts, state: Path) -> Arrays:
    """Carry on from a state; return all it holds, its `epochs` among them (nothing where there is no state)."""
    if not state.exists():
        return {}
    with np.load(state) as saved:
        arrays = dict(saved)
    parts.machine.f[:] = arrays["arena"]
    return arrays


def save(parts: Parts, epochs: int, state: Path, **more: npt.NDArray[np.generic]) -> None:
    """Write the state after some epochs, whole or not at all."""
    temporary = state.with_suffix(".new.npz")
    np.savez(temporary, arena=parts.machine.f, epochs=epochs, **more)
    temporary.replace(state)
