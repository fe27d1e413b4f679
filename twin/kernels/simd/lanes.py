"""LLVM code on vectors of 16 words, for what Numba does not vectorise: gathers, scatters, packed lists."""

import llvmlite.binding
from llvmlite import ir
from numba.core import cgutils

from twin.kernels.jit import config

LANES = 16
HAS_COMPRESS = "+avx512f" in config.CPU_FEATURES and llvmlite.binding.llvm_version_info[0] >= 15
I32, I64, BITS = ir.IntType(32), ir.IntType(64), ir.IntType(LANES)
VECTOR, MASK = ir.VectorType(I32, LANES), ir.VectorType(ir.IntType(1), LANES)
FLOATS = ir.VectorType(ir.FloatType(), LANES)
ZERO, ALIGN = ir.Constant(VECTOR, [0] * LANES), ir.Constant(I32, 4)


class Lanes:
    """Writes LLVM code on vectors of 16 int32, of which the first `left` count."""

    def __init__(self, context, builder, left):
        self.context, self.builder = context, builder
        most = ir.Constant(I64, LANES)
        left = builder.select(builder.icmp_signed("<", left, most), left, most)
        numbers = ir.Constant(VECTOR, list(range(LANES)))
        self.alive = builder.icmp_signed("<", numbers, self.spread(builder.trunc(left, I32)))

    def call(self, name, result, *arguments):
        """Call an LLVM intrinsic."""
        kind = ir.FunctionType(result, [one.type for one in arguments])
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), arguments)

    def spread(self, word):
        """Return a vector that holds `word`, of 32 bits, in every lane."""
        nothing = ir.Constant(ir.VectorType(word.type, LANES), ir.Undefined)
        one = self.builder.insert_element(nothing, word, ir.Constant(I32, 0))
        return self.builder.shuffle_vector(one, nothing, ZERO)

    def _address(self, kind, array, at):
        data = self.context.make_array(kind)(self.context, self.builder, array).data
        return self.builder.bitcast(self.builder.gep(data, [at]), cgutils.voidptr_t)

    def load(self, kind, array, at):
        """Return array[at : at + 16], 0 in lanes that do not count."""
        address = self._address(kind, array, at)
        return self.call("llvm.masked.load.v16i32.p0", VECTOR, address, ALIGN, self.alive, ZERO)

    def load_floats(self, kind, array, at):
        """Return array[at : at + 16] of a float32 array, 0 in lanes that do not count."""
        address, zeros = self._address(kind, array, at), ir.Constant(FLOATS, [0.0] * LANES)
        return self.call("llvm.masked.load.v16f32.p0", FLOATS, address, ALIGN, self.alive, zeros)

    def load_short(self, kind, array, at, vector):
        """Return a whole vector of another length, of a float32 array."""
        address = self._address(kind, array, at)
        return self.builder.load(self.builder.bitcast(address, vector.as_pointer()), align=4)

    def load_one(self, kind, array, at):
        """Return array[at] of a float32 array."""
        address = self._address(kind, array, at)
        return self.builder.load(self.builder.bitcast(address, FLOATS.element.as_pointer()), align=4)

    def store_one(self, kind, array, at, value):
        """Set array[at] of a float32 array."""
        address = self._address(kind, array, at)
        self.builder.store(value, self.builder.bitcast(address, value.type.as_pointer()), align=4)

    def store(self, kind, array, at, values):
        """Set array[at : at + 16], a float32 array, in lanes that count."""
        address = self._address(kind, array, at)
        self.call("llvm.masked.store.v16f32.p0", ir.VoidType(), values, address, ALIGN, self.alive)

    def store_words(self, kind, array, at, values):
        """Set array[at : at + 16], an int32 array, in lanes that count."""
        address = self._address(kind, array, at)
        self.call("llvm.masked.store.v16i32.p0", ir.VoidType(), values, address, ALIGN, self.alive)

    def gather(self, kind, array, index):
        """Return array[index] of a float32 array."""
        address = self._address(kind, array, ir.Constant(I64, 0))
        nothing = ir.Constant(FLOATS, [0.0] * LANES)
        return self.call(
            "llvm.x86.avx512.mask.gather.dps.512", FLOATS, nothing, address, index, self.alive, ir.Constant(I32, 4)
        )

    def gather_pairs(self, kind, array, index):
        """Return array[index] and array[index + 1] of a float32 array; a pair is fetched as one."""
        b, address, halves = self.builder, self._address(kind, array, ir.Constant(I64, 0)), []
        pairs = ir.VectorType(I64, LANES // 2)
        for half in (range(LANES // 2), range(LANES // 2, LANES)):
            pick = ir.Constant(ir.VectorType(I32, LANES // 2), list(half))
            one = self.call(
                "llvm.x86.avx512.mask.gather.dpq.512",
                pairs,
                ir.Constant(pairs, [0] * (LANES // 2)),
                address,
                b.shuffle_vector(index, index, pick),
                b.shuffle_vector(self.alive, self.alive, pick),
                ir.Constant(I32, 4),
            )
            halves.append(b.bitcast(one, FLOATS))
        even, odd = (ir.Constant(VECTOR, list(range(first, 2 * LANES, 2))) for first in (0, 1))
        return b.shuffle_vector(*halves, even), b.shuffle_vector(*halves, odd)

    def scatter(self, kind, array, index, values):
        """Set array[index] of a float32 array; no two of the indices that count are equal."""
        address = self._address(kind, array, ir.Constant(I64, 0))
        name = "llvm.x86.avx512.mask.scatter.dps.512"
        self.call(name, ir.VoidType(), address, self.alive, index, values, ir.Constant(I32, 4))

    def fma(self, a, b, c):
        """Return a b + c, rounded once."""
        return self.call("llvm.fma.v16f32", FLOATS, a, b, c)

    def pack(self, values, chosen, kind, array, at):
        """Write those of `values` that are chosen, close together, to array[at:]; return how many, int64."""
        b = self.builder
        packed = self.call("llvm.x86.avx512.mask.compress.v16i32", VECTOR, values, ZERO, chosen)
        count = b.zext(b.ctpop(b.bitcast(chosen, BITS)), I32)
        low = b.sub(b.shl(ir.Constant(I32, 1), count), ir.Constant(I32, 1))
        first = b.bitcast(b.trunc(low, BITS), MASK)
        self.call("llvm.masked.store.v16i32.p0", ir.VoidType(), packed, self._address(kind, array, at), ALIGN, first)
        return b.zext(count, I64)


def halves(builder, values, lanes):
    """Return the sum of a vector's lanes: its upper half is added to the lower until one is left."""
    while lanes > 1:
        lanes //= 2
        upper = list(range(lanes, 2 * lanes))
        low = builder.shuffle_vector(values, values, ir.Constant(ir.VectorType(I32, lanes), list(range(lanes))))
        high = builder.shuffle_vector(values, values, ir.Constant(ir.VectorType(I32, lanes), upper))
        values = builder.fadd(low, high)
    return builder.extract_element(values, ir.Constant(I32, 0))
