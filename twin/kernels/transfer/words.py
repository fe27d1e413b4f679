"""Short words of digital matrices: fixed point with stochastic rounding (`twin.machine.words` says why)."""

import numpy as np

from twin.kernels.jit import kernel
from twin.kernels.rng import U32, U64, draw

F32 = np.float32
TO_UNIT = F32(1.0 / (1 << 24))


@kernel
def round_words(values, n, step, top, nearest, key, counter):
    """Round ``values[:n]`` to multiples of `step`, at most `top` either way, with draws from `counter` on."""
    inverse = F32(F32(1.0) / step)
    key0 = U32(key)
    key1 = U32(key >> U64(32))
    for i in range(n):
        scaled = F32(values[i] * inverse)
        low = F32(np.floor(scaled))
        u = F32(draw(key0, key1, U32(counter + i)) >> U32(8)) * TO_UNIT
        share = F32(0.5) if nearest else u
        whole = F32(low + F32(1.0)) if share < F32(scaled - low) else low
        values[i] = min(max(whole, F32(-top)), top) * step
