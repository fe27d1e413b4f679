"""Samples of the user's own become a data set: split and scaled in one way, whatever they were read from."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from twin.data.checked import Samples, checked_inputs, checked_targets
from twin.data.dataset import Array, Dataset, sha256
from twin.errors import TwinError

if TYPE_CHECKING:
    from twin.config.data import Data

SHOWN = 200
SPLIT_KEY = 0x5011  # of the one order that samples to test are drawn in: the same for all seeds of a run


def dataset(config: "Data", file: str, parts: Sequence[Samples], notes: Mapping[str, str | int] = {}) -> Dataset:
    """Make a data set of a training and a test part, or of one part that is split.

    Parameters
    ----------
    config : Data
        Says what targets are, how to split and to scale.
    file : str
        What the data are called beside the name of their set.
    parts : one or two Samples
    notes : mapping of str to str or int
        Further facts.

    Raises
    ------
    TwinError
        For samples that cannot be learnt, beginning with the place of the first that is at fault.
    """
    digest = sha256(*(array for part in parts for array in (part.inputs, part.targets)))
    inputs = [checked_inputs(part) for part in parts]
    targets = [checked_targets(part, config.targets) for part in parts]
    for part, x, y in zip(parts, inputs, targets, strict=True):
        if len(x) != len(y):
            raise TwinError(f"{part.targets_at}: has {len(y):,} targets for {len(x):,} samples; give each its own")
    classes = _count_classes(parts, targets) if config.targets == "classes" else 0
    if len(parts) == 1:
        rows = _parted(len(inputs[0]), config, parts[0].inputs_at)
        inputs, targets = ([one[part] for part in rows] for (one,) in (inputs, targets))
    else:
        _check_alike(config, parts, inputs, targets)
    offset, scale = _scaling(config.scaling, inputs[0])
    inputs = [_scaled(x, offset, scale) for x in inputs]
    facts: dict[str, str | int] = {
        "name": f"{config.set} ({file}: sha256 {digest[:12]})",
        "sha256": digest,
        "inputs": f"{min(x.min() for x in inputs):.6g} to {max(x.max() for x in inputs):.6g}",
        **notes,
    }
    if config.target_scaling != "none":
        offset, scale = _scaling(config.target_scaling, targets[0])
        targets = [_scaled(y, offset, scale) for y in targets]
        facts |= {"target offset": _listed(offset), "target scale": _listed(scale)}
    shape = inputs[0].shape[1:]
    x, test_x = (one.reshape(len(one), -1) for one in inputs)
    return Dataset(x, targets[0], test_x, targets[1], shape, classes, facts=facts)


def listed(names: Sequence[str]) -> str:
    """Write the names of classes as facts have them."""
    whole = ", ".join(names)
    return whole if len(whole) <= SHOWN else f"{len(names)} from {names[0]} to {names[-1]}"


def _count_classes(parts: Sequence[Samples], targets: Sequence[Array]) -> int:
    """Return the number of classes: one more than the greatest of the training part, which begin at 0."""
    at, known = parts[0].targets_at, targets[0]
    lowest, classes = int(known.min()), int(known.max()) + 1
    if lowest:
        raise TwinError(f"{at}: the classes are {lowest} to {classes - 1}; must begin at 0; subtract {lowest}")
    if classes == 1:
        raise TwinError(f"{at}: every sample is of class 0; there must be two classes or more; add the others")
    for part, tested in zip(parts[1:], targets[1:], strict=True):
        beyond = np.flatnonzero(tested >= classes)
        if beyond.size:
            raise TwinError(
                f"{part.targets_at}[{beyond[0]}] (= {tested[beyond[0], 0]:.0f}): must be one of the training samples' "
                f"classes, 0 to {classes - 1}; correct it or add such samples"
            )
    return classes


def _parted(n: int, config: "Data", at: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return which of n samples are to train and to test, in their order or in that in which they are drawn."""
    count = round(config.test_share * n)
    if not 0 < count < n:
        raise TwinError(
            f"data.test_share (= {config.test_share:g}): {at} has {n:,} samples and no test part; say which share is "
            "for the test, so that both parts have samples, e.g. 0.2"
        )
    drawn = config.split == "random"
    order = np.random.Generator(np.random.Philox(SPLIT_KEY)).permutation(n) if drawn else np.arange(n)
    return order[: n - count], order[n - count :]


def _check_alike(config: "Data", parts: Sequence[Samples], inputs: Sequence[Array], targets: Sequence[Array]) -> None:
    if config.test_share:
        raise TwinError(
            f"data.test_share (= {config.test_share:g}): {parts[1].inputs_at} is the test part already; leave it out"
        )
    both = (parts[0].inputs_at, parts[1].inputs_at, inputs), (parts[0].targets_at, parts[1].targets_at, targets)
    for train_at, test_at, (train, test) in both:
        if train.shape[1:] != test.shape[1:]:
            raise TwinError(
                f"{test_at} (of shape {test.shape}): must have the shape of a sample of {train_at}, {train.shape[1:]}; "
                "prepare both alike"
            )


def _scaling(kind: str, values: Array) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return offset and scale of each feature, channel or value, from the training samples."""
    rows = values.reshape(-1, values.shape[-1])
    offset, scale = np.zeros(rows.shape[1]), np.ones(rows.shape[1])
    if kind == "maximum":
        scale = np.abs(rows).max(axis=0).astype(np.float64)
    elif kind == "standard":
        offset, scale = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    return offset, np.where(scale > 0, scale, 1.0)


def _scaled(values: Array, offset: npt.NDArray[np.float64], scale: npt.NDArray[np.float64]) -> Array:
    """Return (values - offset) / scale in float32; what is neither moved nor scaled keeps its bits."""
    if not offset.any() and (scale == 1).all():
        return values
    return ((values - offset) / scale).astype(np.float32)


def _listed(values: npt.NDArray[np.float64]) -> str:
    return ", ".join(f"{value:.9g}" for value in values)
