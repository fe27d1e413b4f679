"""The description of a study: runs, sweeps and published figures, and the tables and figures made of them."""

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import Name, refusal
from twin.config.description import HEADER, Description
from twin.config.numbers import Real
from twin.config.options import (
    Algorithms,
    Baselines,
    Batch,
    Chip,
    FigureInterval,
    FigureSeed,
    FigureSweep,
    Interval,
    Layouts,
    Mode,
    Options,
    Seed,
    Workload,
)
from twin.config.part import KeyPath, Part
from twin.descriptions.sweep import Fixed, Key, Scalar, Sweep

PLACE = re.compile(r"^\{\{ *([^{} ]+) *\}\} *$", re.MULTILINE)
"""A line of the text where a table, figure or reproduction goes."""

Data = Annotated[
    tuple[Name, ...],
    Field(strict=False, min_length=1, description="Names of runs and sweeps, whose rows are put below each other."),
]

Rows = Annotated[
    dict[str, Scalar | list[Scalar]],
    Field(description="Column to the value, or the values, that the rows to take have."),
]

Digits = Annotated[int, Field(ge=1, le=17, description="Significant digits of numbers.")]


class Runs(Part):
    """Runs of one workload, one for each algorithm and layout that fits it, as `twin compare` makes them."""

    name: Name
    """What tables and figures call these runs."""
    workload: Workload
    chip: Chip = Options.chip
    algorithms: Annotated[Algorithms, Field(strict=False)] = Options.algorithms
    layouts: Annotated[Layouts, Field(strict=False)] = Options.layouts
    mode: Mode = Options.mode
    seed: Seed = Options.seed
    baselines: Annotated[Baselines, Field(strict=False)] = Options.baselines
    batch: Batch = Options.batch
    report: bool = False
    """Write the whole report of the comparison into a folder of this name."""
    fixed: dict[Key, Fixed] = Field(default_factory=dict)
    """Keys, as in a sweep, and the values that they have in all of these runs."""

    @model_validator(mode="after")
    def _a_batch_is_of_baselines(self) -> Self:
        if vars(self)["batch"] is not None and not vars(self)["baselines"]:
            raise refusal(("batch",), 'is the batch of baselines; name one, e.g. baselines = ["a100"]')
        return self


class StudySweep(Sweep):
    """A sweep; `schema`, `kind` and `description` may be left out."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    """As in a sweep of its own; may be left out."""
    kind: Literal["sweep"] = "sweep"
    """Says that this is a sweep; may be left out."""
    description: str = ""
    """One line that says what it is; may be left out."""


class Reproduction(Part):
    """A published figure, computed again as `twin reproduce` does."""

    figure: Name
    """Name of the figure, as `twin reproduce` takes it."""
    seed: FigureSeed = 1
    sweep: FigureSweep = ""
    interval: FigureInterval = None


class Shown(Part):
    """What tables and figures have in common."""

    name: Name
    """The name of its files, by which the text says where it goes."""
    title: str
    """Heading above it."""
    caption: str = ""
    """What is to be said of it, below it."""
    inline: bool = True
    """Show it in the README, which otherwise only links to its file."""


class Column(Part):
    """One column of a table."""

    key: str
    """Column of the results that it shows."""
    heading: str = ""
    """What stands at its head; the key where this is empty."""
    unit: str = ""
    """Unit behind the heading, after multiplication by `factor`."""
    factor: Real = 1.0
    """What every value is multiplied by, e.g. 1e6 for microseconds."""


class RowTable(Shown):
    """Chosen columns of the results of runs and sweeps, one row a point."""

    kind: Literal["rows"]
    """Chooses a table of results."""
    data: Data
    columns: Annotated[tuple[Column, ...], Field(strict=False, min_length=1)]
    """Columns, from left to right."""
    where: Rows = Field(default_factory=dict)
    over_seeds: bool = False
    """Make one row of several seeds: a measured quantity is its mean and half its 95 % interval."""
    digits: Digits = 5


class ComparisonTable(Shown):
    """The table at the end of `twin compare`."""

    kind: Literal["comparison"]
    """Chooses the table at the end of a comparison."""
    runs: Name
    """Name of the runs that are compared."""


class SearchTable(Shown):
    """What a sweep with a table ``[search]`` found."""

    kind: Literal["search"]
    """Chooses a table of a search."""
    sweep: Name
    """Name of the sweep with the search."""
    table: Literal["best", "trials"] = "best"
    """The best values of every point ("best"), or every run of every trial ("trials")."""
    digits: Digits = 5


class LedgerTable(Shown):
    """One of the tables that every run leaves, of several runs below each other.

    Rows of a sweep begin with its axes and the seed; of one with a search no runs are kept.
    """

    kind: Literal["ledger"]
    """Chooses a table that runs leave."""
    data: Data
    table: Name
    """Which of the tables, e.g. ``"bound"``, ``"curve"`` or ``"energy"``."""
    columns: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Columns, from left to right; all of them where none is named."""
    where: Rows = Field(default_factory=dict)
    least: dict[str, Real] = Field(default_factory=dict)
    """Column to a number: rows in which it is less are dropped."""
    digits: Digits = 5


