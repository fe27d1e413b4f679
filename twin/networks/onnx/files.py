"""ONNX files as messages: parsed, and held against what they have, before anything is made of them."""

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from twin.errors import TwinError
from twin.files import read_limited

MOST_BYTES = 2**31 - 1
"""Of a protobuf message; larger weights lie in files beside it."""
OPSETS = range(13, onnx.defs.onnx_opset_version() + 1)
DOMAINS = ("", "ai.onnx")
NUMBERS = tuple(
    getattr(TensorProto, name)
    for name in ("FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16", "INT64", "INT32", "INT16", "INT8", "UINT8", "BOOL")
)
FIELDS = ("float_data", "double_data", "int32_data", "int64_data", "uint64_data")


def read_message(path: Path) -> onnx.ModelProto:
    """Parse a file; its opset must be one that is known here.

    Raises
    ------
    TwinError
        Where it is missing, no ONNX file, or of another opset.
    """
    if not path.exists():
        raise TwinError(f"{path}: no such file; a relative path starts at the current folder")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(read_limited(path, MOST_BYTES))
    except TwinError:
        raise
    except Exception as error:  # a damaged message provokes anything, and the answer is always the same
        raise TwinError(f"{path}: is no ONNX file, or damaged; export it again") from error
    if not model.graph.node:
        raise TwinError(f"{path}: has no nodes, so it is no ONNX file, or damaged; export it again")
    opset = next((one.version for one in model.opset_import if one.domain in DOMAINS), 0)
    if opset not in OPSETS:
        fix = "convert it with onnx.version_converter" if opset < OPSETS[0] else "install a newer onnx"
        raise TwinError(f"{path}: is of opset {opset}, and must be of {OPSETS[0]} to {OPSETS[-1]}; {fix}")
    return model


def values_of(tensor: TensorProto, path: Path) -> npt.NDArray[Any]:
    """Return the values of a tensor of the model at `path`, after its claims have been checked.

    Raises
    ------
    TwinError
        Where it claims more than there is, has another type than numbers, or lies outside the model's folder.
    """
    label, shape = f"{path}: tensor {tensor.name!r}", tuple(tensor.dims)
    if tensor.data_type not in NUMBERS or any(side < 0 for side in shape):
        raise TwinError(f"{label}: has no numbers of a type that is known here; export it as float32")
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
    wanted = prod(shape) * dtype.itemsize
    if tensor.data_location == TensorProto.EXTERNAL:
        raw = _external(tensor, path, wanted, label)
    elif tensor.HasField("raw_data"):
        raw = bytes(tensor.raw_data)
    else:
        held = sum(len(getattr(tensor, name)) for name in FIELDS)
        if held != prod(shape):
            raise TwinError(f"{label}: claims the shape {list(shape)}, and holds {held:,} numbers; export it again")
        found: npt.NDArray[Any] = onnx.numpy_helper.to_array(tensor)
        return found
    if len(raw) != wanted:
        raise TwinError(f"{label}: claims the shape {list(shape)}, and holds {len(raw):,} bytes; export it again")
    return np.frombuffer(raw, dtype.newbyteorder("<") if dtype.kind in "fiu" else dtype).reshape(shape).astype(dtype)


def _external(tensor: TensorProto, path: Path, wanted: int, label: str) -> bytes:
    """Read the values of a tensor from a file in the model's folder."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    folder, location = path.parent.resolve(), entries.get("location", "")
    try:
        file = (folder / location).resolve()
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", wanted))
    except (ValueError, OSError) as error:
        raise TwinError(f"{label}: says nothing that can be read of where it lies; export it again") from error
    if not location or not file.is_relative_to(folder):
        raise TwinError(f"{label}: lies in {location!r}, outside the model's folder; put it beside the model")
    if not file.is_file():
        raise TwinError(f"{label}: lies in {location!r}, which is not there; put it beside the model")
    size = file.stat().st_size
    if length != wanted or offset < 0 or offset + length > size:
        raise TwinError(
            f"{label}: claims {wanted:,} bytes from byte {offset:,} of {location!r}, which has {size:,}; "
            "export it again"
        )
    with file.open("rb") as stream:
        stream.seek(offset)
        return bytes(stream.read(length))
