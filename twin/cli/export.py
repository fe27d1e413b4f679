"""`twin export`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from twin.files import check_outputs, check_suffix


def export(
    folder: Annotated[Path, typer.Argument(help="The folder of a finished run, e.g. runs/NAME/runs/sgd-two-array.")],
    out: Annotated[Path, typer.Option(help="The file: .onnx, .safetensors or .npz.")] = Path("trained.onnx"),
    into: Annotated[
        Path | None, typer.Option(help="The ONNX model that gets the weights (default: that of the workload).")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Weights that `twin extract` wrote, in place of the exact ones.")
    ] = None,
) -> None:
    """Write the trained weights of a run into a copy of its ONNX model, or by name into safetensors or .npz."""
    from twin.runs.weights import write_weights

    check_suffix("--out", out, ".onnx", ".safetensors", ".npz")
    check_outputs({"--out": out}, {"--into": into, "--model": model}, folder)
    write_weights(folder, out, into, model)
    Console().print(str(out), soft_wrap=True, markup=False)
