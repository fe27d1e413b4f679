"""Forward passes on their own, for evaluation."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from twin.kernels.records import INSTRUCTION
from twin.networks.flow import LAYER, Flow
from twin.networks.network import Network
from twin.operation import Opcode, Phase

Code = tuple[Opcode, int, int, int]  # opcode, layer, first, uses


def forward_code(network: Network, *, fast: bool) -> npt.NDArray[np.void]:
    """Return the instructions of one sample from its input to its loss; `fast`: with gamma A beside C."""
    codes: list[Code] = [(Opcode.INPUT, 0, 0, 1)]
    if network.flow is not None:
        codes += _graph_codes(network, network.flow, fast=fast)
    for step in range(network.steps if network.flow is None else 0):
        for layer in network.layers:
            first, uses = (step, 1) if network.timed else (0, layer.uses)
            codes.append((Opcode.FORWARD, layer.index, first, uses))
            if fast:
                codes.append((Opcode.FORWARD_FAST, layer.index, first, uses))
            last = layer is network.layers[-1]
            codes.append((Opcode.LOSS if last else Opcode.ACTIVATION, layer.index, first, uses))
    program = np.zeros(len(codes), INSTRUCTION)
    for name, values in zip(("opcode", "layer", "first", "uses"), np.array(codes, np.int64).T, strict=True):
        program[name] = values
    return program


def _graph_codes(network: Network, flow: Flow, *, fast: bool) -> Iterator[Code]:
    """Yield the instructions of a graph: those of a node have its number and its phase at the end."""
    for made in flow.order:
        if made.what != LAYER:
            loss = flow.nodes[made.number] is flow.loss
            yield Opcode.NODE_LOSS if loss else Opcode.NODE_FORWARD, 0, made.number, Phase.TESTED
            continue
        layer = network.layers[made.number]
        yield Opcode.FORWARD, layer.index, 0, layer.uses
        if fast:
            yield Opcode.FORWARD_FAST, layer.index, 0, layer.uses
        last = layer is network.layers[-1] and flow.loss is None
        yield Opcode.LOSS if last else Opcode.ACTIVATION, layer.index, 0, layer.uses


def without_periphery(matrices: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """Return the same matrices read exactly: no converters, no noise, no bound."""
    ideal = matrices.copy()
    for name in ("inp_half", "out_step", "out_bound", "out_noise"):
        ideal[name] = 0.0
    return ideal
