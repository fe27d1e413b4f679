"""Errors a user can cause: one line, exit code 2, never a traceback."""


class TwinError(Exception):
    """A user's mistake.

    The message is one line that names the place, the value, the rule and the likely fix,
    e.g. ``architectures/x.toml:24: tile.adc.energy (= 1.2): needs a unit, e.g. "1.2 pJ"``.
    """

    def _render_traceback_(self) -> list[str]:
        """Show the line alone in IPython and notebooks, which ask for this."""
        return [f"{type(self).__name__}: {self}"]
