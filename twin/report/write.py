"""The directory of a comparison: every run, every table, every figure, and the pages that show them."""

from collections.abc import Sequence
from pathlib import Path

from twin.errors import TwinError
from twin.files import remove, slug, write_bytes, write_text
from twin.report.figures.standard import all_figures
from twin.report.pages.html import html
from twin.report.pages.markdown import markdown
from twin.results.derived import derive_all
from twin.results.equal import equal_tables
from twin.results.models import ComparisonSummary
from twin.results.result import RunResult
from twin.results.store import load_run, read_json, save_run, write_csv
from twin.results.summary import run_summary, summary, to_json
from twin.results.tidy import tidy


def write_report(runs: Sequence[RunResult], folder: Path, command: str, to_error: float | None = None) -> Path:
    """Write everything that runs leave behind; the first run is the baseline.

    ::

        folder/report.html  report.md  summary.json
               tables/*.csv      tidy, over all runs; and a row a run: runs, equal_area, equal_accuracy
               figures/*.svg     the figures of the report, for papers
               runs/NAME/        each run, as `twin.results.store.load_run` reads it

    Parameters
    ----------
    runs : sequence of RunResult
    folder : Path
        Made where missing; files of an earlier report of the same names are replaced.
    command : str
        What regenerates the report.
    to_error : float, optional
        The test error of the comparison at equal accuracy (default: the least that all trained runs reached).

    Returns
    -------
    Path
        The HTML report.

    Raises
    ------
    TwinError
        When there is no run, two have one name, or a file cannot be written.
    """
    derive_all(runs)
    _check_folders(runs)
    remove(folder / "summary.json")
    for run in runs:
        _keep(run, folder / "runs" / slug(run.name))
    return write_pages(runs, folder, command, to_error)


def write_pages(runs: Sequence[RunResult], folder: Path, command: str, to_error: float | None = None) -> Path:
    """Write what `write_report` does without the runs themselves, which are kept elsewhere.

    Raises
    ------
    TwinError
        As `write_report`.
    """
    derive_all(runs)
    remove(folder / "summary.json")
    for name, table in (tidy(runs) | equal_tables(runs, to_error)).items():
        write_csv(table, folder / "tables" / f"{name}.csv")
    drawings = all_figures(runs)
    for section in drawings.values():
        for drawing in section:
            write_text(folder / "figures" / f"{drawing.name}.svg", drawing.svg)
    write_text(folder / "report.md", markdown(runs, command, to_error))
    write_text(folder / "report.html", html(runs, command, drawings, to_error))
    content = ComparisonSummary.model_validate(summary(runs, to_error) | {"command": command})
    write_text(folder / "summary.json", to_json(content.model_dump(by_alias=True)))
    return folder / "report.html"


def write_pdf(folder: Path, out: Path) -> list[Path]:
    """Write the figures of a report as PDF to `out`; return their paths.

    Raises
    ------
    TwinError
        When `folder` holds no finished report, or a file cannot be written.
    """
    runs, _ = load_report(folder)
    drawings = [drawing for section in all_figures(runs).values() for drawing in section]
    paths = [out / f"{drawing.name}.pdf" for drawing in drawings]
    for drawing, path in zip(drawings, paths, strict=True):
        write_bytes(path, drawing.pdf())
    return paths


def load_report(folder: Path) -> tuple[list[RunResult], str]:
    """Read the runs of a report, in order, and the command that regenerates it.

    Raises
    ------
    TwinError
        When `folder` holds no finished report.
    """
    content = read_json(folder / "summary.json")
    if content.get("kind") != "comparison":
        raise TwinError(f"{folder}: is not the folder of a report; name one that `twin compare` wrote")
    try:
        names = [entry["run"]["name"] for entry in content["runs"]]
        command = str(content["command"])
    except (KeyError, TypeError) as error:
        raise TwinError(f"{folder / 'summary.json'}: lacks {error}; run it again") from error
    return [load_run(folder / "runs" / slug(name)) for name in names], command


def load_runs(folder: Path) -> tuple[list[RunResult], str]:
    """Read the runs of a report, or the one run of its own folder, and the command that regenerates them.

    Raises
    ------
    TwinError
        When `folder` holds neither.
    """
    if read_json(folder / "summary.json").get("kind") != "run":
        return load_report(folder)
    run = load_run(folder)
    return [run], run.command


def _keep(run: RunResult, folder: Path) -> None:
    """Save a run unless it already stands there: rewriting it could only lose it."""
    stored = folder / "summary.json"
    if not stored.is_file() or stored.read_text(encoding="utf-8") != to_json(run_summary(run, run)):
        save_run(run, folder)


def _check_folders(runs: Sequence[RunResult]) -> None:
    taken: dict[str, str] = {}
    for run in runs:
        other = taken.setdefault(slug(run.name), run.name)
        if other != run.name:
            raise TwinError(
                f"report: runs {other!r} and {run.name!r} would share the folder {slug(run.name)!r}; "
                "give them names that differ in letters or digits"
            )
