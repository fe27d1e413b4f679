"""Reference and calibration: where a device's symmetry point is, and how a reference gets there.

The logical weight of a crosspoint is ``w = main - reference``. With the reference at the main
device's symmetry point, up and down steps are equal at w = 0, which Tiki-Taka needs (Kim et al.,
arXiv:1907.10228, 2019; Gokmen 2021, "Array Model"). It is found here exactly, or as hardware does
it: by alternating up and down pulses, which cost pulses and leave a residual.
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np

from twin.devices.family import Affine
from twin.devices.response import Array, Pair, PulseResponse

Response = TypeVar("Response", bound=PulseResponse)
HALVINGS = 30  # of the range, so that a symmetry point is found to 1e-9 of it, beyond float32


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


def symmetry_point(response: PulseResponse) -> Array:
    """Raw weight at which up and down steps are equal.

    Affine steps, ``up_a - up_b w = down_a + down_b w``, give ``w = (up_a - down_a) / (up_b + down_b)``; 0 where
    the slopes sum to zero (no symmetry point, or everywhere); clipped to the bounds. Other steps are bisected over
    the range, to the bound that the stronger direction drives to where the steps cross nowhere. A one-sided pair
    is its own reference: 0.

    Returns
    -------
    float32 array, shape (rows, columns)
    """
    if isinstance(response, Pair):
        return np.zeros_like(response.w_min)
    if not isinstance(response, Affine):
        return _bisected(response)
    slope = response.up_b + response.down_b
    point = np.zeros_like(slope)
    np.divide(response.up_a - response.down_a, slope, out=point, where=slope > 0.0)
    return np.clip(point, response.w_min, response.w_max)


def _bisected(response: PulseResponse) -> Array:
    """Bisect ``up - down``, taken as positive at the lower bound; 0 where it vanishes at zero already."""
    low, high = response.w_min.copy(), response.w_max.copy()
    for _ in range(HALVINGS):
        middle = np.float32(0.5) * (low + high)
        rises = response.up(middle) > response.down(middle)
        np.copyto(low, middle, where=rises)
        np.copyto(high, middle, where=~rises)
    zero = np.zeros_like(low)
    flat = response.up(zero) == response.down(zero)
    return np.clip(np.where(flat, zero, np.float32(0.5) * (low + high)), response.w_min, response.w_max)


def alternating_pulses(response: PulseResponse, start: Array, pairs: int, rng: np.random.Generator) -> Pulsed:
    """Fire pairs of one up and one down pulse on every device, with cycle noise.

    Without clipping the expected state of an affine device after n pairs is ``w* + (start - w*) q^n`` with
    ``q = (1 - up_b)(1 - down_b)`` and ``w* = ((1 - down_b) up_a - down_a) / (1 - q)``: it settles
    below the symmetry point by ``step down_b / (1 - q)``, on average half a step, where the last
    (down) pulse leaves it.

    Parameters
    ----------
    response : PulseResponse
        The devices, shape (rows, columns). A pair is taken as freshly programmed before every pulse.
    start : float32 array, shape (rows, columns)
        Raw weights before the first pulse; not changed.
    pairs : int
        Pairs of pulses, 0 or more.
    rng : numpy.random.Generator
        Of the cycle noise.
    """
    state = np.clip(start, response.w_min, response.w_max).astype(np.float32)
    noise = np.empty_like(state)
    for _ in range(pairs):
        state += _noisy(response, response.up(state), noise, rng)
        np.clip(state, response.w_min, response.w_max, out=state)
        state -= _noisy(response, response.down(state), noise, rng)
        np.clip(state, response.w_min, response.w_max, out=state)
    return Pulsed(state, 2 * pairs, 2 * pairs * state.size)


def _noisy(response: PulseResponse, step: Array, noise: Array, rng: np.random.Generator) -> Array:
    """One pulse's step with its cycle noise (Gokmen 2021, "Array Model"); `noise` is scratch."""
    rng.standard_normal(out=noise, dtype=np.float32)
    noise *= np.float32(response.dw_min_std)
    noise *= step if response.mult_noise else response.dw_min
    step += noise
    return step


def shift(response: Response, reference: Array) -> Response:
    """Re-express devices for the logical weight ``w = main - reference``.

    Bounds move by the reference, and affine steps become ``up_a' = up_a - up_b r``, ``down_a' = down_a + down_b r``;
    slopes and noise stay. With r at the symmetry point this is the form in which Gokmen 2021 writes its array model.

    Parameters
    ----------
    response : PulseResponse
        In raw weights.
    reference : float32 array, shape (rows, columns)
        Raw weights of the reference devices.
    """
    return response.shifted(reference)


def calibrated(
    response: PulseResponse,
    method: str,
    pairs: int,
    reference_std: float,
    rng: np.random.Generator,
    start: Array | None = None,
) -> Calibration:
    """Calibrate by the method of that name: "exact", "pulses" (see `calibrate_by_pulses`) or "none".

    References then miss where they were put by a normal of deviation `reference_std`; one-sided pairs have none.
    """
    done = _by_method(response, method, pairs, rng, start)
    if reference_std == 0 or isinstance(response, Pair):
        return done
    error = np.float32(reference_std) * rng.standard_normal(done.reference.shape, dtype=np.float32)
    return _with_residual(response, Pulsed(done.reference + error, done.pulses, done.coincidences))


def _by_method(
    response: PulseResponse, method: str, pairs: int, rng: np.random.Generator, start: Array | None
) -> Calibration:
    match method:
        case "exact":
            return calibrate_exactly(response)
        case "pulses":
            return calibrate_by_pulses(response, pairs, rng, start)
        case _:
            return without_calibration(response)


def calibrate_exactly(response: PulseResponse) -> Calibration:
    """Put the reference at the symmetry point by fiat: no pulses, no residual.

    This is what aihwkit's ``subtract_symmetry_point`` does; hardware cannot.
    """
    return Calibration(symmetry_point(response), 0, 0, 0.0, 0.0)


def calibrate_by_pulses(
    response: PulseResponse, pairs: int, rng: np.random.Generator, start: Array | None = None
) -> Calibration:
    """Put the reference where `alternating_pulses` leave the main devices.

    Copying that state onto the reference device is taken as free and exact; the residual is that
    of the pulses alone.

    Parameters
    ----------
    response : PulseResponse
        The main devices, raw; a one-sided pair is its own reference and takes no pulses.
    pairs : int
        Pairs of pulses; a device needs several times ``1 / (up_b + down_b)``, of the order of its
        number of states.
    rng : numpy.random.Generator
        Of the cycle noise.
    start : float32 array, shape (rows, columns), optional
        Raw weights before the first pulse; zero by default.
    """
    if isinstance(response, Pair):
        return calibrate_exactly(response)
    begin = np.zeros_like(response.w_min) if start is None else start
    return _with_residual(response, alternating_pulses(response, begin, pairs, rng))


def without_calibration(response: PulseResponse) -> Calibration:
    """Leave the reference at raw weight zero; the residual is minus the symmetry point."""
    return _with_residual(response, Pulsed(np.zeros_like(response.w_min), 0, 0))


def _with_residual(response: PulseResponse, pulsed: Pulsed) -> Calibration:
    residual = (pulsed.state - symmetry_point(response)).astype(np.float64)
    return Calibration(
        pulsed.state,
        pulsed.pulses_per_device,
        pulsed.coincidences,
        float(residual.mean()),
        float(residual.std()),
    )
