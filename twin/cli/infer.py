"""`twin infer`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from twin.cli.completion import completer
from twin.cli.options import asking
from twin.config.options import Chip, Overrides
from twin.config.options import Options as Asked
from twin.console import progress
from twin.errors import TwinError

if TYPE_CHECKING:
    from twin.runs.inference import Inferred
    from twin.runs.plan import Plan


@asking()
def infer(
    *,
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL | WORKLOAD",
            help="A file that `twin extract` wrote; or a workload whose init.file has weights, by name or path.",
            autocompletion=completer("model"),
        ),
    ],
    folder: Annotated[
        Path | None, typer.Argument(help="Of a model: the folder of a run, whose workload and chip are used.")
    ] = None,
    hardware: Annotated[
        Literal["digital", "analog", "run"],
        typer.Option("--on", help="run: of a model, the run's own algorithm and layout."),
    ] = "digital",
    repeats: Annotated[int, typer.Option(min=1, max=1000, help="Passes through the test set on noisy arrays.")] = 1,
    chip: Chip = "aimc-512",
    device: Annotated[
        str,
        typer.Option(
            help="A device preset of `twin list` instead of the workload's.", autocompletion=completer("device")
        ),
    ] = "",
    programming: Annotated[
        Literal["write-verify", "exact"] | None,
        typer.Option(help="How given weights get into arrays (default: the workload's way, else write-verify)."),
    ] = None,
    at_rest: Annotated[
        str,
        typer.Option(help='Also after this time at rest, e.g. "1 d", on devices that relax or drift.'),
    ] = "",
    compensation: Annotated[
        bool, typer.Option("--drift-compensation", help="After it, scale every layer to what is read of it on average.")
    ] = False,
    overrides: Overrides = (),
) -> None:
    """Run an extracted model, or given weights, on the test set, on digital or on analog hardware."""
    if folder is not None:
        _infer_model(Path(model), folder, hardware, repeats)
        return
    from twin.runs.inference import Rest, plan_inference
    from twin.runs.inference import infer as run_weights

    if hardware == "run":
        raise TwinError("--on (= run): needs the folder of a run; name one after the model, or say digital or analog")
    asked = Asked(workload=model, chip=chip, device=device, overrides=overrides)
    rest = Rest.of(at_rest, compensation=compensation)
    plan = plan_inference(asked, hardware, programming, rest)
    passes = 1 if hardware == "digital" else repeats
    with progress("bringing the weights in", "passes") as report:
        found = run_weights(plan, hardware, passes, rest, progress=lambda done: report("test set", done, passes))
    _print(found, Path(model).name)


def _print(found: "Inferred", title: str) -> None:
    from rich.table import Table

    from twin.results.text import percent, si

    table = Table("weights and reads", "test loss", "test error", "more by it", title=title, title_justify="left")
    before = found.stages[0].error
    for stage in found.stages:
        table.add_row(
            stage.name, f"{stage.loss:.4g}", f"{stage.error:.2%}", f"{100 * (stage.error - before):+.2f} points"
        )
        before = stage.error
    console, spent = Console(), found.spent
    console.print(table)
    each = f"{si(spent.time_s, 's')}, {si(spent.energy_J, 'J')} (latency {si(spent.latency_s, 's')})"
    console.print(f"a sample: {each}, mean of {spent.samples}", soft_wrap=True)
    if found.setup_s:
        console.print(f"set-up: {si(found.setup_s, 's')}, {si(found.setup_J, 'J')}", soft_wrap=True)
    if found.hardware == "analog":
        done = "" if found.done != found.done else f"devices within the tolerance: {percent(found.done)} %, "
        console.print(f"{done}weights beyond their devices: {percent(found.clipped)} %", soft_wrap=True)


def _infer_model(path: Path, folder: Path, hardware: str, repeats: int) -> None:
    from rich.table import Table

    from twin.extraction.inference import infer as run_model
    from twin.extraction.model import load_model
    from twin.runs.build import build

    loaded = load_model(path)
    machine = build(_plan(folder, hardware)).machine
    passes = 1 if hardware == "digital" else repeats
    with progress("programming the model", "passes") as report:
        found = run_model(machine, loaded, passes, lambda done: report("test set", done, passes))
    table = Table("hardware", "test loss", "test error", "weights clipped", title=path.name, title_justify="left")
    table.add_row(hardware, f"{found.loss:.4g}", f"{found.error:.2%}", f"{found.clipped:.2%}")
    Console().print(table)


def _plan(run: Path, hardware: str) -> "Plan":
    from twin.runs.folder import request_of
    from twin.runs.inference import HARDWARE
    from twin.runs.library import Library
    from twin.runs.plan import FILES
    from twin.runs.planning import plan_request

    request = request_of(run)
    missing = [name for name in FILES if not (run / name).exists()]
    if missing:
        raise TwinError(f"{run}: holds no {missing[0]}; name the folder of a run")
    if hardware != "run":
        algorithm, layout = HARDWARE[hardware]
        request = replace(request, algorithm=algorithm, layout=layout)
    return plan_request(request, Library())
