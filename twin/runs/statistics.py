"""Effects that return statistics instead of performing numerics: deterministic, integers where they scale time.

A mean of m slots an update becomes floor((u + n) m) - floor(u m) slots for the n updates that follow the first u:
an integer that depends on the number of the update alone, and whose sum over a run is that of the mean within one.
"""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING, final

from twin.algorithms.batches import Batches
from twin.algorithms.registry import algorithm_class
from twin.descriptions.statistics import Statistics, shipped_statistics, statistics_name
from twin.errors import TwinError
from twin.operation import N_COUNTS, Counts, Kind, Opcode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from twin.algorithms.layer import Layer
    from twin.descriptions.workload import Workload
    from twin.engine.protocols import Program
    from twin.mapping import Part
    from twin.operation import Operation

ONE = Batches()
UPDATES = frozenset({Opcode.UPDATE, Opcode.UPDATE_CHOPPED})
READS = frozenset({Opcode.READ_OUT, Opcode.READ_OUT_CHOPPED})
FILTERS = frozenset({Opcode.FILTER, Opcode.FILTER_DYNAMIC})
ON_ARRAYS = frozenset({Kind.FORWARD, Kind.BACKWARD, Kind.UPDATE})
OWN_AS = {Kind.UPDATE: Opcode.UPDATE, Kind.READ_OUT: Opcode.READ_OUT, Kind.FILTER: Opcode.FILTER}
"""As what the effects count that an algorithm brings along."""


def statistics_of(workload: Workload, algorithm: str) -> Statistics:
    """Return the statistics of an algorithm; raises TwinError where the workload gives none."""
    given = workload.statistics
    if algorithm_class(algorithm).digital:  # of which no count takes time or energy
        return Statistics.model_validate(shipped_statistics()["sgd"])
    name = statistics_name(given, algorithm)
    if name is not None:
        return given[name]
    raise TwinError(
        f"workload {workload.name}: statistics.{algorithm}: is missing; give its numbers, or a run to measure them "
        f"with --set 'statistics.{algorithm}.run=\"FOLDER\"' (given: {', '.join(given)})"
    )


def spread(mean: float, before: int, n: int) -> int:
    """Return the whole number that falls to `n` cases after `before` cases of this mean."""
    return floor((before + n) * mean) - floor(before * mean)


