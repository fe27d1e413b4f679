"""Finished runs, found in the folders that runs, comparisons and sweeps leave."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.errors import TwinError, one_line
from twin.results.difference import Compared, Setting
from twin.results.result import RunResult
from twin.results.store import read_checked, read_summary, run_of
from twin.runs.facts import ComparisonFacts, RunFacts
from twin.runs.folder import is_finished, read_facts
from twin.runs.plan import COMPARISON
from twin.runs.planning import plan_folder

if TYPE_CHECKING:
    from twin.config.loaded import Loaded

ABOUT = frozenset({"schema", "kind", "name", "description", "notes", "sources"})
"""Tables and keys that describe a configuration without being part of it."""

ALIKE = ("data", "network")
"""Tables of a workload that two runs must share for their accuracy and costs to mean the same."""

NEAR = 1e-6


@dataclass(frozen=True, eq=False)
class Finished:
    """A finished run with its configuration and the facts of its folder."""

    folder: Path
    result: RunResult
    settings: Mapping[str, Setting]
    facts: RunFacts


def finished(folders: Sequence[Path]) -> list[Finished]:
    """Load all runs of the folders, in order.

    Parameters
    ----------
    folders : sequence of Path
        Of single runs, or of comparisons, studies and sweeps, whose runs are all taken.

    Raises
    ------
    TwinError
        When a folder holds no run, a run is not finished, or a file is missing, damaged or cut short.
    """
    found = {path.resolve(): path for folder in folders for path in _runs(folder)}
    return [_load(path) for path in found.values()]


def compared(runs: Sequence[Finished]) -> list[Compared]:
    """Name the runs apart: by their own names where these differ, else with as much of the folder as it takes."""
    names = [run.result.name for run in runs]
    tails = _tails([run.folder for run in runs])
    labels = [name if names.count(name) == 1 else f"{name} ({tail})" for name, tail in zip(names, tails, strict=True)]
    return [Compared(label, run.result, run.settings) for label, run in zip(labels, runs, strict=True)]


def check_alike(runs: Sequence[Finished]) -> None:
    """Refuse runs whose data set, network or seed differ from those of the first.

    Raises
    ------
    TwinError
        Naming the first such run and what differs.
    """
    first, *others = runs
    for other in others:
        unlike = list(_unlike(first, other))
        if unlike:
            more = f" and {len(unlike) - 3} more" if len(unlike) > 3 else ""
            raise TwinError(
                f"{other.folder}: is of another workload than {first.folder}: {', '.join(unlike[:3])}{more}; "
                "compare them all the same with --unlike"
            )


def _unlike(first: Finished, other: Finished) -> Iterator[str]:
    keys = dict.fromkeys([*first.settings, *other.settings])
    found = []
    for key in keys:
        if key.split(".")[0] in ALIKE or key == "training.seed":
            ours, theirs = (run.settings.get(key, Setting("absent", "")).value for run in (first, other))
            if ours != theirs:
                found.append(f"{key} (= {one_line(theirs)[:40]}, there {one_line(ours)[:40]})")
    if not found:  # the same description may have met another file
        hashes = [(run.facts.data or {}).get("sha256") for run in (first, other)]
        if hashes[0] != hashes[1]:
            found.append("data (another hash)")
    yield from found


def _runs(folder: Path) -> list[Path]:
    """Give the folders of the runs in a folder."""
    if (folder / "run.json").exists():
        return [folder]
    if (folder / COMPARISON).exists():
        found = read_checked(ComparisonFacts, folder / COMPARISON, "start the comparison again")
        return [folder / "runs" / name for name in found.runs]
    kept = sorted(path.parent for path in (folder / "runs").glob("*/run.json"))
    if kept:
        return kept
    if (folder / "sweep.toml").exists():
        raise TwinError(f"{folder}: is a sweep that kept no run; sweep once more into a new folder with --keep")
    what = "holds no run, comparison or sweep" if folder.is_dir() else "no such folder"
    raise TwinError(f"{one_line(str(folder))}: {what}; name a folder that `twin run`, `compare` or `sweep --keep` left")


def _load(folder: Path) -> Finished:
    facts = read_facts(folder)
    if not is_finished(folder):
        whole = folder.parent.parent
        resume = f"twin resume {whole}" if (whole / COMPARISON).exists() else "the command that began it"
        raise TwinError(f"{folder}: is not finished; finish it with: {resume}")
    summary = read_summary(folder)
    result = run_of(folder, summary)
    _check_whole(folder, result, summary)
    return Finished(folder, result, _settings(folder, facts), facts)


def _check_whole(folder: Path, result: RunResult, summary: Mapping[str, Any]) -> None:
    """Refuse tables that have lost rows: they must add up to the totals that ``summary.json`` keeps."""
    sums = {
        "energy": (result.tables["energy"]["energy_J"].sum(), result.energy_J),
        "area": (result.tables["area"]["area_m2"].sum(), result.area_m2),
        "curve": (result.curve["samples"].max(), result.samples),
    }
    shares = summary["bound"]["critical_path_fraction"].values()
    sums["bound"] = (result.tables["bound"]["share"].sum(), math.fsum(shares))
    table = result.tables["traffic"]
    for path, totals in summary["traffic"]["per_sample_B"].items():
        moved = table.loc[table["path"] == path, "bytes"].sum()
        sums.setdefault("traffic", (moved, moved))
        kept = sum(value or 0.0 for value in totals.values()) * result.samples
        if not math.isclose(moved, kept, rel_tol=NEAR, abs_tol=NEAR):
            sums["traffic"] = (moved, kept)
    for name, (found, kept) in sums.items():
        if not math.isclose(float(found), float(kept), rel_tol=NEAR):
            raise TwinError(
                f"{folder / name}.csv: adds up to {found:.6g}, but summary.json has {kept:.6g}: "
                "cut short or edited; run it again"
            )


def _settings(folder: Path, facts: RunFacts) -> dict[str, Setting]:
    plan = plan_folder(folder)
    loaded: dict[str, Loaded[Any]] = {"": plan.workload, "chip.": plan.chip, "layout.": plan.layout}
    found = {"algorithm": Setting(plan.algorithm, "run.json"), "mode": Setting(plan.mode, "run.json")}
    found["version"] = Setting(facts.version, "run.json")
    for name, key in (("layout.", "layout"), ("chip.", "chip"), ("", "workload")):
        found[key] = Setting(vars(loaded[name].model)["name"], loaded[name].origins.get("name", ""))
    for prefix, one in loaded.items():
        for key, text in _flat(one.tables):
            if key.split(".")[0] not in ABOUT:
                found[prefix + key] = Setting(text, one.origins.get(key, _above(one.origins, key)))
    return found


def _above(origins: Mapping[str, str], key: str) -> str:
    """Give the origin of the nearest table above a key that has none of its own."""
    while "." in key:
        key = key.rpartition(".")[0]
        if key in origins:
            return origins[key]
    return ""


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Give every value of a TOML document by dotted key, as text."""
    below: Any = ()
    if isinstance(value, dict):
        below = value.items()
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        below = enumerate(value)
    else:
        yield path, value if isinstance(value, str) else json.dumps(value)
    for key, item in below:
        yield from _flat(item, f"{path}.{key}" if path else str(key))


def _tails(folders: Sequence[Path]) -> list[str]:
    """Give of every path the shortest end that no other has, or only the name that makes the difference."""
    paths = [folder.resolve().parts for folder in folders]
    tails = []
    for parts in paths:
        ends = [other for other in paths if other != parts]
        length = next(n for n in range(1, len(parts) + 1) if all(end[-n:] != parts[-n:] for end in ends))
        tails.append(parts[-length:])
    heads = [tail[0] for tail in tails]
    return heads if len(set(heads)) == len(heads) else ["/".join(tail) for tail in tails]
