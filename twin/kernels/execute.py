"""The instruction executor: one compiled function performs every effect of every algorithm."""

import numpy as np

from twin.kernels.array.digital import digital_updates, end_of_updates, sum_gradients
from twin.kernels.array.matrix import gradient_rate, rank_one_update, refresh
from twin.kernels.jit import kernel
from twin.kernels.nodes.dense import lose_use
from twin.kernels.nodes.digital import node_backward, node_forward, node_step
from twin.kernels.nodes.kinds import activate_uses, backward, derivative, forward, put_input
from twin.kernels.nodes.losses import lose_rows
from twin.kernels.optimisers.clipping import node_norm
from twin.kernels.streams import OF_GRADIENTS, OF_TRANSFERS
from twin.kernels.transfer.chi import accumulate_uses, decay_lines, pulse_lines, round_chi
from twin.kernels.transfer.choppers import chop, unchop
from twin.kernels.transfer.filters import filter_beside_reference, filter_h
from twin.kernels.transfer.lines import read_line, transfer_number
from twin.kernels.transfer.pulses import choose_transfer, pulse_line
from twin.kernels.transfer.simulated import asymmetric_uses, transfer_line
from twin.operation import Counts, Opcode

F32 = np.float32
(INPUT, FORWARD, ACTIVATION, LOSS, BACKWARD, DERIVATIVE) = (
    int(Opcode.INPUT),
    int(Opcode.FORWARD),
    int(Opcode.ACTIVATION),
    int(Opcode.LOSS),
    int(Opcode.BACKWARD),
    int(Opcode.DERIVATIVE),
)
NODE_FORWARD, NODE_BACKWARD, NODE_STEP, NODE_LOSS = (
    int(Opcode.NODE_FORWARD),
    int(Opcode.NODE_BACKWARD),
    int(Opcode.NODE_STEP),
    int(Opcode.NODE_LOSS),
)
GRADIENT, NODE_NORM, DECAY = int(Opcode.GRADIENT), int(Opcode.NODE_NORM), int(Opcode.DECAY)
FORWARD_FAST, BACKWARD_FAST = int(Opcode.FORWARD_FAST), int(Opcode.BACKWARD_FAST)
(UPDATE, READ_OUT, FILTER, PULSE, TRANSFER_UPDATE) = (
    int(Opcode.UPDATE),
    int(Opcode.READ_OUT),
    int(Opcode.FILTER),
    int(Opcode.PULSE),
    int(Opcode.TRANSFER_UPDATE),
)
UPDATE_CHOPPED, READ_OUT_CHOPPED = int(Opcode.UPDATE_CHOPPED), int(Opcode.READ_OUT_CHOPPED)
FILTER_DYNAMIC, ACCUMULATE, PULSE_LINES = (
    int(Opcode.FILTER_DYNAMIC),
    int(Opcode.ACCUMULATE),
    int(Opcode.PULSE_LINES),
)
UPDATE_ASYMMETRIC, TRANSFER_LINE = int(Opcode.UPDATE_ASYMMETRIC), int(Opcode.TRANSFER_LINE)
CROSSED, VALUE = int(Counts.CROSSED), int(Counts.LOSS)


