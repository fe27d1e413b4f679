"""`twin.simulate`, `twin.compare` and `twin.load`: runs from Python, finished results as pandas frames."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from twin.api.arguments import command, in_words_of_python, names, pairs
from twin.api.comparison import Comparison
from twin.api.progress import shown
from twin.api.result import keep_folder, keep_matrices
from twin.config.options import Mode, Options, declared
from twin.errors import TwinError
from twin.extraction.model import FINALS
from twin.files import slug
from twin.report.write import load_report
from twin.results.store import load_run
from twin.runs.comparison import begin, begun, complete, plan_comparison, planned, unfinished_error
from twin.runs.folder import is_finished, named_folder, read_facts
from twin.runs.plan import COMPARISON, RunRequest
from twin.runs.planning import first_layout
from twin.runs.pool import gather

MODES = get_args(get_args(Mode)[0])

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from twin.api.arguments import Overrides
    from twin.api.result import RunResult
    from twin.runs.plan import Plan
    from twin.runs.pool import AfterEpochOf, Prepared


def simulate(
    workload: str | Path = "digits-mlp",
    algorithm: str = "ttv2",
    layout: str | Path = "",
    *,
    chip: str | Path = "aimc-512",
    device: str = "",
    epochs: int | None = None,
    seed: int | None = None,
    samples: int | None = None,
    in_flight: int | None = None,
    mode: Mode = "replayed",
    sampled: bool | None = None,
    endurance: bool = False,
    timing_only: bool = False,
    trace: str = "",
    events: bool = False,
    pulses: str = "",
    overrides: Overrides | None = None,
    out: str | Path | None = None,
    on_epoch: AfterEpochOf | None = None,
    progress: bool = True,
) -> RunResult:
    """Train with one algorithm on one layout of a chip, and time it; as `compare` does with several.

    Parameters
    ----------
    workload : str or Path
        A workload of `twin.available`, or a path to a TOML file; an ONNX file is timed.
    algorithm : str
        The algorithm that trains the network, one of `twin.available`.
    layout : str or Path
        A layout of `twin.available`, or a path to a TOML file (default: the algorithm's first).
    chip, device, epochs, seed, samples, in_flight, mode, sampled, endurance, timing_only
        As in `compare`.
    trace, events, pulses, overrides, out, on_epoch, progress
        As in `compare`.

    Returns
    -------
    RunResult
        Time in simulated s, energy in J, area in m², tables as frames whose units are in `RunResult.units`.

    Raises
    ------
    TwinError
        In one line: what is wrong, where, and the likely fix.
    """
    with in_words_of_python():
        layouts = (str(layout),) if str(layout) else first_layout(algorithm)
        options = _options(locals(), algorithms=(algorithm,), layouts=layouts)
        return _compared(options, progress=progress, on_epoch=on_epoch)[0]


def compare(
    workload: str | Path = "digits-mlp",
    algorithms: str | Sequence[str] = (),
    layouts: str | Sequence[str] = (),
    *,
    chip: str | Path = "aimc-512",
    device: str = "",
    epochs: int | None = None,
    seed: int | None = None,
    samples: int | None = None,
    in_flight: int | None = None,
    mode: Mode = "replayed",
    sampled: bool | None = None,
    endurance: bool = False,
    timing_only: bool = False,
    trace: str = "",
    events: bool = False,
    pulses: str = "",
    overrides: Overrides | None = None,
    baselines: str | Sequence[str] = (),
    batch: int | None = None,
    out: str | Path | None = None,
    jobs: int = 1,
    on_epoch: AfterEpochOf | None = None,
    progress: bool = True,
) -> Comparison:
    """Train (or only time) a network with several algorithms and layouts, as the command ``twin compare`` does.

    Parameters
    ----------
    workload : str or Path
        A workload of `twin.available`, or a path to a TOML file; an ONNX file is timed.
    algorithms : sequence of str
        Algorithms (default: digital, sgd, shd, ttv2; timing only: no digital). The first run is
        the baseline.
    layouts : sequence of str
        Layouts (default: those of each algorithm).
    chip : str or Path
        A chip of `twin.available`, or a path to a TOML file.
    device : str
        A device preset of `twin.available` instead of the workload's.
    epochs : int
        Epochs instead of the workload's.
    seed : int
        Seed instead of the workload's.
    samples : int
        At most so many training samples an epoch; 0: all.
    in_flight : int
        Samples under way at once.
    mode : "replayed" or "coupled"
        coupled: effects happen in event order; replayed: ahead of the engine, faster.
    sampled : bool
        Time windows of samples, or every one, whatever the workload says.
    endurance : bool
        Count the pulses of every device and report them.
    timing_only : bool
        Time the network and train nothing: statistics stand for the numerics (docs/timing-only.md).
    trace : str
        Leave a Perfetto trace of COUNT samples from number FIRST on (extra `trace`). It needs `out`; e.g. ``"10:5"``.
    events : bool
        Leave every operation in events.parquet (extra `parquet`). It needs `out`.
    pulses : str
        Leave the pulses of every device in COUNT samples from number FIRST on in pulses.csv. It needs `out`; e.g.
        ``"10:5"``.
    overrides : mapping of str to value
        Replace a value of the workload, or of the chip with `chip.KEY`. Quantities are text with a unit:
        ``{"chip.tile.pulse_time": "2 ns", "training.epochs": 3}``.
    baselines : sequence of str
        Digital accelerators of `twin.available` as rooflines.
    batch : int
        Samples a step of every baseline.
    out : str or Path
        A folder for the results. What it holds of the same runs is not run again, so a cell that was interrupted goes
        on where it was. Without it nothing stays behind.
    jobs : int
        Processes; results do not depend on it. In a script more than one needs ``if __name__ == "__main__":``.
    on_epoch : callable
        Is called after every epoch with the run's name and the new row of its curve (epoch, samples, time_s in
        simulated s, train_loss, test_loss, test_error). What it raises ends the run, which `out` keeps up to there.
    progress : bool
        Show how far it is, on a terminal or in a notebook.

    Returns
    -------
    Comparison
        The runs, in order, and their totals as one frame; units stand in `Comparison.units`.

    Raises
    ------
    TwinError
        In one line: what is wrong, where, and the likely fix.
    """
    with in_words_of_python():
        if jobs < 1:
            raise TwinError(f"jobs (= {jobs}): must be at least 1")
        if on_epoch is not None and jobs > 1:
            raise TwinError(f"jobs (= {jobs}): on_epoch is called in this process; leave jobs out")
        listed = {"algorithms": algorithms, "layouts": layouts, "baselines": baselines}
        options = _options(locals(), **{argument: names(given, argument) for argument, given in listed.items()})
        return _compared(options, progress=progress, on_epoch=on_epoch)


def load(folder: str | Path) -> Comparison:
    """Read finished runs.

    Parameters
    ----------
    folder : str or Path
        Of a comparison, or of a single run, that the command line or `out` left behind.

    Returns
    -------
    Comparison
        Every number with the bits that were simulated, in the same units: s, J, m², B.

    Raises
    ------
    TwinError
        When the folder holds none, or some are not finished.
    """
    path = Path(folder)
    if (path / "report.html").exists():
        runs, made_by = load_report(path)
        return _at_hand(Comparison(runs, made_by), sorted((path / "runs").glob("*")))
    if (path / "run.json").exists():
        run = load_run(path)
        return _at_hand(Comparison([run], run.command), [path])
    made_by, folders = begun(path)
    missing = [one for one in folders if not is_finished(one)]
    if missing:
        raise TwinError(f"{path}: run {missing[0].name} is not finished; finish with: twin resume {path}")
    return _at_hand(Comparison(gather(folders), made_by), folders)


def _at_hand(found: Comparison, folders: Sequence[Path]) -> Comparison:
    """Tell every run of a comparison which folder it is in."""
    by_name = {slug(run.name): run for run in found}
    for folder in folders:
        run = by_name.get(folder.name) or (found[0] if len(found) == 1 else None)
        if run is not None and (folder / FINALS).exists():
            keep_folder(run, folder)
    return found


def _compared(options: Options, *, progress: bool, on_epoch: AfterEpochOf | None) -> Comparison:
    asked = [name for name in ("trace", "events", "pulses") if getattr(options, name)]
    if options.out is None and asked:
        raise TwinError(f"{asked[0]}: is a file beside a run; name a folder with out=")
    plans, described = plan_comparison(options)
    chosen = tuple(dict.fromkeys(plan.algorithm for plan in plans))
    made_by = command(replace(options, algorithms=chosen))
    with _folders(options.out, plans, described, made_by) as (folder, runs):
        with shown("twin", on=progress) as report:
            results, failures = complete(folder, runs, options.jobs, report, on_epoch)
        if failures and options.out is None:
            raise failures[0][1]
        if failures:
            raise unfinished_error(folder, failures)
        found = Comparison(results, made_by)
        for result, prepared in zip(found, runs, strict=False):  # baselines come last, and have no matrices
            if options.out is None:
                keep_matrices(result, prepared)
            elif (prepared.folder / FINALS).exists():
                keep_folder(result, prepared.folder)
    return found


@contextmanager
def _folders(
    out: Path | None, plans: Sequence[Plan], described: Mapping[str, str], made_by: str
) -> Iterator[tuple[Path, list[Prepared]]]:
    """Give the folder of a comparison and those of its runs: begun anew, or as they stand in `out`."""
    if out is None:
        with tempfile.TemporaryDirectory(prefix="twin-") as temporary:
            yield Path(temporary), begin(Path(temporary), plans, described, made_by)
    elif (out / COMPARISON).exists():
        _, folders = begun(out)
        wanted = [(plan.id, *_asked(plan.request)) for plan in plans]
        kept = [(facts.id, *_asked(facts.plan)) for facts in map(read_facts, folders)]
        if kept != wanted:
            raise TwinError(f"out (= {out}): holds other runs; name another folder, or remove it")
        yield out, planned(folders)
    else:
        folder = named_folder(out)
        yield folder, begin(folder, plans, described, made_by)


def _asked(request: RunRequest) -> tuple[str, bool, str]:
    """Return what a run leaves beside its result."""
    return request.trace, request.events, request.pulses


def _options(given: Mapping[str, Any], **fixed: Any) -> Options:
    """Take the options among the arguments of `simulate` or `compare`, as the command line would give them."""
    mode, out = given["mode"], given["out"]
    if mode not in MODES:
        raise TwinError(f"mode (= {mode!r}): must be {' or '.join(map(repr, MODES))}")
    plain = {
        "workload": str(given["workload"]),
        "chip": str(given["chip"]),
        "overrides": pairs(given["overrides"]),
        "out": Path(out) if out is not None else None,
    }
    return Options(**{name: given[name] for name in declared() if name in given} | plain | fixed)
