"""Effects of a program: performed one by one as their moments come (coupled), or in blocks ahead (replayed)."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, Protocol, final

import numpy as np
import numpy.typing as npt

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.batches import Batches
from twin.kernels.records import INSTRUCTION
from twin.machine.calibration import Calibration
from twin.machine.machine import Machine
from twin.machine.state import check_effects
from twin.operation import LOSSES, N_COUNTS, Counts, Kind, Opcode, Operation, Unit

if TYPE_CHECKING:
    from twin.machine.relaxing import RelaxingArray
    from twin.machine.retention import Retention

BLOCK = 10_000  # instructions executed per kernel call in replayed mode, in whole samples
ZEROS = [0.0] * N_COUNTS
Rows = Callable[[int], int]
Template = tuple[npt.NDArray[np.void], list[int]]
"""The instructions of a sample (slot, sample, row unset), and each operation's instruction or -1."""


_layer = attrgetter("layer")


class Encodable(Protocol):
    """A program that a machine can perform, such as `twin.algorithms.program.Program`."""

    batches: Batches

    def algorithm_of(self, layer: int) -> Algorithm:
        """Return what learns the matrix of a layer."""

    def key(self, sample: int) -> Hashable:
        """Return what `operations` depends on."""

    def operations(self, sample: int) -> Iterator[Operation]:
        """Yield the operations of a sample."""

    def setup(self, *, again: bool = False) -> Iterator[Operation]:
        """Yield what is done before the first sample; `again`: what of it may be repeated."""


