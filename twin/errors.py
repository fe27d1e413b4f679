"""Errors a user can cause: one line, exit code 2, never a traceback."""


def one_line(text: str) -> str:
    """Escape what would break a message's single line or not be seen in it."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def counted(number: int, thing: str) -> str:
    """Write a number of things: ``1 train``, ``2 trains``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


class TwinError(Exception):
    """A user's mistake.

    The message is one line that names the place, the value, the rule and the likely fix,
    e.g. ``architectures/x.toml:24: tile.adc.energy (= 1.2): needs a unit, e.g. "1.2 pJ"``. Line breaks and invisible
    characters, which names in files may have, are shown escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))

    def _render_traceback_(self) -> list[str]:
        """Show the line alone in IPython and notebooks, which ask for this."""
        return [f"{type(self).__name__}: {self}"]


class DivergedError(TwinError):
    """Weights of a run that grew until its energy is no number any more."""
