"""Averages of weights over a training period, from mat-vecs that are sparse in time.

Gokmen 2021, "Accurate Model Average": the sums go on while the weights move, and the regression then gives
their average over the period.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from twin.errors import TwinError
from twin.extraction.moments import Estimate, Moments

if TYPE_CHECKING:
    from twin.config.extraction import Extraction

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Average:
    """The average of one matrix, or of one array of it.

    Attributes
    ----------
    mean, standard_error : float64 array, shape (n_out, n_in)
        Over everything added; the error includes what the weights' own motion does to the regression.
    sigma : float64 array, shape (n_out, n_in)
        Standard deviation of the weights from period to period, with the regression's own error taken off
        (0 where that explains all of it); NaN with fewer than two periods.
    reads, periods : int
    """

    mean: Array
    standard_error: Array
    sigma: Array
    reads: int
    periods: int


class Averager:
    """Accumulates (x, y) of several matrices; the digital side needs nothing else.

    Parameters
    ----------
    shapes : sequence of (n_in, n_out)
        One for each matrix ("block"): a layer's, or one physical array of it.
    """

    def __init__(self, shapes: Sequence[tuple[int, int]]) -> None:
        self.whole = [Moments(*shape) for shape in shapes]
        self._now = [Moments(*shape) for shape in shapes]
        self._periods: list[list[Estimate]] = [[] for _ in shapes]

    def add(self, block: int, x: npt.ArrayLike, y: npt.ArrayLike, weight: npt.ArrayLike = 1.0) -> None:
        """Add mat-vecs of a block, as `Moments.add`."""
        for moments in (self.whole[block], self._now[block]):
            moments.add(x, y, weight)

    def end_period(self) -> None:
        """Solve for the averages of the period that ends here, and start another.

        Raises
        ------
        TwinError
            When the period was too short to determine the weights.
        """
        for block, moments in enumerate(self._now):
            self._periods[block].append(moments.solve())
            self._now[block] = Moments(moments.n_in, moments.n_out)

    def solve(self) -> list[Average]:
        """Return the average of every block; raises as `Moments.solve`."""
        found = []
        for moments, periods in zip(self.whole, self._periods, strict=True):
            one = moments.solve()
            sigma = between(periods) if len(periods) > 1 else np.full(one.weights.shape, np.nan)
            found.append(Average(one.weights, one.standard_error, sigma, one.reads, len(periods)))
        return found

    def state(self) -> dict[str, Array]:
        """Return everything as plain arrays, for a checkpoint."""
        arrays: dict[str, Array] = {}
        for k, periods in enumerate(self._periods):
            for name, moments in (("whole", self.whole[k]), ("now", self._now[k])):
                arrays |= {f"{k}.{name}.{key}": values for key, values in moments.state().items()}
            shape = (len(periods), self.whole[k].n_out, self.whole[k].n_in)
            arrays[f"{k}.periods"] = np.array([one.weights for one in periods]).reshape(shape)
            arrays[f"{k}.errors"] = np.array([one.standard_error for one in periods]).reshape(shape)
            arrays[f"{k}.reads"] = np.array([one.reads for one in periods], np.float64)
        return arrays

    def restore(self, arrays: dict[str, Array]) -> None:
        """Carry on from `state`, to the same bits."""
        for k in range(len(self.whole)):
            for name, moments in (("whole", self.whole[k]), ("now", self._now[k])):
                moments.restore({key: arrays[f"{k}.{name}.{key}"] for key in ("xx", "xy", "yy", "reads")})
            columns = (arrays[f"{k}.{name}"] for name in ("periods", "errors", "reads"))
            self._periods[k] = [Estimate(w, e, int(n)) for w, e, n in zip(*columns, strict=True)]


def between(periods: Sequence[Estimate]) -> Array:
    """Return the standard deviation between periods beyond what the regressions' own errors explain."""
    variance = np.var([one.weights for one in periods], axis=0, ddof=1)
    own = np.mean([one.standard_error**2 for one in periods], axis=0)
    sigma: Array = np.sqrt(np.maximum(variance - np.nan_to_num(own), 0.0))
    return sigma


class Iterates:
    """Mean and standard deviation of weights over exact snapshots: what only a simulation can see.

    Gokmen 2021, "Discussion", takes mu and sigma of the TTv2 iterates so for Tables 2 and 3 (Welford's sums).
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.count, self.mean, self._squares = 0, np.zeros(shape), np.zeros(shape)

    def add(self, weights: npt.ArrayLike) -> None:
        """Add one snapshot."""
        values = np.asarray(weights, np.float64)
        self.count += 1
        gap = values - self.mean
        self.mean += gap / self.count
        self._squares += gap * (values - self.mean)

    @property
    def sigma(self) -> Array:
        """Standard deviation over the snapshots; zeros before the second."""
        return np.sqrt(self._squares / max(self.count - 1, 1))

    def state(self) -> dict[str, Array]:
        """Return everything as plain arrays, for a checkpoint."""
        return {"count": np.array([self.count], np.float64), "mean": self.mean, "squares": self._squares}

    def restore(self, arrays: dict[str, Array]) -> None:
        """Carry on from `state`, to the same bits."""
        self.count, self.mean[:], self._squares[:] = int(arrays["count"][0]), arrays["mean"], arrays["squares"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a run reads: `every` samples, from sample `start` to `total`, in equal `periods`.

    Everything follows from sample numbers, so where a run was interrupted does not matter.
    """

    every: int
    start: int
    total: int
    periods: int = 1

    @classmethod
    def of(cls, config: "Extraction", total: int, widest: int) -> "Schedule | None":
        """Return the schedule that a workload asks for, None without averaging; check all numbers of mat-vecs.

        Parameters
        ----------
        total : int
            Samples of the whole run.
        widest : int
            Most input lines of an array.

        Raises
        ------
        TwinError
            When a period, or the reading after training, holds fewer mat-vecs than that.
        """
        if 0 < config.reads < widest:
            raise TwinError(
                f"extraction.reads (= {config.reads}): must be at least {widest}, one an input line; "
                "read more, or set 0 for none"
            )
        if not config.average_every:
            return None
        schedule = cls(config.average_every, round(config.average_from * total), total, config.periods)
        least = schedule.reads // schedule.periods
        if least < widest:
            raise TwinError(
                f"extraction.average_every (= {schedule.every}): gives {least} mat-vecs a period, but {widest} input "
                "lines need as many; read more often, average longer, or use fewer periods"
            )
        return schedule

    @property
    def reads(self) -> int:
        """Mat-vecs a layer in the whole run."""
        return (self.total - self.start) // self.every

    def ends_period(self, number: int) -> bool:
        """Return whether a period ends with read `number`."""
        return (number + 1) * self.periods // self.reads > number * self.periods // self.reads

    def interleave(
        self,
        first: int,
        last: int,
        train: Callable[[int, int], None],
        read: Callable[[int], None],
        end_period: Callable[[], None],
    ) -> None:
        """Train on samples `first` to `last` - 1 and read in between.

        Parameters
        ----------
        train : callable
            ``train(a, b)`` trains on samples a to b - 1 and leaves none in flight.
        read : callable
            ``read(k)`` performs read number k, which follows sample `start` + (k + 1) `every` - 1.
        end_period : callable
            Called after the last read of each period.
        """
        sample = first
        while sample < last:
            number, due = 0, self.start
            if sample >= self.start:
                number = (sample - self.start) // self.every
                due = self.start + (number + 1) * self.every
            end = min(last, due)
            train(sample, end)
            if sample >= self.start and end == due:
                read(number)
                if self.ends_period(number):
                    end_period()
            sample = end
