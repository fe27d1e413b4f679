"""`twin figures`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def figures(
    folder: Annotated[Path, typer.Argument(help="A folder that `twin compare` or `twin run` wrote.")],
    out: Annotated[Path | None, typer.Option(help="Where to (default: its own folder figures/).")] = None,
) -> None:
    """Write the figures of a finished report as PDF, for papers (half a second each); as SVG they are there already."""
    from twin.report.write import write_pdf

    place = out or folder / "figures"
    paths = write_pdf(folder, place)
    Console().print(f"{len(paths)} figures: {place}", soft_wrap=True, markup=False, highlight=False)
