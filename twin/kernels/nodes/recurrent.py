"""Recurrent cells: one step forward and one back in time (Gokmen 2018, "Training LSTM Networks With RPU").

Gates i, f, o (sigmoid), g (tanh); c(t) = f c(t-1) + i g; h = o tanh c. The plain cell is h = tanh z.
"""

import numpy as np

from twin.kernels.jit import kernel
from twin.kernels.nodes.activations import activate
from twin.kernels.records import LSTM, SIGMOID, TANH

F32 = np.float32


@kernel
def put_symbols(f, layer, shift, codes, row):
    """Set the one-hot inputs of all steps of a sequence."""
    for step in range(layer.uses):
        start = layer.x + shift + step * layer.n_in
        x = f[start : start + layer.features]
        x[:] = F32(0.0)
        x[np.int64(codes[row, step])] = F32(1.0)


@kernel
def enter_sequence(f, layer, shift, row):
    """Take over h and c from the sequence before; zeros at the start of the text (row 0)."""
    start = layer.x + shift + layer.features
    h = f[start : start + layer.hidden]
    c = f[layer.c + shift : layer.c + shift + layer.hidden]
    state = f[layer.state : layer.state + 2 * layer.hidden]
    for i in range(h.size):
        h[i] = state[i] if row > 0 else F32(0.0)
        c[i] = state[layer.hidden + i] if row > 0 else F32(0.0)


@kernel
def hand_on(f, layer, shift, step, h, c):
    """Give h to the layer above and to the next step, or h and c to the next sequence after the last."""
    n = h.size
    last = step + 1 == layer.uses
    start = layer.handed + shift + step * layer.handed_step
    above = f[start : start + n]
    start = layer.state if last else layer.x + shift + (step + 1) * layer.n_in + layer.features
    own = f[start : start + n]
    kept = f[layer.state + n : layer.state + 2 * n]
    for i in range(n):
        above[i] = h[i]
        own[i] = h[i]
        kept[i] = c[i] if last else kept[i]


@kernel
def cell_forward(f, layer, shift, step):
    """Gates, c and h of one step from the weighted sums."""
    n = layer.hidden
    start = layer.z + shift + step * layer.n_out
    z = f[start : start + layer.n_out]
    start = layer.y + shift + step * layer.n_out
    y = f[start : start + layer.n_out]
    start = layer.c + shift + step * n
    before, c = f[start : start + n], f[start + n : start + 2 * n]
    start = layer.tanh_c + shift + step * n
    tanh_c = f[start : start + n]
    if layer.kind == LSTM:
        activate(SIGMOID, z[: 3 * n], y[: 3 * n])
        activate(TANH, z[3 * n :], y[3 * n :])
        gate_i, gate_f, gate_o, g = y[:n], y[n : 2 * n], y[2 * n : 3 * n], y[3 * n : 4 * n]
        for i in range(n):
            c[i] = gate_f[i] * before[i] + gate_i[i] * g[i]
        activate(TANH, c, tanh_c)
        h = z[:n]  # the sums are no longer needed
        for i in range(n):
            h[i] = gate_o[i] * tanh_c[i]
        hand_on(f, layer, shift, step, h, c)
    else:
        activate(TANH, z, y)
        hand_on(f, layer, shift, step, y, c)


@kernel
def cell_backward(f, layer, shift, step):
    """d of all gates of one step from the errors of the output and of the step after."""
    n = layer.hidden
    start = layer.d + shift + step * layer.n_out
    d = f[start : start + layer.n_out]
    start = layer.y + shift + step * layer.n_out
    y = f[start : start + layer.n_out]
    start = layer.error + shift + step * layer.error_step
    error = f[start : start + n]
    last = step + 1 == layer.uses
    start = layer.e + shift + (step + (0 if last else 1)) * layer.n_in + layer.features
    later = f[start : start + n]
    # truncated back-propagation: no error comes in from the sequence after
    keep = F32(0.0) if last else F32(1.0)
    if layer.kind != LSTM:
        for i in range(n):
            dh = error[i] + (F32(0.0) if last else later[i])
            d[i] = dh * (F32(1.0) - y[i] * y[i])
        return
    carry = f[layer.carry + shift : layer.carry + shift + n]
    start = layer.c + shift + step * n
    before = f[start : start + n]
    start = layer.tanh_c + shift + step * n
    tanh_c = f[start : start + n]
    gate_i, gate_f, gate_o, g = y[:n], y[n : 2 * n], y[2 * n : 3 * n], y[3 * n : 4 * n]
    d_i, d_f, d_o, d_g = d[:n], d[n : 2 * n], d[2 * n : 3 * n], d[3 * n : 4 * n]
    for i in range(n):
        dh = error[i] + (F32(0.0) if last else later[i])
        dc = keep * carry[i] + dh * gate_o[i] * (F32(1.0) - tanh_c[i] * tanh_c[i])
        d_o[i] = dh * tanh_c[i] * gate_o[i] * (F32(1.0) - gate_o[i])
        d_i[i] = dc * g[i] * gate_i[i] * (F32(1.0) - gate_i[i])
        d_f[i] = dc * before[i] * gate_f[i] * (F32(1.0) - gate_f[i])
        d_g[i] = dc * gate_i[i] * (F32(1.0) - g[i] * g[i])
        carry[i] = dc * gate_f[i]
