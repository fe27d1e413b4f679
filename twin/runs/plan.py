"""What is to be run: a request by name, the plan that its descriptions make of it, and the folder it goes to."""

import hashlib
import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from twin.config.chip import Chip
from twin.config.layout import Layout
from twin.config.load import Loaded
from twin.config.resolved import resolved_toml
from twin.config.timing_only import TimingOnly
from twin.config.workload import Workload
from twin.errors import TwinError
from twin.files import write_text
from twin.version import __version__

Mode = Literal["replayed", "coupled"]
FILES = ("chip.toml", "layout.toml", "workload.toml")
COMPARISON = "comparison.json"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One run, by name, as ``run.json`` keeps it; everything else follows from the described files.

    Attributes
    ----------
    workload, chip, layout : str
        Shipped name or path.
    algorithm : str
    mode : "replayed" or "coupled"
    workload_overrides, chip_overrides : dict
        Dotted key -> TOML value.
    trace : str
        Samples to trace, ``"FIRST:COUNT"``; empty for none. Like `events` it changes no result.
    events : bool
        Leave every operation in ``events.parquet``.
    """

    workload: str
    chip: str
    layout: str
    algorithm: str
    mode: Mode = "replayed"
    workload_overrides: dict[str, str] = field(default_factory=dict)
    chip_overrides: dict[str, str] = field(default_factory=dict)
    trace: str = ""
    events: bool = False


@dataclass(frozen=True, eq=False)
class Plan:
    """One run with its three descriptions, loaded and checked: all that is needed to build it.

    Attributes
    ----------
    request : RunRequest
        What was asked for.
    chip, layout, workload : Loaded
        Of this run alone: what it reads of them is noted there.
    """

    request: RunRequest
    chip: Loaded[Chip]
    layout: Loaded[Layout]
    workload: Loaded[Workload] | Loaded[TimingOnly]

    @property
    def algorithm(self) -> str:
        """The algorithm's name."""
        return self.request.algorithm

    @property
    def mode(self) -> Mode:
        """How effects and clock go together."""
        return self.request.mode

    @property
    def trained(self) -> Workload:
        """The workload, of a network that is trained."""
        model = self.workload.model
        if not isinstance(model, Workload):
            raise TwinError(f"workload {model.name}: is timing-only; nothing can be trained, extracted or resumed here")
        return model

    @property
    def timing_only(self) -> TimingOnly:
        """The workload, of a network that is timed only."""
        model = self.workload.model
        if not isinstance(model, TimingOnly):
            raise TwinError(f"workload {model.name}: is trained, not timing-only")
        return model

    @property
    def name(self) -> str:
        """The run's name within a comparison, e.g. "ttv2 four-array"."""
        layout = self.layout.model.name
        return self.algorithm if layout == self.algorithm else f"{self.algorithm} {layout}"

    @cached_property
    def texts(self) -> dict[str, str]:
        """The resolved descriptions as TOML, by file name."""
        loaded: tuple[Loaded[Any], ...] = (self.chip, self.layout, self.workload)
        return {name: resolved_toml(one) for name, one in zip(FILES, loaded, strict=True)}

    @cached_property
    def id(self) -> str:
        """The content hash of everything that decides the run's result."""
        values = {name: _values(text) for name, text in self.texts.items()}
        content = {"version": __version__, "algorithm": self.algorithm, "mode": self.mode, **values}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def document(self) -> str:
        """Return all descriptions as one text, each below the name of its file."""
        return "\n".join(f"# {name}\n{text}" for name, text in self.texts.items())


@lru_cache(maxsize=64)
def _values(text: str) -> dict[str, Any]:
    """Return the values of a resolved description; who set them and why changes no result."""
    import tomllib  # noqa: PLC0415

    found = tomllib.loads(text)
    found.pop("sources", None)
    device = found.get("device", {})
    for one in (device, *device.get("matrices", {}).values()):
        one.pop("described", None)  # the name of a file whose values stand beside it
    return found


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


def prepare(plan: Plan, folder: Path, command: str = "") -> None:
    """Write a run's resolved descriptions and facts into its folder, from which it can be run or resumed.

    `command` is what regenerates the run (default: the command line of this process).
    """
    for name, text in plan.texts.items():
        write_text(folder / name, text)
    facts = {
        "plan": asdict(plan.request),
        "id": plan.id,
        "version": __version__,
        "python": platform.python_version(),
        "command": command or command_line(),
    }
    write_facts(folder, facts)


def request_of(folder: Path) -> RunRequest:
    """Return the request that reads back the descriptions of a prepared run."""
    facts = read_facts(folder)
    try:
        asked = RunRequest(**facts["plan"])
    except (KeyError, TypeError) as error:
        raise TwinError(f"{folder / 'run.json'}: not a run of this version ({error}); start it again") from error
    chip, layout, workload = (str(folder / name) for name in FILES)
    return replace(asked, chip=chip, layout=layout, workload=workload, workload_overrides={}, chip_overrides={})


def write_facts(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write run.json of a run's folder."""
    write_text(folder / "run.json", json.dumps(facts, indent=2) + "\n")


def read_facts(folder: Path) -> dict[str, Any]:
    """Return run.json of a run's folder."""
    path = folder / "run.json"
    try:
        facts: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise TwinError(f"{folder}: holds no run (no run.json); name the folder of a run") from error
    except (OSError, ValueError) as error:
        raise TwinError(f"{path}: cannot be read ({error}); start the run again") from error
    return facts


def command_line() -> str:
    """Return the command as it was typed."""
    import shlex  # noqa: PLC0415

    return shlex.join(["twin", *sys.argv[1:]])
