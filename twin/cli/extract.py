"""`twin extract`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from twin.files import check_outputs, check_suffix


def extract(
    folder: Annotated[Path, typer.Argument(help="The folder of a finished run, e.g. runs/NAME/runs/ttv2-four-array.")],
    out: Annotated[Path, typer.Option(help="The model's file.")] = Path("model.npz"),
    reads: Annotated[int, typer.Option(min=1, max=1_000_000, help="Random mat-vecs a layer.")] = 10_240,
    amplitude: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Largest input; 0: as large as seldom meets the output bound.")
    ] = 1.0,
) -> None:
    """Extract the trained weights from a run's arrays by noisy mat-vecs and linear regression."""
    from rich.table import Table

    from twin.extraction.model import save_model
    from twin.runs.finals import extracted, finished_parts

    check_suffix("--out", out, ".npz")
    check_outputs({"--out": out}, {}, folder)
    model = extracted(finished_parts(folder), reads, amplitude)
    save_model(model, out)
    table = Table("layer", "weights", "standard error", title="extracted", title_justify="left")
    for k, (weights, error) in enumerate(zip(model.weights, model.standard_error, strict=True)):
        table.add_row(str(k), " x ".join(map(str, weights.shape)), f"{float((error**2).mean()) ** 0.5:.2g}")
    Console().print(table)
    Console().print(str(out), soft_wrap=True, markup=False)
