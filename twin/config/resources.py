"""Finding files: shipped descriptions by name, a user's own by path."""

import difflib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from twin.errors import TwinError, one_line

FOLDERS = {
    "chip": "architectures",
    "layout": "architectures",
    "workload": "workloads",
    "baseline": "architectures/baselines",
    "sweep": "workloads",
    "study": "workloads/studies",
}
MAX_BYTES = 250_000


@dataclass(frozen=True)
class Document:
    """A TOML text and the name by which messages refer to it."""

    label: str
    text: str


@cache
def root() -> Path:
    """Return the folder with the shipped descriptions."""
    package = Path(__file__).resolve().parent.parent
    shipped = package / "_shipped"
    return shipped if shipped.is_dir() else package.parent


@cache
def shipped(kind: str) -> dict[str, str]:
    """List the shipped descriptions of one kind: name to one-line description."""
    found = {}
    for path in sorted((root() / FOLDERS[kind]).glob("*.toml")):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        if data.get("kind") == kind:
            found[path.stem] = str(data.get("description", ""))
    return found


def find(kind: str, name: str) -> Document:
    """Read the description called `name`: a shipped name, or a path (with a separator or ``.toml``)."""
    if is_path(name):
        return read(name)
    if name in _names(kind):
        label = f"{FOLDERS[kind]}/{name}.toml"
        return Document(label, _read(root() / label, label))
    raise TwinError(f"{one_line(name) or repr(name)}: no {kind} of this name{suggestion(name, shipped(kind))}")


def read(path: str) -> Document:
    """Read a user's own file."""
    return Document(one_line(path), _read(Path(path), one_line(path)))


def is_path(name: str) -> bool:
    """Tell a path from a shipped name."""
    return "/" in name or "\\" in name or name.endswith(".toml")


def _names(kind: str) -> set[str]:
    """All shipped names in the folder of `kind`, so that a layout given as a chip is refused by its kind."""
    return {name for other, folder in FOLDERS.items() if folder == FOLDERS[kind] for name in shipped(other)}


def _read(path: Path, label: str) -> str:
    try:
        if path.is_dir():
            raise TwinError(f"{label}: is a folder; a TOML file is needed")
        if not path.exists():
            names = {entry.name for entry in path.parent.glob("*.toml")} if path.parent.is_dir() else set()
            names |= {name for kind in FOLDERS for name in shipped(kind)}
            raise TwinError(f"{label}: no such file{suggestion(path.name, names)}")
        if not path.is_file():
            raise TwinError(f"{label}: is not a regular file; a TOML file is needed")
        if path.stat().st_size > MAX_BYTES:
            raise TwinError(f"{label}: is larger than {MAX_BYTES:,} bytes; is this a description?")
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the name is not one of a file"
        raise TwinError(f"{label}: cannot be read ({reason})") from error
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise TwinError(f"{label}:{line}: is not UTF-8 (byte 0x{raw[error.start]:02x}); save it as UTF-8") from error


def suggestion(word: str, choices: Iterable[str]) -> str:
    """Say what `word` may have meant: the nearest choice, or all of a few."""
    names = sorted(choices)
    by_lower = {name.lower(): name for name in names}
    near = difflib.get_close_matches(word[:100].lower(), by_lower, n=1, cutoff=0.55)
    if near:
        return f" (did you mean {by_lower[near[0]]}?)"
    return f"; choose from {', '.join(names)}" if 0 < len(names) <= 20 else ""


def misspelt(key: str, table: Iterable[str]) -> str | None:
    """Find the key of a table that lacks `key` which may have meant it."""
    return next((other for other in table if "(did you mean" in suggestion(other, [key])), None)
