"""The plausibility card: what a run comes to in the figures that papers print, beside published ones."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from twin.results.derived import energy_parts
from twin.results.result import RunResult
from twin.results.text import fixed, percent

if TYPE_CHECKING:
    import pandas as pd

OPERATIONS = ("forward", "backward", "update")
"""Kinds of operation that count: two operations a weight and use. What transfers and read-outs do is overhead."""
MOST_STATIC = 0.5
FAR = 10.0
"""How far outside of a band a figure is doubtful."""


class Band(NamedTuple):
    """What published chips have of a figure, and which are the lowest and the highest."""

    low: float
    high: float
    source: str


BANDS = {
    "TOPS/W": Band(2.48, 20.0, "HERMES, 64 cores in four phases (2023), to IBM's tile (2023)"),
    "TOPS/mm²": Band(0.40, 1.59, "HERMES, 64 cores in four phases (2023), to the HERMES core (2022); area of cores"),
    "pJ/MAC": Band(0.10, 0.81, "IBM's tile (2023) to HERMES, 64 cores in four phases (2023)"),
    "W/mm²": Band(0.16, 0.90, "HERMES, 64 cores (2023), to PANTHER (2020)"),
}
"""S2, as docs/validation/silicon.md has them: 63.1 TOPS / 9.76 TOPS/W over 64 x 0.634 mm², and 105 W over 117 mm²."""


class Entry(NamedTuple):
    """A line of the card: what it is, its value, what is published, and the likely reason where it is far from that."""

    what: str
    value: float
    published: str
    source: str
    doubt: str

    @property
    def shown(self) -> str:
        """The value as text."""
        return f"{percent(self.value)} %" if self.what == "static" else fixed(self.value)


def add_weights(table: "pd.DataFrame", shapes: Sequence[tuple[int, int]]) -> None:
    """Give a table of operations the weights of each one's layer, of layers of these shapes."""
    weights = {layer: rows * cols for layer, (rows, cols) in enumerate(shapes)}
    table["weights"] = [weights.get(layer, 0) for layer in table["layer"].to_list()]


def operations(run: RunResult) -> float:
    """Return the operations of forward, backward and update: two a weight and use; NaN where sizes are not known."""
    table = run.tables["operations"]
    if not {"weights", "uses"} <= set(table.columns):
        return math.nan
    counted = table[table["kind"].isin(OPERATIONS)]
    return float(2 * (counted["weights"] * counted["uses"]).sum())


def card(run: RunResult) -> list[Entry]:
    """Return the lines of the card that are known of a run, static share last."""
    work, mm2 = operations(run), run.area_m2 * 1e6
    known = run.energy_J > 0 and run.makespan_s > 0 and mm2 > 0
    if not known:
        return []
    values = {
        "TOPS/W": work / run.energy_J * 1e-12,
        "TOPS/mm²": work / run.makespan_s / mm2 * 1e-12,
        "pJ/MAC": 2 * run.energy_J / work * 1e12 if work else math.nan,
        "W/mm²": run.energy_J / run.makespan_s / mm2,
    }
    lines = [_entry(what, value, BANDS[what]) for what, value in values.items() if value > 0]
    share = energy_parts(run).static_J / run.energy_J
    doubt = f"{percent(share)} % of the energy is static, above {MOST_STATIC:.0%}" if share > MOST_STATIC else ""
    return [*lines, Entry("static", share, f"below {100 * MOST_STATIC:g} %", "", doubt)]


def doubts(run: RunResult) -> list[str]:
    """Return what of a run is implausible, a line for each likely reason."""
    found = [entry for entry in card(run) if entry.doubt]
    lines = [entry.doubt for entry in found if entry.what not in BANDS]
    for why in dict.fromkeys(entry.doubt for entry in found if entry.what in BANDS):
        figures = ", ".join(f"{one.what} of {one.shown} ({one.published})" for one in found if one.doubt == why)
        lines.append(f"{figures}: more than {FAR:g} times outside of published chips at full work: {why}")
    return lines


def _entry(what: str, value: float, band: Band) -> Entry:
    doubt = ""
    if not band.low / FAR <= value <= band.high * FAR:
        idle = value > band.high if what == "pJ/MAC" else value < band.low
        doubt = (
            "tiles stand idle, as with a small network, or a constant is wrong" if idle else "a constant may be wrong"
        )
    return Entry(what, value, f"{band.low:g} to {band.high:g}", band.source, doubt)
