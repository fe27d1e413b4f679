"""`twin resume`."""

from pathlib import Path
from typing import Annotated

import typer

from twin.cli.options import JOBS, asking
from twin.config.options import Jobs


@asking()
def resume(
    folder: Annotated[Path, typer.Argument(help="The folder of an interrupted run or comparison.")],
    jobs: Jobs = JOBS,
) -> None:
    """Finish what was interrupted, to the same bits."""
    from twin.cli.running import finish, resumable
    from twin.runs.comparison import begun, planned

    _, folders = begun(folder)
    with resumable(folder):
        finish(folder, planned(folders), jobs)
