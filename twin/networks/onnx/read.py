"""ONNX files read into nodes of the twin."""

from pathlib import Path

from twin.networks.onnx.files import read_message
from twin.networks.onnx.folded import FOLDED
from twin.networks.onnx.functions import resolve
from twin.networks.onnx.graph import Model, Reader
from twin.networks.onnx.ops import OPS
from twin.networks.onnx.reading import PLAIN, Reading


def read_model(path: Path, reading: Reading = PLAIN) -> Model:
    """Read a file into nodes of the twin.

    Parameters
    ----------
    path : Path
    reading : Reading, optional
        Sizes of dynamic axes, and what becomes of batch norms.

    Raises
    ------
    TwinError
        Where it cannot be read, or has nodes that are not covered, all of which are named.
    """
    return Reader(Model(path, read_message(path)), reading, OPS, FOLDED, resolve).read()
