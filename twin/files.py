"""Files that are whole or absent: written beside their place, then moved into it."""

import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from twin.errors import TwinError


def write_text(path: Path, text: str) -> None:
    """Write text as `write_bytes` does, UTF-8 with line feeds."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part.

    Raises
    ------
    TwinError
        When the folder cannot be made or the file cannot be written (full disk, no permission);
        whatever stood at `path` before still stands there.
    """
    with whole(path) as stream:
        stream.write(content)


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing piece by piece; it takes its place when the block ends without an error.

    Raises
    ------
    TwinError
        As `write_bytes`.
    """
    # not the process id: containers that share a file system have the same ones
    part = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())  # a full disk may show only here
        part.replace(path)
    except OSError as error:
        raise TwinError(
            f"{path}: not written ({error.strerror or error}); make room there or name another folder"
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Delete a file if it is there.

    Raises
    ------
    TwinError
        When it is there and cannot be deleted.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise TwinError(f"{path}: not replaced ({error.strerror or error}); name another folder") from error


def check_suffix(option: str, path: Path, *suffixes: str) -> None:
    """Refuse a name that promises another format than those which are written.

    Raises
    ------
    TwinError
        Naming the suffixes that are possible.
    """
    if path.suffix.lower() not in suffixes:
        *others, last = suffixes
        listed = f"{', '.join(others)} or {last}" if others else last
        raise TwinError(f"{option} (= {path}): must end in {listed}; name e.g. {path.stem or 'it'}{suffixes[0]}")


def plain(value: Any) -> Any:
    """Turn nested NumPy numbers into Python's and what is not finite into None, for strict JSON."""
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def slug(name: str) -> str:
    """Give a folder name for a run: lower-case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.") or "run"
