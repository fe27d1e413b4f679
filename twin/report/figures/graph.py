"""The network of a run as a graph from top to bottom: every node by its name, shaded by the energy of its layer."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from twin.report.figures.floorplan import STEPS, shade
from twin.report.figures.layered import Item, Layered, Spot, layered
from twin.report.figures.palette import INKS
from twin.report.figures.svg import INK, Drawing, boxes, figure, heading, styled
from twin.results.result import RunResult
from twin.results.text import fixed, scale, si

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SAMPLE = "input"
MOST_NODES = 200
"""The names of more could not be read."""

WIDTH, HEIGHT, PITCH = 1.14, 0.36, 0.54
"""Of a node, and from one rank to the next, in inches."""

PASSING, GUTTER = 0.22, 0.3
LEAST_WIDTH, LEAST_HEIGHT = 6.5, 1.2
TALLEST = 12  # ranks that are not wrapped
ASPECT = 1.3
"""Width over height that a page has room for; the ranks are wrapped into columns accordingly."""

LONGEST = 19
HUE = "wine"
Point = tuple[float, float]


def graph_panels(runs: Sequence[RunResult]) -> list[Drawing]:
    """Draw the graphs of networks with digital nodes: of every algorithm its first run, for layouts differ little."""
    first = {run.algorithm: (number, run) for number, run in reversed([*enumerate(runs)]) if _drawn(run)}
    with styled():
        return [_panel(number, run) for number, run in sorted(first.values(), key=lambda entry: entry[0])]


def _drawn(run: RunResult) -> bool:
    return "nodes" in run.tables and 0 < len(run.tables["nodes"]) <= MOST_NODES


def _panel(number: int, run: RunResult) -> Drawing:
    nodes = run.tables["nodes"]
    plan = _laid_out(nodes)
    joules = _joules(run)
    levels = nodes["layer"].map(joules).fillna(0.0).to_numpy() / (max(joules.values(), default=0.0) or 1.0)
    pitch = 2 * plan.reach + GUTTER
    width, height = plan.columns * pitch, plan.ranks * PITCH
    drawn = figure(max(width, LEAST_WIDTH) + 0.2, max(height, LEAST_HEIGHT) + 0.8)
    axes = drawn.add_subplot()
    heading(axes, run.name)
    at = {item: _point(spot, pitch) for item, spot in plan.spots.items()}
    _edges(axes, plan, at, pitch)
    _nodes(axes, nodes, at, levels)
    spare = max(0.0, LEAST_WIDTH - width) / 2
    axes.set_xlim(-pitch / 2 - spare, width - pitch / 2 + spare)
    axes.set_ylim(height - 0.45 * PITCH, -0.55 * PITCH)
    axes.set_aspect("equal")
    axes.set_axis_off()
    drawn.legend(handles=_legend(joules), loc="outside lower center", ncols=4, handlelength=1.2, columnspacing=1.0)
    return Drawing(f"graph-{number}", f"Network, {run.name}", _described(run, joules), drawn)


def _laid_out(nodes: "pd.DataFrame") -> Layered:
    """Wrap the graph into as many columns as make the page's aspect."""
    inputs = {SAMPLE: ()} | {
        str(name): tuple(given.split()) for name, given in zip(nodes["node"], nodes["inputs"], strict=True)
    }
    plans = [layered(inputs, columns, WIDTH + 0.1, PASSING) for columns in range(1, 6)]
    if plans[0].ranks <= TALLEST:
        return plans[0]

    def size(plan: Layered) -> float:
        return max(plan.columns * (2 * plan.reach + GUTTER), plan.ranks * PITCH * ASPECT)

    return min(plans, key=size)


def _joules(run: RunResult) -> dict[int, float]:
    """Return the joules a sample of every layer, leakage left out."""
    energy = run.tables["energy"]
    sums = energy[energy["layer"] >= 0].groupby("layer")["energy_J"].sum() / max(run.samples, 1)
    return dict(zip(sums.index.tolist(), sums.tolist(), strict=True))


def _point(spot: Spot, pitch: float) -> Point:
    return spot.column * pitch + spot.x, spot.rank * PITCH


def _edges(axes: "Axes", plan: Layered, at: dict[Item, Point], pitch: float) -> None:
    """Draw all edges as one path, and their heads as another."""
    from matplotlib.patches import PathPatch  # noqa: PLC0415
    from matplotlib.path import Path as Outline  # noqa: PLC0415

    grey = INKS["grey"].light
    lines = [line for pair in _pairs(plan) for line in _line(pair, plan, at, pitch)]
    codes = [
        code
        for line in lines
        for code in (Outline.MOVETO, *[Outline.CURVE4 if len(line) == 4 else Outline.LINETO] * (len(line) - 1))
    ]
    points = [point for line in lines for point in line]
    axes.add_patch(PathPatch(Outline(points, codes), facecolor="none", edgecolor=grey, linewidth=0.9))
    tips = [at[item] for item in dict.fromkeys(path[-1] for path in plan.paths)]
    heads = [
        ((x, y - HEIGHT / 2), (x - 0.035, y - HEIGHT / 2 - 0.07), (x + 0.035, y - HEIGHT / 2 - 0.07)) for x, y in tips
    ]
    outline = Outline(
        [point for head in heads for point in (*head, head[0])],
        [Outline.MOVETO, Outline.LINETO, Outline.LINETO, Outline.CLOSEPOLY] * len(heads),
    )
    axes.add_patch(PathPatch(outline, facecolor=grey, linewidth=0))


