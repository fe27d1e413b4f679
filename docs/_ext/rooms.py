"""The rooms of the package and their arrows, read from its imports: a picture and a table for docs/architecture.md.

``python docs/_ext/rooms.py`` writes both again; a test holds them against the code.
"""

import ast
import sys
from pathlib import Path

import networkx as nx

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "kits"))

from imports_kit import PACKAGE, room_arrows  # noqa: E402

PAGE = ROOT / "docs" / "architecture.md"
PICTURE = ROOT / "docs" / "images" / "rooms.svg"
BEGIN, END = "<!-- rooms: written by docs/_ext/rooms.py -->", "<!-- end of rooms -->"
DOORS = {"twin", "__main__"}
GROUND = {"arrays", "console", "errors", "files", "operation", "units", "version"}
WIDTH, HEIGHT, GAP, ROW = 92, 30, 14, 74


def graph() -> nx.DiGraph:
    """Return the arrows between rooms above the ground, without the doors of Python itself."""
    pairs = [pair for pair in room_arrows() if not (set(pair) & (DOORS | GROUND))]
    found = nx.DiGraph(pairs)
    # single files, named in test_arrows.py
    exceptional = {("config", "chip"), ("chip", "kernels"), ("api", "cli")}
    found.remove_edges_from(exceptional)
    return found


def floors(arrows: nx.DiGraph) -> list[list[str]]:
    """Return the rooms by floor, the lowest first: each stands above all that it imports."""
    return [sorted(layer) for layer in nx.topological_generations(arrows.reverse())]


def meaning(room: str) -> str:
    """Return what a room says of itself."""
    path = PACKAGE / room / "__init__.py"
    text = (path if path.exists() else PACKAGE / f"{room}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]


def table() -> str:
    """Return the table of rooms, the highest floor first."""
    arrows = graph()
    lines = ["| room | what it is | imports |", "|---|---|---|"]
    for layer in reversed(floors(arrows)):
        for room in layer:
            below = ", ".join(f"`{other}`" for other in sorted(arrows.successors(room))) or "the ground"
            lines.append(f"| `{room}` | {meaning(room)} | {below} |")
    lines += [f"| `{room}` (ground) | {meaning(room)} | |" for room in sorted(GROUND)]
    return "\n".join(lines)


def picture() -> str:
    """Return the rooms as SVG: floors as rows, and the arrows that do not follow from others."""
    arrows = graph()
    layers = floors(arrows)
    widest = max(map(len, layers))
    width, height = widest * (WIDTH + GAP) + GAP, len(layers) * ROW + GAP
    at = {}
    for number, layer in enumerate(layers):
        left = (width - len(layer) * (WIDTH + GAP) + GAP) / 2
        for k, room in enumerate(layer):
            at[room] = left + k * (WIDTH + GAP), height - (number + 1) * ROW + GAP
    size = f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        "<title>Rooms of the package and who imports whom</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    for one, other in sorted(nx.transitive_reduction(arrows).edges):
        (x1, y1), (x2, y2) = at[one], at[other]
        ends = f'x1="{x1 + WIDTH / 2:g}" y1="{y1 + HEIGHT:g}" x2="{x2 + WIDTH / 2:g}" y2="{y2:g}"'
        parts.append(f'<line {ends} stroke="#8a8a8a" stroke-width="1.2"/>')
    for room, (x, y) in sorted(at.items()):
        parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="4" fill="#eef3f8" stroke="#35618e"/>'
            f'<text x="{x + WIDTH / 2:g}" y="{y + 20:g}" text-anchor="middle" fill="#16324f">{room}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def page(text: str) -> str:
    """Return the page with the table of today in it."""
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
