"""The steps of a layer by its kind: input, mat-vecs both ways, outputs from sums, and errors of sums from errors."""

import numpy as np

from twin.kernels.array.bursts import LEAST, TOGETHER, managed_matvecs, turn_parts, windows_of
from twin.kernels.array.matrix import managed_matvec
from twin.kernels.jit import inline, kernel
from twin.kernels.nodes.conv import activate_and_pool, gather, keep_group, scatter, unpool
from twin.kernels.nodes.dense import activate_use, derive_use, fetch_row
from twin.kernels.nodes.recurrent import cell_backward, cell_forward, enter_sequence, fetch_step, put_symbols
from twin.kernels.records import CONV, DENSE, GRU, GRU_GATES

F32 = np.float32
FORWARDS, BACKWARDS = np.True_, np.False_  # of this type for one version of each callee, as in twin.kernels.streams


@kernel
def put_input(f, layer, shift, inputs, row):
    """Put a training example where the first layer takes it."""
    if layer.kind == DENSE or layer.kind == CONV or layer.source >= 0:  # noqa: PLR1714 - no containers in kernels
        start = layer.sample + shift
        for j in range(inputs.shape[1]):  # a slice would compile the text of its shape error: 5 s
            f[start + j] = inputs[row, j]
    else:
        put_symbols(f, layer, shift, inputs, row)


@inline
def together(m, layer, uses):
    """Return whether mat-vecs of several uses are worked off at once; noise of the inputs is drawn use by use."""
    several = layer.kind == CONV or layer.kind == DENSE  # noqa: PLR1714 - no containers in kernels
    return several and uses >= LEAST and m.inp_noise == F32(0.0)


@kernel
def forward(f, work, real, parts, m, layer, shift, first, uses, sample, row, fresh, factor, seed, counts):
    """z += factor W x for some uses, from 0 where `fresh`."""
    if together(m, layer, uses):
        for start in range(first, first + uses, TOGETHER):
            some = min(TOGETHER, first + uses - start)
            forward_burst(f, work, real, parts, m, layer, shift, start, some, sample, fresh, factor, seed, counts)
        return
    for use in range(first, first + uses):
        if layer.kind == CONV:
            gather(f, layer, shift, use)
        elif layer.kind != DENSE and layer.kind != GRU and use == 0:  # noqa: PLR1714
            enter_sequence(f, layer, shift, row)
        start = layer.x + shift + use * layer.n_in
        x = f[start : start + layer.n_in]
        if fresh and layer.source >= 0:
            if layer.kind == DENSE:
                fetch_row(f, layer, shift, use, x)
            else:
                fetch_step(f, layer, shift, use, x)
        start = layer.sums + shift if layer.groups > 1 else layer.z + shift + use * layer.n_out
        z = f[start : start + layer.n_out]
        if fresh or layer.groups > 1:
            z[:] = F32(0.0)
        number = sample * layer.uses + use
        low, most = np.int64(0), m.bm_repeats
        managed_matvec(f, work, real, parts, m, FORWARDS, most, x, z, low, factor, number, seed, counts)
        if layer.groups > 1:
            keep_group(f, layer, shift, use, z, fresh)


@kernel
def forward_burst(f, work, real, parts, m, layer, shift, first, uses, sample, fresh, factor, seed, counts):
    """`forward` of uses that do not need each other's results."""
    for use in range(first, first + uses):
        if layer.kind == CONV:
            gather(f, layer, shift, use)
        elif fresh and layer.source >= 0:
            start = layer.x + shift + use * layer.n_in
            fetch_row(f, layer, shift, use, f[start : start + layer.n_in])
    grouped = layer.groups > 1
    y, step = windows_of(real, m)
    if not grouped:
        start, step = layer.z + shift + first * layer.n_out, layer.n_out
        y = f[start : start + uses * step]
    if fresh or grouped:
        y[:] = F32(0.0)
    low, most, number = np.int64(0), m.bm_repeats, sample * layer.uses + first
    at, apart = layer.x + shift + first * layer.n_in, layer.n_in
    managed_matvecs(
        f, work, real, parts, m, FORWARDS, most, f, at, apart, y, step, uses, low, factor, number, seed, counts
    )
    if grouped:
        for use in range(uses):
            keep_group(f, layer, shift, first + use, y[use * step : use * step + layer.n_out], fresh)


@kernel
def backward_burst(f, work, real, parts, m, layer, shift, first, uses, sample, fresh, factor, seed, counts):
    """`backward` of uses that do not need each other's results."""
    windows = layer.kind == CONV
    y, step = windows_of(real, m)
    if not windows:
        start, step = layer.e + shift + first * layer.n_in, layer.n_in
        y = f[start : start + uses * step]
    if fresh or windows:
        y[:] = F32(0.0)
    low, most, number = layer.back, m.bm_repeats_backward, sample * layer.uses + first
    at, apart = layer.d + shift + first * layer.n_out, layer.n_out
    managed_matvecs(
        f, work, real, parts, m, BACKWARDS, most, f, at, apart, y, step, uses, low, factor, number, seed, counts
    )
    if windows:
        for use in range(uses):
            scatter(f, layer, shift, first + use, y[use * step : use * step + layer.n_in])


@kernel
def backward(f, work, real, parts, m, layer, shift, first, uses, sample, fresh, factor, seed, counts):
    """e += factor W^T d for some uses, from 0 where `fresh`; windows of a convolution add up in the map's error."""
    if layer.kind == CONV and fresh and first == 0:
        start = layer.e + shift
        error = f[start : start + layer.height * layer.width * layer.channels]
        error[:] = F32(0.0)
    if together(m, layer, uses):
        turn_parts(f, real, parts, m, layer.back)
        for start in range(first, first + uses, TOGETHER):
            some = min(TOGETHER, first + uses - start)
            backward_burst(f, work, real, parts, m, layer, shift, start, some, sample, fresh, factor, seed, counts)
        return
    for use in range(first, first + uses):
        start = layer.d + shift + use * layer.n_out
        d = f[start : start + layer.n_out]
        start = layer.window + shift if layer.kind == CONV else layer.e + shift + use * layer.n_in
        e = f[start : start + layer.n_in]
        if fresh and layer.kind == GRU_GATES:
            start = layer.carry + shift
            past = f[start : start + layer.n_in]
            for k in range(e.size):
                e[k] = past[k]
        elif fresh or layer.kind == CONV:
            e[:] = F32(0.0)
        number = sample * layer.uses + use
        low, most = layer.back, m.bm_repeats_backward
        managed_matvec(f, work, real, parts, m, BACKWARDS, most, d, e, low, factor, number, seed, counts)
        if layer.kind == CONV:
            scatter(f, layer, shift, use, e)


@kernel
def activate_uses(f, layer, partner, shift, first, uses):
    """Outputs from weighted sums."""
    if layer.kind == CONV:
        activate_and_pool(f, layer, shift)
        return
    for use in range(first, first + uses):
        if layer.kind == DENSE:
            activate_use(f, layer, shift, use)
        else:
            cell_forward(f, layer, partner, shift, use)


@kernel
def derivative(f, layer, partner, shift, first, uses):
    """d from the error of what was handed on."""
    if layer.kind == CONV:
        unpool(f, layer, shift)
        return
    for use in range(first, first + uses):
        if layer.kind == DENSE:
            derive_use(f, layer, shift, use)
        else:
            cell_backward(f, layer, partner, shift, use)
