"""Forward passes on their own, for evaluation."""

import numpy as np
import numpy.typing as npt

from twin.kernels.records import INSTRUCTION
from twin.networks.network import Network
from twin.operation import Opcode

Code = tuple[Opcode, int, int, int]  # opcode, layer, first, uses


def forward_code(network: Network, *, fast: bool) -> npt.NDArray[np.void]:
    """Return the instructions of one sample from its input to its loss; `fast`: with gamma A beside C."""
    codes: list[Code] = [(Opcode.INPUT, 0, 0, 1)]
    for step in range(network.steps):
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


def without_periphery(matrices: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """Return the same matrices read exactly: no converters, no noise, no bound."""
    ideal = matrices.copy()
    for name in ("inp_half", "out_step", "out_bound", "out_noise"):
        ideal[name] = 0.0
    return ideal
