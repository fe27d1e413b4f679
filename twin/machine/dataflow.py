"""NODE records and the vectors of a network that is a graph: where tensors and their errors lie in the arena."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from twin.config.optimiser import Optimiser
from twin.kernels.nodes.digital import NODES
from twin.kernels.records import NODE, OPTIMISERS
from twin.kernels.streams import PARAMETERS
from twin.machine.arena import Arena
from twin.machine.arrays import generator
from twin.machine.describe import place_layer
from twin.networks.flow import INPUT, LAYER, Digital, Flow, Producer, Taker
from twin.networks.given.fit import Given
from twin.networks.kinds.node import Start
from twin.networks.layers import Conv, Layer, Recurrent

Records = npt.NDArray[np.void]
INPUTS, ERRORS = ("a", "b", "c"), ("da", "db", "dc")


def describe_nodes(
    flow: Flow | None,
    arena: Arena,
    seed: int,
    optimiser: Optimiser | None,
    batch: int,
    given: Given | None = None,
    matrices: int = 0,
) -> Records:
    """Return the NODE records, with parameters that all samples share, and those of `matrices` that are learnt alike.

    There is one that nothing reads where there are none.
    """
    nodes = flow.nodes if flow else ()
    records = np.zeros(max(len(nodes) + matrices, 1), NODE)
    for record, node in zip(records, nodes, strict=False):
        record["family"], record["kind"] = NODES[node.kind]
        record["positions"], record["width"], record["stream"] = node.positions, node.width, node.index
        for name, width in zip(("a_width", "b_width"), node.widths, strict=False):
            record[name] = width
        for name, value in node.record.items():
            record[name] = value
        record["own"][: len(node.numbers)] = node.numbers
        if node.parameters:
            record["p"], record["g"] = arena.put(initial(node, seed, given)), arena.take(node.parameters)
            record["n_parameters"], record["moments"] = node.parameters, arena.take(2 * node.parameters)
            record["steps"], record["squares"] = arena.take(1), arena.take(1)
        if node.shared:
            record["shared"] = arena.put(shared(node, seed, given))
    if optimiser is not None:
        records["rule"], records["weight_decay"] = OPTIMISERS[optimiser.kind], optimiser.weight_decay
        records["beta1"], records["beta2"], records["tiny"] = optimiser.first, optimiser.beta2, optimiser.epsilon
        records["share"], records["clip"] = 1.0 / batch, optimiser.clip_norm
    return records


def learn_matrices(
    nodes: Records, layers: Records, parts: Records, matrices: Records, arena: Arena, optimised: Sequence[bool]
) -> None:
    """Make the last records those of the layers' digital matrices, each of which is one array, or of their chi.

    What chi stands for is on analog arrays: the pull of weight decay comes from what is read there. Layers that are not
    `optimised` are passed over.
    """
    first = nodes.size - layers.size
    for index, layer in enumerate(layers):
        if not optimised[index]:
            continue
        record, size = nodes[first + index], int(layer["n_in"] * layer["n_out"])
        record["p"], record["n_parameters"] = parts[matrices[layer["main"]]["first"]]["w"], size
        if layer["granularity"] > 0:
            record["p"], record["decay"], record["weight_decay"] = layer["h"], record["weight_decay"], 0.0
        record["g"], record["moments"] = arena.take(size), arena.take(2 * size)
        record["steps"], record["squares"] = arena.take(1), arena.take(1)
        layer["learner"] = first + index


def initial(node: Digital, seed: int, given: Given | None = None) -> npt.NDArray[np.float32]:
    """Return the first values of a node's parameters, in the order in which they lie."""
    if given is not None:
        return given.parameters[node.name]
    return drawn(node.starts, node, seed)


def drawn(starts: Sequence[Start], node: Digital, seed: int) -> npt.NDArray[np.float32]:
    """Return the first values of a node's parameters, or of what its samples share, in the order in which they lie."""
    parts = [
        generator(seed, PARAMETERS, node.index, k).normal(start.constant, start.std, start.size)
        for k, start in enumerate(starts)
    ]
    return np.concatenate(parts).astype(np.float32)


def shared(node: Digital, seed: int, given: Given | None = None) -> npt.NDArray[np.float32]:
    """Return what the samples of a node share at first: of a batch norm running statistics, its own or those given."""
    values = drawn(node.memory, node, seed)
    if given is not None and node.name in given.statistics:
        values[statistics_of(node)] = np.ravel(given.statistics[node.name])
    return values


