"""The description of a study: runs, sweeps and published figures, and the tables and figures made of them."""

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import Name, refusal
from twin.config.description import HEADER, Description
from twin.config.numbers import Real
from twin.config.part import KeyPath, Part
from twin.config.sweep import Fixed, Key, Scalar, Sweep

PLACE = re.compile(r"^\{\{ *([^{} ]+) *\}\} *$", re.MULTILINE)
"""A line of the text where a table, figure or reproduction goes."""

Data = Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]
"""Names of runs and sweeps, whose rows are put below each other."""

Interval = Literal["t-95", "standard-error", "standard-deviation", "min-max"]
"""What is drawn about the mean of several seeds: its 95 % t interval or standard error, or how far the seeds lie."""

Rows = dict[str, Scalar | list[Scalar]]
"""Column to the value, or the values, that the rows to take have."""


class Runs(Part):
    """Runs of one workload, one for each algorithm and layout that fits it, as `twin compare` makes them.

    Without `algorithms` and `layouts` they are those of `twin compare`. `fixed` takes the keys of a sweep. With
    `report` the whole report of the comparison is written into a folder of this name.
    """

    name: Name
    workload: str
    chip: str = "aimc-512"
    algorithms: Annotated[tuple[str, ...], Field(strict=False)] = ()
    layouts: Annotated[tuple[str, ...], Field(strict=False)] = ()
    mode: Literal["replayed", "coupled"] = "replayed"
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None
    baselines: Annotated[tuple[str, ...], Field(strict=False)] = ()
    batch: Annotated[int, Field(ge=1)] | None = None
    report: bool = False
    fixed: dict[Key, Fixed] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _a_batch_is_of_baselines(self) -> Self:
        if vars(self)["batch"] is not None and not vars(self)["baselines"]:
            raise refusal(("batch",), 'is the batch of baselines; name one, e.g. baselines = ["a100"]')
        return self


class StudySweep(Sweep):
    """A sweep; `schema`, `kind` and `description` may be left out."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    kind: Literal["sweep"] = "sweep"
    description: str = ""


class Reproduction(Part):
    """A published figure, computed again as `twin reproduce` does; `interval` where it draws one."""

    figure: Name
    seed: Annotated[int, Field(ge=0)] = 1
    interval: Interval | None = None


class Shown(Part):
    """What tables and figures have in common: the name of their files, a heading, and what is to be said of them.

    What is not `inline` is left out of the README, which only links to its file.
    """

    name: Name
    title: str
    caption: str = ""
    inline: bool = True


class Column(Part):
    """One column of a table: a key of the rows, times `factor`, in `unit`; the heading is the key where there is none.

    Where `over_seeds` is set, a measured quantity stands for its mean and, where there are several seeds, half its 95 %
    interval.
    """

    key: str
    heading: str = ""
    unit: str = ""
    factor: Real = 1.0


class RowTable(Shown):
    """Chosen columns of the results of runs and sweeps, one row a point; of several seeds one row, if `over_seeds`."""

    kind: Literal["rows"]
    data: Data
    columns: Annotated[tuple[Column, ...], Field(strict=False, min_length=1)]
    where: Rows = Field(default_factory=dict)
    over_seeds: bool = False
    digits: Annotated[int, Field(ge=1, le=17)] = 5


class ComparisonTable(Shown):
    """The table at the end of `twin compare`."""

    kind: Literal["comparison"]
    runs: Name


class SearchTable(Shown):
    """What a sweep with a table ``[search]`` found: the best values of every point, or every run of every trial."""

    kind: Literal["search"]
    sweep: Name
    table: Literal["best", "trials"] = "best"
    digits: Annotated[int, Field(ge=1, le=17)] = 5


class LedgerTable(Shown):
    """One of the tables that every run leaves (``"bound"``, ``"curve"``, ``"energy"`` ...), of all runs of `data`.

    Rows of a sweep begin with its axes and the seed; of one with a search no runs are kept. `columns` follow, all of
    them where none is named. `least` drops rows in which a number is less than this.
    """

    kind: Literal["ledger"]
    data: Data
    table: Name
    columns: Annotated[tuple[str, ...], Field(strict=False)] = ()
    where: Rows = Field(default_factory=dict)
    least: dict[str, Real] = Field(default_factory=dict)
    digits: Annotated[int, Field(ge=1, le=17)] = 5


class Plot(Shown):
    """A figure of one quantity over the rows of runs and sweeps; rows that agree in the keys `series` are one series.

    Several seeds are averaged; `interval` is what bars about the mean show, within what the quantity can be, and the
    figure says so with the number of seeds. `panels` is a key with a panel for each of its values. Labels default to
    the key and its unit; `y_factor` goes with a `y_label` that names the unit.
    """

    data: Data
    x: str
    y: str
    series: Annotated[tuple[str, ...], Field(strict=False)] = ()
    panels: str = ""
    where: Rows = Field(default_factory=dict)
    x_label: str = ""
    y_label: str = ""
    y_factor: Real = 1.0
    y_scale: Literal["linear", "log"] = "linear"
    interval: Interval = "t-95"


class Lines(Plot):
    """A quantity over a key, as lines; a key whose values are not numbers has them side by side in their order."""

    kind: Literal["lines"]
    x_scale: Literal["linear", "log"] = "linear"


class Bars(Plot):
    """A quantity as bars, grouped by the values of `x`."""

    kind: Literal["bars"]


class ReportFigure(Shown):
    """A figure of the report of `runs`, by the name of its file there, e.g. ``"error-by-time"``."""

    kind: Literal["report"]
    runs: Name
    figure: Name


Table = Annotated[RowTable | ComparisonTable | LedgerTable | SearchTable, Field(discriminator="kind")]
Figure = Annotated[Lines | Bars | ReportFigure, Field(discriminator="kind")]


class Study(Description):
    """Runs, sweeps and published figures, and the tables and figures that are made of them.

    `text` is Markdown, the body of the README; a line ``{{NAME}}`` in it is where a table or a figure goes, and those
    that no line names follow at its end.
    """

    about: ClassVar[frozenset[str]] = HEADER | {"title", "text"}
    kind: Literal["study"]
    title: str
    text: str = ""
    runs: Annotated[tuple[Runs, ...], Field(strict=False)] = ()
    sweeps: Annotated[tuple[StudySweep, ...], Field(strict=False)] = ()
    reproductions: Annotated[tuple[Reproduction, ...], Field(strict=False)] = ()
    tables: Annotated[tuple[Table, ...], Field(strict=False)] = ()
    figures: Annotated[tuple[Figure, ...], Field(strict=False)] = ()

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
