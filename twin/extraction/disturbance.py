"""Pruning and disturbing a model by the signal-to-noise ratio |mu| / sigma of its weights.

Gokmen 2021, "Discussion", Tables 2 and 3: weights that training leaves uncertain matter little.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twin.errors import TwinError
from twin.extraction.model import Model

Array = npt.NDArray[np.float32]


def signal_to_noise(model: Model) -> tuple[Array, ...]:
    """Return |mu| / sigma of every weight, (n_out, n_in) a layer; infinite where sigma is 0, 0 where mu is.

    Raises
    ------
    TwinError
        When the model has no sigma.
    """
    ratios = []
    for k, (mean, sigma) in enumerate(zip(model.weights, model.sigma, strict=True)):
        if np.isnan(sigma).any():
            raise TwinError(f"model: sigma of layer {k} is not known; average over two training periods or more")
        ratio = np.full_like(mean, np.inf)
        np.divide(np.abs(mean), sigma, out=ratio, where=sigma > 0)
        ratio[mean == 0] = 0
        ratios.append(ratio)
    return tuple(ratios)


def prune(model: Model, threshold: float) -> tuple[Model, float]:
    """Set the weights with |mu| / sigma below a threshold to 0; return the model and the fraction removed."""
    masks = [ratio < threshold for ratio in signal_to_noise(model)]
    return _without(model, masks)


def prune_at_random(model: Model, threshold: float, rng: np.random.Generator) -> tuple[Model, float]:
    """Set as many weights of the network to 0 as `prune` would, chosen at random."""
    return _without(model, _dealt([ratio < threshold for ratio in signal_to_noise(model)], rng))


def disturb(model: Model, rng: np.random.Generator) -> Model:
    """Disturb each weight in proportion to its own sigma: w = mu + xi sigma."""
    signal_to_noise(model)  # refuses a model without sigma
    return _disturbed(model, model.sigma, rng)


def disturb_at_random(model: Model, rng: np.random.Generator) -> Model:
    """Disturb the network as strongly as `disturb` in total, with its sigmas dealt out at random."""
    signal_to_noise(model)
    return _disturbed(model, _dealt(model.sigma, rng), rng)


def _dealt(values: Sequence[Any], rng: np.random.Generator) -> list[Any]:
    """Shuffle the elements of all arrays among each other."""
    mixed = rng.permutation(np.concatenate([one.ravel() for one in values]))
    ends = np.cumsum([one.size for one in values])[:-1]
    return [part.reshape(one.shape) for part, one in zip(np.split(mixed, ends), values, strict=True)]


def _without(model: Model, masks: Sequence[npt.NDArray[np.bool_]]) -> tuple[Model, float]:
    weights = tuple(np.where(mask, np.float32(0), w) for w, mask in zip(model.weights, masks, strict=True))
    removed = sum(int(mask.sum()) for mask in masks) / sum(mask.size for mask in masks)
    return replace(model, weights=weights), removed


def _disturbed(model: Model, sigmas: Sequence[Array], rng: np.random.Generator) -> Model:
    weights = tuple(
        mean + sigma * rng.standard_normal(mean.shape, np.float32)
        for mean, sigma in zip(model.weights, sigmas, strict=True)
    )
    return replace(model, weights=weights)
