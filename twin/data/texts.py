"""Where texts come from: War and Peace, any file, and one that every Python carries."""

import hashlib
import platform
from pathlib import Path
from typing import Literal

from twin.data import folder
from twin.data.dataset import other_content
from twin.data.text import Text
from twin.errors import TwinError

NOVEL = "war-and-peace.txt"
MAX_BYTES = 2**27  # assumption: some 30 bytes of memory a character while reading, so 4 GiB
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
SHA256 = {
    "lf": "e9d70cc7d26da7bb53c09a90844647f75cd2ef081b6aa358290a8cf7184d889b",
    "crlf": "fb66ba999dafe24017cdd59e04c56d385a9c8466993d374fd4c6f08b2142985e",
}
"""Of what is learnt of the novel whose characters and symbols `war_and_peace` counts."""

PRINTABLE = "\n" + "".join(chr(code) for code in range(32, 127))


def war_and_peace(newline: Literal["lf", "crlf"]) -> Text:
    """Return Tolstoy's novel from ``$TWIN_DATA_DIR/war-and-peace.txt``, a symbol a byte.

    The file may have any kind of line ends and a byte order mark or none; what is learnt does not depend on it.

    "lf": no mark, line ends LF: 83 symbols, 3,196,231 characters. "crlf": with the mark, line ends CR LF, none at
    the end: 87 symbols, 3,258,246 characters, which are the counts of Gokmen 2021 (2,933,246 and 325,000). With the
    two line ends that close the file it would be 3,258,250; that these are the four bytes is an assumption.

    A letter with an accent is two bytes, hence two symbols: only so does one arrive at the paper's 87.
    """
    path = folder.find(NOVEL)
    if path is None:
        raise TwinError(
            f"war-and-peace: no {NOVEL} under {folder.described()}; put the novel there as plain text "
            '(docs/data.md says which), or use set = "pydoc-topics", which needs no file'
        )
    raw = _unix(_bytes_of(f"war-and-peace: {path}", path))
    if newline == "crlf":
        raw = BYTE_ORDER_MARK + raw.rstrip(b"\n").replace(b"\n", b"\r\n")
    digest = hashlib.sha256(raw).hexdigest()
    name = "war-and-peace" if digest == SHA256[newline] else other_content("war-and-peace", "text", digest)
    return Text("war-and-peace", raw, "latin-1", notes={"name": name})


def from_file(name: str) -> Text:
    """Return a text file, UTF-8, its line ends made LF and a byte order mark dropped.

    A relative name starts at the current folder; ``~`` is the user's.
    """
    place = f"data.file (= {name!r})"
    path = folder.own(place, name)
    raw = _unix(_bytes_of(place, path))
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise TwinError(
            f"{place}: not UTF-8: byte 0x{raw[error.start]:02x} in line {line}; convert it, e.g. with iconv -t UTF-8"
        ) from error
    digest = hashlib.sha256(raw).hexdigest()
    return Text(place, raw, "utf-8", notes={"name": f"text ({path.name}: sha256 {digest[:12]})"})


def pydoc_topics() -> Text:
    """Return the texts behind Python's ``help()``, in order of their names: some 500,000 characters.

    They differ between versions of Python. The alphabet does not: printable ASCII and LF, 96 symbols; any other
    character becomes a question mark.
    """
    from pydoc_data.topics import topics  # noqa: PLC0415 - half a megabyte that only this needs

    whole = "\n".join(topics[name] for name in sorted(topics))
    plain = whole.translate({ord(character): "?" for character in set(whole) - set(PRINTABLE)})
    return Text("pydoc-topics", plain.encode("ascii"), "ascii", PRINTABLE, {"python": platform.python_version()})


def _bytes_of(place: str, path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise TwinError(f"{place}: {size} bytes; must be at most {MAX_BYTES}; use a part of it")
        return path.read_bytes()
    except OSError as error:
        raise TwinError(f"{place}: cannot be read ({error.strerror}); check its permissions") from error


def _unix(raw: bytes) -> bytes:
    return raw.removeprefix(BYTE_ORDER_MARK).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
