"""Event files of TensorBoard: the learning curves of runs over epochs, the clock of which is the simulated one.

A file is a sequence of records (TFRecord: length and content, each with a masked CRC-32C), a record is a message of
protobuf (Event of tensorflow/core/util/event.proto). Of both only what a curve needs is written here.
"""

import math
import struct
from collections.abc import Iterator
from pathlib import Path

from twin.files import write_bytes
from twin.results.result import RunResult

SUFFIX = ".tfevents"
CURVES = ("train_loss", "test_loss", "test_error")
_CASTAGNOLI = 0x82F63B78  # reversed polynomial of CRC-32C (RFC 3720, appendix B.4)


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_CASTAGNOLI if byte & 1 else 0)  # noqa: PLW2901 - shifted out bit by bit
        table.append(byte)
    return tuple(table)


_TABLE = _table()


def crc32c(content: bytes) -> int:
    """Return the CRC-32C of RFC 3720 of some bytes."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def write_curves(run: RunResult, path: Path) -> None:
    """Write train_loss, test_loss and test_error (a fraction) of every epoch, as 32-bit floats.

    The step is the epoch, the wall time the simulated time in s after 1970. What was not measured is left out.

    Parameters
    ----------
    run : RunResult
    path : Path
        TensorBoard reads files with ``tfevents`` in their name, and calls a run by its folder.

    Raises
    ------
    TwinError
        When the file cannot be written.
    """
    write_bytes(path, b"".join(_record(event) for event in _events(run)))


def _events(run: RunResult) -> Iterator[bytes]:
    yield _double(1, 0.0) + _bytes(3, b"brain.Event:2")
    named = run.curve[["epoch", "time_s", *CURVES]].to_dict("records")
    for row in named:
        values = b"".join(
            _bytes(1, _bytes(1, name.encode()) + _float(2, float(row[name])))
            for name in CURVES
            if math.isfinite(row[name])
        )
        if values:
            yield _double(1, float(row["time_s"])) + _whole(2, int(row["epoch"])) + _bytes(5, values)


def _record(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    return length + _masked(length) + content + _masked(content)


def _masked(content: bytes) -> bytes:
    crc = crc32c(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


def _whole(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + struct.pack("<f", value)
