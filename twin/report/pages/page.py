"""What every HTML page of the twin is made of: its template, its tables, its colours.

A page is one file: style and script stand in it, nothing is fetched, and it can be read without its script, which only
makes tables sortable and unfolds what is folded before printing. ``base.html.j2`` is the frame (a template extends it
and fills the blocks `facts`, `summary`, `contents` and `sections`), ``parts.html.j2`` has the macros for tables and
figures.
"""

import base64
import hashlib
import math
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from twin.files import slug
from twin.report.figures.palette import INKS
from twin.results.text import ABSENT, fixed
from twin.version import __version__

if TYPE_CHECKING:
    from jinja2 import Environment, Template


class Column(NamedTuple):
    """Heading of a column, the unit of its cells ("" for names and pure numbers), and whether it holds words."""

    name: str
    unit: str = ""
    words: bool = False


class Cell(NamedTuple):
    """What a cell shows, and the number its column is sorted by (NaN: last)."""

    text: str
    value: float = math.nan

    @classmethod
    def of(cls, value: float, scale: float = 1.0) -> "Cell":
        """Show a number in units of `scale` with three significant digits."""
        return cls(fixed(value, scale), value)

    @classmethod
    def whole(cls, value: float) -> "Cell":
        """Show a number with three significant digits, a whole one such as 65 as it is."""
        return cls(f"{value:,.0f}" if math.isfinite(value) and value.is_integer() else fixed(value), value)


class Grid(NamedTuple):
    """A table.

    Attributes
    ----------
    caption : str
        Unique in its page.
    columns : sequence of Column
        The first is the heading of its row.
    rows : sequence of rows
        Of texts, or of cells where a text does not sort as its number does.
    last : int
        Rows at the end that stay there whatever the order, such as a sum.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str | Cell]]
    last: int = 0

    @property
    def id(self) -> str:
        """The name of the table within its page."""
        return f"table-{slug(self.caption)}"


def words(*names: str) -> list[Column]:
    """Make columns of words."""
    return [Column(name, words=True) for name in names]


def render_page(name: str, content: dict[str, Any]) -> str:
    """Fill a template of this folder; `content` needs a `title`.

    The page's policy refuses everything from elsewhere and every script but its own, so that a name in a description
    from a stranger can do nothing.
    """
    script = _read("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )
    shared = {"version": __version__, "inks": INKS, "style": _read("page.css"), "script": script, "policy": policy}
    return template(name).render(shared | content)


def template(name: str) -> "Template":
    """Return a template of this folder."""
    return _environment().get_template(name)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415
    from markupsafe import Markup  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("twin.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["svg"] = lambda drawing: Markup(drawing.inline)  # noqa: S704 - our own SVG
    environment.filters["cell"] = lambda cell: cell if isinstance(cell, Cell) else Cell(str(cell))
    environment.filters["tied"] = lambda text: str(text).replace(" %", "\u00a0%")  # no line ends before a unit
    environment.filters["key"] = lambda value: "" if math.isnan(value) else f"{value:.6g}"
    environment.globals["absent"] = ABSENT
    return environment


def _read(name: str) -> str:
    return files("twin.report").joinpath("templates", name).read_text(encoding="utf-8")
