"""What is to be run: names and overrides resolved into descriptions, and the folder they go to."""

import hashlib
import json
import math
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from twin import __version__
from twin.algorithms.registry import algorithm_class
from twin.config.chip import Chip
from twin.config.layout import Layout
from twin.config.load import (
    Loaded,
    is_timing_only,
    load_chip,
    load_layout,
    load_timing_only,
    load_workload,
)
from twin.config.resolved import resolved_toml
from twin.config.timing_only import TimingOnly
from twin.config.workload import Workload
from twin.errors import TwinError
from twin.files import write_text

Mode = Literal["replayed", "coupled"]
FILES = ("chip.toml", "layout.toml", "workload.toml")
COMPARISON = "comparison.json"


@dataclass(frozen=True, slots=True)
class RunPlan:
    """One run, by name; everything else follows from the described files.

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


def check_mode(plan: RunPlan, workload: Workload) -> None:
    """Refuse a run whose numerics depend on the schedule where effects do not happen at their moment."""
    digital, consistency = plan.algorithm == "digital", workload.training.consistency
    if digital and consistency != "strict":
        raise TwinError(
            f"training.consistency (= {consistency}): the digital baseline loads its weights and needs strict; "
            "leave digital out of --algorithms"
        )
    calibration, sampled = workload.calibration, workload.timing.mode == "sampled"
    needs: dict[str, str] = {} if consistency == "strict" else {"training.consistency": consistency}
    if not digital:
        needs |= _lifetime(workload, plan.algorithm)
        needs |= {"calibration.interval": f"{calibration.interval:g} s"} if calibration.interval else {}
    for key, value in needs.items():
        if plan.mode != "coupled" or sampled:
            found = "timing.mode sampled" if sampled else "mode replayed"
            raise TwinError(
                f"{key} (= {value}): needs every effect at its moment, which {found} does not know; "
                "use --mode coupled --exact"
            )
    if calibration.every and sampled and not digital:
        raise TwinError(
            f"calibration.every (= {calibration.every}): needs every sample timed; use --exact, or leave it out"
        )


def _lifetime(workload: Workload, algorithm: str) -> dict[str, str]:
    """Return the devices' lifetimes by key where they are finite; raises TwinError where one makes no sense."""
    from twin.devices.presets import device_preset  # noqa: PLC0415 - devices import NumPy

    found = {}
    for matrix in algorithm_class(algorithm).matrices:
        device = device_preset(*workload.device.of(matrix))
        place = f"device.matrices.{matrix}" if matrix in workload.device.matrices else "device"
        if math.isfinite(device.lifetime):
            if workload.extraction is not None:
                raise TwinError(
                    f"{place}.lifetime (= {device.lifetime:g} s): [extraction] takes weights to keep still; "
                    "leave one out"
                )
            found[f"{place}.lifetime"] = f"{device.lifetime:g} s"
            continue
        for key in ("lifetime_dtod", "reference_drift"):
            if getattr(device, key):
                raise TwinError(f'{place}.{key} (= {getattr(device, key)}): needs a lifetime, e.g. lifetime = "1 ms"')
    return found


@dataclass(frozen=True, slots=True)
class Descriptions:
    """The three loaded descriptions of a run."""

    chip: Loaded[Chip]
    layout: Loaded[Layout]
    workload: Loaded[Workload] | Loaded[TimingOnly]

    @classmethod
    def of(cls, plan: RunPlan) -> "Descriptions":
        """Load what a plan names; raises TwinError where the mode cannot run it."""
        chip, layout = load_chip(plan.chip, plan.chip_overrides), load_layout(plan.layout)
        if is_timing_only(plan.workload):
            return cls(chip, layout, load_timing_only(plan.workload, plan.workload_overrides))
        workload = load_workload(plan.workload, plan.workload_overrides)
        check_mode(plan, workload.model)
        return cls(chip, layout, workload)

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

    def name(self, algorithm: str) -> str:
        """Return the run's name within a comparison, e.g. "ttv2 four-array"."""
        layout = self.layout.model.name
        return algorithm if layout == algorithm else f"{algorithm} {layout}"

    def texts(self) -> dict[str, str]:
        """Return the resolved descriptions as TOML, by file name."""
        loaded: tuple[Loaded[Any], ...] = (self.chip, self.layout, self.workload)
        return {name: resolved_toml(one) for name, one in zip(FILES, loaded, strict=True)}

    def document(self) -> str:
        """Return all of them as one text, each below the name of its file."""
        return "\n".join(f"# {name}\n{text}" for name, text in self.texts().items())


def identity(plan: RunPlan, texts: Mapping[str, str]) -> str:
    """Return the content hash of everything that decides a run's result."""
    values = {name: _values(text) for name, text in texts.items()}
    content = {"version": __version__, "algorithm": plan.algorithm, "mode": plan.mode, **values}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=64)
def _values(text: str) -> dict[str, Any]:
    """Return the values of a resolved description; who set them and why changes no result."""
    import tomllib  # noqa: PLC0415

    found = tomllib.loads(text)
    found.pop("sources", None)
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


def prepare(plan: RunPlan, folder: Path, command: str = "") -> RunPlan:
    """Write a run's resolved descriptions and facts into its folder; return the plan that reads them back.

    A run always starts from the written descriptions, so that resuming it next year reads the same. `command` is what
    regenerates the run (default: the command line of this process).
    """
    texts = Descriptions.of(plan).texts()
    for name, text in texts.items():
        write_text(folder / name, text)
    facts = {
        "plan": asdict(plan),
        "id": identity(plan, texts),
        "version": __version__,
        "python": platform.python_version(),
        "command": command or command_line(),
    }
    write_facts(folder, facts)
    return from_folder(folder)


def from_folder(folder: Path) -> RunPlan:
    """Return the plan of a prepared run."""
    facts = read_facts(folder)
    try:
        plan = RunPlan(**facts["plan"])
    except (KeyError, TypeError) as error:
        raise TwinError(f"{folder / 'run.json'}: not a run of this version ({error}); start it again") from error
    chip, layout, workload = (str(folder / name) for name in FILES)
    return replace(plan, chip=chip, layout=layout, workload=workload, workload_overrides={}, chip_overrides={})


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
