"""Where the keys of a description stand, for what can only be checked outside of the models."""

from collections.abc import Iterable

from twin.config.lines import key_lines
from twin.config.origins import show_value
from twin.config.part import KeyPath, visible
from twin.config.resources import Document, suggestion
from twin.errors import one_line


class Places:
    """The lines of a description, for messages that name them."""

    def __init__(self, document: Document) -> None:
        self.label = document.label
        self._lines = key_lines(document.text)

    def message(self, path: KeyPath, rule: str, *value: object) -> str:
        """Write the one line of an error: place, key, value if given, rule."""
        line = next((self._lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self._lines), 1)
        shown = f" (= {show_value(value[0])})" if value else ""
        return one_line(f"{self.label}:{line}: {visible(path)}{shown}: {rule}")

    def unknown(self, path: KeyPath, name: str, names: Iterable[str]) -> str:
        """Write the error of a name that is none of `names`."""
        return self.message(path, f"there is no such thing here{suggestion(name, names)}", name)
