"""The machine of a finished run as it was after the last sample, built again from the run's folder."""

from pathlib import Path

from twin.errors import TwinError
from twin.extraction.inference import extract_model
from twin.extraction.model import FINALS, Model, load_finals
from twin.runs.build import Parts, build
from twin.runs.folder import read_facts
from twin.runs.planning import plan_folder


def finished_parts(folder: Path) -> Parts:
    """Build the parts of a finished run, its matrices as they were at the end.

    Raises
    ------
    TwinError
        Where the folder holds no finished run.
    """
    read_facts(folder)
    if not (folder / FINALS).exists():
        raise TwinError(f"{folder}: holds no {FINALS}; finish the run with `twin resume`, or run it again")
    parts = build(plan_folder(folder))
    load_finals(parts.machine, folder / FINALS)
    return parts


def extracted(parts: Parts, reads: int, amplitude: float) -> Model:
    """Extract the weights of a finished run by noisy mat-vecs, with a note of where they come from.

    Raises
    ------
    TwinError
        As `twin.extraction.inference.extract_model`.
    """
    names = {"workload": parts.workload.name, "chip": parts.chip.name, "run": parts.plan.id}
    return extract_model(parts.machine, reads, amplitude, **names)
