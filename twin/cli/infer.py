"""`twin infer`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from twin.console import progress
from twin.errors import TwinError

if TYPE_CHECKING:
    from twin.runs.plan import Plan

HARDWARE = {"digital": ("digital", "digital"), "analog": ("sgd", "two-array")}
"""Algorithm and layout with one matrix a layer: in digital memory, or on arrays."""


def infer(
    model: Annotated[Path, typer.Argument(help="A file that `twin extract` wrote.")],
    folder: Annotated[Path, typer.Argument(help="The folder of a run: its workload and chip are used.")],
    hardware: Annotated[
        Literal["digital", "analog", "run"], typer.Option("--on", help="run: the run's own algorithm and layout.")
    ] = "digital",
    repeats: Annotated[int, typer.Option(min=1, max=1000, help="Passes through the test set on noisy arrays.")] = 1,
) -> None:
    """Run an extracted model on the test set, on digital or on analog hardware."""
    from rich.table import Table

    from twin.extraction.inference import infer as run_model
    from twin.extraction.model import load_model
    from twin.runs.build import build

    loaded = load_model(model)
    machine = build(_plan(folder, hardware)).machine
    passes = 1 if hardware == "digital" else repeats
    with progress("programming the model", "passes") as report:
        found = run_model(machine, loaded, passes, lambda done: report("test set", done, passes))
    table = Table("hardware", "test loss", "test error", "weights clipped", title=model.name, title_justify="left")
    table.add_row(hardware, f"{found.loss:.4g}", f"{found.error:.2%}", f"{found.clipped:.2%}")
    Console().print(table)


def _plan(run: Path, hardware: str) -> "Plan":
    from twin.runs.folder import request_of
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
