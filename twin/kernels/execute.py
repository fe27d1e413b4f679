"""The instruction executor: one compiled function performs every effect of every algorithm."""

import numpy as np

from twin.kernels.array.digital import digital_updates, end_of_updates
from twin.kernels.array.matrix import gradient_rate, managed_matvec, rank_one_update, refresh
from twin.kernels.jit import kernel
from twin.kernels.nodes.activations import activate, loss_and_delta, multiply_by_derivative
from twin.kernels.nodes.conv import activate_and_pool, gather, scatter, unpool
from twin.kernels.nodes.recurrent import cell_backward, cell_forward, enter_sequence, put_symbols
from twin.kernels.records import CONV, DENSE
from twin.kernels.streams import OF_GRADIENTS, OF_TRANSFERS
from twin.kernels.transfer.chi import accumulate_uses, pulse_lines
from twin.kernels.transfer.choppers import chop, filter_beside_reference, unchop
from twin.kernels.transfer.lines import choose_transfer, filter_h, pulse_line, read_line
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
FORWARDS, BACKWARDS = np.True_, np.False_  # of this type for one version of each callee, as in twin.kernels.streams
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
CROSSED, VALUE = int(Counts.CROSSED), int(Counts.LOSS)


@kernel
def put_input(f, layer, shift, inputs, row):
    """Put a training example where the first layer takes it."""
    if layer.kind == DENSE or layer.kind == CONV:  # noqa: PLR1714 - no containers in kernels
        start = (layer.x if layer.kind == DENSE else layer.image) + shift
        for j in range(inputs.shape[1]):  # a slice would compile the text of its shape error: 5 s
            f[start + j] = inputs[row, j]
    else:
        put_symbols(f, layer, shift, inputs, row)


@kernel
def forward(f, work, real, parts, m, layer, shift, first, uses, sample, row, fresh, factor, seed, counts):
    """z += factor W x for some uses, from 0 where `fresh`."""
    for use in range(first, first + uses):
        if layer.kind == CONV:
            gather(f, layer, shift, use)
        elif layer.kind != DENSE and use == 0:
            enter_sequence(f, layer, shift, row)
        start = layer.x + shift + use * layer.n_in
        x = f[start : start + layer.n_in]
        start = layer.z + shift + use * layer.n_out
        z = f[start : start + layer.n_out]
        if fresh:
            z[:] = F32(0.0)
        number = sample * layer.uses + use
        managed_matvec(f, work, real, parts, m, FORWARDS, x, z, np.int64(0), factor, number, seed, counts)


@kernel
def backward(f, work, real, parts, m, layer, shift, first, uses, sample, fresh, factor, seed, counts):
    """e += factor W^T d for some uses, from 0 where `fresh`; windows of a convolution add up in the map's error."""
    if layer.kind == CONV and fresh and first == 0:
        start = layer.e + shift
        error = f[start : start + layer.height * layer.width * layer.channels]
        error[:] = F32(0.0)
    for use in range(first, first + uses):
        start = layer.d + shift + use * layer.n_out
        d = f[start : start + layer.n_out]
        start = layer.window + shift if layer.kind == CONV else layer.e + shift + use * layer.n_in
        e = f[start : start + layer.n_in]
        if fresh or layer.kind == CONV:
            e[:] = F32(0.0)
        number = sample * layer.uses + use
        managed_matvec(f, work, real, parts, m, BACKWARDS, d, e, layer.back, factor, number, seed, counts)
        if layer.kind == CONV:
            scatter(f, layer, shift, use, e)


@kernel
def activate_uses(f, layer, shift, first, uses):
    """Outputs from weighted sums."""
    if layer.kind == CONV:
        activate_and_pool(f, layer, shift)
        return
    for use in range(first, first + uses):
        if layer.kind == DENSE:
            start = layer.z + shift + use * layer.n_out
            z = f[start : start + layer.n_out]
            start = layer.y + shift + use * layer.y_step
            activate(layer.activation, z, f[start : start + layer.n_out])
        else:
            cell_forward(f, layer, shift, use)


