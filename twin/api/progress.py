"""How far a run is: a bar on a terminal, a line that is replaced in a notebook, lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from twin.console import Report, progress

QUIET_S = 1.0


@contextmanager
def shown(what: str, *, on: bool) -> Iterator[Report]:
    """Give what takes (name, done, total); `what` is said until the first of them comes."""
    if not on:
        yield lambda *_: None
    elif _in_notebook():
        line = _Line(what)
        try:
            yield line
        finally:
            line.clear()
    else:
        with progress(what, "done") as bar:
            yield bar


def _in_notebook() -> bool:
    """Return whether a kernel shows what this process displays; IPython is looked at only where it is at work."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython  # noqa: PLC0415

    return hasattr(get_ipython(), "kernel")


class _Line:
    """A line of text below the cell, once it takes longer than a second."""

    def __init__(self, what: str) -> None:
        self._text, self._begin, self._next = what, time.monotonic(), 0.0
        self._handle: Any = None

    def __call__(self, name: str, done: float, total: float) -> None:
        now = time.monotonic()
        if now - self._begin < QUIET_S or (now < self._next and done < total):
            return
        self._next = now + QUIET_S / 4
        self._show(f"{name}: {done:,.0f} of {total:,.0f}")

    def clear(self) -> None:
        """Leave an empty line where one was."""
        if self._handle is not None:
            self._show("")

    def _show(self, text: str) -> None:
        from IPython.display import HTML, display  # noqa: PLC0415

        content = HTML(f"<code>{text}</code>" if text else "")
        if self._handle is None:
            self._handle = display(content, display_id=True)
        else:
            self._handle.update(content)
