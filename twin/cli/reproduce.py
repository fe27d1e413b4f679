"""`twin reproduce`."""

from pathlib import Path
from typing import Annotated

import typer

from twin.cli.options import asking
from twin.config.options import FigureInterval, FigureSeed, FigureSweep


@asking()
def reproduce(
    figure: Annotated[str, typer.Argument(help="gokmen-2021-fig6, lee-2022-fig2 to -fig9, onen-2021-fig1 or -fig2.")],
    out: Annotated[Path, typer.Option(help="Folder for the figure and its CSV.")] = Path("reproduced"),
    seed: FigureSeed = 1,
    sweep: FigureSweep = "",
    interval: FigureInterval = None,
) -> None:
    """Reproduce a published figure: an SVG, a CSV, and what the paper says about it, checked."""
    from twin.study.published import papers

    papers().reproduce_figure(figure, out, seed, sweep, interval or "")
