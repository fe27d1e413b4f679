"""What the commands do, between the command line and the rooms."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from twin.config.load import is_timing_only
from twin.errors import TwinError
from twin.report.files import write_text
from twin.report.result import COVERAGE, NO_EFFECT
from twin.simulation.baselines import BASELINES, describe_baselines, rooflines
from twin.simulation.compare import Report, check_all, gather, plan_runs, prepare_all, run_all, unfinished
from twin.simulation.exports import EXPORTS, check_extras
from twin.simulation.plan import FILES, Mode, RunPlan, command_line, identity, named_folder, new_folder, read_facts

if TYPE_CHECKING:
    from twin.report.result import RunResult

RUNS = Path("runs")
WIDE = 180


@dataclass(frozen=True, slots=True)
class Options:
    """What `twin compare` and `twin run` have in common."""

    workload: str
    chip: str
    device: str = ""
    epochs: int | None = None
    seed: int | None = None
    samples: int | None = None
    in_flight: int | None = None
    mode: Mode = "replayed"
    overrides: Sequence[str] = ()
    out: Path | None = None
    jobs: int = 1
    sampled: bool | None = None
    endurance: bool = False
    trace: str = ""
    events: bool = False

    def workload_overrides(self) -> dict[str, str]:
        """Return dotted key -> TOML value for the workload.

        Raises
        ------
        TwinError
            For an option of training where the workload is only timed.
        """
        if is_timing_only(self.workload):
            return self._timing_only_overrides()
        named = {
            "training.epochs": self.epochs,
            "training.seed": self.seed,
            "training.in_flight": self.in_flight,
            "data.samples": self.samples,
        }
        values = {key: str(value) for key, value in named.items() if value is not None}
        if self.device:
            values["device"] = f"{{preset = {json.dumps(self.device)}}}"
        if self.sampled is not None:
            values["timing.mode"] = '"sampled"' if self.sampled else '"exact"'
        if self.endurance:
            values["training.endurance"] = "true"
        return values | {key: value for key, value in self._pairs() if not key.startswith("chip.")}

    def _timing_only_overrides(self) -> dict[str, str]:
        trained = {
            "--device": self.device,
            "--epochs": self.epochs,
            "--seed": self.seed,
            "--endurance": self.endurance,
            "--sampled": self.sampled,
            "--mode": self.mode == "coupled",
        }
        for option, value in trained.items():
            if value:
                raise TwinError(
                    f"{option}: is about training, but the workload {self.workload} is only timed; leave it out"
                )
        named = {"training.samples": self.samples, "training.in_flight": self.in_flight}
        values = {key: str(value) for key, value in named.items() if value is not None}
        return values | {key: value for key, value in self._pairs() if not key.startswith("chip.")}

    def chip_overrides(self) -> dict[str, str]:
        """Return dotted key -> TOML value for the chip."""
        return {key[len("chip.") :]: value for key, value in self._pairs() if key.startswith("chip.")}

    def _pairs(self) -> Iterator[tuple[str, str]]:
        for text in self.overrides:
            key, equals, value = text.partition("=")
            if not equals or not key.strip():
                raise TwinError(f"--set (= {text}): must read KEY=VALUE, e.g. --set training.epochs=3")
            yield key.strip(), value.strip()


def default_algorithms(workload: str) -> list[str]:
    """Return what is compared where nobody says: a timing-only network has baselines instead of a digital run."""
    return ["sgd", "shd", "ttv2"] if is_timing_only(workload) else ["digital", "sgd", "shd", "ttv2"]


def run_comparison(
    options: Options,
    algorithms: Sequence[str],
    layouts: Sequence[str],
    baselines: Sequence[str] = (),
    batch: int | None = None,
) -> None:
    """Plan, run and report a comparison, with baselines beside it."""
    check_extras(options.trace, events=options.events)
    described = describe_baselines(baselines, batch)
    plans = plan_runs(
        options.workload,
        options.chip,
        algorithms,
        layouts,
        mode=options.mode,
        workload_overrides=options.workload_overrides(),
        chip_overrides=options.chip_overrides(),
        trace=options.trace,
        events=options.events,
    )
    check_all(plans)
    folder = _folder(options, plans)
    folders = prepare_all(plans, folder)
    for name, text in described.items():
        write_text(folder / BASELINES / f"{name}.toml", text)
    content = {"schema": 1, "command": command_line(), "runs": [one.name for one in folders]}
    write_text(folder / "comparison.json", json.dumps(content, indent=2) + "\n")
    _finish(folder, folders, options.jobs)


def run_single(options: Options, algorithm: str, layout: str) -> None:
    """Plan, run and report one run."""
    run_comparison(options, [algorithm], [layout] if layout else _first_layout(algorithm))


def resume_folder(folder: Path, jobs: int) -> None:
    """Finish an interrupted comparison."""
    path = folder / "comparison.json"
    if not path.exists():
        raise TwinError(f"{folder}: holds no comparison (no comparison.json); name the folder that `twin` printed")
    folders = [folder / "runs" / name for name in json.loads(path.read_text())["runs"]]
    for one in folders:
        read_facts(one)
    _finish(folder, folders, jobs)


def show_description(name: str) -> None:
    """Print a description, and the area table of a chip."""
    from twin.config.load import load_any  # noqa: PLC0415
    from twin.show import area_table, description_table, device_table, memory_table  # noqa: PLC0415

    console = _wide_console()
    preset = device_table(name) or memory_table(name)
    if preset is not None:
        console.print(preset)
        return
    loaded = load_any(name)
    console.print(description_table(loaded))
    if loaded.model.kind == "chip":
        console.print(area_table(loaded.model))


def show_floorplan(chip: str, workload: str, algorithm: str, layout: str, overrides: list[str]) -> None:
    """Print where the tiles of a workload lie on a chip, and how much of each is in use."""
    from twin.show import floorplan_table  # noqa: PLC0415
    from twin.simulation.build import build  # noqa: PLC0415

    options = Options(workload, chip, overrides=overrides)
    layouts = [layout] if layout else _first_layout(algorithm)
    common = {"workload_overrides": options.workload_overrides(), "chip_overrides": options.chip_overrides()}
    (plan,) = plan_runs(workload, chip, [algorithm], layouts, **common)
    _wide_console().print(floorplan_table(build(plan).floorplan))


def list_available() -> None:
    """Print everything that can be named."""
    from twin.show import available_table  # noqa: PLC0415

    _wide_console().print(available_table())


def _wide_console() -> Console:
    """Return a console that does not squeeze tables into 80 columns where nobody looks at a terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDE)


