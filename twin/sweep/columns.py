"""Every table that a sweep writes: its columns, their types and units, and what they mean."""

from twin.results.columns import Column, Table, count, name, real
from twin.results.totals import TOTALS

RESULT = (
    name("status", "how the point ended"),
    name("reason", "why, in one line; empty if it is done"),
    *TOTALS,
)
"""How a point ended."""

NUMBERS = tuple(column for column in RESULT if column.unit)
_AXIS = Column(name="axis", dtype="scalar", unit="", meaning="value of an axis; a quantity is a text with its unit")
_ID = name("id", "hash of everything that decides the result")
_SEED = count("seed", "seed of the run")


def _over_seeds(column: Column, *, optional: bool = False) -> tuple[Column, Column]:
    """Return the columns of a mean over seeds and of its interval."""
    return (
        real(f"{column.name}_mean", column.unit, f"{column.meaning}: mean over seeds", optional=optional),
        real(
            f"{column.name}_interval",
            column.unit,
            f"{column.meaning}: half the 95 % interval of the mean, Student's t; empty for a single seed",
            optional=optional,
        ),
    )


def _table(table: str, meaning: str, *columns: Column, axes: bool = True) -> Table:
    return Table(name=table, file=f"{table}.csv", meaning=meaning, columns=columns, further=_AXIS if axes else None)


SWEEP: dict[str, Table] = {
    table.name: table
    for table in (
        _table("table", "a point and seed, with the values of its axes", _ID, _SEED, *RESULT),
        _table(
            "means",
            "a point, over the seeds whose runs are done",
            count("n", "seeds"),
            count("front", "1: no other point is as good in energy, time, area and test error, and better in one"),
            *(one for column in NUMBERS for one in _over_seeds(column)),
        ),
        _table("trials", "a run of a trial of a search", _ID, count("trial", "number of the trial"), _SEED, *RESULT),
        _table(
            "best",
            "what a search found",
            count("trials", "trials that have ended"),
            count("finished", "trials that finished"),
            count("n", "seeds with which the best values were run"),
            *(
                real(f"{column.name}_found", column.unit, f"{column.meaning}: of the best trial", optional=True)
                for column in NUMBERS
            ),
            *(one for column in NUMBERS for one in _over_seeds(column, optional=True)),
        ),
        _table(
            "columns",
            "a column of a table of the folder",
            name("table", "the table"),
            name("column", "the column"),
            name("unit", 'its unit; "1": a number, empty: a name or a value with its unit'),
            axes=False,
        ),
        Table(name="result", file="results/*.csv", meaning="how one point ended", columns=RESULT),
    )
}
"""Tables of a sweep's folder by name."""
