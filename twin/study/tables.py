"""The tables of a study: rows chosen, in the units asked for, as CSV and as Markdown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twin.descriptions.study import Column, ComparisonTable, LedgerTable, Plot, Rows, RowTable, SearchTable, Table
from twin.errors import TwinError
from twin.report.pages.markdown import line
from twin.report.pages.table import headings
from twin.report.pages.table import rows as comparison_rows
from twin.results.derived import derive_all
from twin.results.intervals import T95, ends, limits, said
from twin.results.result import quantity, unit
from twin.results.text import ABSENT
from twin.study.plan import DATA, Group, N, Searched, StudyPlan
from twin.study.run import Store
from twin.sweep.measure import UNITS, Status
from twin.sweep.results import means

if TYPE_CHECKING:
    import pandas as pd

LOW, HIGH = "interval_low", "interval_high"
"""Columns of what a figure draws: the ends of its interval."""


@dataclass(frozen=True)
class Made:
    """A table: headings with their units, rows as they stand in the CSV file and as they are read, what it is of."""

    headings: list[str]
    rows: list[list[object]]
    texts: list[list[str]]
    numbers: frozenset[int]
    note: str = ""

    def markdown(self) -> str:
        """Give the table as GitHub Markdown."""
        rule = ["---:" if k in self.numbers else "---" for k in range(len(self.headings))]
        return "\n".join([line(self.headings), line(rule), *map(line, self.texts)]) + "\n"

    def frame(self) -> "pd.DataFrame":
        """Give the table for a CSV file."""
        import pandas as pd  # noqa: PLC0415

        return pd.DataFrame(self.rows, columns=pd.Index(self.headings))


def make_table(table: Table, plan: StudyPlan, store: Store) -> Made:
    """Make one table of a study.

    Raises
    ------
    TwinError
        When a run that it shows has not ended well.
    """
    match table:
        case RowTable():
            return _rows(table, plan, store)
        case ComparisonTable():
            return _comparison(table, plan, store)
        case LedgerTable():
            return _ledger(table, plan, store)
        case SearchTable():
            return _search(table, plan, store)


def all_rows(data: Sequence[str], where: Rows, plan: StudyPlan, store: Store, *, over_seeds: bool) -> "pd.DataFrame":
    """Give the results of finished runs below each other, the name of their entry in the column ``data``.

    With `over_seeds`, measured quantities are means, and half of their 95 % interval stands in ``KEY_interval``.
    """
    frames = []
    for name in data:
        table = _done(plan.groups[name], store)
        if over_seeds:
            table = means(table, plan.groups[name].keys).rename(columns=lambda key: str(key).removesuffix("_mean"))
        frames.append(table.assign(**{DATA: name}))
    return _below(frames, where)


def drawn_rows(shown: Plot, plan: StudyPlan, store: Store) -> "pd.DataFrame":
    """Give what a figure draws, a row a point: means over seeds, `LOW` and `HIGH` of its interval, the number of seeds.

    Both ends are NaN of a single seed.
    """
    frames = []
    for name in shown.data:
        group = plan.groups[name]
        table = _done(group, store)
        found = means(table, group.keys).rename(columns=lambda key: str(key).removesuffix("_mean"))
        least, most = limits(table, shown.y)
        seeds = [one.to_numpy(dtype=float) for _, one in table.groupby(list(group.keys), sort=False)[shown.y]]
        pairs = [ends(one, shown.interval, least, most) for one in seeds]
        found[LOW], found[HIGH] = ([float(pair[k]) for pair in pairs] for k in range(2))
        frames.append(found.assign(**{DATA: name}))
    return _below(frames, shown.where)


def _done(group: Group, store: Store) -> "pd.DataFrame":
    table = store.table(group)
    return table[table["status"] == str(Status.DONE)]


def _below(frames: "list[pd.DataFrame]", where: Rows) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415

    found = pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)
    return filtered(found, where)


def filtered(table: "pd.DataFrame", where: Rows) -> "pd.DataFrame":
    """Give the rows whose columns have one of the values asked for."""
    for key, value in where.items():
        values = value if isinstance(value, list) else [value]
        kept = [any(_same(found, wanted) for wanted in values) for found in table[key]]
        table = table[kept]
    return table.reset_index(drop=True)


def _same(found: object, wanted: object) -> bool:
    """Compare a cell with a value of the description; numbers of tables that were read may be floats."""
    return found == wanted or str(found) == str(wanted)


def unit_of(key: str) -> str:
    """Give the unit of a column of the results, "" of names and pure numbers."""
    return "" if UNITS.get(key) == "1" else UNITS.get(key, "")


def label_of(key: str) -> str:
    """Name a column of the results with its unit: ``"energy per sample (J)"``."""
    unit = unit_of(key)
    words = key.split("_")
    kept = [word for k, word in enumerate(words) if word != unit or words[k - 1] == "per"]
    name = " ".join(kept) if unit else key
    return f"{name} ({unit})" if unit else name


def _rows(table: RowTable, plan: StudyPlan, store: Store) -> Made:
    found = all_rows(table.data, table.where, plan, store, over_seeds=table.over_seeds)
    heads: list[str] = []
    columns: list[list[object]] = []
    for column in table.columns:
        measured = bool(UNITS.get(column.key))
        values = found[column.key].tolist()
        heads.append(_heading(column))
        columns.append([float(value) * column.factor for value in values] if measured else values)
        if measured and table.over_seeds and found[N].max() > 1:
            heads.append(f"± {_heading(column)}")
            columns.append([float(value) * column.factor for value in found[f"{column.key}_interval"]])
    rows = [list(row) for row in zip(*columns, strict=True)]
    note = said(found[N].tolist(), T95, "±") if table.over_seeds and len(found) else ""
    return _made(heads, rows, table.digits, note)


def _heading(column: Column) -> str:
    if not (column.heading or column.unit) and column.factor == 1:
        return label_of(column.key)
    unit = column.unit or (unit_of(column.key) if column.factor == 1 else "")
    name = column.heading or column.key
    return f"{name} ({unit})" if unit else name


def _made(heads: list[str], rows: list[list[object]], digits: int, note: str = "") -> Made:
    numbers = {k for k in range(len(heads)) if any(isinstance(row[k], int | float) for row in rows)}
    rounded = [[_rounded(value, digits) for value in row] for row in rows]
    texts = [[_text(value) for value in row] for row in rounded]
    return Made(heads, rounded, texts, frozenset(numbers), note)


def _rounded(value: object, digits: int) -> object:
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def _text(value: object) -> str:
    if isinstance(value, float):
        if not math.isfinite(value):
            return ABSENT
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e9 else repr(value)
    return str(value)


def _comparison(table: ComparisonTable, plan: StudyPlan, store: Store) -> Made:
    group = plan.groups[table.runs]
    runs = store.runs(group)
    derive_all(runs)
    heads = [f"{name} ({unit})" if unit else name for name, unit in headings(runs)]
    texts = [[*row] for row in comparison_rows(runs)]
    rows = store.table(group)
    columns = ["run", *UNITS]
    names = [label_of(key) for key in columns]
    numbers = frozenset(range(1, len(heads) - 1))
    return Compared(heads, [], texts, numbers, full=rows[columns].set_axis(names, axis=1))


@dataclass(frozen=True)
class Compared(Made):
    """The table of a comparison: to be read as `twin compare` prints it, as CSV with all numbers."""

    full: "pd.DataFrame" = field(kw_only=True)

    def frame(self) -> "pd.DataFrame":
        """Give every number of the runs."""
        return self.full


PARTS = {"_found": "found ", "_mean": "mean ", "_interval": "± "}
"""How the quantities of a search are called, by the end of the column's name."""


