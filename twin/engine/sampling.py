"""Sampled timing: systematic windows of samples are run, and all others are entered in sum.

After Wunderlich et al. 2003 ("SMARTS"): the state of the model is kept up to date everywhere, the clock only in
windows that come at a fixed period. Here the numerics are the state, and they say of every sample, run or not, how
long its operations would take one after another. So a window measures the *ratio* of time that passes to this serial
time, and each jump of the clock multiplies that with the serial time of the very samples that are skipped: that
training changes pulses and repeats is seen everywhere, and only the overlap of operations is extrapolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


CONFIDENCE = 0.95
NEVER = -1
ROUNDING_PS = 2  # of a jump and of what it gives back


class Watch:
    """Notes when every sample of a window that starts at `begin_ps` was complete, and its serial time."""

    def __init__(self, begin_ps: int) -> None:
        self.begin_ps = begin_ps
        self.left: list[tuple[int, int, int]] = []

    def leave(self, sample: int, now_ps: int, serial_ps: int) -> None:
        """Note a completed sample."""
        self.left.append((sample, now_ps, serial_ps))

    def between(self, first: int, last: int) -> tuple[int, int]:
        """Return time and serial time of samples first..last-1.

        The time is from when all samples before `first` are complete until all before `last` are.
        """
        begin_ps = self._complete(first)
        serial_ps = sum(serial_ps for sample, _, serial_ps in self.left if first <= sample < last)
        return self._complete(last) - begin_ps, serial_ps

    def _complete(self, last: int) -> int:
        return max((now_ps for sample, now_ps, _ in self.left if sample < last), default=self.begin_ps)

    def serial_ps(self) -> int:
        """Return the serial time of all samples."""
        return sum(serial_ps for _, _, serial_ps in self.left)


@dataclass(slots=True)
class Window:
    """What one window measured.

    Attributes
    ----------
    elapsed_ps, serial_ps : int
        Of the measured samples: the time that passed, and their serial time.
    overhead_ps : int
        What filling and draining the pipeline took beyond that ratio.
    skipped_ps : int
        The serial time of the samples that this window stands for.
    """

    elapsed_ps: int
    serial_ps: int
    overhead_ps: int = 0
    skipped_ps: int = 0

    def of(self, serial_ps: int) -> int:
        """Return the time in which samples of this serial time pass, rounded down."""
        return serial_ps * self.elapsed_ps // self.serial_ps if self.serial_ps else serial_ps

    @property
    def ratio(self) -> float:
        """Time that passes per serial time; 1 where nothing took time."""
        return self.elapsed_ps / self.serial_ps if self.serial_ps else 1.0


class Estimate(NamedTuple):
    """How far a clock that jumped can be trusted.

    Attributes
    ----------
    windows : int
    timed, skipped : int
        Samples.
    half_width_ps : float
        Of the 95 % confidence interval of the makespan; NaN where fewer than two windows say nothing about it.
    """

    windows: int
    timed: int
    skipped: int
    half_width_ps: float


class Sampling:
    """The windows of a run so far: all that sampled timing remembers.

    Attributes
    ----------
    windows : list of Window
    due : int
        The sample at which the next window starts.
    timed, skipped : int
        Samples run, and not.
    jumps : int
    drains_ps : int
        The overheads that stand for drains of the pipeline which no window met.
    """

    SCALARS = ("due", "timed", "skipped", "jumps", "drains_ps")

    def __init__(self) -> None:
        self.windows: list[Window] = []
        self.due = self.timed = self.skipped = self.jumps = self.drains_ps = 0

    def estimate(self) -> Estimate:
        """Return the interval of the makespan from batch means.

        Every window is a batch whose ratio r stands for the serial time S that it opens. The makespan is the time
        run plus the sum of r S, so its standard error is that of r times sqrt(sum of S^2), with Student's t for
        windows - 1 degrees of freedom. A trend of r in the course of training widens the interval. Rounding and the
        overheads of drains that were not run come on top in full (assumption).
        """
        windows = self.windows
        if not self.skipped:
            half_ps = 0.0
        elif len(windows) < 2:
            half_ps = float("nan")
        else:
            from scipy.stats import t  # noqa: PLC0415 - slow to import, and needed once

            ratios = np.array([window.ratio for window in windows])
            weight_ps = np.sqrt(np.sum(np.square([float(window.skipped_ps) for window in windows])))
            student = float(t.ppf((1 + CONFIDENCE) / 2, len(windows) - 1))
            half_ps = student * float(ratios.std(ddof=1) * weight_ps) + ROUNDING_PS * self.jumps + self.drains_ps
        return Estimate(len(windows), self.timed, self.skipped, half_ps)

    def state(self) -> dict[str, NDArray[np.int64]]:
        """Return everything as plain arrays."""
        rows = [(w.elapsed_ps, w.serial_ps, w.overhead_ps, w.skipped_ps) for w in self.windows]
        return {
            "windows": np.array(rows, np.int64).reshape(-1, 4),
            "scalars": np.array([getattr(self, name) for name in self.SCALARS], np.int64),
        }

    def restore(self, windows: NDArray[np.int64], scalars: NDArray[np.int64]) -> None:
        """Take what `state` returned."""
        self.windows = [Window(*row) for row in windows.tolist()]
        for name, value in zip(self.SCALARS, scalars.tolist(), strict=True):
            setattr(self, name, value)
