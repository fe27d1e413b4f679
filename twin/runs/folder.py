"""Folders of runs: new ones, and what ``run.json`` says of a run that was begun."""

import json
import platform
import shlex
import sys
from dataclasses import asdict, replace
from pathlib import Path

from twin.errors import TwinError
from twin.files import write_text
from twin.results.store import read_checked
from twin.runs.facts import RunFacts
from twin.runs.plan import FILES, Plan, RunRequest
from twin.version import __version__

FACTS = "run.json"


def new_folder(parent: Path, stem: str) -> Path:
    """Create and return ``parent/stem`` or, where that exists, ``stem-2`` and so on; safe against a second run."""
    for number in range(1, 10_000):
        folder = parent / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise TwinError(
                f"{folder}: cannot be created ({error.strerror}); choose another folder with --out"
            ) from error
        return folder
    raise TwinError(f"{parent}: holds 10,000 runs called {stem}; remove some or use --out")


def named_folder(folder: Path) -> Path:
    """Create a folder that the user named; it must be new or empty."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        occupied = any(folder.iterdir())
    except OSError as error:
        raise TwinError(f"--out (= {folder}): cannot be used ({error.strerror}); choose another folder") from error
    if occupied:
        raise TwinError(
            f"--out (= {folder}): is not empty; choose a new folder, or continue with `twin resume {folder}`"
        )
    return folder


def is_finished(folder: Path) -> bool:
    """Return whether the run of a folder has a result."""
    return (folder / "summary.json").exists()


def prepare(plan: Plan, folder: Path, command: str = "") -> None:
    """Write a run's resolved descriptions and facts into its folder, from which it can be run or resumed.

    `command` is what regenerates the run (default: the command line of this process).
    """
    for name, text in plan.texts.items():
        write_text(folder / name, text)
    facts = RunFacts(
        plan=plan.request,
        id=plan.id,
        version=__version__,
        python=platform.python_version(),
        command=command or command_line(),
    )
    write_facts(folder, facts)


def request_of(folder: Path) -> RunRequest:
    """Return the request that reads back the descriptions of a prepared run."""
    chip, layout, workload = (str(folder / name) for name in FILES)
    asked = read_facts(folder).plan
    return replace(asked, chip=chip, layout=layout, workload=workload, workload_overrides={}, chip_overrides={})


def write_facts(folder: Path, facts: RunFacts) -> None:
    """Write run.json of a run's folder."""
    content = facts.model_dump() | {"plan": asdict(facts.plan)}
    if facts.data is None:
        del content["data"]
    write_text(folder / FACTS, json.dumps(content, indent=2) + "\n")


def read_facts(folder: Path) -> RunFacts:
    """Return run.json of a run's folder.

    Raises
    ------
    TwinError
        When there is none, or it is none of this version.
    """
    path = folder / FACTS
    if not path.exists():
        raise TwinError(f"{folder}: holds no run (no {FACTS}); name the folder of a run")
    return read_checked(RunFacts, path, "start the run again")


def command_line() -> str:
    """Return the command as it was typed."""
    return shlex.join(["twin", *sys.argv[1:]])