def statistics_of(node: Digital) -> slice:
    """Return where the running means and variances of a batch norm lie in what its batch shares."""
    return slice(node.shared - 4 * node.width, node.shared - 2 * node.width)


def digital_state(flow: Flow | None, nodes: Records, f: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[np.float32]]:
    """Return what digital nodes have learnt: ``NODE.parameters`` and ``NODE.statistics``; the arrays are no copies."""
    found = {}
    for record, node in zip(nodes, flow.nodes if flow else (), strict=False):
        if node.parameters:
            at = int(record["p"])
            found[f"{node.name}.parameters"] = f[at : at + node.parameters]
        if node.shared:
            at, where = int(record["shared"]), statistics_of(node)
            found[f"{node.name}.statistics"] = f[at + where.start : at + where.stop]
    return found


def place_flow(
    flow: Flow, layers: Records, shapes: Sequence[Layer], nodes: Records, arena: Arena, in_flight: int
) -> None:
    """Give every slot one contiguous block with the vectors of all layers and nodes."""
    start = arena.size
    tensors = {Producer(INPUT): arena.take(flow.input_words)}
    layers["source"] = -1
    for record, layer in zip(layers, shapes, strict=True):
        place_layer(record, layer, arena)
        _place_outputs(record, layer, arena)
        tensors[Producer(LAYER, layer.index)] = int(record["handed"])
    for made in flow.order:
        if made.what == LAYER:
            _take_input(layers[made.number], shapes[made.number], tensors[flow.sources[made.number]])
            continue
        node, record = flow.nodes[made.number], nodes[made.number]
        inputs = [tensors[source] for source in node.inputs]
        for name, at in zip(INPUTS, inputs, strict=False):
            record[name] = at
        if node.kind == "fan-out":
            record["da"] = arena.take(node.size)
            tensors[made] = tensors[made._replace(output=1)] = inputs[0]
            continue
        for name, wanted, size in zip(ERRORS, node.wanted, node.sizes, strict=False):
            record[name] = arena.take(size) if wanted else -1
        record["y"], record["kept"] = arena.take(node.size), arena.take(node.kept)
        tensors[made] = int(record["y"])
    layers[0]["sample"] = tensors[Producer(INPUT)]
    _wire_errors(flow, layers, shapes, nodes)
    stride = arena.size - start
    arena.take(stride * (in_flight - 1))
    layers["stride"] = nodes["stride"] = stride


def _place_outputs(record: np.void, layer: Layer, arena: Arena) -> None:
    record["y"], record["y_step"] = arena.take(layer.positions * layer.n_out), layer.n_out
    record["handed"], record["handed_step"] = record["y"], layer.n_out
    if isinstance(layer, Conv):
        record["handed"] = arena.take(layer.size)
    if isinstance(layer, Recurrent):
        record["handed"], record["handed_step"] = arena.take(layer.uses * layer.size), layer.size


def _take_input(record: np.void, layer: Layer, tensor: int) -> None:
    if isinstance(layer, Recurrent) and layer.cell == "gru":
        return  # whose lines the gates fill
    record["image" if isinstance(layer, Conv) else "source"] = tensor


def _wire_errors(flow: Flow, layers: Records, shapes: Sequence[Layer], nodes: Records) -> None:
    """Tell every layer and node where the error of its output lies."""
    for made in flow.order[:-1]:
        if made.what == LAYER:
            layer = shapes[made.number]
            record, width = layers[made.number], layer.size if isinstance(layer, Recurrent) else layer.n_out
            record["error"], record["error_step"] = _error(flow.taker(made), width, layers, shapes, nodes)
            continue
        node, record = flow.nodes[made.number], nodes[made.number]
        if not node.returns:
            continue
        record["dy"], record["dy_step"] = _error(flow.taker(made), node.width, layers, shapes, nodes)
        if node.kind == "fan-out":
            other = flow.taker(made._replace(output=1))
            record["b"], record["b_width"] = _error(other, node.width, layers, shapes, nodes)


def _error(taker: Taker, width: int, layers: Records, shapes: Sequence[Layer], nodes: Records) -> tuple[int, int]:
    """Return where the error that a taker gives lies, and how far its rows are apart."""
    if taker.what == LAYER:
        layer = shapes[taker.number]
        apart = not isinstance(layer, Conv) and layer.uses > 1
        return int(layers[taker.number]["e"]), layer.n_in if apart else width
    return int(nodes[taker.number][ERRORS[taker.port]]), width
