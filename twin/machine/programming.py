"""Weights brought into arrays by the devices' own pulses: rounds of verification and pulses (write and verify).

A round reads every line that is not done, one-hot, as a transfer does (`twin.kernels.transfer.lines`), with the noise
and the converter of any mat-vec, and averages `reads` of them. A device read within the tolerance of its target is done
and gets no further pulse. Each other one gets as many pulses of its own as its mean step (`dw_min`) goes into what is
missing, at least one and at most `desired_bl`, line by line (`twin.kernels.transfer.chi`). It ends when all devices are
done, or after `max_iter` rounds. Devices start at logical weight 0, where calibration leaves them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from twin.config.programming import Programming
from twin.kernels.records import COLUMN, INSTRUCTION, LAYER
from twin.machine.arena import aligned_zeros
from twin.machine.machine import Machine
from twin.operation import N_COUNTS, Counts, Opcode

Array = npt.NDArray[np.float32]
Key = tuple[int, str, int]  # layer, matrix, array
NUMBERS = 1 << 50
"""Numbers of these reads and pulses, in the streams of transfers: beyond those of any training."""
WRITES = 64
"""Numbers between two rounds: the sums of lines are refreshed at multiples of it."""
SUMMED = (Counts.PART_MVMS, Counts.DRIVEN, Counts.CONVERTED, Counts.CONDUCTION, Counts.CLIPPED)


@dataclass(frozen=True, slots=True, eq=False)
class Programmed:
    """What programming one array took and left.

    Attributes
    ----------
    reads, pulses : float64 array, shape (N_COUNTS,)
        Counts of all verifications and of all pulses.
    rounds : int
        Verifications.
    done : float
        Share of the devices that were read within the tolerance.
    residual_mean, residual_std : float
        Of weight - target over the devices, in device weight.
    """

    reads: npt.NDArray[np.float64]
    pulses: npt.NDArray[np.float64]
    rounds: int
    done: float
    residual_mean: float
    residual_std: float


def tolerance_of(config: Programming, matrix: np.void) -> float:
    """Return how far from its target a device is left alone, in device weight."""
    if config.tolerance is not None:
        return config.tolerance
    noise = float(np.sqrt(matrix["out_noise"] ** 2 + matrix["w_noise"] ** 2 + matrix["out_step"] ** 2 / 12))
    return max(float(matrix["dw_min"]), noise / float(np.sqrt(config.reads)))


def program_arrays(machine: Machine, targets: Sequence[Array], config: Programming) -> dict[Key, Programmed]:
    """Program the main matrices of all layers that have them on arrays; return what each array took.

    Parameters
    ----------
    machine : Machine
    targets : sequence of float32 array, shape (n_out, n_in)
        Device weights by layer; those beyond a device's bounds are approached as far as it goes.
    config : Programming
    """
    analog = [(layer, target) for layer, target in enumerate(targets) if machine.designs[layer].analog]
    for layer, target in analog:
        machine.set_weights(layer, machine.main(layer), np.zeros_like(target))
    bench = Bench(machine, config)
    found = {
        (layer, machine.main(layer), k): bench.program(layer, k, target)
        for layer, target in analog
        for k in range(len(machine.mapping.parts(layer, machine.main(layer))))
    }
    bench.close()
    return found


@final
class Bench:
    """The arrays of a machine with room for what is read of one of them and what it is to get."""

    def __init__(self, machine: Machine, config: Programming) -> None:
        self._machine, self._config = machine, config
        self._matrices = machine.matrices.copy()
        self._matrices["transfer_bl"] = config.desired_bl
        self._matrices["refresh_every"] = 0
        sizes = [int(p["in1"] - p["in0"]) * int(m["n_out"]) for m in self._matrices for p in self._parts_of(m)]
        self._base = machine.f.size
        self._f = aligned_zeros(self._base + 2 * max(sizes))
        self._f[: self._base] = machine.f

    def close(self) -> None:
        """Hand the arrays back to the machine."""
        self._machine.f[:] = self._f[: self._base]

    def magnitude(self, layer: int, number: int) -> float:
        """Return the mean magnitude of what is read of a layer's main matrix, line by line, each `reads` times.

        `number` is that of the verification whose noise it has.
        """
        seen = []
        for k in range(len(self._machine.mapping.parts(layer, self._machine.main(layer)))):
            matrix, part = self._array(layer, k)
            lines = np.arange(int(part["in1"] - part["in0"]))
            found = self._read(matrix, self._lent(matrix[0], part), lines, number, np.zeros(N_COUNTS))
            seen.append(np.abs(found[:, int(part["out0"]) : int(part["out1"])]).ravel())
        return float(np.concatenate(seen).mean())

    def _array(self, layer: int, k: int) -> tuple[npt.NDArray[np.void], np.void]:
        """Return a MATRIX record of one array alone, as an array of records, and its PART record."""
        index = int(self._machine.layers[layer]["main"])
        matrix = self._matrices[index : index + 1].copy()
        matrix["first"], matrix["count"] = matrix["first"] + k, 1
        return matrix, self._machine.parts[int(matrix[0]["first"])]

    def program(self, layer: int, k: int, target: Array) -> Programmed:
        """Program array `k` of a layer's main matrix with its block of `target`, (n_out, n_in)."""
        config = self._config
        matrix, part = self._array(layer, k)
        block = slice(int(part["out0"]), int(part["out1"]))
        wanted = target[block, int(part["in0"]) : int(part["in1"])].T.astype(np.float64)
        layers = self._lent(matrix[0], part)
        reads, pulses = np.zeros(N_COUNTS), np.zeros(N_COUNTS)
        least, step = tolerance_of(config, matrix[0]), float(matrix[0]["dw_min"])
        left = np.ones(wanted.shape, np.bool_)  # devices that are not done
        rounds = 0
        for number in range(config.max_iter):
            lines = np.flatnonzero(left.any(axis=1))
            missing = np.zeros(wanted.shape)
            missing[lines] = wanted[lines] - self._read(matrix, layers, lines, number, reads)[:, block]
            rounds += 1
            left &= np.abs(missing) > least
            if not left.any():
                break
            slots = np.clip(np.rint(np.abs(missing) / step), 1, config.desired_bl)
            self._pulse(matrix, layers, np.sign(missing) * slots * left, number, pulses)
        size = wanted.size
        found = self._f[int(part["w"]) : int(part["w"]) + size].reshape(wanted.shape) - wanted
        done = 1.0 - float(left.mean())
        return Programmed(reads, pulses, rounds, done, float(found.mean()), float(found.std()))

    def _lent(self, matrix: np.void, part: np.void) -> npt.NDArray[np.void]:
        """Return a layer for each input line of an array, whose transfers read that line and pulse all lines."""
        n_in, width = int(part["in1"] - part["in0"]), int(matrix["n_out"])
        layers = np.zeros(n_in, LAYER)
        layers["uses"], layers["transfer_every"], layers["transfer_axis"] = 1, 1, COLUMN
        layers["lines"], layers["line_length"] = int(matrix["n_in"]), width
        layers["granularity"], layers["events"], layers["n_reads"], layers["crossing_bl"] = 1.0, 1, 1, 1
        layers["u"] = self._base
        layers["v"] = self._base + np.arange(n_in) * width
        layers["h"] = self._base + (n_in - int(part["in0"])) * width
        return layers

    def _read(
        self,
        matrix: npt.NDArray[np.void],
        layers: npt.NDArray[np.void],
        lines: npt.NDArray[np.int64],
        number: int,
        total: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.float64]:
        """Return means of the reads of some lines of an array, (len(lines), n_out); add what they took to `total`."""
        n_lines, width = int(layers[0]["lines"]), int(layers[0]["line_length"])
        first = int(self._machine.parts[int(matrix[0]["first"])]["in0"])
        program = np.zeros(lines.size, INSTRUCTION)
        program["opcode"], program["layer"], program["uses"] = int(Opcode.READ_OUT), lines, 1
        where = self._base + lines[:, None] * width + np.arange(width)
        mean = np.zeros((lines.size, width))
        start = -(-NUMBERS // n_lines) * n_lines  # a number names its line by the remainder
        for k in range(self._config.reads):
            program["sample"] = start + (number * self._config.reads + k) * n_lines + first + lines
            counts = self._execute(matrix, layers, program)
            total[[Counts.MVMS, *SUMMED]] += counts[:, [Counts.MVMS, *SUMMED]].sum(axis=0)
            mean += self._f[where]
        return mean / self._config.reads

    def _pulse(
        self,
        matrix: npt.NDArray[np.void],
        layers: npt.NDArray[np.void],
        pulses: npt.NDArray[np.float64],
        number: int,
        total: npt.NDArray[np.float64],
    ) -> None:
        """Fire pulses (n_in, n_out) of either sign; add what they took to `total`."""
        n_in, width = len(layers), int(layers[0]["line_length"])
        part = self._machine.parts[int(matrix[0]["first"])]
        at = self._base + n_in * width
        chi = self._f[at : at + n_in * width].reshape(n_in, width)
        chi[:] = 0.0
        chi[:, int(part["out0"]) : int(part["out1"])] = pulses
        program = np.zeros(1, INSTRUCTION)
        program["opcode"], program["uses"], program["sample"] = int(Opcode.PULSE_LINES), 1, NUMBERS + number * WRITES
        total += self._execute(matrix, layers, program)[0]

    def _execute(
        self, matrix: npt.NDArray[np.void], layers: npt.NDArray[np.void], program: npt.NDArray[np.void]
    ) -> npt.NDArray[np.float64]:
        counts = np.zeros((program.size, N_COUNTS))
        self._machine.execute_on(self._f, matrix, layers, program, counts)
        return counts

    def _parts_of(self, matrix: np.void) -> npt.NDArray[np.void]:
        return self._machine.parts[int(matrix["first"]) : int(matrix["first"]) + int(matrix["count"])]
