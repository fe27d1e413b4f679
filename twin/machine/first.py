"""The weights that a machine starts with, and how they are scaled onto devices."""

import numpy as np
import numpy.typing as npt

from twin.config.weights import Initial, WeightMapping
from twin.devices.family import DeviceFamily
from twin.kernels.streams import INITIAL
from twin.machine.arrays import generator
from twin.networks.given.fit import Given
from twin.networks.layers import Layer

SIDE = 64  # devices drawn to learn their mean range: SIDE x SIDE
Weights = npt.NDArray[np.floating]


def first_weights(layer: Layer, initial: Initial, given: Given | None, seed: int) -> Weights:
    """Return the network's first weights of a layer, (n_out, n_in): given, or drawn by the seed."""
    if given is not None:
        return given.matrices[layer.index]
    draw = getattr(generator(seed, INITIAL, layer.index), str(initial.distribution))
    start: Weights = draw(-1, 1, (layer.n_out, layer.n_in)) * float(initial.scale or 0.0) / np.sqrt(layer.fan)
    return start


def scale_of(
    weights: Weights, mapped: WeightMapping, given: Given | None, device: DeviceFamily | None, *, spread: bool = False
) -> float:
    """Return network weight / device weight of a layer; 1 for a digital one.

    Weights that are given come with a spread of their own, so unless it is configured, the largest of them is mapped
    onto the mean range of the devices; with `spread` this is done with whatever weights there are.
    """
    if device is None:
        return 1.0
    if not spread and mapped.out_scaling is not None:
        return float(mapped.out_scaling)
    if given is None and not spread:
        return 1.0
    reach, most = mean_range(device), float(np.abs(weights).max(initial=0.0))
    return most / reach if np.isfinite(reach) and reach > 0 and most > 0 else 1.0


def mean_range(device: DeviceFamily) -> float:
    """Return half the mean range of a family's devices, in device weights; inf where nothing bounds them."""
    drawn = device.populate((SIDE, SIDE), generator(0))
    return float(drawn.w_max.mean() - drawn.w_min.mean()) / 2
