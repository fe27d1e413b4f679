"""Figures that no test looks at are made but not drawn: drawing them takes most of the time of a short run."""

from contextlib import contextmanager

import pytest

from twin.report.figures import svg

BLANK = '<?xml version="1.0" encoding="utf-8"?>\n<svg width="1pt" height="1pt" viewBox="0 0 1 1">\n</svg>\n'
CONTENT = {".svg": BLANK.encode(), ".pdf": b"%PDF-1.4\n", ".png": b"\x89PNG\r\n\x1a\n"}
DRAW, DRAW_AS = svg.render, svg.render_as
UNDRAWN = f"from twin.report.figures import svg\nsvg.render = lambda _: {BLANK!r}\n"
"""Python that leaves the figures of another process empty."""


@contextmanager
def undrawn():
    """Leave figures empty within this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(svg, "render", lambda _: BLANK)
        patch.setattr(svg, "render_as", lambda _, suffix: CONTENT[suffix])
        yield


@contextmanager
def drawing():
    """Draw figures within this, as users see them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(svg, "render", DRAW)
        patch.setattr(svg, "render_as", DRAW_AS)
        yield
