"""A comparison from what is asked for to finished runs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from twin.config.options import Options
from twin.console import Report
from twin.errors import TwinError
from twin.files import write_text
from twin.results.equal import check_target
from twin.results.result import NO_EFFECT
from twin.results.store import read_checked
from twin.runs.baselines import BASELINES, describe_baselines, rooflines
from twin.runs.exports import check_extras, window_of
from twin.runs.facts import ComparisonFacts
from twin.runs.folder import is_finished, read_facts
from twin.runs.library import Library
from twin.runs.plan import COMPARISON, Plan
from twin.runs.planning import check_all, kind_named, kind_of, plan_folder, plan_runs
from twin.runs.pool import AfterEpochOf, Prepared, check_jobs, gather, prepare_all, run_all

if TYPE_CHECKING:
    from twin.results.result import RunResult


def plans_of(options: Options, library: Library) -> list[Plan]:
    """Return a plan for every algorithm on every layout, not yet checked as a whole.

    Without algorithms these are the ones that the workload's kind is compared with.
    """
    kind = kind_named(options.workload, library, timing_only=options.timing_only)
    return plan_runs(
        options.workload,
        options.chip,
        options.algorithms or kind.algorithms,
        options.layouts,
        library,
        mode=options.mode,
        workload_overrides=kind.overrides(options) | options.workload_overrides,
        chip_overrides=options.chip_overrides,
        trace=options.trace,
        events=options.events,
        pulses=options.pulses,
        timing_only=options.timing_only,
    )


def plan_comparison(options: Options) -> tuple[list[Plan], dict[str, str]]:
    """Return the plans of a comparison, all of them checked, and the descriptions of its baselines by name.

    Raises
    ------
    TwinError
        For whatever is wrong with any of them.
    """
    check_extras(options.trace, events=options.events)
    window_of(options.pulses, "--pulses")
    check_jobs(options.jobs)
    described = describe_baselines(options.baselines, options.batch)
    plans = plans_of(options, Library())
    check_all(plans)
    return plans, described


def check_error(to_error: float, plan: Plan) -> None:
    """Refuse a test error for a comparison at equal accuracy that runs of a plan's workload cannot reach.

    Raises
    ------
    TwinError
        When nothing is trained, or it is not positive, or of a classification not below 1.
    """
    trained = not plan.only_timed
    check_target(
        to_error, regression=trained and vars(plan.trained.network)["loss"] == "squared-error", trained=trained
    )


def begin(
    folder: Path, plans: Sequence[Plan], described: Mapping[str, str], command: str, to_error: float | None = None
) -> list[Prepared]:
    """Write into an empty folder all that a comparison needs to be run, or resumed; return its runs."""
    runs = prepare_all(plans, folder, command)
    for name, text in described.items():
        write_text(folder / BASELINES / f"{name}.toml", text)
    content = ComparisonFacts(command=command, runs=[run.folder.name for run in runs], to_error=to_error)
    write_text(folder / COMPARISON, json.dumps(content.model_dump(by_alias=True), indent=2) + "\n")
    return runs


def error_of(folder: Path) -> float | None:
    """Return the test error of the comparison at equal accuracy that was asked for in a folder."""
    return read_checked(ComparisonFacts, folder / COMPARISON, "start the comparison again").to_error


def begun(folder: Path) -> tuple[str, list[Path]]:
    """Return the command of a comparison that was begun in a folder, and the folders of its runs.

    Raises
    ------
    TwinError
        When there is none.
    """
    path = folder / COMPARISON
    if not path.exists():
        raise TwinError(f"{folder}: holds no comparison (no {COMPARISON}); name the folder that `twin` printed")
    content = read_checked(ComparisonFacts, path, "start the comparison again")
    folders = [folder / "runs" / name for name in content.runs]
    for one in folders:
        read_facts(one)
    return content.command, folders


def planned(folders: Sequence[Path]) -> list[Prepared]:
    """Read the descriptions of prepared runs; raises as `twin.runs.planning.plan_folder`."""
    return [Prepared(folder, plan_folder(folder)) for folder in folders]


def complete(
    folder: Path, runs: Sequence[Prepared], jobs: int, report: Report, after_epoch: AfterEpochOf | None = None
) -> "tuple[list[RunResult], list[tuple[Path, TwinError]]]":
    """Run what is unfinished; return the results of what is finished, baselines last, and what failed and why.

    `after_epoch` as in `twin.runs.pool.run_all`.
    """
    from twin.machine.compiled import ensure_compiled  # noqa: PLC0415

    if kind_of(runs[0].plan).kernels:
        ensure_compiled()
    failures = run_all([run for run in runs if not is_finished(run.folder)], jobs, report, after_epoch)
    done = [run.folder for run in runs if run.folder not in {failed for failed, _ in failures}]
    results = _audited(gather(done))
    return results + (rooflines(folder, runs[0].plan, results[0].samples) if results else []), failures


def unfinished_error(folder: Path, failures: "Sequence[tuple[Path, TwinError]]") -> TwinError:
    """Say in one line what ended the first of the runs that failed, which they are, and how to go on."""
    names = ", ".join(failed.name for failed, _ in failures)
    return TwinError(f"{failures[0][1]} (run {names}; finish with: twin resume {folder})")


def _audited(results: "list[RunResult]") -> "list[RunResult]":
    """Keep the warning that a setting had no effect only where it had none in any run."""
    shared = set.intersection(*(set(result.warnings) for result in results)) if results else set()
    return [
        replace(result, warnings=[w for w in result.warnings if not w.endswith(NO_EFFECT) or w in shared])
        for result in results
    ]
