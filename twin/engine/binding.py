"""Operations bound to servers and resources, and the hazards inside one sample found once.

The order of conflicting accesses within a sample never changes, so its read-after-write,
write-after-read and write-after-write edges are computed when a program is first seen, without those
that follow from others. Only the first and last accesses to shared resources meet other samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.algorithms.operation import Opcode, Stream
from twin.chip import Path

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from numpy.typing import NDArray

    from twin.algorithms.operation import Operation, Resource
    from twin.chip import Demand
    from twin.chip.demand import Occupancy
    from twin.engine.protocols import Costs, Program


class Edge(IntEnum):
    """Why an operation had to wait for another."""

    RAW = 0
    WAR = 1
    WAW = 2


N_EDGES = len(Edge)


class Template:
    """An operation bound to a slot: everything about it that does not change from sample to sample."""

    __slots__ = (
        "column",
        "demand",
        "effect",
        "index",
        "latency_ps",
        "occupancy",
        "operation",
        "reads",
        "writes",
    )

    def __init__(
        self,
        index: int,
        operation: Operation,
        demand: Demand,
        *,
        effect: bool,
        reads: set[int],
        writes: set[int],
    ) -> None:
        self.index, self.operation, self.demand = index, operation, demand
        self.effect = effect
        self.column = demand.column
        self.latency_ps = demand.latency_ps
        self.occupancy: tuple[Occupancy, ...] = demand.occupancy
        self.reads, self.writes = reads, writes


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


@dataclass(frozen=True, slots=True)
class Bound:
    """The program of one sample in one slot.

    Attributes
    ----------
    steps : tuple of Step
    shared : tuple of Shared
    n_bytes : ndarray of int64, (len(Path), len(Stream))
        What the sample moves.
    """

    steps: tuple[Step, ...]
    shared: tuple[Shared, ...]
    n_bytes: NDArray[np.int64]


class Binder:
    """Binds programs and numbers templates and resources in the order they are first met.

    Attributes
    ----------
    templates : list of Template
    resources : list of str
        Names by number; private resources carry their slot.
    samples : list of int
        The samples whose binding made a new template: binding them again, in order, makes the same.
    """

    CACHE = 65536

    def __init__(self, program: Program, costs: Costs, in_flight: int) -> None:
        self._program, self._costs, self._in_flight = program, costs, in_flight
        self._known: dict[tuple[Operation, int, bool], Template] = {}
        self._numbers: dict[tuple[str, int], int] = {}
        self._cache: dict[tuple[Hashable, int], Bound] = {}
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
            if len(self._cache) >= self.CACHE:
                self._cache.clear()
            before = len(self.templates)
            bound = self._bind(self._program.operations(sample), slot, setup=False)
            if len(self.templates) > before:
                self.samples.append(sample)
            self._cache[key] = bound
        return bound

    def bind_setup(self) -> Bound:
        """Return the set-up program, in slot 0."""
        return self._bind(self._program.setup(), 0, setup=True)

    def _bind(self, operations: Iterable[Operation], slot: int, *, setup: bool) -> Bound:
        templates = tuple(self._template(op, slot, setup or op.opcode != Opcode.NONE) for op in operations)
        edges = local_edges(templates)
        successors: list[list[tuple[int, int]]] = [[] for _ in templates]
        for position, edges_in in enumerate(edges):
            for before, code in edges_in.items():
                successors[before].append((position, code))
        return Bound(
            tuple(
                Step(position, template, len(edges[position]), tuple(successors[position]))
                for position, template in enumerate(templates)
            ),
            tuple(shared_uses(templates, self.shared)),
            sum((traffic(template.demand) for template in templates), no_traffic()),
        )

    def _template(self, operation: Operation, slot: int, effect: bool) -> Template:
        key = (operation, slot, effect)
        template = self._known.get(key)
        if template is None:
            reads = {self._number(resource, slot) for resource in operation.reads}
            writes = {self._number(resource, slot) for resource in operation.writes}
            demand = self._costs.demand(operation)
            template = Template(len(self.templates), operation, demand, effect=effect, reads=reads, writes=writes)
            self.templates.append(template)
            self._known[key] = template
        return template

    def _number(self, resource: Resource, slot: int) -> int:
        key = (resource.name, slot if resource.private else -1)
        number = self._numbers.setdefault(key, len(self.resources))
        if number == len(self.resources):
            self.resources.append(resource.name)
            self.shared.append(not resource.private)
        return number


def local_edges(templates: tuple[Template, ...]) -> list[dict[int, int]]:
    """For each operation, the operations of the same sample that it waits for and why.

    Edges that follow from others are left out: their source is always complete earlier.
    """
    writer: dict[int, int] = {}
    readers: dict[int, list[int]] = {}
    ancestors: list[int] = []  # bit sets
    edges: list[dict[int, int]] = []
    for position, template in enumerate(templates):
        before: dict[int, int] = {}
        for resource in sorted(template.reads):
            if resource in writer:
                before.setdefault(writer[resource], resource * N_EDGES + Edge.RAW)
        for resource in sorted(template.writes):
            for reader in readers.get(resource, ()):
                before.setdefault(reader, resource * N_EDGES + Edge.WAR)
            if resource in writer:
                before.setdefault(writer[resource], resource * N_EDGES + Edge.WAW)
        older = 0
        for source in before:
            older |= ancestors[source]
        edges.append({source: code for source, code in before.items() if not older >> source & 1})
        ancestors.append(older | sum(1 << source for source in before))
        for resource in template.reads - template.writes:
            readers.setdefault(resource, []).append(position)
        for resource in template.writes:
            writer[resource] = position
            readers[resource] = []
    return edges


def shared_uses(templates: tuple[Template, ...], shared: list[bool]) -> list[Shared]:
    """How the operations of one sample use each resource that other samples use too."""
    touched = sorted({r for t in templates for r in t.reads | t.writes if shared[r]})
    uses = []
    for resource in touched:
        writers = [k for k, t in enumerate(templates) if resource in t.writes]
        readers = [k for k, t in enumerate(templates) if resource in t.reads]
        first, last = (writers[0], writers[-1]) if writers else (-1, -1)
        uses.append(
            Shared(
                resource,
                tuple(k for k in readers if first < 0 or k <= first),
                first,
                last,
                tuple(k for k in readers if k > last),
            )
        )
    return uses


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
