"""Inputs and targets of the user's own as they were read, and what they must be to be learnt."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twin.data.dataset import Array
from twin.errors import TwinError

PIXEL = np.float32(255)
MAP_AXES = 3
MOST_CLASSES = 1_000_000


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


def checked_inputs(part: Samples) -> Array:
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


def checked_targets(part: Samples, kind: str) -> Array:
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
