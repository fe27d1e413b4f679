"""Files that are whole or absent: written beside their place, then moved into it."""

import math
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from twin.errors import TwinError


def write_text(path: Path, text: str) -> None:
    """Write text as `write_bytes` does, UTF-8 with line feeds."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))  # names of files may be no UTF-8


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


def read_limited(path: Path, most_bytes: int) -> bytes:
    """Read a regular file of at most so many bytes: no device, no pipe, nothing without an end.

    Raises
    ------
    TwinError
        When it is not there, cannot be read, is not regular or too large.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise TwinError(f"{path}: cannot be read (it is not a regular file); name another")
        if found.st_size > most_bytes:
            raise TwinError(f"{path}: has {found.st_size:,} bytes, more than {most_bytes:,}; is this the file?")
        return path.read_bytes()
    except (OSError, ValueError) as error:  # a name may hold what no name of a file can
        raise TwinError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error


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


def check_outputs(
    outputs: Mapping[str, Path | None], inputs: Mapping[str, Path | None], run: Path | None = None
) -> None:
    """Refuse files to be written where that would destroy something; before any work.

    Parameters
    ----------
    outputs : mapping of str to Path or None
        What is to be written, by the option that names it.
    inputs : mapping of str to Path or None
        What is read, by its option or argument.
    run : Path, optional
        Folder of a run, whose own files stay as they are.

    Raises
    ------
    TwinError
        When an output is a folder, an input, a file of the run, or another output.
    """
    wanted = [(option, path) for option, path in outputs.items() if path is not None]
    for number, (option, path) in enumerate(wanted):
        shown = f"{option} (= {path})"
        if path.is_dir() or not path.name:
            raise TwinError(f"{shown}: is a folder; name a file")
        for other, read in inputs.items():
            if read is not None and same_file(path, read):
                raise TwinError(f"{shown}: is the {other} that is read; name another file")
        for other, written in wanted[:number]:
            if same_file(path, written):
                raise TwinError(f"{shown}: is the file of {other} too; name two files")
        if run is not None and path.exists() and any(same_file(path, own) for own in run.rglob("*")):
            raise TwinError(f"{shown}: is a file of the run; name one outside of {run}, or a new one")


def same_file(one: Path, other: Path) -> bool:
    """Return whether two paths are one file, also through links; of files that are not there yet, one place."""
    try:
        return one.samefile(other)
    except OSError:
        return one.resolve() == other.resolve()


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
