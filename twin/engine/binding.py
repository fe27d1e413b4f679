"""Operations bound to servers and resources, and the hazards inside one sample found once.

Only the first and last accesses of a sample to shared resources meet other samples.

The ledger does not care what an operation reads and writes: operations that differ in nothing else, such
as one layer's at every time step of a sequence, share one template.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.chip import Path
from twin.engine.hazards import ancestors, local_edges, outermost, shared_uses
from twin.operation import Kind, Opcode, Operation, Stream

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from twin.chip import Demand
    from twin.chip.power import Gate
    from twin.engine.hazards import Access, Shared
    from twin.engine.protocols import Costs, Program
    from twin.operation import Resource


ORDERING = {"reads", "writes", "first"}  # say which data of a sample an operation handles, not what that costs
_demanded = attrgetter(*(f.name for f in fields(Operation) if f.name not in ORDERING))
MATVECS = frozenset({Kind.FORWARD, Kind.BACKWARD})  # whose reads of weights a consistency may relax


Visits = tuple[tuple[int, int], ...]  # servers, and how long each is busy, ps


class Template:
    """What operations of one kind occupy, cost and move, whatever data they handle: a row of the ledger."""

    __slots__ = (
        "access",
        "column",
        "demand",
        "effect",
        "gated",
        "index",
        "latency_ps",
        "longest_ps",
        "n_bytes",
        "operation",
        "servers",
        "services",
        "visits",
    )
    REMEMBERED = 256

    def __init__(
        self, index: int, operation: Operation, demand: Demand, gates: Mapping[int, Gate], *, effect: bool
    ) -> None:
        self.index, self.operation, self.demand = index, operation, demand
        self.effect = effect
        self.column = demand.column
        self.latency_ps = demand.latency_ps
        self.access = demand.access
        self.servers = tuple(occupancy.server for occupancy in demand.occupancy)
        # which of them are switched off when idle, and after how many ps
        self.gated = tuple((one, gates[one].after_ps) for one in self.servers if one in gates)
        self.services: dict[int, tuple[Visits, int]] = {}  # what `service` returned, by count
        self.visits, self.longest_ps = self.service(0)
        self.n_bytes = traffic(demand)

    def service(self, count: int) -> tuple[Visits, int]:
        """Return the visits of an operation with this count (0: none scales its time) and the time it takes, ps."""
        if len(self.services) >= self.REMEMBERED:
            self.services.clear()
        visits = tuple((server, fixed + per_count * count) for server, fixed, per_count in self.demand.occupancy)
        found = self.services[count] = visits, max((busy for _, busy in visits), default=0) + self.latency_ps
        return found


# One operation of a bound program: its position, its template, how many others of the same sample it waits for, whom it
# releases by which edge (resource * N_EDGES + Edge), and, unless it touches neither, the weight matrix that a forward
# or backward mat-vec reads and the one of which it is the sample's last write (-1: none).
Step = tuple[int, Template, int, tuple[tuple[int, int], ...], tuple[int, int] | None]


class Weights(NamedTuple):
    """How one sample uses a weight matrix where reads and writes of different samples are relaxed."""

    uses: Shared
    relaxed: frozenset[int]  # positions of the forward and backward mat-vecs that read it


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """The program of one sample in one slot.

    Attributes
    ----------
    steps : tuple of Step
    roots : tuple of int
        Positions of the operations that wait for no other of the sample.
    shared : tuple of Shared
        With the outermost readers.
    older : dict of int to int
        `ancestors` of the operations in `shared`.
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
    roots: tuple[int, ...]
    shared: tuple[Shared, ...]
    older: dict[int, int]
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

    def bind_setup(self, *, again: bool = False) -> Bound:
        """Return the set-up program, in slot 0; `again`: what of it is repeated."""
        return self._bind(self._program.setup(again=True) if again else self._program.setup(), 0, setup=True)

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
        touched = [uses if max(uses) >= 0 else None for uses in zip(read, written, strict=True)]
        waiting = [len(sources) for sources in edges]
        shared, weights, older = self._meets(accesses, edges, matrices, read)
        return Bound(
            tuple(zip(range(len(templates)), templates, waiting, map(tuple, successors), touched, strict=True)),
            tuple(k for k, sources in enumerate(edges) if not sources),
            shared,
            older,
            weights,
            tuple(last),
            sum((n * template.n_bytes for template, n in Counter(templates).items()), no_traffic()),
            self._carried(templates),
            Outline(templates),
        )

    def _meets(
        self, accesses: Sequence[Access], edges: Sequence[dict[int, int]], matrices: Sequence[int], read: Sequence[int]
    ) -> tuple[tuple[Shared, ...], tuple[Weights, ...], dict[int, int]]:
        """Return `Bound.shared`, `Bound.weights` and `Bound.older`."""
        relaxed = set(matrices) - {-1} if self._relaxed else set()
        before = ancestors(edges)
        uses = shared_uses(accesses, self.shared)
        shared = tuple(outermost(use, before) for use in uses if use.resource not in relaxed)
        weights = tuple(
            Weights(use, frozenset(k for k, number in enumerate(read) if number == use.resource))
            for use in uses
            if use.resource in relaxed
        )
        ends = {k for use in shared for k in (*use.first_readers, use.first_writer, use.last_writer, *use.last_readers)}
        return shared, weights, {k: before[k] for k in ends if k >= 0}

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
            demand, gates = self._costs.demand(operation), self._costs.standing.gates
            template = Template(len(self.templates), operation, demand, gates, effect=effect)
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