class Plot(Shown):
    """A figure of one quantity over the rows of runs and sweeps; several seeds are averaged."""

    data: Data
    x: str
    """Key along the horizontal axis."""
    y: str
    """Quantity along the vertical axis."""
    series: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Keys whose values tell the series apart: rows that agree in them are one."""
    panels: str = ""
    """Key with a panel for each of its values."""
    where: Rows = Field(default_factory=dict)
    x_label: str = ""
    """Label of the horizontal axis; the key and its unit where this is empty."""
    y_label: str = ""
    """Label of the vertical axis; the key and its unit where this is empty."""
    y_factor: Real = 1.0
    """What every value is multiplied by, with a `y_label` that names the unit."""
    y_scale: Literal["linear", "log"] = "linear"
    """Linear or logarithmic vertical axis."""
    interval: Interval = "t-95"
    """What bars about the mean of several seeds show, within what the quantity can be; the figure names it."""


class Lines(Plot):
    """A quantity over a key, as lines; a key whose values are not numbers has them side by side in their order."""

    kind: Literal["lines"]
    """Chooses lines."""
    x_scale: Literal["linear", "log"] = "linear"
    """Linear or logarithmic horizontal axis."""


class Bars(Plot):
    """A quantity as bars, grouped by the values of `x`."""

    kind: Literal["bars"]
    """Chooses bars."""


class Scatter(Plot):
    """A quantity against another, a point a row; the Pareto front of both is drawn."""

    kind: Literal["scatter"]
    """Chooses points."""
    x_scale: Literal["linear", "log"] = "linear"
    """Linear or logarithmic horizontal axis."""
    front: bool = True
    """Mark the points that no other one beats in both quantities, and join them."""
    label: str = ""
    """Key whose value stands beside the points of the front."""


class ReportFigure(Shown):
    """A figure of the report of some of the runs."""

    kind: Literal["report"]
    """Chooses a figure of the report."""
    runs: Name
    """Name of the runs that the report is of."""
    figure: Name
    """Name of its file in the report, e.g. ``"error-by-time"``."""


Table = Annotated[RowTable | ComparisonTable | LedgerTable | SearchTable, Field(discriminator="kind")]
Figure = Annotated[Lines | Bars | Scatter | ReportFigure, Field(discriminator="kind")]


class Study(Description):
    """Runs, sweeps and published figures, and the tables and figures that are made of them."""

    about: ClassVar[frozenset[str]] = HEADER | {"title", "text"}
    kind: Literal["study"]
    """Says that this file describes a study."""
    title: str
    """Heading of the README."""
    text: str = ""
    """Markdown, the body of the README; a line ``{{NAME}}`` in it is where a table or a figure goes, and those that no
    line names follow at its end.
    """
    runs: Annotated[tuple[Runs, ...], Field(strict=False)] = ()
    """Comparisons that are run."""
    sweeps: Annotated[tuple[StudySweep, ...], Field(strict=False)] = ()
    """Sweeps that are run."""
    reproductions: Annotated[tuple[Reproduction, ...], Field(strict=False)] = ()
    """Published figures that are computed again."""
    tables: Annotated[tuple[Table, ...], Field(strict=False)] = ()
    """Tables made of what was run."""
    figures: Annotated[tuple[Figure, ...], Field(strict=False)] = ()
    """Figures made of what was run."""

    @model_validator(mode="after")
    def _names_are_apart(self) -> Self:
        groups = (("runs", "sweeps"), ("reproductions", "tables", "figures"))
        for group in groups:
            seen: set[str] = set()
            for path, name in self._names(*group):
                if name in seen:
                    raise refusal(path, f"{name} stands twice; give each a name of its own")
                seen.add(name)
        if not any(self._names("runs", "sweeps", "reproductions")):
            raise refusal((), "names neither runs nor sweeps nor reproductions; there is nothing to do")
        return self

    @model_validator(mode="after")
    def _what_is_shown_is_there(self) -> Self:
        runs = {name for _, name in self._names("runs")}
        every = runs | {name for _, name in self._names("sweeps")}
        seek = {sweep["name"] for sweep in map(vars, vars(self)["sweeps"]) if sweep["search"]}
        for group in ("tables", "figures"):
            for index, entry in enumerate(vars(self)[group]):
                own = vars(entry)
                ledger = own["kind"] == "ledger"
                for k, name in enumerate(own.get("data", ())):
                    if name not in every:
                        raise refusal((group, index, "data", k), f"is none of {_list(every)}")
                    if ledger and name in seek:
                        rule = 'is a sweep with a search, whose runs are not kept; take kind = "search"'
                        raise refusal((group, index, "data", k), rule)
                if "runs" in own and own["runs"] not in runs:
                    raise refusal((group, index, "runs"), f"is none of the runs {_list(runs)}")
                if "sweep" in own and own["sweep"] not in seek:
                    raise refusal((group, index, "sweep"), f"is none of the sweeps with a search {_list(seek)}")
        return self

    @model_validator(mode="after")
    def _what_the_text_names_is_there(self) -> Self:
        own = vars(self)
        names = {vars(entry)["figure"] for entry in own["reproductions"]}
        names |= {vars(entry)["name"] for entry in (*own["tables"], *own["figures"]) if vars(entry)["inline"]}
        for name in PLACE.findall(own["text"]):
            if name not in names:
                raise refusal(("text",), f"names {name}, which is no table, figure or reproduction to be shown inline")
        return self

    def _names(self, *groups: str) -> Iterator[tuple[KeyPath, str]]:
        for group in groups:
            for index, entry in enumerate(vars(self)[group]):
                key = "figure" if group == "reproductions" else "name"
                yield (group, index, key), vars(entry)[key]


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "(there is none)"
