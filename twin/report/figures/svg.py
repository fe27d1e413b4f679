"""Matplotlib figures as deterministic SVG and PDF: for a paper as they are, for a page with its own colours."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from twin.files import write_bytes, write_text
from twin.report.figures.palette import GRID, INKS, PAGE, TEXT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]

INK = INKS[TEXT].light
RULE = INKS[GRID].light

FORMATS = (".svg", ".pdf", ".png")
DOTS_PER_INCH = 200
"""Of a PNG, which is white paper: a slide takes it, a page cannot turn it dark."""

STYLE: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text: small, searchable, in the reader's font
    "svg.hashsalt": "twin",
    "pdf.fonttype": 42,  # TrueType: text that a journal's tools can search and edit
    "text.parse_math": False,  # a run may be called "$5"
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "legend.fontsize": 9.5,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.minor.bottom": False,
    "ytick.minor.left": False,
    "axes.edgecolor": RULE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 1.8,
}


@dataclass(frozen=True)
class Drawing:
    """A figure: file name stem, title, text for those who cannot see it, and what it is drawn from or its SVG."""

    name: str
    title: str
    description: str
    source: "Figure | str"

    @cached_property
    def svg(self) -> str:
        """The SVG document; it is drawn when it is first asked for, which takes much longer than making the figure."""
        if isinstance(self.source, str):
            return self.source
        with styled():
            return render(self.source)

    def pdf(self) -> bytes:
        """Give the same figure as PDF, fonts embedded as TrueType; this takes as long as drawing it did.

        Raises
        ------
        ValueError
            Where only the SVG document was given.
        """
        if isinstance(self.source, str):
            raise ValueError(f"figure {self.name!r} is an SVG document alone")  # noqa: TRY004 - as documented
        _ = self.svg  # lays it out
        self.source.set_layout_engine("none")
        with styled():
            return render_as(self.source, ".pdf")

    @property
    def inline(self) -> str:
        """The SVG element for an HTML page: its colours are the page's variables, its ids unique."""
        body = _compact(self.svg[self.svg.index("<svg") :])
        body = re.sub(r'(\bid="|url\(#|xlink:href="#)', rf"\g<1>{self.name}-", body)
        for hue, ink in INKS.items():
            body = body.replace(ink.light, f"var(--{hue})")
        attributes = f'role="img" aria-labelledby="{self.name}-title" aria-describedby="{self.name}-desc"'
        labels = (
            f'<title id="{self.name}-title">{escape(self.title)}</title>'
            f'<desc id="{self.name}-desc">{escape(self.description)}</desc>'
        )
        tag, rest = body.split(">", 1)
        tag = re.sub(r' (width|height|version)="[^"]*"', "", " ".join(tag.split()))
        return f"{tag} {attributes}>{labels}{rest}"


def write_drawing(drawing: Drawing, folder: Path) -> None:
    """Write ``NAME.svg`` and, where the figure itself is at hand, ``NAME.pdf``."""
    write_text(folder / f"{drawing.name}.svg", drawing.svg)
    if not isinstance(drawing.source, str):
        write_bytes(folder / f"{drawing.name}.pdf", drawing.pdf())


@contextmanager
def styled() -> Iterator[None]:
    """Draw within this: the style, and no warning for a glyph that only the reader's font has."""
    from matplotlib import rc_context, rcParamsDefault  # noqa: PLC0415

    style: Any = dict(rcParamsDefault) | STYLE  # whatever the user's matplotlibrc says
    style = {key: value for key, value in style.items() if not key.startswith("backend")}
    with warnings.catch_warnings(), rc_context(style):
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        yield


def figure(width_in: float, height_in: float) -> "Figure":
    """Make an empty figure that lays itself out."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    return Figure(figsize=(width_in, height_in), layout="constrained")


def render(drawn: "Figure") -> str:
    """Give the SVG document of a figure: the same bytes for the same figure, no date."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415

    FigureCanvasSVG(drawn)
    text = io.StringIO()
    drawn.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def render_as(drawn: "Figure", suffix: str) -> bytes:
    """Give a figure in the format of one of `FORMATS`: the same bytes for the same figure, no date."""
    if suffix == ".svg":
        return render(drawn).encode()
    content = io.BytesIO()
    if suffix == ".pdf":
        from matplotlib.backends.backend_pdf import FigureCanvasPdf  # noqa: PLC0415

        FigureCanvasPdf(drawn)
        drawn.savefig(content, format="pdf", metadata={"CreationDate": None})
    else:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415

        FigureCanvasAgg(drawn)
        drawn.savefig(content, format="png", dpi=DOTS_PER_INCH, facecolor=INKS[PAGE].light, metadata={"Software": None})
    return content.getvalue()


def boxes(axes: "Axes", left: Floats, bottom: Floats, width: Floats, height: Floats, **look: Any) -> None:
    """Draw rectangles of one look as one path, which is small in a file; the axes keep their limits."""
    from matplotlib.patches import PathPatch  # noqa: PLC0415
    from matplotlib.path import Path as Outline  # noqa: PLC0415

    if not len(left):
        return
    x = np.stack([left, left + width, left + width, left, left], axis=1)
    y = np.stack([bottom, bottom, bottom + height, bottom + height, bottom], axis=1)
    codes = np.array([Outline.MOVETO, *[Outline.LINETO] * 3, Outline.CLOSEPOLY], np.uint8)
    outline = Outline(np.stack([x.ravel(), y.ravel()], axis=1), np.tile(codes, len(left)))
    axes.add_patch(PathPatch(outline, **{"linewidth": 0} | look))


def heading(axes: "Axes", text: str) -> None:
    """Write the name or letter of a panel above its left edge."""
    axes.set_title(text, loc="left", fontweight="bold")


def nothing(axes: "Axes", text: str) -> None:
    """Say that there is nothing to draw."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes)


def _compact(body: str) -> str:
    """Drop what a page does not need: metadata, its own style, idle ids, digits beyond 0.1 pt, but not of opacities."""
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r' transform="rotate\(-0 [^"]*"|font-family: [^;"]*;? ?', "", body)
    used = set(re.findall(r'(?:url\(|xlink:href=")#([^")]+)', body))
    body = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", body)
    body = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(?<!opacity: 0)(\.\d)\d+", r"\1", tag[0]), body)
    body = re.sub(r' d="[^"]*"', lambda path: re.sub(r"\s*([MLCQz])\s*", r"\1", path[0]), body)
    body = re.sub(r"; stroke-linejoin: miter|; stroke-linecap: square", "", body)  # as the page's style has it
    body = re.sub(rf'(<text style="[^"]*?); fill: {INK}"', r'\1"', body)
    if "<g " not in body:  # groups that say nothing
        body = re.sub(r"</?g/?>", "", body)
    return re.sub(r"\s*\n\s*", "\n", body)