@final
class Expected:
    """Effects of a program on given statistics.

    Parameters
    ----------
    program : Program
    layers : sequence of Layer
        By index: they know the arrays of each matrix.
    statistics : sequence of Statistics
        By layer.
    hadamard : sequence of bool
        By layer whether transfers drive all lines instead of one.
    sample : int, optional
        Whose counts they are, for a program of one phase; else the engine says.
    batches : Batches
        Which samples a step has.
    """

    def __init__(
        self,
        program: Program,
        layers: Sequence[Layer],
        statistics: Sequence[Statistics],
        hadamard: Sequence[bool],
        *,
        sample: int | None = None,
        batches: Batches = ONE,
    ) -> None:
        self._program, self._layers, self._statistics = program, layers, statistics
        self._hadamard, self._sample, self._batches = hadamard, sample, batches
        self._known: tuple[int, list[list[float]]] = (-1, [])

    def setup_counts(self) -> list[list[float]]:
        """Return nothing: there is no set-up."""
        return []

    def counts(self, sample: int, position: int) -> list[float]:
        """Return the counts of one operation."""
        if self._known[0] != sample:
            self._known = sample, self.rows(sample, self._program.operations(sample))
        return self._known[1][position]

    def rows(self, sample: int, operations: Iterable[Operation]) -> list[list[float]]:
        """Return the counts of all operations of a sample."""
        if self._sample is not None:
            return [self._row(self._sample, operation) for operation in operations]
        numbers = self._batches.samples(sample)
        return [self._row(numbers[operation.member], operation) for operation in operations]

    def _row(self, sample: int, operation: Operation) -> list[float]:
        row = [0.0] * N_COUNTS
        opcode = operation.opcode if operation.opcode < Opcode.OWN_0 else OWN_AS.get(operation.kind, Opcode.NONE)
        if operation.kind in ON_ARRAYS and self._parts(operation)[0].tile < 0:  # a digital matrix
            return row
        if opcode in UPDATES:
            self._update(row, sample, operation)
        elif opcode in READS:
            self._read(row, operation)
        elif opcode in FILTERS:
            layer = self._layers[operation.layer]
            row[Counts.CROSSED] = self._statistics[operation.layer].transfer_coincidences * layer.line_length
        elif operation.kind is Kind.TRANSFER:
            self._transfer(row, sample, operation)
        elif operation.kind in {Kind.FORWARD, Kind.BACKWARD}:
            self._mat_vecs(row, sample, operation)
        return row

    def _parts(self, operation: Operation) -> list[Part]:
        parts = self._layers[operation.layer].mapping.parts(operation.layer, operation.matrix)
        return list(parts) if operation.parts is None else [parts[k] for k in operation.parts]

    def _mat_vecs(self, row: list[float], sample: int, operation: Operation) -> None:
        given, parts = self._statistics[operation.layer], self._parts(operation)
        forward = operation.kind is Kind.FORWARD
        mean = given.forward_mvms if forward else given.backward_mvms
        share = given.forward_driven if forward else given.backward_driven
        layer = self._layers[operation.layer].layer
        mvms = spread(mean, sample * layer.uses + operation.first, operation.uses)
        low = 0 if forward else layer.n_inputs - layer.returned  # symbols of a text want no error
        inputs = sum(part.in1 - max(part.in0, low) for part in parts)
        outputs = sum(part.out1 - part.out0 for part in parts)
        one_hot = forward and layer.loaded == 1
        row[Counts.MVMS] = mvms
        row[Counts.PART_MVMS] = mvms * len(parts)
        row[Counts.DRIVEN] = mvms * (inputs / layer.n_in if one_hot else share * (inputs if forward else outputs))
        row[Counts.CONVERTED] = mvms * (outputs if forward else inputs)
        devices = sum((part.in1 - max(part.in0, low)) * (part.out1 - part.out0) for part in parts)
        a_device = given.forward_conduction if forward else given.backward_conduction
        row[Counts.CONDUCTION] = mvms * (2.0 * devices / layer.n_in if one_hot else a_device * devices)

    def _update(self, row: list[float], sample: int, operation: Operation) -> None:
        given, parts = self._statistics[operation.layer], self._parts(operation)
        layer = self._layers[operation.layer].layer
        slots = spread(given.pulses, sample * layer.uses + operation.first, operation.uses)
        lines = sum(part.in1 - part.in0 + part.out1 - part.out0 for part in parts)
        row[Counts.PULSES] = slots
        row[Counts.PART_PULSES] = slots * len(parts)
        row[Counts.FIRED] = slots * given.fired * lines
        row[Counts.COINCIDENCES] = slots * given.coincidences * layer.n_in * layer.n_out

    def _read(self, row: list[float], operation: Operation) -> None:
        layer, parts = self._layers[operation.layer], self._parts(operation)
        hadamard = self._hadamard[operation.layer]
        by_row = layer.transfer_axis == "row"
        across = [part.in1 - part.in0 if by_row else part.out1 - part.out0 for part in parts]
        along = [part.out1 - part.out0 if by_row else part.in1 - part.in0 for part in parts]
        row[Counts.MVMS] = 1
        row[Counts.PART_MVMS] = len(parts)
        row[Counts.DRIVEN] = sum(along) if hadamard else len(parts)
        row[Counts.CONVERTED] = sum(across)
        driven = [n if hadamard else 1 for n in along]
        row[Counts.CONDUCTION] = sum(2.0 * n * m for n, m in zip(driven, across, strict=True))

    def _transfer(self, row: list[float], sample: int, operation: Operation) -> None:
        """One line, or of mixed precision all lines in turn."""
        given, parts = self._statistics[operation.layer], self._parts(operation)
        layer = self._layers[operation.layer]
        last = sample * layer.layer.uses + operation.first + operation.uses - 1
        number = layer.transferred(last) + operation.read if layer.transfer_every else last
        taken = [1] * len(parts)
        if operation.opcode is Opcode.PULSE_LINES:  # arrays with other lines pulse side by side
            by_row = layer.transfer_axis == "row"
            taken = [part.out1 - part.out0 if by_row else part.in1 - part.in0 for part in parts]
        slots = spread(given.transfer_pulses * max(taken), number, 1)
        lines = layer.lines if operation.opcode is Opcode.PULSE_LINES else 1
        a_line = slots / max(taken)
        steps = a_line * lines * given.transfer_coincidences * layer.line_length
        row[Counts.PULSES] = slots
        row[Counts.PART_PULSES] = a_line * sum(taken)
        row[Counts.FIRED] = steps + a_line * sum(taken)
        row[Counts.COINCIDENCES] = steps
