"""Physics that depends on the clock: devices that relax between accesses, references that drift, recalibration."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt

from twin.algorithms.program import Program
from twin.config.calibration import Calibration as CalibrationConfig
from twin.kernels.streams import CALIBRATION, RETENTION, matrix_number
from twin.machine.arrays import draw_devices, generator, method_of
from twin.machine.calibration import Calibration, calibrated, symmetry_point
from twin.machine.machine import Machine
from twin.machine.relaxing import Array, Relaxation, RelaxingArray
from twin.mapping import Part
from twin.operation import Unit

Key = tuple[int, str, int]  # layer, matrix, array
MAIN, REFERENCE = range(2)


class Found(NamedTuple):
    """A calibration, and how far the reference was off before: mean and deviation over the array's devices."""

    calibration: Calibration
    before_mean: float
    before_std: float


@final
class Retention:
    """All analog arrays of a machine, each with the time of its last access.

    Parameters
    ----------
    machine : Machine
    program : Program
        Says which arrays an operation accesses.
    calibration : CalibrationConfig
    clock : callable
        The start of service of the operation whose effect is being performed, ps.
    """

    def __init__(
        self, machine: Machine, program: Program, calibration: CalibrationConfig, clock: Callable[[], int]
    ) -> None:
        self._machine, self._program, self._calibration, self._clock = machine, program, calibration, clock
        self._touched: dict[Hashable, list[Sequence[RelaxingArray]]] = {}
        self.arrays = {key: self._array(*key) for key in self._keys()}

    def touched(self, sample: int) -> list[Sequence[RelaxingArray]]:
        """Return, by position, the arrays that each operation of a sample accesses."""
        key = self._program.key(sample)
        if key not in self._touched:
            self._touched[key] = [
                [
                    self.arrays[op.layer, op.matrix, k]
                    for k, _ in self._parts(op.layer, op.matrix)
                    if op.parts is None or k in op.parts
                ]
                if op.unit is Unit.TILE
                else ()
                for op in self._program.operations(sample)
            ]
        return self._touched[key]

    def reach(self, arrays: Sequence[RelaxingArray]) -> None:
        """Let arrays relax until the operation that is about to access them."""
        now_ps = self._clock()
        for array in arrays:
            array.age(now_ps)

    def settle(self, now_ps: int) -> None:
        """Let all arrays relax until `now_ps`."""
        for array in self.arrays.values():
            array.age(now_ps, 0.0)

    def begin(self, now_ps: int) -> None:
        """Say that weights and references were put in at `now_ps`."""
        for array in self.arrays.values():
            array.since_ps = now_ps

    def recalibrate(self, number: int, now_ps: int) -> dict[Key, Found]:
        """Calibrate all references again at `now_ps`; by (layer, matrix at whose symmetry point, array).

        By pulses, the main devices start from where they are. What they and the matrices with the same reference
        held is taken to be read before and written back afterwards, exactly and without cost.
        """
        self.settle(now_ps)
        return {key: self._recalibrate(key, number) for key in sorted(self._machine.calibrated)}

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return everything beside the arena that the next access depends on."""
        arrays = list(self.arrays.values())
        return {
            "since_ps": np.array([array.since_ps for array in arrays], np.int64),
            "reference": np.concatenate([array.reference.ravel() for array in arrays]),
        }

    def restore(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Take what `state` returned; the arena must be restored already."""
        ends = np.cumsum([array.reference.size for array in self.arrays.values()])
        references = np.split(state["reference"], ends[:-1])
        for array, since_ps, reference in zip(
            self.arrays.values(), state["since_ps"].tolist(), references, strict=True
        ):
            array.resume(since_ps, reference)

    def _keys(self) -> list[Key]:
        machine = self._machine
        return [
            (layer.index, matrix, k)
            for layer in machine.network.layers
            if machine.designs[layer.index].analog
            for matrix in machine.designs[layer.index].algorithm.matrices
            for k, _ in self._parts(layer.index, matrix)
        ]

    def _parts(self, layer: int, matrix: str) -> list[tuple[int, Part]]:
        return list(enumerate(self._machine.mapping.parts(layer, matrix)))

    def _source(self, layer: int, matrix: str) -> str:
        """Return the matrix at whose symmetry point the reference of a matrix is."""
        layout = self._machine.designs[layer].layout
        return layout.references[str(layout.matrices[matrix].reference)].symmetry_point_of

    def _array(self, layer: int, matrix: str, k: int) -> RelaxingArray:
        machine = self._machine
        part, record = machine.array_records(layer, matrix, k)
        source = self._source(layer, matrix)
        shape = (int(part["out1"] - part["out0"]), int(part["in1"] - part["in0"]))
        drifts = machine.designs[layer].devices[source].reference_drift
        return RelaxingArray(
            machine.f,
            part,
            record,
            machine.response_of(layer, matrix),
            self._draw(layer, matrix, k, shape, MAIN),
            machine.calibrated[layer, source, k].reference.T,
            self._draw(layer, source, k, shape, REFERENCE) if drifts else None,
        )

    def _draw(self, layer: int, matrix: str, k: int, shape: tuple[int, int], which: int) -> Relaxation:
        """Draw how the devices of one array relax; the draws of its steps stay as they were."""
        machine = self._machine
        rng = generator(int(machine.seed), RETENTION, layer, matrix_number(matrix), k, which)
        device = machine.designs[layer].devices[matrix]
        lifetime, rest = device.relaxation(shape, rng)
        own = np.ascontiguousarray(lifetime.T) if device.lifetime_dtod > 0 else device.lifetime
        return Relaxation(own, np.ascontiguousarray(rest.T), device.lifetime)

    def _recalibrate(self, key: Key, number: int) -> Found:
        layer, source, k = key
        machine = self._machine
        names = machine.designs[layer].algorithm.matrices
        users = [self.arrays[layer, m, k] for m in names if self._source(layer, m) == source]
        device, part = machine.designs[layer].devices[source], self._parts(layer, source)[k][1]
        model = draw_devices(device, int(machine.seed), layer, source, k, part)
        own = self.arrays.get(key)
        start: Array | None = None if own is None else own.raw().T
        rng = generator(int(machine.seed), CALIBRATION, layer, matrix_number(source), k, number)
        done = calibrated(model, *method_of(self._calibration), rng, start)
        off = (users[0].reference.T - symmetry_point(model)).astype(np.float64)
        for array in users:
            array.put_reference(done.reference.T)
        return Found(done, float(off.mean()), float(off.std()))
