"""Samples of the user's own: checked, split and scaled in one way, whatever they were read from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from twin.data.dataset import Array, Dataset, sha256
from twin.errors import TwinError

if TYPE_CHECKING:
    from twin.config.data import Data

PIXEL = np.float32(255)
MAP_AXES = 3
SHOWN = 200
MOST_CLASSES = 1_000_000
SPLIT_KEY = 0x5011  # of the one order that samples to test are drawn in: the same for all seeds of a run


@dataclass(frozen=True, slots=True)
class Samples:
    """Inputs and targets as they were read, with the places that messages name.

    Attributes
    ----------
    inputs : (samples, n), (samples, height, width), or (samples, height, width, channels), channels first or last
        Bytes (uint8) are pixels and are divided by 255.
    targets : (samples,) or (samples, values)
    channels : str
        Where inputs of four axes have their channels: "first", "last", or "" where nothing says so.
    """

    inputs_at: str
    inputs: npt.NDArray[Any]
    targets_at: str
    targets: npt.NDArray[Any]
    channels: str = ""


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
    inputs = [_inputs(part) for part in parts]
    targets = [_targets(part, config.targets) for part in parts]
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


def _inputs(part: Samples) -> Array:
    """Return inputs as float32, (samples, n) or (samples, height, width, channels)."""
    at, raw, channels = part.inputs_at, part.inputs, part.channels
    if raw.dtype.kind not in "buif":
        raise TwinError(
            f"{at} (of type {raw.dtype}): must hold numbers; encode what is none, e.g. one column a category"
        )
    if raw.ndim not in (2, MAP_AXES, MAP_AXES + 1) or 0 in raw.shape:
        raise TwinError(
            f"{at} (of shape {raw.shape}): must be (samples, features), (samples, height, width) or these with "
            "channels, none of them 0; reshape it"
        )
    if raw.ndim <= MAP_AXES and channels:
        raise TwinError(
            f"data.channels (= {channels!r}): {at} has the shape {raw.shape}, without channels; leave it out"
        )
    if raw.ndim == MAP_AXES + 1:
        if not channels:
            first = raw.shape[1] < raw.shape[-1]
            raise TwinError(
                f"{at} (of shape {raw.shape}): needs data.channels, which says where the channels stand; set it to "
                f'"{"first" if first else "last"}" if there are {raw.shape[1] if first else raw.shape[-1]}'
            )
        raw = np.moveaxis(raw, 1, -1) if channels == "first" else raw
    elif raw.ndim == MAP_AXES:
        raw = raw[..., None]
    return _finite(at, part.inputs, _float32(raw) / (PIXEL if raw.dtype == np.uint8 else 1))


def _targets(part: Samples, kind: str) -> Array:
    """Return targets as float32, (samples, 1) or (samples, values)."""
    at, raw = part.targets_at, part.targets
    if raw.dtype.kind not in "buif":
        raise TwinError(f"{at} (of type {raw.dtype}): must hold numbers; number the classes from 0")
    if raw.ndim not in (1, 2) or 0 in raw.shape:
        raise TwinError(f"{at} (of shape {raw.shape}): must be (samples,) or (samples, values); reshape it")
    column = raw.reshape(len(raw), -1)
    if kind == "values":
        return _finite(at, raw, _float32(column))
    if column.shape[1] != 1:
        raise TwinError(
            f"{at} (of shape {raw.shape}): must be one class a sample; use argmax(axis=1) of one-hot rows, or "
            'data.targets = "values" for values to fit'
        )
    _finite(at, raw, column)
    wrong = np.flatnonzero((column != np.floor(column)) | (column < 0) | (column >= MOST_CLASSES))
    if wrong.size:
        raise TwinError(
            f"{at}[{wrong[0]}] (= {column[wrong[0], 0]}): must be a class, a whole number from 0 to below "
            f'{MOST_CLASSES:,}; use data.targets = "values" for values to fit'
        )
    return column.astype(np.float32)


def _float32(values: npt.NDArray[Any]) -> Array:
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused
        return np.ascontiguousarray(values, np.float32)


def _finite(at: str, raw: npt.NDArray[Any], values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return values that were made of `raw`, all of which must be finite (in float32)."""
    if not np.isfinite(values).all():
        bad = np.argwhere(~np.isfinite(_float32(raw)))[0]
        where = ", ".join(str(int(place)) for place in bad)
        raise TwinError(
            f"{at}[{where}] (= {raw[tuple(bad)]}): must be finite in float32; drop the sample or fill in a value"
        )
    return values


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
