"""The folder of a comparison of finished runs."""

from collections.abc import Sequence
from pathlib import Path

from twin.files import write_text
from twin.report.figures.svg import write_drawing
from twin.report.pages.difference_html import difference_figures, difference_html
from twin.report.pages.difference_text import difference_markdown
from twin.results.difference import Compared, tidy_difference
from twin.results.equal import equal_tables
from twin.results.store import write_csv


def write_difference(runs: Sequence[Compared], folder: Path, command: str, to_error: float | None = None) -> Path:
    """Write what makes runs differ; the first is what the others are held against.

    ::

        folder/difference.html  difference.md
               tables/*.csv      configuration, metrics, contributions: one fact a row, units beside them;
                                 runs, equal_area, equal_accuracy, columns: as in a report
               figures/*         the figures of the page, as SVG and PDF

    Returns
    -------
    Path
        The page.

    Raises
    ------
    TwinError
        When a file cannot be written.
    """
    named = [run.named for run in runs]
    for name, table in (tidy_difference(runs) | equal_tables(named, to_error)).items():
        write_csv(table, folder / "tables" / f"{name}.csv")
    drawings = difference_figures(runs)
    for _, drawing in drawings:
        if drawing is not None:
            write_drawing(drawing, folder / "figures")
    write_text(folder / "difference.md", difference_markdown(runs, command, to_error))
    write_text(folder / "difference.html", difference_html(runs, command, drawings, to_error))
    return folder / "difference.html"
