"""What the commands do, between the command line and the rooms."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from twin.console import progress, say, wide_console
from twin.results.result import COVERAGE
from twin.runs.comparison import begin, begun, complete, plan_comparison, planned, plans_of, unfinished_error
from twin.runs.exports import EXPORTS
from twin.runs.folder import command_line, named_folder, new_folder
from twin.runs.library import Library
from twin.runs.options import Options
from twin.runs.plan import COMPARISON, Plan
from twin.runs.planning import first_layout
from twin.runs.pool import Prepared

if TYPE_CHECKING:
    from twin.results.result import RunResult

RUNS = Path("runs")


def run_comparison(
    options: Options,
    algorithms: Sequence[str] | None,
    layouts: Sequence[str],
    baselines: Sequence[str] = (),
    batch: int | None = None,
) -> None:
    """Plan, run and report a comparison, with baselines beside it."""
    plans, described = plan_comparison(options, algorithms, layouts, baselines, batch)
    folder = _folder(options, plans)
    with _resumable(folder):
        _finish(folder, begin(folder, plans, described, command_line()), options.jobs)


def run_single(options: Options, algorithm: str, layout: str) -> None:
    """Plan, run and report one run."""
    run_comparison(options, [algorithm], [layout] if layout else first_layout(algorithm))


def resume_folder(folder: Path, jobs: int) -> None:
    """Finish an interrupted comparison."""
    _, folders = begun(folder)
    with _resumable(folder):
        _finish(folder, planned(folders), jobs)


def show_description(name: str) -> None:
    """Print a description, and the area table of a chip."""
    from twin.cli.show import area_table, description_table, device_table, part_table  # noqa: PLC0415
    from twin.runs.names import load_shown  # noqa: PLC0415

    console = wide_console()
    preset = device_table(name) or part_table(name)
    if preset is not None:
        console.print(preset)
        return
    loaded = load_shown(name)
    console.print(description_table(loaded))
    if loaded.model.kind == "chip":
        console.print(area_table(loaded.model))


def show_key(name: str, key: str) -> None:
    """Print what a key of a description means, or those of a table."""
    from twin.cli.show_key import key_group  # noqa: PLC0415

    wide_console().print(key_group(name, key))


def show_floorplan(chip: str, workload: str, algorithm: str, layout: str, overrides: list[str]) -> None:
    """Print where the tiles of a workload lie on a chip, and how much of each is in use."""
    from twin.cli.show import floorplan_table  # noqa: PLC0415
    from twin.runs.build import build  # noqa: PLC0415

    layouts = [layout] if layout else first_layout(algorithm)
    (plan,) = plans_of(Options(workload, chip, overrides=overrides), [algorithm], layouts, Library())
    wide_console().print(floorplan_table(build(plan).floorplan))


def list_available() -> None:
    """Print everything that can be named."""
    from twin.cli.show import available_table  # noqa: PLC0415

    wide_console().print(available_table())


def _folder(options: Options, plans: Sequence[Plan]) -> Path:
    """Create the folder of a comparison."""
    if options.out is not None:
        folder = named_folder(options.out)
    else:
        import hashlib  # noqa: PLC0415

        digest = hashlib.sha256("".join(plan.id for plan in plans).encode()).hexdigest()[:8]
        folder = new_folder(RUNS, f"{Path(options.workload).stem}-{digest}")
    return folder


@contextmanager
def _resumable(folder: Path) -> Iterator[None]:
    """Say on Ctrl-C how to go on, whenever it comes: before the first sample, in training or during the report."""
    try:
        yield
    except KeyboardInterrupt:
        if (folder / COMPARISON).exists():
            say(f"interrupted; continue with: twin resume {folder}")
        raise


def _finish(folder: Path, runs: Sequence[Prepared], jobs: int) -> None:
    """Run what is unfinished, write the report of what is finished, print the table."""
    from twin.report.pages.table import print_table  # noqa: PLC0415
    from twin.report.write import write_report  # noqa: PLC0415
    from twin.results.derived import interval  # noqa: PLC0415

    with progress("preparing", "samples") as report:
        results, failures = complete(folder, runs, jobs, report)
    if results:
        command, _ = begun(folder)
        write_report(results, folder, command)
        print_table(results)
        for result in results:
            if interval(result):
                say(f"{result.name}: time {interval(result)}")
            for line in _coverage(result):
                say(f"{result.name}: {line}")
            for warning in result.warnings:
                say(f"warning: {result.name}: {warning}")
        _say_exports([run.folder for run in runs])
        say(f"report: {folder / 'report.html'}")
    if failures:
        raise unfinished_error(folder, failures)


def _say_exports(folders: Sequence[Path]) -> None:
    for path in (folder / name for folder in folders for name in EXPORTS):
        if path.exists():
            say(f"written: {path}")


def _coverage(result: "RunResult") -> list[str]:
    """Say how far a weight of each layer can move in the run, where transfers limit that."""
    table = result.diagnostics
    rows = table[table["what"] == COVERAGE]
    bounds = [f"layer {layer} {value:.3g}" for layer, value in zip(rows["layer"], rows["value"], strict=True)]
    return [f"{COVERAGE} (weight units): {', '.join(bounds)}"] if bounds else []
