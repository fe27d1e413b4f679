"""BibTeX of what runs used: papers, parts and data, from the sources that the runs recorded."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from twin.results.result import RunResult

CITED = frozenset({"S", "S2", "D", "M"})
"""Statuses of values that somebody else has published, or that follow from such; others are our own."""
WHERE = frozenset({"cited", "algorithms", "data", "type"})
SPECIAL = str.maketrans(
    {char: f"\\{char}" for char in "&%$#_"} | dict.fromkeys("{}\\^", " ") | {"~": "-"},
)
NAMED = 6
"""Values that a note names; of more it says how many there are."""
SOFTWARE = """@software{twin,
  title = {twin: a discrete-event digital twin of analog in-memory training chips},
  version = {%s}
}"""


def bibtex(runs: Sequence[RunResult], version: str) -> str:
    """Write the entries of all that `runs` used, each once, with a note of what for.

    Parameters
    ----------
    runs : sequence of RunResult
    version : str
        Of the program that made them.

    Returns
    -------
    str
        BibTeX. A source without an entry in our bibliography is an entry of its own that has the recorded text.
    """
    due: dict[str, dict[str, None]] = {}
    others: dict[str, dict[str, None]] = {}
    for run in runs:
        for key, used in _used(run):
            due.setdefault(key, {})[used] = None
        for text, used in _unknown(run):
            others.setdefault(text, {})[used] = None
    entries = [SOFTWARE % version, *(_entry(key, _bibliography()[key], due[key]) for key in sorted(due))]
    entries += [_own_entry(number, text, others[text]) for number, text in enumerate(sorted(others), 1)]
    return "\n\n".join(entries) + "\n"


def _used(run: RunResult) -> Iterator[tuple[str, str]]:
    """Yield the entries that a run is due to cite, and what for."""
    data = run.data.partition(" ")[0]
    for key, entry in _bibliography().items():
        if run.algorithm in entry.get("algorithms", []):
            yield key, f"algorithm {run.algorithm}"
        if data in entry.get("data", []):
            yield key, f"data {data}"
    for row in run.sources:
        if row.status in CITED:
            yield from ((key, row.key) for key in _entries_of(row.source))


def _unknown(run: RunResult) -> Iterator[tuple[str, str]]:
    """Yield the sources read by somebody that no entry fits, and what for."""
    for row in run.sources:
        if row.status in {"S", "S2"} and not _entries_of(row.source):
            yield row.source, row.key


@cache
def _entries_of(text: str) -> tuple[str, ...]:
    """Return the entries whose words a source has."""
    return tuple(
        key
        for key, entry in _bibliography().items()
        if any(re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text) for words in entry.get("cited", []))
    )


@cache
def _bibliography() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(files("twin.report").joinpath("bibliography.toml").read_text(encoding="utf-8"))


def _entry(key: str, entry: Mapping[str, Any], used: Mapping[str, None]) -> str:
    fields = [f"  {name} = {{{value}}}" for name, value in entry.items() if name not in WHERE]
    return _written(entry["type"], key, [*fields, _note(used)])


def _own_entry(number: int, text: str, used: Mapping[str, None]) -> str:
    return _written("misc", f"source{number}", [f"  title = {{{{{_plain(text)}}}}}", _note(used)])


def _written(kind: str, key: str, fields: Sequence[str]) -> str:
    return f"@{kind}{{{key},\n" + ",\n".join(fields) + "\n}"


def _note(used: Mapping[str, None]) -> str:
    named = [_plain(name) for name in used]
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    return f"  note = {{used for {', '.join(named[:NAMED])}{more}}}"


def _plain(text: str) -> str:
    """Write a text so that LaTeX takes it as it is."""
    return " ".join(text.translate(SPECIAL).split())
