"""Choppers of c-TTv2 and AGAD, and AGAD's dynamic reference (Rasch et al., Nat. Commun. 15:7133, 2024).

Each line of A along the transfer axis has a sign c. The update writes with it, the read-out takes it away
again, and it flips between reads: the gradient adds up in H, and what A holds whatever the sign, e.g. the
distance from a badly set reference to the symmetry point, adds with alternating signs.
"""

import numpy as np

from twin.kernels.jit import inline, kernel
from twin.kernels.records import ROW
from twin.kernels.rng import U32, U64, draw, stream_key
from twin.kernels.streams import IN_CHOP, OUT_CHOP
from twin.kernels.transfer.lines import line_of

F32 = np.float32
TO_UNIT = F32(1.0 / (1 << 24))


@kernel
def chop(f, layer, x, d):
    """Return c_in x and c_out d, of which A += lr (c_out d) (c_in x)^T; along rows the lines' signs go with d."""
    by_row = layer.transfer_axis == ROW
    x_signs = f[layer.out_chop if by_row else layer.in_chop :][: layer.n_in]
    d_signs = f[layer.in_chop if by_row else layer.out_chop :][: layer.n_out]
    chopped_x = f[layer.chopped_x : layer.chopped_x + layer.n_in]
    chopped_d = f[layer.chopped_d : layer.chopped_d + layer.n_out]
    for j in range(layer.n_in):
        chopped_x[j] = x_signs[j] * x[j]
    for i in range(layer.n_out):
        chopped_d[i] = d_signs[i] * d[i]
    return chopped_x, chopped_d


@kernel
def unchop(f, parts, m, layer, sample, seed):
    """V = c_in c_out A u from A u; then the line's chopper may flip, and after the last line those across it.

    Notes the sign of the line and whether it flipped, which AGAD's reference needs.
    """
    t = line_of(layer, sample)
    v = f[layer.v : layer.v + layer.line_length]
    out_signs = f[layer.out_chop : layer.out_chop + layer.line_length]
    sign = f[layer.in_chop + t]
    for i in range(layer.line_length):
        v[i] *= sign * out_signs[i]
    stream = parts[m.first].stream
    flips = line_flips(layer, sample, stream_key(seed, stream, IN_CHOP, sample))
    # kept for FILTER_DYNAMIC, which comes after the flip
    f[layer.read] = sign
    f[layer.read + 1] = F32(1.0) if flips else F32(0.0)
    f[layer.in_chop + t] = -sign if flips else sign
    if t == layer.lines - 1 and layer.out_chop_prob > F32(0.0):
        key = stream_key(seed, stream, OUT_CHOP, sample)
        for i in range(layer.line_length):
            out_signs[i] = -out_signs[i] if happens(layer.out_chop_prob, key, i) else out_signs[i]


@inline
def line_flips(layer, sample, key):
    """Return whether the chopper of the line just read flips: regularly or at random."""
    if layer.in_chop_period > 0:
        read = (sample // layer.transfer_every) // layer.lines
        return (read + 1) % layer.in_chop_period == 0
    return happens(layer.in_chop_prob, key, np.int64(0))


@inline
def happens(probability, key, n):
    """Return True with a probability, by draw n of a stream."""
    u = F32(draw(U32(key), U32(key >> U64(32)), U32(n)) >> U32(8)) * TO_UNIT
    return u < probability
