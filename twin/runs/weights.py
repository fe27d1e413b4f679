"""The weights of a finished run, written by the names of nodes."""

from pathlib import Path

from twin.errors import TwinError
from twin.extraction.inference import network_weights, program
from twin.extraction.model import load_model
from twin.networks.given.files import write_onnx, write_tensors
from twin.networks.given.fit import taken
from twin.runs.finals import finished_parts
from twin.runs.networks import graph_of


def write_weights(folder: Path, out: Path, into: Path | None = None, model: Path | None = None) -> None:
    """Write what a run has learnt.

    Parameters
    ----------
    folder : Path
        Of a finished run.
    out : Path
        An .onnx, .safetensors or .npz file.
    into : Path or None
        The ONNX model of which `out` becomes a copy with these weights; None for that of the workload.
    model : Path or None
        Extracted weights in place of the exact ones.

    Raises
    ------
    TwinError
        Where there is no such run, model or weight, or the file cannot be written.
    """
    parts = finished_parts(folder)
    source = into or Path(parts.workload.network.described)
    onnx = out.suffix.lower() == ".onnx"
    if onnx and not source.is_file():
        shown = "" if source == Path() else f" (= {source})"
        raise TwinError(f"--into{shown}: names no file; name the ONNX model that gets the weights")
    if model is not None:
        program(parts.machine, load_model(model))
    tensors = taken(graph_of(parts.workload), network_weights(parts.machine))
    if onnx:
        write_onnx(source, tensors, out, parts.workload.network.reading)
    else:
        write_tensors(out, tensors)
