"""`twin figures`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def figures(
    folder: Annotated[Path, typer.Argument(help="A folder that `twin compare`, `twin run` or `twin sweep` wrote.")],
    out: Annotated[Path | None, typer.Option(help="Where to (default: its own folder figures/).")] = None,
) -> None:
    """Write the figures of a finished report as PDF, for papers (half a second each); as SVG they are there already.

    Of a sweep: energy, time, area and test error of its points against each other with the Pareto front, as SVG and
    PDF.
    """
    from twin.report.sweeps import is_sweep, write_tradeoffs
    from twin.report.write import write_pdf

    place = out or folder / "figures"
    paths = write_tradeoffs(folder, place) if is_sweep(folder) else write_pdf(folder, place)
    Console().print(f"{len(paths)} figures: {place}", soft_wrap=True, markup=False, highlight=False)
