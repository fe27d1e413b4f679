"""Trained weights written into a copy of the ONNX file that the network came from."""

from collections import Counter
from pathlib import Path

import numpy as np
from onnx import TensorProto, numpy_helper

from twin.errors import TwinError
from twin.files import write_bytes
from twin.networks.given.files import Tensors
from twin.networks.onnx.files import MOST_BYTES, values_of
from twin.networks.onnx.read import read_model


def write_model(path: Path, tensors: Tensors, out: Path) -> None:
    """Write a copy of the model at `path` whose weights are these; all else stays as it was.

    Parameters
    ----------
    path : Path
        The model that the network was read from.
    tensors : dict of str to array
        By the names of nodes, as `twin.networks.given.names` has them.
    out : Path

    Raises
    ------
    TwinError
        Where the model has other nodes, or the file cannot be written.
    """
    model = read_model(path)
    other = sorted({*model.slots} ^ {*tensors})
    if other:
        raise TwinError(f"{path}: is not the model of this run: only one of both has {', '.join(other[:10])}")
    graph = model.message.graph
    uses = Counter(name for node in graph.node for name in node.input)
    initial = {one.name: one for one in graph.initializer}
    for name, slot in model.slots.items():
        node = graph.node[slot.node]
        held = node.input[slot.input]
        before = model.constants[held]
        values = tensors[name].T if slot.transposed else tensors[name]
        if values.size != before.size:
            raise TwinError(f"{path}: is not the model of this run: {name} has {before.size} values there")
        values = np.ascontiguousarray(values.reshape(before.shape)).astype(before.dtype)
        if held in initial and uses[held] == 1:
            initial[held].CopyFrom(numpy_helper.from_array(values, held))
        else:  # shared, or worked out in the model
            node.input[slot.input] = f"{name} (twin)"
            graph.initializer.append(numpy_helper.from_array(values, f"{name} (twin)"))
    for tensor in graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            tensor.CopyFrom(numpy_helper.from_array(values_of(tensor, path), tensor.name))
    if model.message.ByteSize() > MOST_BYTES:
        raise TwinError(f"{out}: would have more than {MOST_BYTES:,} bytes; write safetensors")
    write_bytes(out, model.message.SerializeToString(deterministic=True))
