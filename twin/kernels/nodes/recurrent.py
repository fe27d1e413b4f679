"""Recurrent cells: one step forward and one back in time (Gokmen 2018, "Training LSTM Networks With RPU").

Gates i, f, o (sigmoid), g (tanh); c(t) = f c(t-1) + i g; h = o tanh c. The plain cell is h = tanh z. A GRU (Cho 2014,
arXiv 1406.1078, Eq. 5 to 8) is two layers, `gates` with z and r (sigmoid) of [x, h(t-1)], and `layer` with n (tanh) of
[x, r h(t-1)]; h = (1 - z) n + z h(t-1).
"""

import numpy as np

from twin.kernels.jit import inline, kernel
from twin.kernels.nodes.activations import activate
from twin.kernels.records import GRU, GRU_GATES, LSTM, SIGMOID, TANH

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
def fetch_step(f, layer, shift, step, x):
    """Put the input of one step on the lines of the array: features, or the line of a symbol."""
    if layer.one_hot:
        for k in range(layer.features):
            x[k] = F32(0.0)
        x[np.int64(f[layer.source + shift + step])] = F32(1.0)
        return
    start = layer.source + shift + step * layer.features
    row = f[start : start + layer.features]
    for k in range(row.size):
        x[k] = row[k]


@inline
def state_of(layer, shift):
    """Return the stream of a slot, and where its state lies."""
    stream = shift // layer.stride % layer.streams
    return stream, layer.state + stream * 2 * layer.hidden


@kernel
def enter_sequence(f, layer, shift, row):
    """Take over h and c from the sequence before; zeros where a stream starts, and where none is carried."""
    start = layer.x + shift + layer.features
    h = f[start : start + layer.hidden]
    c = f[layer.c + shift : layer.c + shift + layer.hidden]
    goes_on, at = False, layer.state
    if layer.streams > 0:
        stream, at = state_of(layer, shift)
        goes_on = row != stream * layer.stream_rows
    state = f[at : at + 2 * layer.hidden]
    for i in range(h.size):
        h[i] = state[i] if goes_on else F32(0.0)
    if layer.kind == GRU_GATES:
        return
    for i in range(h.size):
        c[i] = state[layer.hidden + i] if goes_on else F32(0.0)


@kernel
def hand_on(f, layer, gates, shift, step, h, c):
    """Give h to what takes it and to the next step, or h and c to the next sequence after the last."""
    n = h.size
    last = step + 1 == layer.uses
    start = layer.handed + shift + step * layer.handed_step
    above = f[start : start + n]
    for i in range(n):
        above[i] = h[i]
    if last and layer.streams == 0:
        return
    at = layer.state
    if last:
        _, at = state_of(layer, shift)
    start = at if last else gates.x + shift + (step + 1) * gates.n_in + gates.features
    own = f[start : start + n]
    kept = f[at + n : at + 2 * n]
    for i in range(n):
        own[i] = h[i]
    if last:
        for i in range(n):
            kept[i] = c[i]


@kernel
def cell_forward(f, layer, partner, shift, step):
    """Gates, c and h of one step from the weighted sums."""
    if layer.kind == GRU_GATES:
        gates_forward(f, layer, partner, shift, step)
        return
    if layer.kind == GRU:
        candidate_forward(f, layer, partner, shift, step)
        return
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
        hand_on(f, layer, layer, shift, step, h, c)
    else:
        activate(TANH, z, y)
        hand_on(f, layer, layer, shift, step, y, c)


@kernel
def gates_forward(f, gates, layer, shift, step):
    """z and r of one step; the candidate's lines get x and r h."""
    n = gates.hidden
    start = gates.z + shift + step * gates.n_out
    z = f[start : start + gates.n_out]
    start = gates.y + shift + step * gates.n_out
    y = f[start : start + gates.n_out]
    activate(SIGMOID, z, y)
    start = gates.x + shift + step * gates.n_in
    x = f[start : start + gates.features + n]
    start = layer.x + shift + step * layer.n_in
    lines = f[start : start + gates.features + n]
    for k in range(gates.features):
        lines[k] = x[k]
    for i in range(n):
        lines[gates.features + i] = y[n + i] * x[gates.features + i]


@kernel
def candidate_forward(f, layer, gates, shift, step):
    """n and h of one step, with z and the state before."""
    n = layer.hidden
    start = layer.z + shift + step * n
    sums = f[start : start + n]
    start = layer.y + shift + step * n
    y = f[start : start + n]
    activate(TANH, sums, y)
    start = gates.y + shift + step * gates.n_out
    z = f[start : start + n]
    start = gates.x + shift + step * gates.n_in + gates.features
    before = f[start : start + n]
    for i in range(n):  # the sums are no longer needed
        sums[i] = (F32(1.0) - z[i]) * y[i] + z[i] * before[i]
    hand_on(f, layer, gates, shift, step, sums, sums)


@kernel
def cell_backward(f, layer, partner, shift, step):
    """d of all gates of one step from the errors of the output and of the step after."""
    if layer.kind == GRU_GATES:
        gates_backward(f, layer, partner, shift, step)
        return
    n = layer.hidden
    start = layer.d + shift + step * layer.n_out
    d = f[start : start + layer.n_out]
    start = layer.y + shift + step * layer.n_out
    y = f[start : start + layer.n_out]
    start = layer.error + shift + step * layer.error_step
    error = f[start : start + n]
    last = step + 1 == layer.uses
    # truncated back-propagation: no error comes in from the sequence after
    keep = F32(0.0) if last else F32(1.0)
    if layer.kind == GRU:
        start = partner.e + shift + (step + (0 if last else 1)) * partner.n_in + partner.features
        candidate_backward(f, layer, partner, shift, step, d, y, error, f[start : start + n], last)
        return
    start = layer.e + shift + (step + (0 if last else 1)) * layer.n_in + layer.features
    later = f[start : start + n]
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


@kernel
def candidate_backward(f, layer, gates, shift, step, d, y, error, later, last):
    """d of n of one step; the error of h is left in the candidate's carry for the gates."""
    n = layer.hidden
    start = gates.y + shift + step * gates.n_out
    z = f[start : start + n]
    dh = f[layer.carry + shift : layer.carry + shift + n]
    for i in range(n):
        dh[i] = error[i] + (F32(0.0) if last else later[i])
        d[i] = dh[i] * (F32(1.0) - z[i]) * (F32(1.0) - y[i] * y[i])


@kernel
def gates_backward(f, gates, layer, shift, step):
    """d of z and r of one step, and what reaches [x, h(t-1)] past the gates: by n, by z h and by r h."""
    n, features = gates.hidden, gates.features
    start = gates.d + shift + step * gates.n_out
    d = f[start : start + gates.n_out]
    start = gates.y + shift + step * gates.n_out
    z, r = f[start : start + n], f[start + n : start + 2 * n]
    start = gates.x + shift + step * gates.n_in + features
    before = f[start : start + n]
    start = layer.y + shift + step * n
    y = f[start : start + n]
    start = layer.e + shift + step * layer.n_in
    e = f[start : start + features + n]
    dh = f[layer.carry + shift : layer.carry + shift + n]
    past = f[gates.carry + shift : gates.carry + shift + features + n]
    for k in range(gates.back, features):
        past[k] = e[k]
    for i in range(n):
        error = e[features + i]
        d[i] = dh[i] * (before[i] - y[i]) * z[i] * (F32(1.0) - z[i])
        d[n + i] = error * before[i] * r[i] * (F32(1.0) - r[i])
        past[features + i] = dh[i] * z[i] + error * r[i]
