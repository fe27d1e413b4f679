"""What is asked for, on the command line or from Python, and its way to finished runs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from twin.config.load import is_timing_only
from twin.errors import TwinError
from twin.files import write_text
from twin.results.result import NO_EFFECT
from twin.runs.baselines import BASELINES, describe_baselines, rooflines
from twin.runs.compare import Report, check_all, gather, plan_runs, prepare_all, run_all, unfinished
from twin.runs.exports import check_extras
from twin.runs.facts import ComparisonFacts
from twin.runs.plan import COMPARISON, FILES, Mode, RunPlan, read_facts

if TYPE_CHECKING:
    from twin.results.result import RunResult


@dataclass(frozen=True, slots=True)
class Options:
    """What `twin compare` and `twin run`, `twin.compare` and `twin.simulate` have in common."""

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

    @classmethod
    def among(cls, given: Mapping[str, Any], **fixed: Any) -> Self:
        """Take the options among the parameters of a command or function, each under its own name.

        `fixed` are those that it has not, or has otherwise; one that is neither given nor fixed is a KeyError.
        """
        found = {**given, **fixed}
        return cls(**{option.name: found[option.name] for option in fields(cls)})

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
        values = self._given(named)
        if self.device:
            values["device"] = f"{{preset = {json.dumps(self.device)}}}"
        if self.sampled is not None:
            values["timing.mode"] = '"sampled"' if self.sampled else '"exact"'
        if self.endurance:
            values["training.endurance"] = "true"
        return values | self._set()

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
        return self._given({"training.samples": self.samples, "training.in_flight": self.in_flight}) | self._set()

    def chip_overrides(self) -> dict[str, str]:
        """Return dotted key -> TOML value for the chip."""
        return {key[len("chip.") :]: value for key, value in self._pairs() if key.startswith("chip.")}

    def _given(self, named: Mapping[str, int | None]) -> dict[str, str]:
        return {key: str(value) for key, value in named.items() if value is not None}

    def _set(self) -> dict[str, str]:
        return {key: value for key, value in self._pairs() if not key.startswith("chip.")}

    def _pairs(self) -> Iterator[tuple[str, str]]:
        for text in self.overrides:
            key, equals, value = text.partition("=")
            if not equals or not key.strip():
                raise TwinError(f"--set (= {text}): must read KEY=VALUE, e.g. --set training.epochs=3")
            yield key.strip(), value.strip()


def default_algorithms(workload: str) -> list[str]:
    """Return what is compared where nobody says: a timing-only network has baselines instead of a digital run."""
    return ["sgd", "shd", "ttv2"] if is_timing_only(workload) else ["digital", "sgd", "shd", "ttv2"]


def first_layout(algorithm: str) -> list[str]:
    """Return the layout that an algorithm runs on where nobody names one."""
    from twin.algorithms.registry import algorithm_class  # noqa: PLC0415

    return [algorithm_class(algorithm).default_layouts[0]]


def plans_of(options: Options, algorithms: Sequence[str], layouts: Sequence[str]) -> list[RunPlan]:
    """Return a plan for every algorithm on every layout, not yet checked as a whole."""
    return plan_runs(
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


def plan_comparison(
    options: Options,
    algorithms: Sequence[str],
    layouts: Sequence[str],
    baselines: Sequence[str] = (),
    batch: int | None = None,
) -> tuple[list[RunPlan], dict[str, str]]:
    """Return the plans of a comparison, all of them checked, and the descriptions of its baselines by name.

    Raises
    ------
    TwinError
        For whatever is wrong with any of them.
    """
    check_extras(options.trace, events=options.events)
    described = describe_baselines(baselines, batch)
    plans = plans_of(options, algorithms, layouts)
    check_all(plans)
    return plans, described


def begin(folder: Path, plans: Sequence[RunPlan], described: Mapping[str, str], command: str) -> list[Path]:
    """Write into an empty folder all that a comparison needs to be run, or resumed; return the folders of its runs."""
    folders = prepare_all(plans, folder, command)
    for name, text in described.items():
        write_text(folder / BASELINES / f"{name}.toml", text)
    content = ComparisonFacts(command=command, runs=[one.name for one in folders])
    write_text(folder / COMPARISON, json.dumps(content.model_dump(by_alias=True), indent=2) + "\n")
    return folders


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
    content = json.loads(path.read_text())
    folders = [folder / "runs" / name for name in content["runs"]]
    for one in folders:
        read_facts(one)
    return str(content["command"]), folders


def complete(
    folder: Path, folders: Sequence[Path], jobs: int, report: Report
) -> "tuple[list[RunResult], list[tuple[Path, TwinError]]]":
    """Run what is unfinished; return the results of what is finished, baselines last, and what failed and why."""
    from twin.machine.compiled import ensure_compiled  # noqa: PLC0415

    if not is_timing_only(str(folders[0] / FILES[-1])):
        ensure_compiled()
    failures = run_all(unfinished(folders), jobs, report)
    done = [one for one in folders if one not in {failed for failed, _ in failures}]
    results = _audited(gather(done))
    return results + (rooflines(folder, folders[0], results[0].samples) if results else []), failures


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
