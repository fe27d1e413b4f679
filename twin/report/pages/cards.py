"""The first screen: what every run came to, each figure beside that of the baseline, the first run."""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from twin.results.derived import Derived, derive_all, energy_parts, interval, is_timed_only, measure, tested, tiles
from twin.results.result import RunResult
from twin.results.text import ABSENT, fixed, percent, si

_WORK = re.compile(r" \([^()]*\)")
"""What took most of a part's time, which the section on the bound has."""


class Figure(NamedTuple):
    """One figure of a run: its label, its value with unit, and lines that say more."""

    label: str
    value: str
    more: list[str]


class Card(NamedTuple):
    """What the first screen says of a run."""

    name: str
    figures: list[Figure]
    bound: list[str]


def cards(runs: Sequence[RunResult]) -> list[Card]:
    """Give one card a run."""
    derived = derive_all(runs)
    return [Card(run.name, _figures(runs, derived, k), _bound(run)) for k, run in enumerate(runs)]


def _bound(run: RunResult) -> list[str]:
    """Say in a few short lines what bound the time: parts, the change that helps most, waits."""
    return _WORK.sub("", run.bound).split("; ")


def _figures(runs: Sequence[RunResult], derived: Sequence[Derived], k: int) -> list[Figure]:
    run, own, first, basis = runs[k], derived[k], runs[0], derived[0]

    def against(value: float, reference: float) -> list[str]:
        return [times(value, reference)] if k else []

    def moved(path: str) -> Figure:
        size, reference = (sum(one.bytes_per_sample[path, what] for what in ("H", "other")) for one in (own, basis))
        h = own.bytes_per_sample[path, "H"]
        more = [f"H {si(h, 'B')}"] if h else []
        return Figure(f"{path} per sample", si(size, "B"), [*more, *against(size, reference)])

    speed = [] if not k else ["speed unknown" if math.isnan(own.speed) else f"{fixed(own.speed)}× speed"]
    sampled = [interval(run)] if interval(run) else []
    chips = [f"{run.chips:,} chips, {tiles(run):,} tiles"] if run.chips > 1 else []
    dense = [f"{si(own.samples_per_s_per_mm2)} samples/s/mm²"] if own.samples_per_s_per_mm2 > 0 else []
    joules = own.energy_J_per_sample, basis.energy_J_per_sample
    return [
        *([] if is_timed_only(runs) else [Figure(measure([run])[0], *_accuracy(runs, k))]),
        Figure("time", si(run.makespan_s, "s"), [f"{si(own.samples_per_s)} samples/s", *speed, *sampled]),
        Figure(
            "energy",
            si(run.energy_J, "J"),
            [
                f"{si(joules[0], 'J')} a sample",
                *([f"{si(own.samples_per_J)} samples/J"] if own.samples_per_J > 0 else []),
                *against(*joules),
                *([f"{percent(energy_parts(run)[2] / run.energy_J)} % static"] if run.energy_J else []),
            ],
        ),
        Figure(
            "area",
            f"{fixed(run.area_m2, 1e-6)} mm²",
            [*chips, *dense, f"leaks {si(run.leakage_W, 'W')}", *against(run.area_m2, first.area_m2)],
        ),
        *(moved(path) for path in ("memory", "buffer", "host")),
        Figure("tiles busy", _percent(own.tile_utilisation_mean), _busiest(own)),
    ]


def _busiest(own: Derived) -> list[str]:
    """Name the busiest tile, and bubbles: what tiles are idle of a step on average."""
    bubble = [f"bubbles {_percent(own.tile_bubble_mean)}"] if math.isfinite(own.tile_bubble_mean) else []
    return [f"busiest {_percent(own.tile_utilisation_max)}", *bubble] if math.isfinite(own.tile_utilisation_max) else []


def times(value: float, reference: float) -> str:
    """Say what a value is to that of the baseline."""
    if reference and math.isfinite(value) and math.isfinite(reference):
        return f"{fixed(value / reference)}×"
    return "as baseline" if value == reference else "baseline: 0"


def _accuracy(runs: Sequence[RunResult], k: int) -> tuple[str, list[str]]:
    """Give the test error in percent and its difference from the baseline's in points; of losses, the ratio."""
    run, first = runs[k], runs[0]
    if not math.isfinite(run.test_error):
        return ABSENT, []
    unit = measure([run])[1]
    value = f"{tested(run, run.test_error)} {unit}".strip()
    if not k or not math.isfinite(first.test_error) or run.regression != first.regression:
        return value, []
    if run.regression:
        return value, [times(run.test_error, first.test_error)]
    return value, [f"{100 * (run.test_error - first.test_error):+.2f} points"]


def _percent(fraction: float) -> str:
    return f"{percent(fraction)} %" if math.isfinite(fraction) else ABSENT
