"""What `twin show NAME KEY` prints: a key, or those of a table, each with its meaning, value, source and origin."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from twin.config.chip import Chip
from twin.config.meaning import meanings_of
from twin.config.part import Part, dotted, leaves, meanings
from twin.config.presets import families, presets
from twin.config.resources import suggestion
from twin.descriptions.load import models_in
from twin.errors import TwinError, one_line
from twin.results.result import Source
from twin.runs.constants import description_rows, device_families
from twin.runs.names import load_shown, preset_rows

FAMILY = "Kind of device: how its steps depend on the weight, and which parameters it has."


class Said(NamedTuple):
    """What is said of a description or a preset: the meaning of every key, and the values that there are.

    `absent` are the keys that may be given and are not.
    """

    meanings: Mapping[str, str]
    rows: Mapping[str, Source]
    absent: frozenset[str] = frozenset()

    def of(self, key: str) -> str:
        """Return the meaning of a key; what a table of free names holds has that of the table."""
        while key not in self.meanings:
            key = key.rpartition(".")[0]
        return self.meanings[key]

    def lines(self, key: str) -> Iterator[Text | Padding]:
        """Give the lines on one key: its value, its meaning, who says so, and where it was set."""
        row = self.rows.get(key)
        value = " (not given)" if key in self.absent else "" if row is None else f" = {row.value} {row.unit}".rstrip()
        yield Text.assemble((key, "bold"), value)
        yield _below(Text(self.of(key).replace("``", "`")))
        if row is not None and row.status:
            yield _below(Text(f"{row.status}: {row.source}", style="dim"))
        if row is not None and row.origin:
            yield _below(Text(row.origin, style="dim"))


def _below(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, 4), expand=False)


def key_group(name: str, key: str) -> Group:
    """Say what a key of a description or preset means, or every key of a table.

    Raises
    ------
    TwinError
        Where there is nothing of this name, or no such key in it.
    """
    said = said_of(name)
    every = dict.fromkeys((*said.meanings, *said.rows))
    keys = [one for one in every if one == key or one.startswith(f"{key}.")]
    if not keys:
        raise TwinError(f"{one_line(key)}: is no key of {name}{suggestion(key, every)}")
    return Group(*(line for one in keys for line in said.lines(one)))


def said_of(name: str) -> Said:
    """Return what is said of a description or preset; raises TwinError where nothing has this name."""
    return _of_preset(name) or _of_description(name)


def _of_preset(name: str) -> Said | None:
    """Return what is said of a preset; None where no preset has this name."""
    rows = {row.key: row for row in preset_rows(name)}
    if not rows:
        return None
    model = _part(name)
    if model is None:
        from twin.devices import device_preset

        model = type(device_preset(name))
    meaning = {"family": FAMILY, **meanings_of(model)}
    return Said({key: meaning[key] for key in rows}, rows)


def _part(name: str) -> type[Part] | None:
    """Find the table of a chip that a preset of a part fills; None where no part has this name."""
    for path, family in families("chip"):
        if name in presets(family):
            models: list[type[Part]] = [Chip]
            for step in path:
                fields = [model.model_fields[str(step)] for model in models]
                models = [model for field in fields for model in models_in(field.annotation, field.metadata)]
            keys = presets(family)[name].values.keys()
            return next(model for model in models if keys <= model.model_fields.keys())
    return None


def _of_description(name: str) -> Said:
    """Return what is said of a description, and of the parameters of its devices."""
    loaded = load_shown(name)
    model: Part = loaded.model
    said = {key: text for key, text in meanings(model).items() if not key.endswith(".overrides")}
    for table, family in device_families(loaded):
        said[f"{table}.family"] = FAMILY
        said |= {f"{table}.{key}": text for key, text in meanings(family).items()}
    absent = frozenset(dotted(path) for path, _, _, value in leaves(model) if value is None)
    return Said(said, {row.key: row for row in description_rows(loaded)}, absent)
