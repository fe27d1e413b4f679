"""Tensors by name in .npz and safetensors files; headers are held against what the file has."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from twin.arrays import MOST_BYTES, read_arrays, write_arrays
from twin.errors import TwinError
from twin.files import read_limited, write_bytes
from twin.networks.onnx.reading import PLAIN, Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from twin.networks.onnx.graph import Model

Tensors = dict[str, npt.NDArray[Any]]
EXTRA = 'needs the extra "onnx"; install it with: pip install "analog-twin[onnx]"'


class GivenFile(NamedTuple):
    """Tensors of a file, and the SHA-256 of its bytes."""

    tensors: Tensors
    sha256: str


def read_tensors(path: Path, reading: Reading = PLAIN) -> GivenFile:
    """Read all tensors of a file by its suffix: .npz, .safetensors or, as `reading` says, .onnx.

    The tensors of an ONNX file have the names that its nodes get where it is the network.

    Raises
    ------
    TwinError
        Where the file is missing, damaged, of another format, or claims more than it has.
    """
    readers: dict[str, Callable[[Path], Tensors]] = {
        ".npz": _read_npz,
        ".safetensors": _read_safetensors,
        ".onnx": lambda file: read_network(file, reading).tensors(),
    }
    if path.suffix.lower() not in readers:
        raise TwinError(f"{path}: must be one of {', '.join(readers)}; convert it")
    if not path.exists():
        raise TwinError(f"{path}: no such file; a relative path starts at the current folder")
    digest = hashlib.sha256(read_limited(path, MOST_BYTES)).hexdigest()
    return GivenFile(readers[path.suffix.lower()](path), digest)


def _read_npz(path: Path) -> Tensors:
    return read_arrays(path, "write it again with numpy.savez")


def _read_safetensors(path: Path) -> Tensors:
    try:
        from safetensors.numpy import load  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise TwinError(f"{path}: {EXTRA}") from error
    try:
        return dict(load(read_limited(path, MOST_BYTES)))
    except TwinError:
        raise
    except Exception as error:  # a damaged file provokes anything, and the answer is always the same
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TwinError(f"{path}: cannot be read: it is damaged ({reason}); write it again") from error


def read_network(path: Path, reading: Reading = PLAIN) -> "Model":
    """Read an ONNX file into nodes and weights; raises TwinError as `twin.networks.onnx.read.read_model`."""
    try:
        from twin.networks.onnx.read import read_model  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise TwinError(f"{path}: {EXTRA}") from error
    return read_model(path, reading)


def write_onnx(path: Path, tensors: Tensors, out: Path, reading: Reading) -> None:
    """Write tensors into a copy of the ONNX file at `path`; raises as `twin.networks.onnx.export.write_model`."""
    try:
        from twin.networks.onnx.export import write_model  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise TwinError(f"{out}: {EXTRA}") from error
    write_model(path, tensors, out, reading)


def write_tensors(path: Path, tensors: Tensors) -> None:
    """Write tensors as float32 by the suffix of the file, .npz or .safetensors.

    Raises
    ------
    TwinError
        Where the file cannot be written.
    """
    values = {name: np.ascontiguousarray(one, np.float32) for name, one in sorted(tensors.items())}
    if path.suffix.lower() == ".npz":
        write_arrays(path, values)
        return
    try:
        from safetensors.numpy import save  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise TwinError(f"{path}: {EXTRA}") from error
    write_bytes(path, save(values))
