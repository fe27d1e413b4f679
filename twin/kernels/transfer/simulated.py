"""SHD on digital matrices: an update with simulated asymmetry, and the transfer of a line (Onen 2021, Eq. 3 and 4)."""

import numpy as np

from twin.kernels.array.matrix import gradient_rate
from twin.kernels.array.matvec import max_magnitude
from twin.kernels.jit import kernel, ordered
from twin.kernels.records import ROW
from twin.kernels.transfer.lines import line_of, lines_of
from twin.operation import Counts

F32 = np.float32
PULSES, PART_PULSES, CROSSED = int(Counts.PULSES), int(Counts.PART_PULSES), int(Counts.CROSSED)


@ordered
def step_row(row, factor, d, slope):
    """Row += p - slope |p| row with p = factor d."""
    for i in range(row.size):
        p = factor * d[i]
        row[i] += p - slope * abs(p) * row[i]


@kernel
def asymmetric_uses(f, parts, m, layer, shift, first, uses, row):
    """A += p - slope |p| A with p = lr d x^T, for some of a sample's uses in turn; counts those that are not zero.

    The rate lr is that of `gradient_rate`.
    """
    slope = layer.own_numbers[0]
    for use in range(first, first + uses):
        start = layer.x + shift + use * layer.n_in
        x = f[start : start + layer.n_in]
        start = layer.d + shift + use * layer.n_out
        d = f[start : start + layer.n_out]
        lr = gradient_rate(f, m, layer, x, d)
        if max_magnitude(x) == F32(0.0) or max_magnitude(d) == F32(0.0):
            continue
        row[PULSES] += 1
        row[PART_PULSES] += m.count
        for k in range(m.first, m.first + m.count):
            part = parts[k]
            n_out = part.out1 - part.out0
            for j in range(part.in0, part.in1):
                if x[j] == F32(0.0):
                    continue
                begin = part.w + (j - part.in0) * n_out
                step_row(f[begin : begin + n_out], F32(lr * x[j]), d[part.out0 : part.out1], slope)


@kernel
def transfer_line(f, parts, slow, fast, layer, number, row):
    """C[t] += transfer_lr A[t] after update `number`; counts the elements of A that are not 0.

    Both matrices lie alike: digital ones are cut as the mapping cuts them, the same for all of a layer.
    """
    by_row = layer.transfer_axis == ROW
    t = line_of(layer, number)
    for k in range(slow.count):
        part = parts[slow.first + k]
        low, high, _, n = lines_of(part, by_row)
        if t < low or t >= high:
            continue
        n_out = part.out1 - part.out0
        begin = t - low if by_row else (t - low) * n_out
        stride = n_out if by_row else 1
        a = parts[fast.first + k].w
        for i in range(n):
            at = begin + i * stride
            v = f[a + at]
            f[part.w + at] += layer.transfer_lr * v
            row[CROSSED] += 1 if v != F32(0.0) else 0
    row[PULSES] += 1
