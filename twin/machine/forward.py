"""Forward passes on their own, for evaluation."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from twin.kernels.records import INSTRUCTION
from twin.networks.flow import LAYER, Flow, turns
from twin.networks.layers import Layer, Recurrent
from twin.networks.network import Network
from twin.operation import Opcode, Phase

Code = tuple[Opcode, int, int, int]  # opcode, layer, first, uses


def forward_code(network: Network, fast: Sequence[bool]) -> npt.NDArray[np.void]:
    """Return the instructions of one sample from its input to its loss; `fast`, by layer: with gamma A beside C."""
    codes: list[Code] = [(Opcode.INPUT, 0, 0, 1)]
    if network.flow is not None:
        codes += _graph_codes(network, network.flow, fast)
    else:
        for step in range(network.steps):
            for layer in network.layers:
                first, uses = (step, 1) if network.timed else (0, layer.uses)
                codes += _layer_codes(layer, first, uses, fast=fast[layer.index], last=layer is network.layers[-1])
    program = np.zeros(len(codes), INSTRUCTION)
    for name, values in zip(("opcode", "layer", "first", "uses"), np.array(codes, np.int64).T, strict=True):
        program[name] = values
    return program


def _graph_codes(network: Network, flow: Flow, fast: Sequence[bool]) -> Iterator[Code]:
    """Yield the instructions of a graph: those of a node have its number and its phase at the end."""
    for turn in turns(flow.order, network.layers):
        if turn[0].what != LAYER:
            node = flow.nodes[turn[0].number]
            yield Opcode.NODE_LOSS if node is flow.loss else Opcode.NODE_FORWARD, 0, node.index, Phase.TESTED
            continue
        layers = [network.layers[made.number] for made in turn]
        if not isinstance(layers[0], Recurrent):
            last = layers[0] is network.layers[-1] and flow.loss is None
            yield from _layer_codes(layers[0], 0, layers[0].uses, fast=fast[layers[0].index], last=last)
            continue
        for step in range(layers[0].uses):
            for layer in layers:
                yield from _layer_codes(layer, step, 1, fast=fast[layer.index], last=False)


def _layer_codes(layer: Layer, first: int, uses: int, *, fast: bool, last: bool) -> Iterator[Code]:
    yield Opcode.FORWARD, layer.index, first, uses
    if fast:
        yield Opcode.FORWARD_FAST, layer.index, first, uses
    yield Opcode.LOSS if last else Opcode.ACTIVATION, layer.index, first, uses


def without_periphery(matrices: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """Return the same matrices read exactly: no converters, no noise, no bound."""
    ideal = matrices.copy()
    for name in ("inp_half", "out_step", "out_bound", "out_noise", "w_noise", "inp_noise"):
        ideal[name] = 0.0
    return ideal
