"""Windows of a convolution: gathered for its mat-vecs, scattered back as errors, and max-pooling."""

import numpy as np

from twin.kernels.jit import inline, kernel
from twin.kernels.nodes.activations import activate, multiply_by_derivative
from twin.kernels.simd.rows import add_one, copy

F32 = np.float32


@inline
def corner(layer, use):
    """Return the input row and column of the upper left corner of a window, and where its group's channels start."""
    position, group = use, 0
    if layer.groups > 1:
        position, group = use // layer.groups, use % layer.groups
    return (
        (position // layer.out_width) * layer.hop - layer.top,
        (position % layer.out_width) * layer.hop_columns - layer.left,
        group * layer.group,
    )


@inline
def covered(layer, row, left):
    """Return where the words of a window's row begin that lie in the map, and their end."""
    if row < 0 or row >= layer.height:
        return np.int64(0), np.int64(0)
    first, end = max(-left, 0), min(layer.kernel_columns, layer.width - left)
    return first * layer.channels, max(end, first) * layer.channels


@kernel
def gather(f, layer, shift, use):
    """Put one window of the input map into its x: (rows, columns, channels), zeros beyond the border."""
    top, left, channel = corner(layer, use)
    width = layer.kernel_columns * layer.group
    image = layer.image + shift + channel
    at = layer.x + shift + use * layer.n_in
    for number in range(layer.kernel):
        row = top + number * layer.dilation
        line = f[at : at + width]
        start = image + (row * layer.width + left) * layer.channels
        if layer.apart:
            for k in range(line.size):
                column = k // layer.group * layer.dilation_columns
                inside = 0 <= row < layer.height and 0 <= left + column < layer.width
                line[k] = f[start + column * layer.channels + k % layer.group] if inside else F32(0.0)
        else:
            low, high = covered(layer, row, left)
            if low > 0 or high < width:
                line[:] = F32(0.0)
            copy(f, at + low, f, start + low, high - low)
        at += width


@kernel
def scatter(f, layer, shift, use, window):
    """Add the error of one window to the error of the input map."""
    top, left, channel = corner(layer, use)
    width = layer.kernel_columns * layer.group
    error = layer.e + shift + channel
    at = 0
    for number in range(layer.kernel):
        row = top + number * layer.dilation
        line = window[at : at + width]
        start = error + (row * layer.width + left) * layer.channels
        if layer.apart:
            for k in range(line.size):
                column = k // layer.group * layer.dilation_columns
                if 0 <= row < layer.height and 0 <= left + column < layer.width:
                    f[start + column * layer.channels + k % layer.group] += line[k]
        else:
            low, high = covered(layer, row, left)
            add_one(f[start + low :], high - low, window, at + low, F32(1.0))
        at += width


@kernel
def keep_group(f, layer, shift, use, sums, fresh):
    """Put the sums of one group into z, or add them; those of the other groups are dropped."""
    n = layer.n_out // layer.groups
    column = use % layer.groups * n
    start = layer.z + shift + use // layer.groups * layer.n_out + column
    z = f[start : start + n]
    for i in range(n):
        z[i] = sums[column + i] if fresh else z[i] + sums[column + i]


@kernel
def activate_and_pool(f, layer, shift):
    """Activate all positions and hand on the greatest of every pooling window, noting which it was."""
    n = layer.n_out
    size = layer.out_height * layer.out_width * n
    z = f[layer.z + shift : layer.z + shift + size]
    y = f[layer.y + shift : layer.y + shift + size]
    activate(layer.activation, z, y)
    height, width = layer.out_height // layer.pool, layer.out_width // layer.pool
    handed = f[layer.handed + shift : layer.handed + shift + height * width * n]
    # float32 like all of the arena, so positions are exact in maps of up to 2^24 outputs
    chosen = f[layer.chosen + shift : layer.chosen + shift + height * width * n]
    for i in range(height):
        for j in range(width):
            first = (i * layer.pool * layer.out_width + j * layer.pool) * n
            best = handed[(i * width + j) * n : (i * width + j + 1) * n]
            which = chosen[(i * width + j) * n : (i * width + j + 1) * n]
            for k in range(best.size):
                best[k] = y[first + k]
                which[k] = F32(first + k)
            for one in range(1, layer.pool * layer.pool):
                at = first + ((one // layer.pool) * layer.out_width + one % layer.pool) * n
                for k in range(best.size):
                    if y[at + k] > best[k]:
                        best[k] = y[at + k]
                        which[k] = F32(at + k)


@kernel
def unpool_groups(f, layer, shift, n):
    """As `unpool`; the d of a use has its own group's errors, and zeros for the others."""
    size = layer.uses * layer.n_out
    d = f[layer.d + shift : layer.d + shift + size]
    d[:] = F32(0.0)
    outputs = layer.n_out // layer.groups
    for k in range(n):
        at = np.int64(f[layer.chosen + shift + k])
        column = at % layer.n_out
        use = at // layer.n_out * layer.groups + column // outputs
        y, error = f[layer.y + shift + at :], f[layer.error + shift + k :]
        one = use * layer.n_out + column
        multiply_by_derivative(layer.activation, y, error, d[one : one + 1])


@kernel
def unpool(f, layer, shift):
    """Give the error of every pooled value to the output it came from, times the derivative: d of all positions."""
    n = (layer.out_height // layer.pool) * (layer.out_width // layer.pool) * layer.n_out
    if layer.groups > 1:
        unpool_groups(f, layer, shift, n)
        return
    size = layer.uses * layer.n_out
    d = f[layer.d + shift : layer.d + shift + size]
    error = f[layer.error + shift : layer.error + shift + n]
    chosen = f[layer.chosen + shift : layer.chosen + shift + n]
    d[:] = F32(0.0)  # pooling windows do not overlap, so each output gets at most one error
    for k in range(n):
        d[np.int64(chosen[k])] = error[k]
    multiply_by_derivative(layer.activation, f[layer.y + shift : layer.y + shift + size], d, d)