def _first_layout(algorithm: str) -> list[str]:
    from twin.algorithms.registry import algorithm_class  # noqa: PLC0415

    return [algorithm_class(algorithm).default_layouts[0]]


def _folder(options: Options, plans: Sequence[RunPlan]) -> Path:
    """Create the folder of a comparison."""
    from twin.simulation.plan import Descriptions  # noqa: PLC0415

    identities = [identity(plan, Descriptions.of(plan).texts()) for plan in plans]
    if options.out is not None:
        folder = named_folder(options.out)
    else:
        import hashlib  # noqa: PLC0415

        digest = hashlib.sha256("".join(identities).encode()).hexdigest()[:8]
        folder = new_folder(RUNS, f"{Path(options.workload).stem}-{digest}")
    return folder


def _finish(folder: Path, folders: Sequence[Path], jobs: int) -> None:
    """Run what is unfinished, write the report of what is finished, print the table."""
    from twin.machine.compiled import ensure_compiled  # noqa: PLC0415
    from twin.report.derived import interval  # noqa: PLC0415
    from twin.report.table import print_table  # noqa: PLC0415
    from twin.report.write import write_report  # noqa: PLC0415

    try:
        with progress_bar() as report:
            if not is_timing_only(str(folders[0] / FILES[-1])):
                ensure_compiled()
            failures = run_all(unfinished(folders), jobs, report)
    except KeyboardInterrupt:
        say(f"interrupted; continue with: twin resume {folder}")
        raise
    done = [one for one in folders if one not in {failed for failed, _ in failures}]
    results = _audited(gather(done))
    if results:
        results += rooflines(folder, folders[0], results[0].samples)
        command = str(json.loads((folder / "comparison.json").read_text())["command"])
        write_report(results, folder, command)
        print_table(results)
        for result in results:
            if interval(result):
                say(f"{result.name}: time {interval(result)}")
            for line in _coverage(result):
                say(f"{result.name}: {line}")
            for warning in result.warnings:
                say(f"warning: {result.name}: {warning}")
        _say_exports(done)
        say(f"report: {folder / 'report.html'}")
    if failures:
        names = ", ".join(failed.name for failed, _ in failures)
        raise TwinError(f"{failures[0][1]} (run {names}; finish with: twin resume {folder})")


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


def _audited(results: "list[RunResult]") -> "list[RunResult]":
    """Keep the warning that a setting had no effect only where it had none in any run."""
    shared = set.intersection(*(set(result.warnings) for result in results)) if results else set()
    return [
        replace(result, warnings=[w for w in result.warnings if not w.endswith(NO_EFFECT) or w in shared])
        for result in results
    ]


@contextmanager
def progress_bar() -> Iterator[Report]:
    """Show one bar per run on a terminal, nothing elsewhere."""
    from twin.machine.compiled import is_compiled  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("samples"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        what = "preparing" if is_compiled() else "compiling the kernels, once (about a minute)"
        preparing = progress.add_task(what, total=None)
        tasks: dict[str, int] = {}

        def report(name: str, done: int, total: int) -> None:
            progress.update(preparing, visible=False)
            if name not in tasks:
                tasks[name] = int(progress.add_task(name, total=total))
            progress.update(tasks[name], completed=done)  # type: ignore[arg-type]  # rich's TaskID is an int

        yield report


def say(text: str) -> None:
    """Tell the user something that is not the result: on the standard error stream."""
    print(text, file=sys.stderr)  # noqa: T201 - this is the command line
