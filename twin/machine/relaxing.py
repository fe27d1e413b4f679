"""One physical array whose devices relax towards a rest weight as time passes, lazily.

Retention: ``w(t) = rest + (w - rest) exp(-t / lifetime)`` in raw weights, aihwkit's decay towards the reset bias
(``rpu_pulsed_device.cpp``) with seconds in the place of mini-batches. The devices of the reference array may relax
alike; the logical weight, its steps and its bounds then move with them.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.devices.response import Pair, PulseResponse
from twin.kernels.records import CELL, HIDDEN, LIMITS, W_MAX, W_MIN
from twin.units import PS

Array = npt.NDArray[np.float32]
GRAIN = 2.0**-13
"""Least share of a lifetime that is applied: less would be lost to float32, where 1 - 2^-25 is 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Relaxation:
    """How some devices relax.

    Attributes
    ----------
    lifetime : float, or float32 array, shape (n_in, n_out)
        Time constants, s; infinite for devices that keep their weight.
    rest : float32 array, shape (n_in, n_out)
        Raw weights.
    nominal : float
        The mean lifetime, s.
    """

    lifetime: float | Array
    rest: Array
    nominal: float

    def share(self, elapsed_s: float) -> np.float32 | Array:
        """Return which share of the distance to rest is left after a time."""
        if isinstance(self.lifetime, float):
            return np.float32(math.exp(-elapsed_s / self.lifetime))
        left: Array = np.exp(np.float32(-elapsed_s) / self.lifetime)
        return left


class RelaxingArray:
    """The devices of one array; all matrices here are input-major, (n_in, n_out).

    Parameters
    ----------
    f : float32 array
        The machine's arena, of which this changes the array's segments.
    part, matrix : PART and MATRIX record
    response : type of PulseResponse
        Of the array's own devices.
    main : Relaxation
        Of the array's own devices.
    reference : float32 array
        Raw weights of the reference.
    drift : Relaxation or None
        Of the reference's devices, where they relax too.

    Attributes
    ----------
    reference : float32 array
        At `since_ps`.
    since_ps : int
        When weights and reference were what they are now.
    """

    def __init__(
        self,
        f: Array,
        part: np.void,
        matrix: np.void,
        response: type[PulseResponse],
        main: Relaxation,
        reference: Array,
        drift: Relaxation | None,
    ) -> None:
        n_in, n_out = int(part["in1"] - part["in0"]), int(part["out1"] - part["out0"])

        def segment(name: str, *shape: int) -> Array:
            start = int(part[name])
            return f[start : start + math.prod(shape)].reshape(shape)

        self.w = segment("w", n_in, n_out)
        self._limits = segment("limits", n_in, n_out, LIMITS)
        self._cell = segment("cell", n_in, n_out, CELL)
        self._in_sum, self._out_sum = segment("in_sum", n_in), segment("out_sum", n_out)
        self._in_rest, self._out_rest = segment("in_rest", n_in), segment("out_rest", n_out)
        self._response, self._write_noise = response, bool(matrix["write_noise"] > 0)
        self._pair = issubclass(response, Pair)
        self.reference = np.ascontiguousarray(reference, np.float32)
        self._main, self._drift = main, drift
        self._rest = main.rest - self.reference
        self._bound_rest()
        self.since_ps = 0

    def age(self, now_ps: int, least: float = GRAIN) -> None:
        """Let the devices relax until `now_ps`, if that is at least a share `least` of the lifetime away."""
        elapsed_s = (now_ps - self.since_ps) * PS
        shortest = min(self._main.nominal, math.inf if self._drift is None else self._drift.nominal)
        if elapsed_s <= 0 or math.isinf(shortest) or elapsed_s < least * shortest:
            return
        self.since_ps = now_ps
        if math.isfinite(self._main.nominal):
            self._age_main(self._main.share(elapsed_s))
        if self._drift is not None and not self._pair:
            rest = self._drift.rest
            self._shift(rest + (self.reference - rest) * self._drift.share(elapsed_s), moves=True)
        self._sum_lines()

    def put_reference(self, reference: Array) -> None:
        """Put the reference at other raw weights; logical weights stay, within their new bounds."""
        self._shift(np.ascontiguousarray(reference, np.float32), moves=False)
        self._sum_lines()

    def resume(self, since_ps: int, reference: Array) -> None:
        """Go on from a time and a reference for which the arena already stands."""
        self.since_ps = since_ps
        self.reference = reference.reshape(self.w.shape).copy()
        self._rest = self._main.rest - self.reference
        self._bound_rest()

    def raw(self) -> Array:
        """Return the raw weights of the main devices at `since_ps`."""
        state = self._limits[..., HIDDEN] if self._write_noise else self.w
        raw: Array = state + self.reference
        return raw

    def _age_main(self, share: np.float32 | Array) -> None:
        """Let the main devices relax: `share` of the distance to rest is left."""
        if self._pair:
            self._age_pair(share)
        elif self._write_noise:
            state = self._limits[..., HIDDEN]
            before = state.copy()
            state -= self._rest
            state *= share
            state += self._rest
            self.w += state - before
        else:
            self.w -= self._rest
            self.w *= share
            self.w += self._rest

    def _age_pair(self, share: np.float32 | Array) -> None:
        """Let both halves of a pair relax, each to the rest conductance or its own largest below that."""
        minus = self._limits[..., HIDDEN]
        rest_plus = np.clip(self._main.rest, np.float32(0.0), self._limits[..., W_MAX])
        rest_minus = np.clip(self._main.rest, np.float32(0.0), -self._limits[..., W_MIN])
        plus = rest_plus + (self.w + minus - rest_plus) * share
        minus[:] = rest_minus + (minus - rest_minus) * share
        self.w[:] = plus - minus
        self._in_rest[:], self._out_rest[:] = 2 * minus.sum(axis=1), 2 * minus.sum(axis=0)

    def _shift(self, reference: Array, *, moves: bool) -> None:
        """Re-express the devices for another reference (`PulseResponse.shifted`); weights move along or stay."""
        change = reference - self.reference
        self.reference = reference
        cell, limits = self._cell, self._limits
        columns = cell[..., 0], cell[..., 1], cell[..., 2], cell[..., 3]
        for old, new in zip(columns, self._response.moved(columns, change), strict=True):
            if new is not old:
                old[:] = new
        limits[..., W_MIN] -= change
        limits[..., W_MAX] -= change
        state = limits[..., HIDDEN] if self._write_noise else self.w
        before = state.copy()
        if moves:
            state -= change
        np.clip(state, limits[..., W_MIN], limits[..., W_MAX], out=state)
        if self._write_noise:
            self.w += state - before
        self._rest = self._main.rest - reference
        self._bound_rest()
        self._in_rest[:], self._out_rest[:] = 2 * reference.sum(axis=1), 2 * reference.sum(axis=0)

    def _bound_rest(self) -> None:
        """Keep rest within the devices' bounds; a stuck device rests where it is stuck."""
        np.clip(self._rest, self._limits[..., W_MIN], self._limits[..., W_MAX], out=self._rest)

    def _sum_lines(self) -> None:
        """Sum main and reference weights over each line, as `twin.kernels.array.pulsed.sum_lines` does."""
        self._in_sum[:] = self.w.sum(axis=1) + self._in_rest
        self._out_sum[:] = self.w.sum(axis=0) + self._out_rest