def _pairs(plan: Layered) -> Iterator[tuple[Item, Item]]:
    yield from {pair: None for path in plan.paths for pair in pairwise(path)}


def _line(pair: tuple[Item, Item], plan: Layered, at: dict[Item, Point], pitch: float) -> Iterator[list[Point]]:
    """Yield the lines of an edge between two ranks: a curve, round to the next column where the ranks are wrapped."""
    (x0, y0), (x1, y1) = (at[item] for item in pair)
    out = y0 + (HEIGHT / 2 if pair[0].rank is None else 0.0)
    into = y1 - (HEIGHT / 2 if pair[1].rank is None else 0.0)
    if pair[1].rank is not None:  # on past the nodes of its rank
        yield [(x1, y1 - HEIGHT / 2), (x1, y1 + HEIGHT / 2)]
        into = y1 - HEIGHT / 2
    if pair[0].rank is not None:
        out = y0 + HEIGHT / 2
    if plan.spots[pair[0]].column == plan.spots[pair[1]].column:
        middle = (out + into) / 2
        yield [(x0, out), (x0, middle), (x1, middle), (x1, into)]
        return
    side = plan.spots[pair[1]].column * pitch - pitch / 2
    over, under = into - (PITCH - HEIGHT) / 2, out + (PITCH - HEIGHT) / 2
    yield [(x0, out), (x0, under), (side, under), (side, over), (x1, over), (x1, into)]


def _nodes(axes: "Axes", nodes: "pd.DataFrame", at: dict[Item, Point], levels: np.ndarray) -> None:
    """Draw the nodes of one shade as one path, outlines, strong ones around nodes with a matrix, and texts."""
    centres = np.array([at[Item(str(name))] for name in nodes["node"]])
    left, top = centres[:, 0] - WIDTH / 2, centres[:, 1] - HEIGHT / 2
    wide, high = np.full(len(nodes), WIDTH), np.full(len(nodes), HEIGHT)
    boxes(axes, left, top, wide, high, facecolor=INKS["page"].light)
    step = np.clip(np.ceil(levels * STEPS - 1e-9), 0, STEPS).astype(int)
    for one in range(1, STEPS + 1):
        mine = step == one
        boxes(axes, left[mine], top[mine], wide[mine], high[mine], facecolor=INKS[HUE].light, alpha=shade(one))
    analog = nodes["uses"].to_numpy() > 0
    for mine, strength, ink in ((~analog, 0.6, INKS["grey"].light), (analog, 1.4, INK)):
        boxes(axes, left[mine], top[mine], wide[mine], high[mine], facecolor="none", edgecolor=ink, linewidth=strength)
    for (x, y), name, kind, shape in zip(centres, nodes["node"], nodes["kind"], nodes["shape"], strict=True):
        axes.text(x, y - 0.075, _short(str(name)), ha="center", va="center", fontsize=7.5, color=INK)
        axes.text(x, y + 0.085, _short(f"{kind}  {shape}"), ha="center", va="center", fontsize=6.5, color=INK)
    axes.text(*at[Item(SAMPLE)], SAMPLE, ha="center", va="center", fontsize=7.5, color=INK)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST + 4 else f"{text[: LONGEST + 3]}…"


def _legend(joules: dict[int, float]) -> list[object]:
    from matplotlib.patches import Patch  # noqa: PLC0415

    most = max(joules.values(), default=0.0)
    factor, unit = scale(most, "J")
    patches = [
        Patch(facecolor=INKS[HUE].light, alpha=shade(step), label=f"{fixed(most * step / STEPS * factor)} {unit}")
        for step in (2, 5, STEPS)
    ]
    return [*patches, Patch(facecolor="none", edgecolor=INK, linewidth=1.4, label="has a matrix")]


def _described(run: RunResult, joules: dict[int, float]) -> str:
    nodes = run.tables["nodes"]
    named = {layer: str(own["node"].iloc[0]) for layer, own in nodes[nodes["uses"] > 0].groupby("layer")}
    largest = sorted(joules.items(), key=lambda entry: -entry[1])[:3]
    most = ", ".join(f"{named.get(layer, layer)} {si(value, 'J')}" for layer, value in largest)
    return (
        f"{run.name}: {len(nodes)} nodes; the layers that spent most a sample, with what is worked out beside them: "
        f"{most}."
    )
