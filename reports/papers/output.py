"""What every reproduced figure leaves behind: the drawing, its data, and the claims with their verdicts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from twin.files import write_bytes, write_text
from twin.report.figures.svg import Drawing

Advance = Callable[[int, int], None]
COLUMNS = (
    "panel", "algorithm", "device", "quantity", "unit", "G0", "seeds", "sample",
    "value", "standard_error", "closed_form",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Claim:
    """What the paper says, what was measured, and whether the one bears out the other."""

    paper: str
    measured: str
    holds: bool

    @property
    def verdict(self) -> str:
        """The verdict in words."""
        return "holds" if self.holds else "does not hold"


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A figure computed again.

    Attributes
    ----------
    source : str
        The paper and its figure.
    claims : tuple of Claim
    table : DataFrame
        Everything drawn, one value a row, with `columns`.
    settings : dict of str to str
        All that decides the numbers.
    columns : tuple of str
        Columns of the CSV file.
    """

    source: str
    drawing: Drawing
    claims: tuple[Claim, ...]
    table: pd.DataFrame
    settings: Mapping[str, str]
    columns: tuple[str, ...] = COLUMNS

    def write(self, out: Path, option: str) -> list[Path]:
        """Write ``NAME.svg``, ``NAME.pdf``, ``NAME.csv`` and ``NAME.md``; return their paths.

        `option` is what the command said beside the figure, e.g. ``"--seed 1"``.
        """
        name = self.drawing.name
        rows = self.table.loc[:, list(self.columns)].to_csv(index=False, float_format="%.6g", lineterminator="\n")
        contents = {"svg": self.drawing.svg, "csv": rows, "md": _markdown(self, option)}
        paths = []
        for suffix, text in contents.items():
            paths.append(out / f"{name}.{suffix}")
            write_text(paths[-1], text)
        write_bytes(out / f"{name}.pdf", self.drawing.pdf())
        return [*paths, out / f"{name}.pdf"]


def with_progress(label: str, work: Callable[[Advance], Reproduction]) -> Reproduction:
    """Do the work under a progress bar, which it moves by calling ``advance(done, of)``."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(label)
        return work(lambda done, of: progress.update(task, completed=done, total=of))


def _markdown(done: Reproduction, option: str) -> str:
    claims = "\n".join(_row(claim.paper, claim.measured, claim.verdict) for claim in done.claims)
    settings = "\n".join(_row(key, value) for key, value in done.settings.items())
    return f"""# {done.drawing.title}

{done.source}. Made by `twin reproduce {done.drawing.name} {option}`.

![{done.drawing.title}]({done.drawing.name}.svg)

| the paper says | measured | verdict |
|---|---|---|
{claims}

| setting | value |
|---|---|
{settings}
"""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def show(done: Reproduction, files: list[Path]) -> None:
    """Print the claims with their verdicts, and where the files are."""
    console = Console()
    table = Table(title=done.drawing.title, title_justify="left", show_lines=True)
    for heading, ratio in (("the paper says", 4), ("measured", 5), ("verdict", 1)):
        table.add_column(heading, ratio=ratio)
    for claim in done.claims:
        style = "" if claim.holds else "red"
        table.add_row(*map(_plain, (claim.paper, claim.measured, claim.verdict)), style=style)
    console.print(table)
    for path in files:
        console.print(_plain(str(path)), soft_wrap=True)


def _plain(text: str) -> str:
    """Keep rich from reading square brackets as markup."""
    return text.replace("[", "\\[")