@kernel
def execute(f, work, real, parts, matrices, layers, nodes, program, counts, inputs, targets, seed):
    """Execute instructions in order.

    Parameters
    ----------
    f : float32
        The arena.
    work, real : int32, float32
        Scratch.
    parts, matrices, layers, nodes : PART, MATRIX, LAYER, NODE records
    program : INSTRUCTION records (n)
    counts : float64 (n, N_COUNTS)
        Filled with what each effect found; must be zero on entry.
    inputs, targets : float32 (samples, n)
    seed : uint64
    """
    end = 0  # of the instructions that have been performed together
    for k in range(program.size):
        if k < end:  # one of the digital updates that the first of them performed with itself
            continue
        end = end_of_updates(matrices, layers, program, k)
        p = program[k]
        layer = layers[p.layer]
        shift = p.slot * layer.stride
        row = counts[k]
        number = p.sample * layer.uses + p.first + p.uses - 1  # of the last update
        if p.opcode == INPUT:
            put_input(f, layer, shift, inputs, p.row)
        elif p.opcode == FORWARD or p.opcode == FORWARD_FAST:  # noqa: PLR1714 - no containers in kernels
            # the network sees scale (C + gamma A): FORWARD_FAST adds A's part to what FORWARD left in z
            fresh = p.opcode == FORWARD
            m = matrices[layer.main if fresh else layer.fast]
            share = layer.scale if fresh else F32(layer.gamma * layer.scale)
            forward(f, work, real, parts, m, layer, shift, p.first, p.uses, p.sample, p.row, fresh, share, seed, row)
        elif p.opcode == ACTIVATION:
            activate_uses(f, layer, layers[layer.partner], shift, p.first, p.uses)
        elif p.opcode == LOSS:
            for use in range(p.first, p.first + p.uses):
                value, wrong = lose_use(f, layer, shift, targets[p.row], use)
                row[VALUE] += value
                row[CROSSED] += wrong
        elif p.opcode == BACKWARD or p.opcode == BACKWARD_FAST:  # noqa: PLR1714
            fresh = p.opcode == BACKWARD
            m = matrices[layer.main_back if fresh else layer.fast_back]
            share = layer.scale if fresh else F32(layer.gamma * layer.scale)
            backward(f, work, real, parts, m, layer, shift, p.first, p.uses, p.sample, fresh, share, seed, row)
        elif p.opcode == DERIVATIVE:
            derivative(f, layer, layers[layer.partner], shift, p.first, p.uses)
        elif p.opcode == NODE_FORWARD:
            node_forward(f, nodes[p.first], p.slot, p.uses, p.sample, seed)
        elif p.opcode == NODE_BACKWARD:
            node_backward(f, nodes[p.first], p.slot, p.uses)
        elif p.opcode == NODE_LOSS:
            value, wrong = lose_rows(f, nodes[p.first], p.slot, targets[p.row])
            row[VALUE] += value
            row[CROSSED] += wrong
        elif p.opcode == NODE_STEP:
            node_step(f, nodes, p.first)
            if layer.h_step > F32(0.0) and layer.learner == p.first:
                round_chi(f, layer, parts[matrices[layer.main].first].stream, p.sample * layer.uses, seed)
        elif p.opcode == NODE_NORM:
            node_norm(f, nodes[p.first])
        elif p.opcode == DECAY:
            decay_lines(f, real, parts, matrices[layer.main], layer, nodes, number, seed, row)
        elif p.opcode == GRADIENT:
            sum_gradients(f, real, nodes[layer.learner], layer, p.slot, p.first, p.uses)
        elif end > k:
            digital_updates(f, real, parts, matrices, layers, program, counts, k, end)
        elif p.opcode == UPDATE or p.opcode == UPDATE_CHOPPED:  # noqa: PLR1714
            m = matrices[layer.update]
            for use in range(p.first, p.first + p.uses):
                start = layer.x + shift + use * layer.n_in
                x = f[start : start + layer.n_in]
                start = layer.d + shift + use * layer.n_out
                d = f[start : start + layer.n_out]
                if p.opcode == UPDATE_CHOPPED:
                    x, d = chop(f, layer, x, d)
                lr = gradient_rate(f, m, layer, x, d)
                update = p.sample * layer.uses + use
                rank_one_update(f, work, real, parts, m, x, d, lr, m.desired_bl, update, OF_GRADIENTS, seed, row)
                refresh(f, parts, m, update, update, seed, row)
        elif p.opcode == READ_OUT or p.opcode == READ_OUT_CHOPPED:  # noqa: PLR1714
            # What is read, filtered and pulsed for update `number` passes from one instruction to the next in the
            # layer's v and s: the hazards of the program keep transfers of one layer apart.
            m = matrices[layer.fast_read]
            number = transfer_number(layer, number, p.read)
            read_line(f, work, real, parts, m, layer, number, seed, row)
            if p.opcode == READ_OUT_CHOPPED:
                unchop(f, parts, m, layer, number, seed)
        elif p.opcode == FILTER:
            number = transfer_number(layer, number, p.read)
            filter_h(f, layer, parts[matrices[layer.fast].first].stream, number, seed, row)
        elif p.opcode == PULSE:
            number = transfer_number(layer, number, p.read)
            pulse_line(f, real, parts, matrices[layer.main], layer, number, seed, row)
        elif p.opcode == TRANSFER_UPDATE:
            m = matrices[layer.main]
            number = transfer_number(layer, number, p.read)
            x, d, lr = choose_transfer(f, layer, number, row)
            rank_one_update(f, work, real, parts, m, x, d, lr, m.transfer_bl, number, OF_TRANSFERS, seed, row)
            refresh(f, parts, m, number, number // layer.transfer_every, seed, row)
        elif p.opcode == FILTER_DYNAMIC:
            stream = parts[matrices[layer.fast].first].stream
            number = transfer_number(layer, number, p.read)
            filter_beside_reference(f, layer, stream, number, seed, row)
        elif p.opcode == ACCUMULATE:
            stream = parts[matrices[layer.main].first].stream
            accumulate_uses(f, layer, stream, shift, p.first, p.uses, p.sample, seed)
        elif p.opcode == PULSE_LINES:
            pulse_lines(f, real, parts, matrices[layer.main], layer, number, seed, row)
        elif p.opcode == UPDATE_ASYMMETRIC:
            asymmetric_uses(f, parts, matrices[layer.update], layer, shift, p.first, p.uses, row)
        elif p.opcode == TRANSFER_LINE:
            transfer_line(f, parts, matrices[layer.main], matrices[layer.fast], layer, number, row)
