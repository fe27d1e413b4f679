"""A sweep that seeks values of further keys at every point of its design, at each for itself."""

import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, final

from twin.descriptions.sweep import Search, Sweep
from twin.errors import TwinError
from twin.sweep.agenda import Shard
from twin.sweep.design import values_of
from twin.sweep.journal import Journal
from twin.sweep.measure import UNITS, Row, Status
from twin.sweep.point import SEED, Point, none_possible
from twin.sweep.results import Results, mean_and_interval, write_tables
from twin.sweep.search import PointSearch, Rows

if TYPE_CHECKING:
    import pandas as pd


@final
class Searches:
    """The searches of a sweep, side by side: each waits for its own trials and for no other."""

    def __init__(
        self, sweep: Sweep, search: Search, folder: Path, results: Results, shard: Shard, *, retry: bool
    ) -> None:
        self.sweep, self.search = sweep, search
        self.rows = Rows(results, retry=retry)
        self.keys = [axis.key for axis in sweep.axes]
        self.sought = [axis.key for axis in search.axes]
        self.all = [
            PointSearch(sweep, search, dict(zip(self.keys, values, strict=True)), self.rows)
            for values in values_of(sweep)
        ]
        first, count = shard
        self.own = self.all[first - 1 :: count]
        self.journals = [Journal(folder / "searches" / f"{one.id}.journal", one) for one in self.own if not one.refused]

    def refusal(self) -> str:
        """Return why no point at all can be run; empty if one can."""
        return none_possible([one.refused for one in self.all])

    def size(self) -> tuple[int, int]:
        """Return how many points have a result, and how many there are."""
        each = self.search.trials * len(self.search.seeds) + len(self.sweep.seeds)
        total = each * sum(not one.refused for one in self.all)
        return total - sum(one.remaining() for one in self.all), total

    def refused(self) -> list[Point]:
        """Return no points: a refusal follows from the description, and needs no file."""
        return []

    def points(self) -> Iterator[Point | None]:
        """Yield the points to run, of every search in turn; None where all wait for results."""
        given: set[str] = set()
        while True:
            over = idle = True
            for search in self.own:
                for point in search.wanted():
                    over = False
                    if point.id not in given:  # two trials may have the same values
                        given.add(point.id)
                        idle = False
                        yield point
            if over:
                return
            if idle:  # nothing has ended since the round began
                yield None

    def note(self, point: Point, row: Row) -> None:
        """Take notice of a result, which is saved, or will be when there is room."""
        self.rows.add(point, row)
        for search in self.own:
            search.wanted()
        with suppress(TwinError):  # a full disk: it is tried again
            self._record()

    def write(self, folder: Path) -> "tuple[pd.DataFrame, int]":
        """Write the tables; return that of all points, and how many rows it lacks."""
        own = self.tables()
        table = own.pop("table")
        write_tables(table, [*self.keys, *self.sought], folder, **own)
        self._record()
        return table, len(self.all) * len(self.sweep.seeds) - len(table)

    def tables(self) -> "dict[str, pd.DataFrame]":
        """Return what is known so far: rows of the best values (``table``), of every trial, and the best values."""
        for search in self.all:
            search.wanted()
        return {"table": self._table(), "trials": self._trials(), "best": self._best()}

    def made(self) -> dict[str, Row]:
        """Return the row of every run of every trial and of the best values, by id."""
        runs = [(point, self.rows.get(point)) for one in self.all for trial, _ in one.told for point in trial.points]
        runs += [pair for one in self.all for pair in one.final_rows()]
        return {point.id: row for point, row in runs if row is not None}

    def _record(self) -> None:
        for journal in self.journals:
            journal.record()

    def _table(self) -> "pd.DataFrame":
        """Return the rows of the best values: the sought keys are columns beside the axes."""
        import pandas as pd  # noqa: PLC0415

        nothing = dict.fromkeys(self.sought, "")
        rows = [
            {"id": point.id} | nothing | point.axes | row for search in self.all for point, row in search.final_rows()
        ]
        return pd.DataFrame(rows, columns=pd.Index(["id", *self.keys, *self.sought, SEED, *UNITS]))

    def _trials(self) -> "pd.DataFrame":
        """Return every run of every trial that has ended."""
        import pandas as pd  # noqa: PLC0415

        rows = [
            {"id": point.id, "trial": number} | point.axes | row
            for search in self.all
            for number, (trial, _) in enumerate(search.told)
            for point in trial.points
            if (row := self.rows.get(point)) is not None
        ]
        return pd.DataFrame(rows, columns=pd.Index(["id", *self.keys, "trial", *self.sought, SEED, *UNITS]))

    def _best(self) -> "pd.DataFrame":
        """Return one row a search: what was found, by how many trials, and how good it is with the sweep's seeds."""
        import pandas as pd  # noqa: PLC0415

        name = self.search.objective
        rows: list[dict[str, object]] = []
        for search in self.all:
            best = search.best()
            finished = sum(math.isfinite(objective) for _, objective in search.told)
            row: dict[str, object] = {**search.outer, "trials": len(search.told), "finished": finished}
            if best is not None:
                row |= best[0].sought | {f"{name}_found": best[1]}
            judged = [float(row[name]) for _, row in search.final_rows() if row["status"] == Status.DONE]
            row["n"] = len(judged)
            row[f"{name}_mean"], row[f"{name}_interval"] = mean_and_interval(pd.Series(judged, dtype=float))
            rows.append(dict.fromkeys(self.sought, "") | row)
        names = [*self.keys, "trials", "finished", *self.sought, f"{name}_found", "n", f"{name}_mean"]
        return pd.DataFrame(rows, columns=pd.Index([*names, f"{name}_interval"]))
