"""How busy the tiles were, and the busiest server of every other kind."""

from collections.abc import Sequence

from twin.report.figures.palette import INKS
from twin.report.figures.svg import INK, Drawing, figure, heading, nothing, styled
from twin.results.result import RunResult
from twin.results.text import percent

PANEL = 3.9
MAX_TILES = 12


def utilisation_panels(runs: Sequence[RunResult]) -> list[Drawing]:
    """Draw how busy each tile was, and the busiest server of every other kind."""
    with styled():
        return [_utilisation(number, run) for number, run in enumerate(runs)]


def _utilisation(number: int, run: RunResult) -> Drawing:
    servers = run.tables["servers"]
    tiles = servers[servers["kind"] == "tile"].sort_values("utilisation", ascending=False, kind="stable")
    others = servers[servers["kind"] != "tile"].sort_values("utilisation", ascending=False, kind="stable")
    others = others.drop_duplicates("kind")
    labels = [str(name) for name in tiles["server"][:MAX_TILES]] + [f"{name}*" for name in others["server"]]
    values = [float(v) for v in [*tiles["utilisation"][:MAX_TILES], *others["utilisation"]]]
    hues = ["blue"] * min(len(tiles), MAX_TILES) + ["grey"] * len(others)
    drawn = figure(PANEL, 0.85 + 0.24 * max(1, len(values)))
    axes = drawn.add_subplot()
    heading(axes, run.name)
    title = f"Utilisation, {run.name}"
    if not values:
        nothing(axes, "no servers")
        return Drawing(f"utilisation-{number}", title, f"{run.name}: no servers.", drawn)
    axes.barh(labels, [100 * v for v in values], 0.7, color=[INKS[hue].light for hue in hues])
    for position, value in enumerate(values):
        axes.annotate(f" {percent(value)}", (100 * value, position), va="center", fontsize=9, color=INK)
    axes.invert_yaxis()
    axes.set_xlim(0, 115)
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("busy (% of the simulated time)")
    left = len(tiles) - MAX_TILES
    described = ", ".join(f"{name} {percent(value)} %" for name, value in zip(labels, values, strict=True))
    more = f"; {left} tiles that were less busy are not shown" if left > 0 else ""
    return Drawing(f"utilisation-{number}", title, f"{run.name}: {described}{more}.", drawn)
