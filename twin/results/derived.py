"""Rates and ratios of a finished run: per second, per sample, against a baseline."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.errors import TwinError
from twin.results.result import NO_EFFECT, RunResult
from twin.results.text import fixed, percent

if TYPE_CHECKING:
    import pandas as pd

IDLE = ("idle", "clock", "controller")
"""Components of energy that flow while parts are awake, in use or not."""
STATIC = ("leakage",)
PATHS = ("link", "buffer", "memory", "host", "network", "cluster", "chip_link")


@dataclass(frozen=True)
class Derived:
    """What follows from a run's totals; NaN where a part does not exist.

    Attributes
    ----------
    samples_per_s : float
        Training samples a simulated second, everything before and between samples included.
    energy_J_per_sample : float
    samples_per_s_per_mm2 : float
    samples_per_J : float
    bytes_per_sample : dict
        (path, "H" or "other") -> bytes, for every path in `PATHS`.
    tile_utilisation_mean, tile_utilisation_max : float
        Fraction of the makespan; NaN without tiles.
    tile_bubble_mean : float
        Share of the time after the set-up, while steps are under way, that tiles are idle; NaN where it is unknown.
    speed : float
        `samples_per_s` over that of the baseline.
    """

    samples_per_s: float
    energy_J_per_sample: float
    samples_per_s_per_mm2: float
    samples_per_J: float
    bytes_per_sample: dict[tuple[str, str], float]
    tile_utilisation_mean: float
    tile_utilisation_max: float
    tile_bubble_mean: float
    speed: float


class EnergyParts(NamedTuple):
    """The energy of a run: of operations, of parts that are awake, and leakage."""

    dynamic_J: float
    idle_J: float
    static_J: float

    @property
    def without_static_J(self) -> float:
        """All but leakage."""
        return self.dynamic_J + self.idle_J


def energy_parts(run: RunResult) -> EnergyParts:
    """Divide the energy of a run; waking belongs to the operations."""
    energy = run.tables["energy"]
    idle, static = (float(energy.loc[energy["component"].isin(names), "energy_J"].sum()) for names in (IDLE, STATIC))
    apart = energy["component"].isin([*IDLE, *STATIC])
    return EnergyParts(float(energy.loc[~apart, "energy_J"].sum()), idle, static)


def divided(run: RunResult) -> str:
    """Say in one line how the energy divides."""
    parts = energy_parts(run)
    if not run.energy_J:
        return ""
    names = zip(("dynamic", "idle", "static"), parts, strict=True)
    return ", ".join(f"{name} {percent(joules / run.energy_J)} %" for name, joules in names if joules or name != "idle")


def derive(run: RunResult, baseline: RunResult) -> Derived:
    """Compute the rates of `run`, its speed relative to `baseline`."""
    servers = run.tables["servers"]
    tiles = servers.loc[servers["kind"] == "tile", "utilisation"]
    weights = servers.loc[tiles.index, "copies"] if "copies" in servers else None
    rate = _ratio(run.samples, run.makespan_s)
    return Derived(
        samples_per_s=rate,
        energy_J_per_sample=_ratio(run.energy_J, run.samples),
        samples_per_s_per_mm2=_ratio(rate, run.area_m2 * 1e6),
        samples_per_J=_ratio(run.samples, run.energy_J),
        bytes_per_sample=_traffic(run.tables["traffic"], run.samples),
        tile_utilisation_mean=float(np.average(tiles, weights=weights)) if len(tiles) else math.nan,
        tile_utilisation_max=float(tiles.max()) if len(tiles) else math.nan,
        tile_bubble_mean=float(servers.loc[tiles.index, "bubble"].mean()) if "bubble" in servers else math.nan,
        speed=_ratio(rate, _ratio(baseline.samples, baseline.makespan_s)),
    )


def interval(run: RunResult) -> str:
    """Say how far a sampled time, and the leakage in the energy, can be trusted; nothing where all of it was run."""
    if run.makespan_interval_s == 0:
        return ""
    if math.isnan(run.makespan_interval_s):
        return "sampled, interval unknown: fewer than 2 windows"
    energy = percent(energy_interval_J(run) / run.energy_J) if run.energy_J else percent(0.0)
    return f"sampled, ± {percent(run.makespan_interval_s / run.makespan_s)} % (95 %); energy ± {energy} %"


def energy_interval_J(run: RunResult) -> float:
    """Give half the width of the 95 % interval of the energy, J: only what flows without operations takes time.

    It counts the leakage of parts that are awake, an upper bound where parts are gated.
    """
    idle_W = energy_parts(run).idle_J / run.makespan_s if run.makespan_s else 0.0
    return run.leakage_W * run.makespan_interval_s + idle_W * run.makespan_interval_s


def derive_all(runs: Sequence[RunResult]) -> list[Derived]:
    """Compute the rates of all runs; the first is the baseline.

    Raises
    ------
    TwinError
        When there is no run or two have the same name.
    """
    if not runs:
        raise TwinError("report: no finished run to report; run `twin compare` first")
    names = [run.name for run in runs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise TwinError(f"report: two runs are called {twice!r}; give each a name of its own")
    return [derive(run, runs[0]) for run in runs]


def grouped_warnings(runs: Sequence[RunResult]) -> list[tuple[str, str]]:
    """Give every warning once, with the names of the runs that gave it ("" for all of several)."""
    found: dict[str, list[str]] = {}
    for run in runs:
        for text in dict.fromkeys(summed(run.warnings)):
            found.setdefault(text, []).append(run.name)
    return [(text, "" if len(names) == len(runs) > 1 else ", ".join(names)) for text, names in found.items()]


def summed(warnings: Iterable[str]) -> list[str]:
    """Make one line of warnings about keys of the same description or table that had no effect."""
    found: list[str] = []
    for about, own in groupby(warnings, _table):
        lines = list(own)
        if about and len(lines) > 1:
            keys = ", ".join(line.removesuffix(NO_EFFECT).strip() for line in lines)
            lines = [f"{len(lines)} keys of {about} ({keys}) each {NO_EFFECT}"]
        found += lines
    return found


def _table(warning: str) -> str:
    """Name the chip or the table whose key had no effect; empty for other warnings."""
    if not warning.endswith(NO_EFFECT):
        return ""
    table, _, rest = warning.partition(".")
    return f"{table}.{rest.partition('.')[0]}" if table == "algorithms" else "the chip" if table == "chip" else table


def measure(runs: Sequence[RunResult]) -> tuple[str, str]:
    """Give what was tested and its unit: test error in percent, of regressions the test loss."""
    return ("test loss", "") if all(run.regression for run in runs) else ("test error", "%")


def tested(run: RunResult, value: float) -> str:
    """Give a test error in percent, or a test loss, without unit."""
    return fixed(value) if run.regression else percent(value)


def facts(runs: Sequence[RunResult]) -> list[tuple[str, str]]:
    """Give what a page says first of its runs: device, data, seed, epochs where anything was trained, and samples."""
    trained = [run for run in runs if run.device or run.curve["train_loss"].notna().any()]
    found = {
        "device": [run.device for run in trained],
        "data": [run.data for run in trained],
        "seed": [str(run.seed) for run in trained],
        "epochs": [str(run.epochs) for run in trained],
        "training": [] if trained else ["none, timed only"],
        "samples a run": [f"{run.samples:,}" for run in runs],
    }
    listed = {name: ", ".join(dict.fromkeys(filter(None, texts))) for name, texts in found.items()}
    return [(name, text) for name, text in listed.items() if text]


def busiest_links(run: RunResult, most: int = 5) -> list[tuple[str, float, float]]:
    """Give name, utilisation and bytes a sample of the busiest links of a network; nothing where there is none."""
    if "links" not in run.tables:
        return []
    rows = run.tables["links"].nlargest(most, "utilisation", keep="all")[:most]
    found = rows[["link", "utilisation", "bytes"]].itertuples(index=False, name=None)
    return [(str(link), float(share), _ratio(float(size), run.samples)) for link, share, size in found]


def is_timed_only(runs: Sequence[RunResult]) -> bool:
    """Return whether no run was trained, so that there is no accuracy to show."""
    return not any(math.isfinite(run.test_error) for run in runs)


def tiles(run: RunResult) -> int:
    """Give the number of tiles of all chips."""
    area = run.tables["area"]
    return int(area.loc[area["part"] == "tile periphery", "count"].sum())


def bandwidth_per_chip(run: RunResult, path: str) -> float:
    """Give the bytes a second over a path, a chip, as a mean over the run."""
    traffic = run.tables["traffic"]
    moved = float(traffic.loc[traffic["path"] == path, "bytes"].sum())
    return _ratio(moved, run.makespan_s * run.chips)


def bound_shares(run: RunResult) -> dict[str, float]:
    """Give the shares of the critical path by what was in service, largest first."""
    table = run.tables["bound"]
    names = [column for column in ("layer", "kind") if column in table.columns]
    shares: dict[str, float] = {}
    for what, share, *rest in table[["what", "share", *names]].itertuples(index=False, name=None):
        label = str(what)
        if len(rest) == 2:
            label = f"{rest[1]} on {what}" if int(rest[0]) < 0 else f"layer {rest[0]} {rest[1]} on {what}"
        shares[label] = shares.get(label, 0.0) + float(share)
    return dict(sorted(shares.items(), key=lambda entry: -entry[1]))


def wait_shares(run: RunResult) -> dict[str, float]:
    """Give the shares of the critical path by what its next operation waited for, largest first."""
    table = run.tables["bound"]
    if "cause" not in table.columns:
        return {}
    waits = table[~table["cause"].isin(["start", "end"])].groupby("cause", sort=False)["share"].sum()
    return {str(cause): float(share) for cause, share in waits.sort_values(ascending=False).items()}


def _traffic(traffic: "pd.DataFrame", samples: int) -> dict[tuple[str, str], float]:
    n_bytes, paths = traffic["bytes"].to_numpy(), traffic["path"].to_numpy(object)
    is_h = traffic["stream"].to_numpy(object) == "H"
    return {
        (path, what): _ratio(float(n_bytes[(paths == path) & rows].sum()), samples)
        for path in PATHS
        for what, rows in (("H", is_h), ("other", ~is_h))
    }


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else math.nan
