"""Operations bound to servers and resources, and the hazards inside one sample found once.

The order of conflicting accesses within a sample never changes, so its read-after-write,
write-after-read and write-after-write edges are computed when a program is first seen, without those
that follow from others. Only the first and last accesses to shared resources meet other samples.

The ledger does not care what an operation reads and writes: operations that differ in nothing else, such
as one layer's at every time step of a sequence, share one template.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from enum import IntEnum
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.algorithms.operation import Kind, Opcode, Operation, Stream
from twin.chip import Path

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from numpy.typing import NDArray

    from twin.algorithms.operation import Resource
    from twin.chip import Demand
    from twin.chip.demand import Occupancy
    from twin.engine.protocols import Costs, Program


class Edge(IntEnum):
    """Why an operation had to wait for another."""

    RAW = 0
    WAR = 1
    WAW = 2


N_EDGES = len(Edge)
ORDERING = {"reads", "writes", "first"}  # say which data of a sample an operation handles, not what that costs
_demanded = attrgetter(*(f.name for f in fields(Operation) if f.name not in ORDERING))
MATVECS = frozenset({Kind.FORWARD, Kind.BACKWARD})  # whose reads of weights a consistency may relax
Access = tuple[frozenset[int], frozenset[int]]  # resources read and written


class Template:
    """What operations of one kind occupy, cost and move, whatever data they handle: a row of the ledger."""

    __slots__ = ("access", "column", "demand", "effect", "index", "latency_ps", "n_bytes", "occupancy", "operation")

    def __init__(self, index: int, operation: Operation, demand: Demand, *, effect: bool) -> None:
        self.index, self.operation, self.demand = index, operation, demand
        self.effect = effect
        self.column = demand.column
        self.latency_ps = demand.latency_ps
        self.access = demand.access
        self.occupancy: tuple[Occupancy, ...] = demand.occupancy
        self.n_bytes = traffic(demand)


class Shared(NamedTuple):
    """How one sample uses a resource it shares with other samples, as positions in its program."""

    resource: int
    first_readers: tuple[int, ...]  # read before any write of the sample
    first_writer: int  # -1 when the sample only reads
    last_writer: int
    last_readers: tuple[int, ...]  # read after the last write


class Step(NamedTuple):
    """One operation of a bound program."""

    position: int
    template: Template
    waiting: int  # how many others of the same sample it waits for
    successors: tuple[tuple[int, int], ...]  # whom it releases by which edge: resource * N_EDGES + Edge
    read: int  # the weight matrix that a forward or backward mat-vec reads; -1: none
    written: int  # the weight matrix of which it is the sample's last write; -1: none


class Weights(NamedTuple):
    """How one sample uses a weight matrix where reads and writes of different samples are relaxed."""

    uses: Shared
    relaxed: frozenset[int]  # positions of the forward and backward mat-vecs that read it


@dataclass(frozen=True, slots=True)
class Bound:
    """The program of one sample in one slot.

    Attributes
    ----------
    steps : tuple of Step
    shared : tuple of Shared
    weights : tuple of Weights
        The weight matrices, which are then not in `shared`; empty under strict consistency.
    written : tuple of int
        The weight matrices that the sample writes.
    n_bytes : ndarray of int64, (len(Path), len(Stream))
        What the sample moves.
    carried : ndarray of int64, (n_servers,)
        The bytes that every link of a network carries for it; empty where it has no network.
    outline : Outline
        The steps as arrays.
    """

    steps: tuple[Step, ...]
    shared: tuple[Shared, ...]
    weights: tuple[Weights, ...]
    written: tuple[int, ...]
    n_bytes: NDArray[np.int64]
    carried: NDArray[np.int64]
    outline: Outline


class Outline:
    """The templates of a program as arrays, for samples that are summed and not run.

    Attributes
    ----------
    template : ndarray of int64, (n_operations,)
    effects : ndarray of int64, (n_effects,)
        Positions of the operations with an effect.
    scaled, columns : ndarray of int64, (n_scaled,)
        Which of the effects scale their time by a count, and the column of that count.
    """

    __slots__ = ("columns", "effects", "scaled", "template")

    def __init__(self, templates: Sequence[Template]) -> None:
        self.template = np.array([template.index for template in templates], np.int64)
        self.effects = np.array([k for k, template in enumerate(templates) if template.effect], np.int64)
        column = np.array([templates[k].column for k in self.effects], np.int64)
        self.scaled = np.flatnonzero(column >= 0)
        self.columns = column[self.scaled]


class Binder:
    """Binds programs and numbers templates and resources in the order they are first met.

    Attributes
    ----------
    templates : list of Template
    resources : list of str
        Names by number; private resources have a number in every slot.
    samples : list of int
        The samples whose binding numbered something: binding them again, in order, numbers the same.
    """

    CACHE = 2_000_000  # steps of bound programs that are kept, about 1 GB

    def __init__(self, program: Program, costs: Costs, in_flight: int, *, relaxed: bool = False) -> None:
        self._program, self._costs, self._in_flight = program, costs, in_flight
        self._relaxed = relaxed
        self._known: dict[Hashable, Template] = {}
        self._numbers: dict[tuple[str, int], int] = {}
        self._cache: dict[tuple[Hashable, int], Bound] = {}
        self._cached = 0
        self.templates: list[Template] = []
        self.resources: list[str] = []
        self.shared: list[bool] = []
        self.samples: list[int] = []

    def bind(self, sample: int) -> Bound:
        """Return the program of `sample`, bound to its slot."""
        slot = sample % self._in_flight
        key = (self._program.key(sample), slot)
        bound = self._cache.get(key)
        if bound is None:
            if self._cached >= self.CACHE:
                self._cache.clear()
                self._cached = 0
            before = len(self.templates), len(self.resources)
            bound = self._bind(self._program.operations(sample), slot, setup=False)
            if (len(self.templates), len(self.resources)) > before:
                self.samples.append(sample)
            self._cache[key] = bound
            self._cached += len(bound.steps)
        return bound

    def bind_setup(self) -> Bound:
        """Return the set-up program, in slot 0."""
        return self._bind(self._program.setup(), 0, setup=True)

    def _bind(self, operations: Iterable[Operation], slot: int, *, setup: bool) -> Bound:
        operations = tuple(operations)
        templates = tuple(self._template(op, setup or op.opcode != Opcode.NONE) for op in operations)
        accesses = [self._access(op, slot) for op in operations]
        edges = local_edges(accesses)
        successors: list[list[tuple[int, int]]] = [[] for _ in templates]
        for position, edges_in in enumerate(edges):
            for before, code in edges_in.items():
                successors[before].append((position, code))
        matrices = [self._matrix(op) for op in operations]
        read = [
            number if op.kind in MATVECS and number in reads else -1
            for op, number, (reads, _) in zip(operations, matrices, accesses, strict=True)
        ]
        last = {
            number: k
            for k, (number, (_, writes)) in enumerate(zip(matrices, accesses, strict=True))
            if number in writes
        }
        written = [number if last.get(number) == k else -1 for k, number in enumerate(matrices)]
        weights = {number for number in matrices if number >= 0} if self._relaxed else set()
        uses = shared_uses(accesses, self.shared)
        return Bound(
            tuple(
                Step(
                    position,
                    template,
                    len(edges[position]),
                    tuple(successors[position]),
                    read[position],
                    written[position],
                )
                for position, template in enumerate(templates)
            ),
            tuple(use for use in uses if use.resource not in weights),
            tuple(
                Weights(use, frozenset(k for k, number in enumerate(read) if number == use.resource))
                for use in uses
                if use.resource in weights
            ),
            tuple(last),
            sum((n * template.n_bytes for template, n in Counter(templates).items()), no_traffic()),
            self._carried(templates),
            Outline(templates),
        )

    def _carried(self, templates: Iterable[Template]) -> NDArray[np.int64]:
        carried = [one for template in templates for one in template.demand.carried]
        table = np.zeros(len(self._costs.servers) if carried else 0, np.int64)
        for server, n_bytes in carried:
            table[server] += n_bytes
        return table

    def _template(self, operation: Operation, effect: bool) -> Template:
        key = (_demanded(operation), effect)
        template = self._known.get(key)
        if template is None:
            template = Template(len(self.templates), operation, self._costs.demand(operation), effect=effect)
            self.templates.append(template)
            self._known[key] = template
        return template

    def _access(self, operation: Operation, slot: int) -> Access:
        reads, writes = operation.reads, operation.writes
        return frozenset([self._number(r, slot) for r in reads]), frozenset([self._number(r, slot) for r in writes])

    def _matrix(self, operation: Operation) -> int:
        """Return the number of the weight matrix that an operation works on, -1 where it touches none."""
        name = f"{operation.layer}.{operation.matrix}"
        touched = (*operation.reads, *operation.writes)
        return self._numbers[name, -1] if operation.matrix and any(r.name == name for r in touched) else -1

    def _number(self, resource: Resource, slot: int) -> int:
        key = (resource.name, slot if resource.private else -1)
        number = self._numbers.setdefault(key, len(self.resources))
        if number == len(self.resources):
            self.resources.append(resource.name)
            self.shared.append(not resource.private)
        return number


def local_edges(accesses: Sequence[Access]) -> list[dict[int, int]]:
    """For each operation, the operations of the same sample that it waits for and why.

    Edges that follow from others are left out: their source is always complete earlier.
    """
    writer: dict[int, int] = {}
    readers: dict[int, list[int]] = {}
    ancestors: list[int] = []  # bit sets
    edges: list[dict[int, int]] = []
    for position, (reads, writes) in enumerate(accesses):
        before: dict[int, int] = {}
        for resource in sorted(reads):
            if resource in writer:
                before.setdefault(writer[resource], resource * N_EDGES + Edge.RAW)
        for resource in sorted(writes):
            for reader in readers.get(resource, ()):
                before.setdefault(reader, resource * N_EDGES + Edge.WAR)
            if resource in writer:
                before.setdefault(writer[resource], resource * N_EDGES + Edge.WAW)
        edges.append(_needed(before, ancestors))
        for resource in reads - writes:
            readers.setdefault(resource, []).append(position)
        for resource in writes:
            writer[resource] = position
            readers[resource] = []
    return edges


def _needed(before: dict[int, int], ancestors: list[int]) -> dict[int, int]:
    """Drop the sources that other sources wait for; append the bit set of all that is earlier to `ancestors`."""
    older, direct = 0, 0
    for source in before:
        older |= ancestors[source]
        direct |= 1 << source
    ancestors.append(older | direct)
    return {source: code for source, code in before.items() if not older >> source & 1}


@dataclass(slots=True)
class _Uses:
    """`Shared` under construction."""

    first_readers: list[int] = field(default_factory=list)
    first_writer: int = -1
    last_writer: int = -1
    last_readers: list[int] = field(default_factory=list)


def shared_uses(accesses: Sequence[Access], shared: list[bool]) -> list[Shared]:
    """How the operations of one sample use each resource that other samples use too."""
    found: dict[int, _Uses] = {}
    for position, (reads, writes) in enumerate(accesses):
        for resource in reads:
            if shared[resource]:
                uses = found.setdefault(resource, _Uses())
                uses.last_readers.append(position)
                if uses.first_writer < 0:
                    uses.first_readers.append(position)
        for resource in writes:
            if shared[resource]:
                uses = found.setdefault(resource, _Uses())
                uses.first_writer = position if uses.first_writer < 0 else uses.first_writer
                uses.last_writer = position
                uses.last_readers.clear()
    return [
        Shared(resource, tuple(uses.first_readers), uses.first_writer, uses.last_writer, tuple(uses.last_readers))
        for resource, uses in sorted(found.items())
    ]


STREAMS = {stream: number for number, stream in enumerate(Stream)}


def no_traffic() -> NDArray[np.int64]:
    """Return an empty table of bytes, (len(Path), len(Stream))."""
    return np.zeros((len(Path), len(Stream)), np.int64)


def traffic(demand: Demand) -> NDArray[np.int64]:
    """Return the bytes of one operation, (len(Path), len(Stream))."""
    table = no_traffic()
    for path, stream, n_bytes in demand.traffic:
        table[path, STREAMS[stream]] += n_bytes
    return table
