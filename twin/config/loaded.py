"""A description as it is handed about: the model, and where each of its values came from."""

from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from twin.config.part import Part, forget_reads, unread

Model = TypeVar("Model", bound=Part)


@dataclass(frozen=True)
class Loaded(Generic[Model]):
    """A loaded description.

    Attributes
    ----------
    model : Part
        The frozen model, SI floats inside.
    origins : dict of str to str
        By dotted key: ``"architectures/aimc-512.toml:24"``, ``"preset newton-9b"``, ``"command line"`` or
        ``"default"``.
    sources : dict of str to (str, str)
        By dotted key: status (S, S2, L, D, M, assumption) and citation; empty for layouts.
    label : str
        The file, as messages name it.
    tables : dict
        What the model was made from: the file's tables with overrides and presets in place, quantities as text.
    derived_from : frozenset of str
        The keys of a chip that values which it leaves out were derived from and nothing else may read.
    notes : tuple of str
        What a user may have overlooked when the description was loaded, a line each.
    """

    model: Model
    origins: dict[str, str]
    sources: dict[str, tuple[str, str]]
    label: str
    tables: dict[str, Any]
    derived_from: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    def fresh(self) -> "Loaded[Model]":
        """Return the same description of which nothing has been read yet."""
        model = self.model.model_copy(deep=True)
        forget_reads(model)
        return replace(self, model=model)

    def without_effect(self) -> list[str]:
        """List what the user set, in the file or on the command line, and nothing has read so far."""
        filled = ("default", "preset ", "derived ")
        mine = {key for key, origin in self.origins.items() if not origin.startswith(filled)}
        return [key for key in unread(self.model) if key in mine - self.derived_from]