@kernel
def derivative(f, layer, above, shift, first, uses):
    """d from the error of the layer above."""
    if layer.kind == CONV:
        unpool(f, layer, above, shift)
        return
    for use in range(first, first + uses):
        if layer.kind == DENSE:
            start = layer.y + shift + use * layer.y_step
            y = f[start : start + layer.n_out]
            start = above.e + shift + use * above.n_in
            e = f[start : start + layer.n_out]
            start = layer.d + shift + use * layer.n_out
            multiply_by_derivative(layer.activation, y, e, f[start : start + layer.n_out])
        else:
            cell_backward(f, layer, above, shift, use)


@kernel
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
    end = 0  # of the instructions that have been performed together
    for k in range(program.size):
        if k < end:
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
            fresh = p.opcode == FORWARD
            m = matrices[layer.main if fresh else layer.fast]
            share = layer.scale if fresh else F32(layer.gamma * layer.scale)
            forward(f, work, real, parts, m, layer, shift, p.first, p.uses, p.sample, p.row, fresh, share, seed, row)
        elif p.opcode == ACTIVATION:
            activate_uses(f, layer, shift, p.first, p.uses)
        elif p.opcode == LOSS:
            for use in range(p.first, p.first + p.uses):
                start = layer.z + shift + use * layer.n_out
                z = f[start : start + layer.n_out]
                start = layer.y + shift + use * layer.y_step
                y = f[start : start + layer.n_out]
                start = layer.d + shift + use * layer.n_out
                d = f[start : start + layer.n_out]
                activate(layer.activation, z, y)
                value, wrong = loss_and_delta(layer.loss, layer.activation, y, targets[p.row], use, d)
                row[VALUE] += value
                row[CROSSED] += wrong
        elif p.opcode == BACKWARD or p.opcode == BACKWARD_FAST:  # noqa: PLR1714
            fresh = p.opcode == BACKWARD
            m = matrices[layer.main if fresh else layer.fast]
            share = layer.scale if fresh else F32(layer.gamma * layer.scale)
            backward(f, work, real, parts, m, layer, shift, p.first, p.uses, p.sample, fresh, share, seed, row)
        elif p.opcode == DERIVATIVE:
            derivative(f, layer, layers[p.layer + 1], shift, p.first, p.uses)
        elif end > k:
            digital_updates(f, parts, matrices, layers, program, counts, k, end)
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
            m = matrices[layer.fast]
            read_line(f, work, real, parts, m, layer, number, seed, row)
            if p.opcode == READ_OUT_CHOPPED:
                unchop(f, parts, m, layer, number, seed)
        elif p.opcode == FILTER:
            filter_h(f, layer, parts[matrices[layer.fast].first].stream, number, seed, row)
        elif p.opcode == PULSE:
            pulse_line(f, real, parts, matrices[layer.main], layer, number, seed, row)
        elif p.opcode == TRANSFER_UPDATE:
            m = matrices[layer.main]
            x, d, lr = choose_transfer(f, layer, number, row)
            rank_one_update(f, work, real, parts, m, x, d, lr, m.transfer_bl, number, OF_TRANSFERS, seed, row)
            refresh(f, parts, m, number, number // layer.transfer_every, seed, row)
        elif p.opcode == FILTER_DYNAMIC:
            stream = parts[matrices[layer.fast].first].stream
            filter_beside_reference(f, layer, stream, number, seed, row)
        elif p.opcode == ACCUMULATE:
            stream = parts[matrices[layer.main].first].stream
            accumulate_uses(f, layer, stream, shift, p.first, p.uses, p.sample, seed)
        elif p.opcode == PULSE_LINES:
            pulse_lines(f, real, parts, matrices[layer.main], layer, number, seed, row)
