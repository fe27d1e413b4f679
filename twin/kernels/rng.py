"""Counter-based random numbers: the n-th draw of a stream is a function of (key, n) alone.

A stream is keyed by (seed, array, purpose, index), with the purposes and indices of `twin.kernels.streams`, so results
depend neither on the order of events nor on the number of processes nor on where a run was interrupted, and switching
one non-ideality off leaves all other draws as they were.

Mixer: the 32-bit finaliser "lowbias32" (C. Wellons, hash-prospector, 2018), two keyed rounds. Keys:
SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). Normals: Box-Muller with polynomials, which vectorise.
"""

import numpy as np

from twin.kernels.jit import inline, kernel

U32 = np.uint32
U64 = np.uint64
F32 = np.float32

TWO_16 = F32(1.0 / (1 << 16))
LN2 = F32(0.6931471805599453)
ANGLE = F32(3.14159265358979 / (1 << 31))
BLOCK = 256


@inline
def mix64(z):
    """Return the SplitMix64 finaliser of a 64-bit word."""
    z = (z ^ (z >> U64(30))) * U64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> U64(27))) * U64(0x94D049BB133111EB)
    return z ^ (z >> U64(31))


@inline
def stream_key(seed, array, purpose, index):
    """Return the 64-bit key of the stream (seed, array, purpose, index)."""
    z = mix64(U64(seed) + U64(0x9E3779B97F4A7C15))
    z = mix64(z ^ (U64(array) * U64(0xD1342543DE82EF95) + U64(purpose)))
    return mix64(z ^ (U64(index) * U64(0x9E3779B97F4A7C15) + U64(0x632BE59BD9B4E019)))


@inline
def mix32(x):
    """Return lowbias32 of a 32-bit word."""
    x = U32(x ^ (x >> U32(16)))
    x = U32(x * U32(0x7FEB352D))
    x = U32(x ^ (x >> U32(15)))
    x = U32(x * U32(0x846CA68B))
    return U32(x ^ (x >> U32(16)))


@inline
def spread(n):
    """Return what stands for draw n: spread(a + b) = spread(a) + spread(b)."""
    return U32(U32(n) * U32(0x9E3779B9))


@inline
def draw_spread(key0, key1, s):
    """Return the word of the draw that `s` stands for."""
    return mix32(U32(mix32(U32(s + key0)) ^ key1))


@inline
def draw(key0, key1, n):
    """Return the n-th 32-bit word of the stream with key halves `key0`, `key1`."""
    return draw_spread(key0, key1, spread(n))


@inline
def normal_pair(key0, key1, n):
    """Return two standard normals from draw n: 16 bits give the radius, 16 the angle."""
    h = draw(key0, key1, n)
    u = F32((F32(np.int32(h >> U32(16))) + F32(0.5)) * TWO_16)  # (0, 1)
    bits = u.view(np.int32)
    e = F32(np.int32(bits >> 23) - np.int32(127))
    m = np.int32((bits & np.int32(0x007FFFFF)) | np.int32(0x3F800000)).view(np.float32)  # [1, 2)
    big = m > F32(1.4142135)
    m = F32(m * F32(0.5)) if big else m
    e = F32(e + F32(1.0)) if big else e
    t = F32(m - F32(1.0))
    # Cephes logf, minimax on [sqrt(1/2) - 1, sqrt(2) - 1], cut where 16 bits no longer see it
    p = F32(-1.2420140846e-1)
    p = F32(p * t + F32(1.4249322787e-1))
    p = F32(p * t + F32(-1.6668057665e-1))
    p = F32(p * t + F32(2.0000714765e-1))
    p = F32(p * t + F32(-2.4999993993e-1))
    p = F32(p * t + F32(3.3333331174e-1))
    ln = F32(t + t * t * (p * t - F32(0.5)) + e * LN2)
    r = F32(np.sqrt(F32(F32(-2.0) * ln)))
    # Angle on a half circle by polynomials to 4e-6, the other half by the lowest bit of the radius
    q = F32(F32(np.int32(h << U32(16)) >> np.int32(1)) * ANGLE)  # [-pi/2, pi/2)
    s = F32(q * q)
    sine = F32(-1.849217995e-4)
    sine = F32(sine * s + F32(8.312366158e-3))
    sine = F32(sine * s + F32(-1.666568107e-1))
    sine = F32(q + q * s * sine)
    cosine = F32(2.4801587e-5)
    cosine = F32(cosine * s + F32(-1.3888889e-3))
    cosine = F32(cosine * s + F32(4.1666667e-2))
    cosine = F32(cosine * s + F32(-0.5))
    cosine = F32(F32(1.0) + s * cosine)
    sign = F32(F32(1.0) - F32(np.int32((h >> U32(16)) & U32(1)) << np.int32(1)))
    return F32(sign * r * cosine), F32(r * sine)


@kernel
def fill_normals_to(block, there, wanted, key, counter):
    """Draw of a block's normals those before number `wanted` that are not `there`; return how many are there then.

    `block` has BLOCK words. Each normal is the one that `fill_normals` of the whole block has.
    """
    key0 = U32(key)
    key1 = U32(key >> U64(32))
    half = BLOCK >> 1
    end = min((wanted + 15) & ~15, half)
    if end > there:
        first = block[there:end]
        second = block[half + there : half + end]
        base = U32(counter + there)
        for group in range(first.size >> 4):
            for i in range(16):  # as many as a vector has lanes: a loop of unknown length would be unrolled beyond that
                k = group * 16 + i
                first[k], second[k] = normal_pair(key0, key1, U32(base + U32(k)))
    return BLOCK if end == half else max(there, end)


@kernel
def fill_normals(out, n, key, counter):
    """Fill ``out[:n]`` with standard normals from draws `counter` on.

    Uses ``ceil(n / 2)`` draws; the largest magnitude is sqrt(34 ln 2) = 4.86.
    """
    key0 = U32(key)
    key1 = U32(key >> U64(32))
    half = n >> 1
    first = out[:half]
    second = out[half : 2 * half]
    base = U32(counter)
    for i in range(half):
        a, b = normal_pair(key0, key1, U32(base + U32(i)))
        first[i] = a
        second[i] = b
    if n & 1:
        a, b = normal_pair(key0, key1, U32(base + U32(half)))
        out[n - 1] = a
