"""LSTM, GRU and RNN: cells over the steps of a text."""

from twin.networks.kinds.node import Symbols
from twin.networks.onnx.graph import Reader, attributes, batch_axis
from twin.networks.onnx.places import CellBiases, Cells
from twin.networks.onnx.taking import NodeProto, depends, has, name_of, require, weight_of
from twin.networks.onnx.values import NotCoveredError, Value
from twin.networks.onnx.views import SYMBOL, are_rows, axis_of

CELLS = {"LSTM": ("lstm", (0, 2, 1, 3)), "GRU": ("gru", (0, 1, 2)), "RNN": ("rnn", (0,))}
"""The twin's kind, and for each of its gates (i, f, o, g; z, r, n) the place in the file (i, o, f, c; z, r, h)."""
FUNCTIONS = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}


def cells(reader: Reader, node: NodeProto, index: int) -> Value:
    """LSTM, GRU and RNN in one direction, from states of zero, over all steps."""
    (kind, order), given = CELLS[node.op_type], attributes(node)
    functions = [one.decode() if isinstance(one, bytes) else str(one) for one in given.get("activations", ())]
    require(given, direction="forward", input_forget=0, linear_before_reset=0)
    if "clip" in given or functions not in ([], FUNCTIONS[node.op_type]):
        raise NotCoveredError("clip, or activations of its own")
    first = int(given.get("layout", 0))
    x = _steps(depends(reader, node), first)
    inputs, states = weight_of(reader, node, 1), weight_of(reader, node, 2)
    hidden = int(states.shape[-1])
    if inputs.shape[:2] != (1, len(order) * hidden) or states.shape[:2] != inputs.shape[:2]:
        raise NotCoveredError("weights that are not of one direction")
    _check_states(reader, node)
    bias = has(node, 3)
    own, shape = reader.add(kind, name_of(node), (x,), hidden=hidden, bias=bias)
    reader.hold(f"{own}.weight", Cells((index, 1), (index, 2), order))
    if bias:
        weight_of(reader, node, 3)
        reader.hold(f"{own}.bias", CellBiases((index, 3), order))
    steps, batch = axis_of((shape[0], hidden)), x.view[1 - first]
    lead = (batch, steps, ()) if first else (steps, (), batch)
    return Value(own, shape, (*lead, axis_of((hidden, 1))))


def _steps(x: Value, first: int) -> Value:
    """Return the input of cells: (steps, batch, features), or with the batch first."""
    if len(x.view) != 3 or not batch_axis(x.view[1 - first]) or len(x.shape) > 2:
        raise NotCoveredError("of other than steps x batch x features")
    symbols = isinstance(x.shape, Symbols) and any(stride == SYMBOL for _, stride in x.view[2])
    if not symbols and not are_rows(x.view, x.shape):
        raise NotCoveredError("of other than one symbol or the features of a layer a step")
    return x


def _check_states(reader: Reader, node: NodeProto) -> None:
    """Refuse lengths of sequences, peepholes, and states to begin with other than zero."""
    if has(node, 4) or has(node, 7):
        raise NotCoveredError("with lengths of sequences, or peepholes")
    for number in (5, 6):
        if has(node, number) and weight_of(reader, node, number).any():
            raise NotCoveredError("with states to begin with that are not zero")