class Encoder:
    """Encodes a program as INSTRUCTION records; operations without an effect have no instruction.

    Parameters
    ----------
    program : Encodable
    in_flight : int
        Slot of a sample = sample mod in_flight; of a batch, each sample has one.
    rows : callable
        Which training example a sample number stands for.
    rates : callable or None
        What all rates are multiplied by in a step, where that differs from step to step.
    """

    def __init__(
        self, program: Encodable, in_flight: int, rows: Rows, rates: Callable[[int], float] | None = None
    ) -> None:
        self.program, self.batches = program, program.batches
        self.in_flight = in_flight
        self.rows, self.rates = rows, rates
        self._cache: dict[Hashable, Template] = {}

    def template(self, sample: int) -> Template:
        """Return the template of a sample; samples with equal programs have the same object."""
        key = self.program.key(sample)
        if key not in self._cache:
            operations = list(self.program.operations(sample))
            for layer, own in groupby(sorted(operations, key=_layer), _layer):
                check_effects(self.program.algorithm_of(max(layer, 0)), own)
            effective = [op for op in operations if op.opcode is not Opcode.NONE]
            code = np.zeros(len(effective), INSTRUCTION)
            code["opcode"] = [int(op.opcode) for op in effective]
            code["layer"] = [max(op.layer, 0) for op in effective]
            code["first"] = [op.first if op.node < 0 else op.node for op in effective]
            code["uses"] = [op.uses if op.node < 0 else op.phase for op in effective]
            code["sample"] = [op.member for op in effective]
            code["read"] = [op.read for op in effective]
            position, index = 0, []
            for op in operations:
                index.append(-1 if op.opcode is Opcode.NONE else position)
                position += op.opcode is not Opcode.NONE
            self._cache[key] = code, index
        return self._cache[key]

    def block(self, sample: int) -> int:
        """Return how many samples like this one a kernel call shall execute."""
        return 1 if self.rates else max(1, BLOCK // max(1, self.template(sample)[0].size))

    def encode(self, first: int, last: int) -> tuple[npt.NDArray[np.void], list[int]]:
        """Return the instructions of samples first..last-1 in program order, and where each sample starts."""
        return self.join([self.template(sample) for sample in range(first, last)], first)

    def join(self, templates: Sequence[Template], first: int) -> tuple[npt.NDArray[np.void], list[int]]:
        """As `encode`, of samples from `first` on whose templates are at hand."""
        codes = [code for code, _ in templates]
        sizes = [code.size for code in codes]
        # As plain words: to concatenate records, NumPy compares their fields one by one, 5 us a sample.
        program = np.concatenate([code.view(np.int64) for code in codes]).view(INSTRUCTION)
        steps = np.arange(first, first + len(codes))
        if self.batches.size == 1:
            program["sample"] = np.repeat(steps, sizes)
            program["slot"] = np.repeat(steps % self.in_flight, sizes)
            program["row"] = np.repeat([self.rows(int(s)) for s in steps], sizes)
        else:
            for step, code in zip(steps.tolist(), np.split(program, np.cumsum(sizes)[:-1]), strict=True):
                self.enter(step, code, code["sample"].copy())
        return program, [0, *np.cumsum(sizes).tolist()]

    def enter(self, step: int, code: npt.NDArray[np.void], members: npt.NDArray[np.int64]) -> None:
        """Write what differs from step to step into its instructions, which are those of `members` of a batch."""
        samples = self.batches.samples(step)
        code["slot"] = step % self.in_flight * self.batches.size + members
        code["sample"] = samples.start + members
        code["row"] = np.array([self.rows(sample) for sample in samples])[members]


def setup_counts(
    machine: Machine, program: Encodable, calibrated: Mapping[tuple[int, str, int], Calibration] | None = None
) -> list[list[float]]:
    """Return the counts of set-up operations: pulses of a calibration, reads and pulses that brought weights in.

    `calibrated` is by layer, matrix and array; when not given, it is the calibration before training, with all else
    that is done then.
    """
    again = calibrated is not None
    calibrated = machine.calibrated if calibrated is None else calibrated
    rows = []
    for operation in program.setup(again=again):
        row = list(ZEROS)
        if operation.kind is not Kind.CALIBRATION:
            rows.append(_programmed(machine, operation))
            continue
        for k, part in enumerate(machine.mapping.parts(operation.layer, operation.matrix)):
            done = calibrated.get((operation.layer, operation.matrix, k))
            if done is None:
                continue
            lines = part.in1 - part.in0 + part.out1 - part.out0
            row[Counts.PULSES] = max(row[Counts.PULSES], done.pulses)
            row[Counts.PART_PULSES] += done.pulses
            row[Counts.FIRED] += done.pulses * lines
            row[Counts.COINCIDENCES] += done.coincidences
        rows.append(row)
    return rows


def _programmed(machine: Machine, operation: Operation) -> list[float]:
    """Return the counts of an operation that brought weights in; only reads and pulses have some."""
    if operation.unit is not Unit.TILE or operation.parts is None:
        return list(ZEROS)
    done = machine.programmed[operation.layer, operation.matrix, operation.parts[0]]
    counts: list[float] = (done.reads if operation.kind is Kind.VERIFY else done.pulses).tolist()
    return counts


class Prepared:
    """The instructions of one program in one slot, with a view of each: making a view a call would cost 1 us.

    Attributes
    ----------
    code : INSTRUCTION records
    rows : float64, (len(code), N_COUNTS)
    members : int64
        Which sample of a batch each instruction is of.
    effects : list of (view of one record, view of its row of counts, row, whose LOSS it is or -1) or None
        By the operation's position; None where it has no effect.
    """

    __slots__ = ("code", "effects", "members", "rows")

    def __init__(self, code: npt.NDArray[np.void], index: list[int]) -> None:
        self.code, self.members = code.copy(), code["sample"].copy()
        self.rows = np.zeros((code.size, N_COUNTS))
        loss = np.where(np.isin(code["opcode"], LOSSES), self.members, -1).tolist()
        self.effects = [
            None if at < 0 else (self.code[at : at + 1], self.rows[at : at + 1], self.rows[at], loss[at])
            for at in index
        ]


@final
class Coupled:
    """Performs each effect at the moment the engine asks for it.

    Attributes
    ----------
    retention : Retention or None
        Where devices relax, what lets an array do so until it is accessed.
    """

    def __init__(self, machine: Machine, program: Encodable, encoder: Encoder) -> None:
        self.machine, self.program, self.encoder = machine, program, encoder
        self.losses: list[float] = []  # of samples since the caller last cleared it
        self._prepared: dict[tuple[int, int], Prepared] = {}  # by template and slot
        self._partial: dict[int, tuple[int, list[float]]] = {}  # of samples under way: losses seen, and their sums
        self._samples = [-1] * encoder.in_flight
        self._rated = -1  # of which step the rates are
        self._effects = [Prepared(np.zeros(0, INSTRUCTION), []).effects] * encoder.in_flight
        self.retention: Retention | None = None
        self._touched: list[list[Sequence[RelaxingArray]]] = [[]] * encoder.in_flight

    def setup_counts(self) -> list[list[float]]:
        """Return the pulses of calibration."""
        return setup_counts(self.machine, self.program)

    def counts(self, sample: int, position: int) -> Sequence[float]:
        """Perform one effect."""
        slot = sample % self.encoder.in_flight
        if self._samples[slot] != sample:
            self._enter(sample, slot)
        effect = self._effects[slot][position]
        if effect is None:
            return ZEROS
        instruction, rows, row, lost = effect
        if self.encoder.rates is not None and self._rated != sample:
            self.machine.set_rates(self.encoder.rates(sample))
            self._rated = sample
        if self.retention is not None:
            self.retention.reach(self._touched[slot][position])
        self.machine.execute(instruction, rows)
        counts: list[float] = row.tolist()
        if lost >= 0:
            self._add_loss(sample, lost, counts[Counts.LOSS])
        return counts

    def _add_loss(self, sample: int, member: int, loss: float) -> None:
        """Sum the losses of a sample's steps; the means of a batch join the list, in order, with the last of them."""
        network, size = self.machine.network, len(self.encoder.batches.samples(sample))
        seen, totals = self._partial.setdefault(sample, (0, [0.0] * size))
        totals[member] += loss
        self._partial[sample] = seen + 1, totals
        if seen + 1 == network.steps * size:
            self.losses += [total / network.losses for total in totals]
            del self._partial[sample]

    def _enter(self, sample: int, slot: int) -> None:
        """Write what differs from sample to sample into the instructions of its slot."""
        code, index = self.encoder.template(sample)
        key = (id(code), slot)  # the encoder keeps its templates
        if key not in self._prepared:
            self._prepared[key] = Prepared(code, index)
        prepared = self._prepared[key]
        self.encoder.enter(sample, prepared.code, prepared.members)
        prepared.rows.fill(0.0)
        self._samples[slot], self._effects[slot] = sample, prepared.effects
        if self.retention is not None:
            self._touched[slot] = self.retention.touched(sample)

    def segment(self, first: int, last: int) -> None:  # noqa: ARG002 - any sample may come
        """Forget the samples before: effects are performed when asked for."""
        self._samples, self._rated = [-1] * self.encoder.in_flight, -1


@final
class Replayed:
    """Performs effects in program order, a block of samples per kernel call, ahead of the engine."""

    def __init__(self, machine: Machine, program: Encodable, encoder: Encoder) -> None:
        self.machine, self.program, self.encoder = machine, program, encoder
        self.losses: list[float] = []  # of samples since the caller last cleared it
        self.last = 0  # end of the segment: no sample beyond it is executed
        self._next = 0
        self._rows: dict[int, tuple[list[list[float]], list[int]]] = {}

    def segment(self, first: int, last: int) -> None:
        """Say which samples the engine is about to run."""
        self._next, self.last = first, last
        self._rows.clear()

    def skip(self, first: int, last: int) -> Iterator[tuple[int, list[tuple[int, npt.NDArray[np.float64]]]]]:
        """Perform samples first..last-1 that nobody will look up, a block at a time.

        Yields
        ------
        end : int
            Samples before `end` are performed.
        groups : list of (int, ndarray of float64, (n_samples, n_effects, N_COUNTS))
            Samples of the block that have equal programs: one of them, and all their counts.
        """
        start = first
        while start < last:
            done = perform(self.machine, self.encoder, start, last)
            self.losses += done.losses
            members: dict[int, list[int]] = {}
            for k, template in enumerate(done.templates):
                members.setdefault(id(template), []).append(k)
            yield done.end, [(start + found[0], _rows(done.table, done.starts, found)) for found in members.values()]
            start = done.end

    def setup_counts(self) -> list[list[float]]:
        """Return the pulses of calibration."""
        return setup_counts(self.machine, self.program)

    def counts(self, sample: int, position: int) -> Sequence[float]:
        """Look one effect up; executes the next block when the sample is not there yet."""
        if sample not in self._rows:
            self._execute_block()
        rows, index = self._rows[sample]
        at = index[position]
        return ZEROS if at < 0 else rows[at]

    def _execute_block(self) -> None:
        first = self._next
        done = perform(self.machine, self.encoder, first, self.last)
        self.losses += done.losses
        counts = done.table.tolist()
        for sample in [s for s in self._rows if s < first - self.encoder.in_flight]:
            del self._rows[sample]
        for k, (_, index) in enumerate(done.templates):
            self._rows[first + k] = counts[done.starts[k] : done.starts[k + 1]], index
        self._next = done.end


class Performed(NamedTuple):
    """A block of samples after one kernel call.

    Attributes
    ----------
    end : int
        Samples before it are performed.
    templates : list of Template
        One a sample.
    starts : list of int
        Where each sample's rows start in `table`.
    table : ndarray of float64, (n_instructions, N_COUNTS)
    losses : list of float
        One a sample.
    """

    end: int
    templates: list[Template]
    starts: list[int]
    table: npt.NDArray[np.float64]
    losses: list[float]


def perform(machine: Machine, encoder: Encoder, first: int, last: int) -> Performed:
    """Execute a block of samples from `first` on, none beyond `last` - 1."""
    end = min(first + encoder.block(first), last)
    if encoder.rates is not None:
        machine.set_rates(encoder.rates(first))
    templates = [encoder.template(sample) for sample in range(first, end)]
    program, starts = encoder.join(templates, first)
    table = run_block(machine, program)
    return Performed(end, templates, starts, table, losses(machine, program, table))


def losses(machine: Machine, program: npt.NDArray[np.void], table: npt.NDArray[np.float64]) -> list[float]:
    """Return the mean loss of the steps of each sample, summed in their order."""
    rows = np.isin(program["opcode"], LOSSES)
    steps = machine.network.steps
    at = np.arange(int(rows.sum())) // steps
    means: list[float] = (np.bincount(at, table[rows, Counts.LOSS]) / machine.network.losses).tolist()
    return means


def _rows(table: npt.NDArray[np.float64], starts: list[int], members: list[int]) -> npt.NDArray[np.float64]:
    """Return the counts of some samples of a block that have equal programs, (len(members), n_effects, N_COUNTS)."""
    size = starts[members[0] + 1] - starts[members[0]]
    if len(members) == len(starts) - 1:
        return table.reshape(len(members), size, N_COUNTS)
    places = np.array([starts[k] for k in members])[:, None] + np.arange(size)
    return table[places]


def run_block(machine: Machine, program: npt.NDArray[np.void]) -> npt.NDArray[np.float64]:
    """Execute instructions; return their counts."""
    counts = np.zeros((program.size, N_COUNTS))
    machine.execute(program, counts)
    return counts