def _search(table: SearchTable, plan: StudyPlan, store: Store) -> Made:
    group = plan.groups[table.sweep]
    if not isinstance(group, Searched):
        raise TwinError(f"{table.name}: {table.sweep} seeks nothing")
    found = store.searches(group).tables()[table.table]
    return _made([_part(str(key)) for key in found.columns], found.astype(object).to_numpy().tolist(), table.digits)


def _part(column: str) -> str:
    for end, word in PARTS.items():
        if column.endswith(end):
            return word + label_of(column.removesuffix(end))
    return label_of(column)


def _ledger(table: LedgerTable, plan: StudyPlan, store: Store) -> Made:
    import pandas as pd  # noqa: PLC0415

    frames, first = [], dict.fromkeys([DATA] if len(table.data) > 1 else [])
    for name in table.data:
        for names, run in store.kept(plan.groups[name]):
            first |= dict.fromkeys(names)
            if table.table in run.frames():
                frames.append(run.frames()[table.table].assign(**{DATA: name}, **names))
    if not frames:
        raise TwinError(f"{table.name}: no run of {', '.join(table.data)} has a table {table.table}")
    found = pd.concat(frames, ignore_index=True)
    index = plan.study.tables.index(table)
    named: list[tuple[tuple[str, str | int], str]] = [(("columns", k), key) for k, key in enumerate(table.columns)]
    named += [((group, key), key) for group in ("where", "least") for key in getattr(table, group)]
    for path, key in named:
        if key not in found:
            raise TwinError(plan.places.unknown(("tables", index, *path), key, map(str, found.columns)))
    found = filtered(found, table.where)
    for key, least in table.least.items():
        found = found[found[key] >= least]
    own = [str(name) for name in table.columns or found.columns if name not in {DATA, *first}]
    heads = [
        *first,
        *(f"{quantity(name)} ({of})" if (of := unit(table.table, name)) not in {"", "1"} else name for name in own),
    ]
    return _made(heads, found[[*first, *own]].astype(object).to_numpy().tolist(), table.digits)
