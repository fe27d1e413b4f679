"""What `twin compare A B ...` does with finished runs."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from twin.cli.commands import RUNS
from twin.config.resources import FOLDERS, shipped
from twin.console import say, wide_console
from twin.errors import TwinError
from twin.runs.folder import command_line, named_folder


def are_folders(names: Sequence[str]) -> bool:
    """Tell folders of finished runs from the workload of a comparison yet to be run.

    Several names are folders; one is, where it is a folder's and no shipped workload's.
    """
    if len(names) != 1:
        return len(names) > 1
    workloads = {name for kind, folder in FOLDERS.items() if folder == FOLDERS["workload"] for name in shipped(kind)}
    return names[0] not in workloads and Path(names[0]).is_dir()


def compare_finished(names: Sequence[str], out: Path | None, *, unlike: bool) -> None:
    """Say what makes the runs of these folders differ; write it as Markdown, HTML and CSV.

    Raises
    ------
    TwinError
        When a folder holds no finished run, there are fewer than two, or their workloads are unlike.
    """
    from twin.runs.finished import check_alike, compared, finished  # noqa: PLC0415

    folders = [Path(name) for name in names]
    runs = finished(folders)
    if len(runs) < 2:
        raise TwinError(f"{names[0]}: holds one run; name another to compare it with, e.g. twin compare A B")
    if not unlike:
        check_alike(runs)
    from twin.report.pages.difference_text import print_difference  # noqa: PLC0415
    from twin.report.pages.difference_write import write_difference  # noqa: PLC0415

    found = compared(runs)
    digest = hashlib.sha256(json.dumps([run.facts.id for run in runs]).encode()).hexdigest()[:8]
    folder = named_folder(out) if out is not None else RUNS / f"compared-{digest}"
    pages = write_difference(found, folder, command_line())
    print_difference(found, wide_console())
    say(f"report: {pages}")
