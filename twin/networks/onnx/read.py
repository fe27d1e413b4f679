"""ONNX files read into nodes of the twin."""

from pathlib import Path

from twin.networks.onnx.files import read_message
from twin.networks.onnx.folded import FOLDED
from twin.networks.onnx.graph import Model, Reader
from twin.networks.onnx.ops import OPS


def read_model(path: Path) -> Model:
    """Read a file into nodes of the twin.

    Raises
    ------
    TwinError
        Where it cannot be read, or has nodes that are not covered, all of which are named.
    """
    return Reader(Model(path, read_message(path)), OPS, FOLDED).read()
