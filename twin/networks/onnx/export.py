"""Trained weights written into a copy of the ONNX file that the network came from."""

from collections import Counter
from pathlib import Path

import numpy as np
from onnx import TensorProto, numpy_helper

from twin.errors import TwinError
from twin.files import write_bytes
from twin.networks.given.files import Tensors
from twin.networks.onnx.files import MOST_BYTES, values_of
from twin.networks.onnx.graph import Model
from twin.networks.onnx.places import Constant, Port
from twin.networks.onnx.read import read_model
from twin.networks.onnx.reading import Reading
from twin.networks.onnx.taking import named, plain


def write_model(path: Path, tensors: Tensors, out: Path, reading: Reading) -> None:
    """Write a copy of the model at `path` whose weights are these; all else stays as it was.

    Parameters
    ----------
    path : Path
        The model that the network was read from.
    tensors : dict of str to array
        By the names of nodes, as `twin.networks.given.names` has them.
    out : Path
    reading : Reading
        How the model was read.

    Raises
    ------
    TwinError
        Where the model has other nodes, or the file cannot be written.
    """
    model = read_model(path, reading)
    other = sorted({*model.places} ^ {*tensors})
    if other:
        raise TwinError(f"{path}: is not the model of this run: only one of both has {', '.join(other[:10])}")
    edits: dict[Port, Constant] = {}

    def now(port: Port) -> Constant:
        return edits[port] if port in edits else model.input(port)

    for name, place in model.places.items():
        before = place.read(model.input)
        if tensors[name].size != before.size:
            raise TwinError(f"{path}: is not the model of this run: {name} has {before.size} values there")
        place.write(tensors[name].reshape(before.shape), now, edits.__setitem__)
    _enter(model, edits)
    for tensor in model.message.graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            tensor.CopyFrom(numpy_helper.from_array(values_of(tensor, path), tensor.name))
    if model.message.ByteSize() > MOST_BYTES:
        raise TwinError(f"{out}: would have more than {MOST_BYTES:,} bytes; write safetensors")
    write_bytes(out, model.message.SerializeToString(deterministic=True))


def _enter(model: Model, edits: dict[Port, Constant]) -> None:
    """Replace inputs of nodes: initialisers where nothing else takes them, else by new ones."""
    graph = model.message.graph
    uses = Counter(name for node in graph.node for name in node.input)
    initial = {one.name: one for one in graph.initializer}
    names = {*uses, *initial, *(name for node in graph.node for name in node.output)}
    for (number, port), values in edits.items():
        node = graph.node[number]
        node.input.extend([""] * (port + 1 - len(node.input)))
        held, made = node.input[port], np.ascontiguousarray(values)
        if held in initial and uses[held] == 1:
            initial[held].CopyFrom(numpy_helper.from_array(made, held))
            continue
        called = plain(held) or node.name or node.output[0]  # it is shared, worked out in the model, or absent
        own = next(name for name in (named(k, called) for k in range(len(names) + 1)) if name not in names)
        names.add(own)
        node.input[port] = own
        graph.initializer.append(numpy_helper.from_array(made, own))
