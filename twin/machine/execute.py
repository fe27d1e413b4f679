"""The instruction executor: one compiled function performs every effect of every algorithm."""

import numpy as np

from twin.algorithms.operation import Counts, Opcode
from twin.crossbar.jit import njit
from twin.machine.activations import activate, loss_and_delta, multiply_by_derivative
from twin.machine.effects import managed_matvec, rank_one_update
from twin.machine.transfers import filter_h, pulse_line, read_line, transfer_update

F32 = np.float32
(INPUT, FORWARD, ACTIVATION, LOSS, BACKWARD, DERIVATIVE) = (
    int(Opcode.INPUT),
    int(Opcode.FORWARD),
    int(Opcode.ACTIVATION),
    int(Opcode.LOSS),
    int(Opcode.BACKWARD),
    int(Opcode.DERIVATIVE),
)
FORWARD_FAST, BACKWARD_FAST = int(Opcode.FORWARD_FAST), int(Opcode.BACKWARD_FAST)
(UPDATE, READ_OUT, FILTER, PULSE, TRANSFER_UPDATE) = (
    int(Opcode.UPDATE),
    int(Opcode.READ_OUT),
    int(Opcode.FILTER),
    int(Opcode.PULSE),
    int(Opcode.TRANSFER_UPDATE),
)
CROSSED, VALUE = int(Counts.CROSSED), int(Counts.LOSS)


@njit
def execute(f, work, real, parts, matrices, layers, program, counts, inputs, targets, seed):
    """Execute instructions in order.

    Parameters
    ----------
    f : float32
        The arena.
    work, real : int32, float32
        Scratch.
    parts, matrices, layers : PART, MATRIX, LAYER records
    program : INSTRUCTION records (n)
    counts : float64 (n, N_COUNTS)
        Filled with what each effect found; must be zero on entry.
    inputs, targets : float32 (samples, n)
    seed : uint64
    """
    for k in range(program.size):
        p = program[k]
        layer = layers[p.layer]
        shift = p.slot * layer.stride
        x = f[layer.x + shift : layer.x + shift + layer.n_in]
        z = f[layer.z + shift : layer.z + shift + layer.n_out]
        y = f[layer.y + shift : layer.y + shift + layer.n_out]
        d = f[layer.d + shift : layer.d + shift + layer.n_out]
        e = f[layer.e + shift : layer.e + shift + layer.n_in]
        row = counts[k]
        if p.opcode == INPUT:
            for j in range(inputs.shape[1]):  # a slice would compile the text of its shape error: 5 s
                x[j] = inputs[p.row, j]
        elif p.opcode == FORWARD:
            z[:] = F32(0.0)
            m = matrices[layer.main]
            managed_matvec(f, work, real, parts, m, True, x, z, F32(1.0), p.sample, seed, row)
        elif p.opcode == FORWARD_FAST:
            m = matrices[layer.fast]
            managed_matvec(f, work, real, parts, m, True, x, z, layer.gamma, p.sample, seed, row)
        elif p.opcode == ACTIVATION:
            activate(layer.activation, z, y)
        elif p.opcode == LOSS:
            activate(layer.activation, z, y)
            value, wrong = loss_and_delta(layer.loss, layer.activation, y, targets[p.row], d)
            row[VALUE] = value
            row[CROSSED] = wrong
        elif p.opcode == BACKWARD:
            e[:] = F32(0.0)
            m = matrices[layer.main]
            managed_matvec(f, work, real, parts, m, False, d, e, F32(1.0), p.sample, seed, row)
        elif p.opcode == BACKWARD_FAST:
            m = matrices[layer.fast]
            managed_matvec(f, work, real, parts, m, False, d, e, layer.gamma, p.sample, seed, row)
        elif p.opcode == DERIVATIVE:
            above = layers[p.layer + 1]
            start = above.e + p.slot * above.stride
            multiply_by_derivative(layer.activation, y, f[start : start + layer.n_out], d)
        elif p.opcode == UPDATE:
            rank_one_update(f, work, real, parts, matrices[layer.update], layer, x, d, p.sample, seed, row)
        elif p.opcode == READ_OUT:
            read_line(f, work, real, parts, matrices[layer.fast], layer, p.sample, seed, row)
        elif p.opcode == FILTER:
            filter_h(f, layer, p.sample, row)
        elif p.opcode == PULSE:
            pulse_line(f, real, parts, matrices[layer.main], layer, p.sample, seed, row)
        elif p.opcode == TRANSFER_UPDATE:
            transfer_update(f, work, real, parts, matrices[layer.main], layer, p.sample, seed, row)
