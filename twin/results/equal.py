"""Runs at equal area and at equal accuracy: what each would do with the silicon of the largest, and how soon."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.errors import TwinError
from twin.results.columns import Column, Table, name, real
from twin.results.derived import derive, tiles
from twin.results.result import RunResult
from twin.results.totals import TOTALS, totals
from twin.units import PS

if TYPE_CHECKING:
    import pandas as pd

SHARED = ("buffer", "memory", "host")
"""What tile sets of one chip have in common: parts of the area begin with these names, kinds of servers are these."""

AREA_RULE = (
    "Every run gets the area of the largest. Chips: as many whole copies as fit, each with a host port and a memory of "
    "its own, at work on different samples; samples/s and watts add up, energy a sample stays. Tile sets: one chip "
    "with as many copies of the network's tiles (with their links, registers and digital units) as fit beside one "
    "buffer and one memory; their samples/s are an upper bound, where buffer, memory or host is busy all the time. "
    "Copies do not exchange weights: this holds for inference and for independent trainings (seeds, settings). "
    "One training at batch 1 gets no faster by copies."
)
ERROR_RULE = (
    "Time and energy until the end of the first epoch with a test error of at most the stated one, without "
    "interpolation: it was not reached at the end of the epoch before (not before). Energy is that of all bins of "
    "time until then, leakage included."
)


class AtArea(NamedTuple):
    """A run with the silicon of the largest run; rates in samples a second, NaN where a run has no area or no tiles.

    Attributes
    ----------
    run : str
    area_m2 : float
        Its own.
    samples_per_s_per_mm2, samples_per_J : float
    copies : float
        Whole chips that fit.
    copies_area_m2, copies_samples_per_s, copies_power_W : float
        Of all of them.
    tile_sets : float
        Copies of the network's tiles that fit beside one buffer and one memory.
    tile_sets_samples_per_s : float
        At most.
    """

    run: str
    area_m2: float
    samples_per_s_per_mm2: float
    samples_per_J: float
    copies: float
    copies_area_m2: float
    copies_samples_per_s: float
    copies_power_W: float
    tile_sets: float
    tile_sets_samples_per_s: float


class AtError(NamedTuple):
    """When a run reached a test error (a fraction, of a regression a loss); NaN where it did not."""

    run: str
    to_error: float
    epoch: float
    samples: float
    time_s: float
    not_before_s: float
    energy_J: float


_RUN = name("run", "name of the run")
EQUAL: dict[str, Table] = {
    table.name: table
    for table in (
        Table(name="runs", file="tables/runs.csv", meaning="the totals of a run", columns=(_RUN, *TOTALS)),
        Table(
            name="equal_area",
            file="tables/equal_area.csv",
            meaning="a run with the area of the largest: as many copies as fit",
            columns=(
                _RUN,
                real("area_m2", "m2", "silicon of the run"),
                real("samples_per_s_per_mm2", "1/s/mm2", "samples a second and mm2 of the run"),
                real("samples_per_J", "1/J", "samples a joule of the run"),
                real("copies", "1", "whole chips that fit into the area of the largest run"),
                real("copies_area_m2", "m2", "silicon of these chips"),
                real("copies_samples_per_s", "1/s", "samples a second of these chips, at work on different samples"),
                real("copies_power_W", "W", "mean power of these chips"),
                real("tile_sets", "1", "copies of the network's tiles that fit beside one buffer and one memory"),
                real("tile_sets_samples_per_s", "1/s", "samples a second of these tile sets, at most"),
            ),
        ),
        Table(
            name="equal_accuracy",
            file="tables/equal_accuracy.csv",
            meaning="a trained run until it reached a test error",
            columns=(
                _RUN,
                real("to_error", "1", "the test error, a fraction; of a regression the test loss"),
                real("epoch", "1", "the first epoch at whose end it was reached; empty: never"),
                real("samples", "1", "training samples seen by then"),
                real("time_s", "s", "simulated time by then"),
                real("not_before_s", "s", "end of the epoch before, at which it was not reached"),
                real("energy_J", "J", "energy by then, leakage included"),
            ),
        ),
        Table(
            name="columns",
            file="tables/columns.csv",
            meaning="a column of these tables",
            columns=(
                name("table", "the table"),
                name("column", "the column"),
                name("unit", 'its unit; "1": a number, empty: a name'),
            ),
        ),
    )
}
"""Tables of a comparison that have a row a run."""


def at_equal_area(runs: Sequence[RunResult]) -> list[AtArea]:
    """Give every run the area of the largest, as `AREA_RULE` says."""
    largest_m2 = max((run.area_m2 for run in runs if run.area_m2 > 0), default=math.nan)
    return [_at_area(run, largest_m2) for run in runs]


def _at_area(run: RunResult, largest_m2: float) -> AtArea:
    own = derive(run, run)
    copies = _whole(largest_m2, run.area_m2)
    sets, bound = _tile_sets(run, largest_m2)
    return AtArea(
        run=run.name,
        area_m2=run.area_m2,
        samples_per_s_per_mm2=own.samples_per_s_per_mm2,
        samples_per_J=own.samples_per_J,
        copies=copies,
        copies_area_m2=copies * run.area_m2,
        copies_samples_per_s=copies * own.samples_per_s,
        copies_power_W=copies * run.energy_J / run.makespan_s if run.makespan_s else math.nan,
        tile_sets=sets,
        tile_sets_samples_per_s=own.samples_per_s * min(sets, bound),
    )


def _tile_sets(run: RunResult, largest_m2: float) -> tuple[float, float]:
    """Return how many tile sets fit, and how many the shared parts can serve at most."""
    if not tiles(run):
        return math.nan, math.nan
    area, servers = run.tables["area"], run.tables["servers"]
    shared_m2 = float(area.loc[[str(part).split()[0] in SHARED for part in area["part"]], "area_m2"].sum())
    busiest = float(servers.loc[servers["kind"].isin(SHARED), "utilisation"].max())
    return _whole(largest_m2 - shared_m2, run.area_m2 - shared_m2), 1 / busiest if busiest > 0 else math.inf


def _whole(whole: float, part: float) -> float:
    """Return how often `part` fits into `whole`; sums of floats may lack a last bit."""
    return float(math.floor(whole / part * (1 + 1e-12))) if part > 0 and math.isfinite(whole) else math.nan


def trained(runs: Sequence[RunResult]) -> list[RunResult]:
    """Return the runs with a test error."""
    return [run for run in runs if run.curve["test_error"].notna().any()]


def check_target(to_error: float, *, trained: bool, regression: bool) -> None:
    """Refuse a test error that no such run can reach.

    Raises
    ------
    TwinError
        When nothing is trained, or it is not positive, or of a classification not below 1.
    """
    value = f"--to-error (= {to_error:g})"
    if not trained:
        raise TwinError(f"{value}: is about training, and this is only timed; leave it out")
    if regression:
        if not to_error > 0:
            raise TwinError(f"{value}: must be a positive test loss, e.g. --to-error 0.1")
    elif not 0 < to_error < 1:
        raise TwinError(f"{value}: must be a fraction between 0 and 1, e.g. --to-error 0.03 for 3 %")


def common_error(runs: Sequence[RunResult]) -> float:
    """Return the least test error that all trained runs reached; NaN where none was trained."""
    return max((float(run.curve["test_error"].min()) for run in trained(runs)), default=math.nan)


def at_equal_error(runs: Sequence[RunResult], target: float | None = None) -> list[AtError]:
    """Say when every trained run reached a test error (default: the least that all reached), as `ERROR_RULE` says."""
    found = trained(runs)
    target = common_error(found) if target is None else target
    return [_at_error(run, target) for run in found]


def _at_error(run: RunResult, target: float) -> AtError:
    curve = run.curve
    reached = np.flatnonzero(curve["test_error"].to_numpy() <= target)
    if not len(reached):
        return AtError(run.name, target, *[math.nan] * 5)
    at = int(reached[0])
    time_s = float(curve["time_s"].iloc[at])
    before_s = float(curve["time_s"].iloc[at - 1]) if at else 0.0
    epoch, samples = float(curve["epoch"].iloc[at]), float(curve["samples"].iloc[at])
    return AtError(run.name, target, epoch, samples, time_s, before_s, _energy_by(run, time_s))


def _energy_by(run: RunResult, time_s: float) -> float:
    """Return the energy until a time, even within a bin."""
    bins = run.tables["bins"]
    ends = np.concatenate([[0.0], bins["t1_ps"].to_numpy(float)]) * PS
    sums = np.concatenate([[0.0], np.cumsum(bins["energy_J"].to_numpy(float))])
    return float(np.interp(time_s, ends, sums)) * (run.energy_J / sums[-1] if sums[-1] else math.nan)


def equal_tables(runs: Sequence[RunResult], target: float | None = None) -> "dict[str, pd.DataFrame]":
    """Give the tables of `EQUAL`; that of accuracy only where something was trained."""
    import pandas as pd  # noqa: PLC0415

    rows: dict[str, list[tuple[object, ...]]] = {
        "runs": [(run.name, *totals(run).values()) for run in runs],
        "equal_area": [*at_equal_area(runs)],
        "equal_accuracy": [*at_equal_error(runs, target)],
    }
    rows = {table: found for table, found in rows.items() if found}
    columns: list[tuple[str, Column]] = [(table, column) for table in rows for column in EQUAL[table].columns]
    frames = {
        table: pd.DataFrame(found, columns=pd.Index([column.name for column in EQUAL[table].columns]))
        for table, found in rows.items()
    }
    units = [(table, column.name, column.unit) for table, column in columns]
    return frames | {"columns": pd.DataFrame(units, columns=pd.Index(["table", "column", "unit"]))}
