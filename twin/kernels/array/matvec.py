"""Mat-vec of one physical array: converters, output noise and bound, noise and bound management.

Model (Gokmen 2021, "Array Model"; parameter names of aihwkit's IOParameters)::

    s   = max|x| (noise management) or 1
    q_j = round(x_j / s * inp_half) / inp_half, clipped to [-1, 1]; + inp_noise eta_j
    v_i = sum_j (w_ij + w_noise zeta_ij) q_j + out_noise xi_i
    y_i = s * out_step * round(clip(v_i, -out_bound, out_bound) / out_step)
    any |v_i| >= out_bound: s <- 2 s and the whole mat-vec again (bound management)

zeta is drawn anew for every mat-vec, so the sum over j of its part is a normal of deviation w_noise ||q|| on every
output, which is what is drawn (`deviation`).

Gokmen 2017, to whom Gokmen 2021 refers, has bound management for the forward pass, whose outputs may exceed the bound,
and noise management for the backward pass, whose errors are small; so has aihwkit. Repeats going backward are an
option (`bound_management_backward`). Read-outs of transfers repeat as the forward pass does, along either axis.
"""

import numpy as np

from twin.kernels.jit import inline, kernel
from twin.kernels.rng import fill_normals
from twin.kernels.simd.rows import accumulate_rows, dot_rows

F32 = np.float32
INPUTS = np.int64(1 << 31)  # from which draw of a mat-vec's stream on its inputs have their noise
DRIVERS = 64  # whose noise is drawn at a time


@inline
def whole(words):
    """Return `words` rounded up to whole cache lines, so that what follows them starts at one."""
    return (words + 15) & ~15


@inline
def max_magnitude(x):
    """Return max|x|; compares bit patterns, since float maxima do not vectorise."""
    most = np.int32(0)
    for j in range(x.size):
        bits = np.int32(F32(x[j]).view(np.int32) & np.int32(0x7FFFFFFF))
        most = max(most, bits)
    return np.int32(most).view(np.float32)


@inline
def quantise(x, scale, half, q):
    """Fill q with x / scale on the input converter's grid, clipped to [-1, 1] (half = 0: no grid)."""
    inverse = F32(F32(1.0) / scale)
    for j in range(x.size):
        v = F32(x[j] * inverse)
        v = min(max(v, F32(-1.0)), F32(1.0))
        q[j] = F32(np.floor(F32(v * half + F32(0.5)))) / half if half > F32(0.0) else v


@inline
def count_driven(q):
    """Return how many lines an input drives."""
    active = 0
    for i in range(q.size):
        active += 1 if q[i] != F32(0.0) else 0
    return active


@kernel
def disturb(q, noise, sigma, key, attempt):
    """Add the noise of all drivers to a converted input, a stretch of `noise` at a time; lines at rest have it too."""
    length = min(noise.size, DRIVERS)
    for start in range(0, q.size, length):
        n = min(length, q.size - start)
        fill_normals(noise[:n], n, key, INPUTS + np.int64(attempt) * q.size + start)
        for j in range(n):
            q[start + j] += sigma * noise[j]


@inline
def deviation(m, q):
    """Return the deviation of an output line: of its own noise and that of the weights which q drives."""
    if m.w_noise == F32(0.0):
        return m.out_noise
    squares = F32(0.0)
    for j in range(q.size):
        squares += q[j] * q[j]
    return F32(np.sqrt(m.out_noise * m.out_noise + m.w_noise * m.w_noise * squares))


@inline
def single(m):
    """Return the deviation of a device that is read by itself, at full scale."""
    if m.w_noise == F32(0.0):
        return m.out_noise
    return F32(np.sqrt(m.out_noise * m.out_noise + m.w_noise * m.w_noise))


@inline
def convert(y, n, noise, sigma, bound, step):
    """Add noise to y[:n], apply the output bound and the converter; return outputs at the bound."""
    clipped = 0
    inverse = F32(F32(1.0) / step) if step > F32(0.0) else F32(0.0)
    for i in range(n):
        v = F32(y[i] + sigma * noise[i])
        if bound > F32(0.0):
            clipped += 1 if abs(v) >= bound else 0
            v = min(max(v, -bound), bound)
        if step > F32(0.0):
            v = F32(np.floor(F32(v * inverse + F32(0.5)))) * step
        y[i] = v
    return clipped


@inline
def conduction(q, line_sum, slope, lines):
    """Sum over lines of |q_j| x (conductance of the line / mean conductance); main and reference."""
    total = F32(0.0)
    base = F32(2.0 * lines)
    for j in range(q.size):
        total += abs(q[j]) * (base + slope * line_sum[j])
    return total


@kernel
def matvec(w, n_in, n_out, forward, x, y, m, most_repeats, line_sum, key, scratch, index):
    """One managed mat-vec on one array.

    Parameters
    ----------
    w : float32 (n_in * n_out)
    forward : bool
        True: y (n_out) = W x (n_in). False: y (n_in) = W^T x (n_out).
    m : MATRIX record
    most_repeats : int
        Of bound management.
    line_sum : float32, one entry per driven line
    key : uint64
        Stream of the output noise.
    scratch : float32, at least len(x) + len(y)
    index : int32, at least len(x)

    Returns
    -------
    (repeats, driven, conducted, clipped)
        Mat-vecs performed, lines driven in all of them, conduction count, outputs at the bound in the last.
    """
    lines = n_out if forward else n_in
    if m.perfect:
        if forward:
            accumulate_rows(w, n_out, x, index, y)
        else:
            dot_rows(w, n_in, n_out, x, y)
        return 1, 0, F32(0.0), 0
    q = scratch[: x.size]
    start = whole(x.size)
    noise = scratch[start : start + lines]
    top = max_magnitude(x)
    if top == F32(0.0):  # no line is driven, so nothing is integrated and there is no noise to convert
        y[:lines] = F32(0.0)
        return 1, 0, F32(0.0), 0
    begin = 0, 0, F32(0.0), top if m.noise_management else F32(1.0)
    return attempts(w, n_in, n_out, forward, x, y, m, most_repeats, line_sum, key, q, noise, index, begin)


@kernel
def attempts(w, n_in, n_out, forward, x, y, m, most_repeats, line_sum, key, q, noise, index, so_far):
    """Mat-vecs until no output is at the bound or they are enough; `so_far` has repeats, driven, conducted, scale.

    q and noise are scratch, len(x) and len(y). Results as those of `matvec`.
    """
    lines = n_out if forward else n_in
    repeats, driven, conducted, scale = so_far
    while True:
        quantise(x, scale, m.inp_half, q)
        active = -1
        if m.inp_noise > F32(0.0):
            active = count_driven(q)
            disturb(q, noise, m.inp_noise, key, repeats)
        if forward:
            driven_lines = accumulate_rows(w, n_out, q, index, y)
            active = driven_lines if active < 0 else active
        else:
            dot_rows(w, n_in, n_out, q, y)
            active = count_driven(q) if active < 0 else active
        driven += active
        conducted += conduction(q, line_sum, m.conductance_slope, lines)
        sigma = deviation(m, q)
        if sigma > F32(0.0):  # a repeat is another mat-vec: other draws of the same stream
            fill_normals(noise, lines, key, repeats * lines)
        clipped = convert(y, lines, noise, sigma, m.out_bound, m.out_step)
        repeats += 1
        if clipped == 0 or repeats > most_repeats:
            break
        scale = F32(scale * F32(2.0))  # bound management: half the input, a power of two so that no weight is rounded
    for i in range(lines):
        y[i] *= scale
    return repeats, driven, conducted, clipped
