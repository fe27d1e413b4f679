"""What `twin extract` and `twin infer` do."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.table import Table

from twin.console import progress
from twin.errors import TwinError
from twin.extraction.inference import extract_model, infer
from twin.extraction.model import FINALS, load_finals, load_model, save_model
from twin.files import check_outputs, check_suffix
from twin.runs.folder import read_facts, request_of
from twin.runs.library import Library
from twin.runs.plan import FILES, Plan
from twin.runs.planning import plan_folder, plan_request

if TYPE_CHECKING:
    from twin.machine.machine import Machine

HARDWARE = {"digital": ("digital", "digital"), "analog": ("sgd", "two-array")}
"""Algorithm and layout with one matrix a layer: in digital memory, or on arrays."""


def extract_run(folder: Path, out: Path, reads: int, amplitude: float) -> None:
    """Extract the model of a finished run by noisy mat-vecs and write it.

    Raises
    ------
    TwinError
        When the folder is no finished run, or the mat-vecs do not determine the weights.
    """
    from twin.runs.build import build  # noqa: PLC0415

    check_suffix("--out", out, ".npz")
    check_outputs({"--out": out}, {}, folder)
    facts = read_facts(folder)
    if not (folder / FINALS).exists():
        raise TwinError(f"{folder}: holds no {FINALS}; finish the run with `twin resume`, or run it again")
    parts = build(plan_folder(folder))
    load_finals(parts.machine, folder / FINALS)
    model = extract_model(
        parts.machine, reads, amplitude, workload=parts.workload.name, chip=parts.chip.name, run=facts.id
    )
    save_model(model, out)
    table = Table("layer", "weights", "standard error", title="extracted", title_justify="left")
    for k, (weights, error) in enumerate(zip(model.weights, model.standard_error, strict=True)):
        table.add_row(str(k), " x ".join(map(str, weights.shape)), f"{float((error**2).mean()) ** 0.5:.2g}")
    Console().print(table)
    Console().print(str(out), soft_wrap=True, markup=False)


def infer_model(path: Path, run: Path, hardware: Literal["digital", "analog", "run"], repeats: int) -> None:
    """Run a model on the test set of a run's workload and print loss and error.

    ``run`` is the run's own algorithm and layout, the arrays it was trained on; its chip serves all three.
    """
    from twin.runs.build import build  # noqa: PLC0415

    model = load_model(path)
    machine: Machine = build(_plan(run, hardware)).machine
    passes = 1 if hardware == "digital" else repeats
    with progress("programming the model", "passes") as report:
        found = infer(machine, model, passes, lambda done: report("test set", done, passes))
    table = Table("hardware", "test loss", "test error", "weights clipped", title=path.name, title_justify="left")
    table.add_row(hardware, f"{found.loss:.4g}", f"{found.error:.2%}", f"{found.clipped:.2%}")
    Console().print(table)


def _plan(run: Path, hardware: str) -> Plan:
    request = request_of(run)
    missing = [name for name in FILES if not (run / name).exists()]
    if missing:
        raise TwinError(f"{run}: holds no {missing[0]}; name the folder of a run")
    if hardware != "run":
        algorithm, layout = HARDWARE[hardware]
        request = replace(request, algorithm=algorithm, layout=layout)
    return plan_request(request, Library())
