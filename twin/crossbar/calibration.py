"""Reference and calibration: where a device's symmetry point is, and how a reference gets there.

The logical weight of a crosspoint is ``w = main - reference``. With the reference at the main
device's symmetry point, up and down steps are equal at w = 0, which Tiki-Taka needs (Kim et al.,
arXiv:1907.10228, 2019; Gokmen 2021, "Array Model"). It is found here exactly, or as hardware does
it: by alternating up and down pulses, which cost pulses and leave a residual.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from twin.devices.family import Affine, Array


class Pulsed(NamedTuple):
    """What a train of pulses left behind.

    Attributes
    ----------
    state : float32 array, shape (rows, columns)
        Raw weights.
    pulses_per_device : int
        Pulse slots in a row, which set the time.
    coincidences : int
        Device steps summed over the array, which set the energy.
    """

    state: Array
    pulses_per_device: int
    coincidences: int


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A reference array and what finding it cost.

    Attributes
    ----------
    reference : float32 array, shape (rows, columns)
        Raw weights of the reference devices.
    pulses : int
        Pulse slots in a row.
    coincidences : int
        Device steps summed over the array.
    residual_mean, residual_std : float
        Of ``reference - symmetry point`` over the devices, raw weight units.
    """

    reference: Array
    pulses: int
    coincidences: int
    residual_mean: float
    residual_std: float


def symmetry_point(affine: Affine) -> Array:
    """Raw weight at which up and down steps are equal.

    ``up_a - up_b w = down_a + down_b w`` gives ``w = (up_a - down_a) / (up_b + down_b)``; 0 where
    the slopes sum to zero (no symmetry point, or everywhere); clipped to the bounds.

    Returns
    -------
    float32 array, shape (rows, columns)
    """
    slope = affine.up_b + affine.down_b
    point = np.zeros_like(slope)
    np.divide(affine.up_a - affine.down_a, slope, out=point, where=slope > 0.0)
    return np.clip(point, affine.w_min, affine.w_max)


def alternating_pulses(affine: Affine, start: Array, pairs: int, rng: np.random.Generator) -> Pulsed:
    """Fire pairs of one up and one down pulse on every device, with cycle noise.

    Without clipping the expected state after n pairs is ``w* + (start - w*) q^n`` with
    ``q = (1 - up_b)(1 - down_b)`` and ``w* = ((1 - down_b) up_a - down_a) / (1 - q)``: it settles
    below the symmetry point by ``step down_b / (1 - q)``, on average half a step, where the last
    (down) pulse leaves it.

    Parameters
    ----------
    affine : Affine
        The devices, shape (rows, columns).
    start : float32 array, shape (rows, columns)
        Raw weights before the first pulse; not changed.
    pairs : int
        Pairs of pulses, 0 or more.
    rng : numpy.random.Generator
        Of the cycle noise.
    """
    state = np.clip(start, affine.w_min, affine.w_max).astype(np.float32)
    noise = np.empty_like(state)
    for _ in range(pairs):
        state += _noisy(affine, affine.up_a - affine.up_b * state, noise, rng)
        np.clip(state, affine.w_min, affine.w_max, out=state)
        state -= _noisy(affine, affine.down_a + affine.down_b * state, noise, rng)
        np.clip(state, affine.w_min, affine.w_max, out=state)
    return Pulsed(state, 2 * pairs, 2 * pairs * state.size)


def _noisy(affine: Affine, step: Array, noise: Array, rng: np.random.Generator) -> Array:
    """One pulse's step with its cycle noise (Gokmen 2021, "Array Model"); `noise` is scratch."""
    rng.standard_normal(out=noise, dtype=np.float32)
    noise *= np.float32(affine.dw_min_std)
    noise *= step if affine.mult_noise else affine.dw_min
    step += noise
    return step


def shift(affine: Affine, reference: Array) -> Affine:
    """Re-express devices for the logical weight ``w = main - reference``.

    With ``main = w + r``: ``up_a' = up_a - up_b r``, ``down_a' = down_a + down_b r``, bounds minus
    r; slopes and noise stay. With r at the symmetry point this is the form in which Gokmen 2021
    writes its array model.

    Parameters
    ----------
    affine : Affine
        In raw weights.
    reference : float32 array, shape (rows, columns)
        Raw weights of the reference devices.
    """
    return replace(
        affine,
        up_a=affine.up_a - affine.up_b * reference,
        down_a=affine.down_a + affine.down_b * reference,
        w_min=affine.w_min - reference,
        w_max=affine.w_max - reference,
    )


def calibrate_exactly(affine: Affine) -> Calibration:
    """Put the reference at the symmetry point by fiat: no pulses, no residual.

    This is what aihwkit's ``subtract_symmetry_point`` does; hardware cannot.
    """
    return Calibration(symmetry_point(affine), 0, 0, 0.0, 0.0)


def calibrate_by_pulses(
    affine: Affine, pairs: int, rng: np.random.Generator, start: Array | None = None
) -> Calibration:
    """Put the reference where `alternating_pulses` leave the main devices.

    Copying that state onto the reference device is taken as free and exact; the residual is that
    of the pulses alone.

    Parameters
    ----------
    affine : Affine
        The main devices, raw.
    pairs : int
        Pairs of pulses; a device needs several times ``1 / (up_b + down_b)``, of the order of its
        number of states.
    rng : numpy.random.Generator
        Of the cycle noise.
    start : float32 array, shape (rows, columns), optional
        Raw weights before the first pulse; zero by default.
    """
    pulsed = alternating_pulses(affine, np.zeros_like(affine.up_a) if start is None else start, pairs, rng)
    return _with_residual(affine, pulsed)


def without_calibration(affine: Affine) -> Calibration:
    """Leave the reference at raw weight zero; the residual is minus the symmetry point."""
    return _with_residual(affine, Pulsed(np.zeros_like(affine.up_a), 0, 0))


def _with_residual(affine: Affine, pulsed: Pulsed) -> Calibration:
    residual = (pulsed.state - symmetry_point(affine)).astype(np.float64)
    return Calibration(
        pulsed.state,
        pulsed.pulses_per_device,
        pulsed.coincidences,
        float(residual.mean()),
        float(residual.std()),
    )
