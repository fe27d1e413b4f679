"""Where the silicon goes: by part, and by kind of part."""

from collections.abc import Mapping, Sequence

from twin.report.figures.bars import stacked
from twin.report.figures.svg import Drawing
from twin.results.result import RunResult

KINDS = {
    "crosspoints": ("arrays",),
    "converters": ("converters",),
    "tile periphery": ("tile periphery", "tile controllers"),
    "digital": ("digital units", "vector units", "vector unit"),
    "storage": ("registers", "buffer", "memory"),
    "wires": ("links", "routers", "links between chips"),
}
"""Parts by what they are for; one that none has is a kind of its own."""

PARTS = {
    "arrays": "orange", "converters": "blue", "tile periphery": "amber", "tile controllers": "sand",
    "digital units": "grey", "registers": "purple", "buffer": "teal", "memory": "indigo", "links": "olive",
    "routers": "green", "dies": "rose",
}  # fmt: skip
HUES = {
    "crosspoints": "orange", "converters": "blue", "tile periphery": "amber", "digital": "grey", "storage": "teal",
    "wires": "olive",
}  # fmt: skip


def area_bars(runs: Sequence[RunResult]) -> list[Drawing]:
    """Draw the area of every run as a bar, by part and by kind of part."""
    parts = {run.name: area_by_part(run) for run in runs}
    kinds = {name: by_kind(found) for name, found in parts.items()}
    return [
        stacked("area-by-part", "Area by part", parts, "mm²", PARTS),
        stacked("area-by-kind", "Area by kind of part", kinds, "mm²", HUES),
    ]


def area_by_part(run: RunResult) -> dict[str, float]:
    """Return the mm² of every part that has some."""
    sums = (run.tables["area"].groupby("part", sort=False)["area_m2"].sum() * 1e6).items()
    return {str(part): float(size) for part, size in sums if size > 0}


def by_kind(parts: Mapping[str, float]) -> dict[str, float]:
    """Return the mm² of every kind of part; what is named after a memory or buffer belongs to it."""
    found: dict[str, float] = {}
    for part, size in parts.items():
        kind = next((kind for kind, names in KINDS.items() if part in names or part.split()[0] in names), part)
        found[kind] = found.get(kind, 0.0) + size
    return found
