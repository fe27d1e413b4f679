"""Read-after-write, write-after-read and write-after-write, inside a sample and between samples.

The order of conflicting accesses within a program never changes, so its edges are computed when it is first seen.
Edges that follow from others are left out: their source is always complete earlier, so they release nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Edge(IntEnum):
    """Why an operation had to wait for another."""

    RAW = 0
    WAR = 1
    WAW = 2


N_EDGES = len(Edge)
Access = tuple[frozenset[int], frozenset[int]]  # resources read and written


class Shared(NamedTuple):
    """How one sample uses a resource it shares with other samples, as positions in its program."""

    resource: int
    first_readers: tuple[int, ...]  # read before any write of the sample
    first_writer: int  # -1 when the sample only reads
    last_writer: int
    last_readers: tuple[int, ...]  # read after the last write


class Crossing(NamedTuple):
    """An operation of a sample that waits for one of the sample before, by their positions."""

    earlier: int
    later: int
    code: int  # resource * N_EDGES + Edge


def local_edges(accesses: Sequence[Access]) -> list[dict[int, int]]:
    """For each operation, the operations of the same sample that it waits for and why."""
    writer: dict[int, int] = {}
    readers: dict[int, list[int]] = {}
    older: list[int] = []
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
        implied = _union(older[source] for source in before)
        edges.append({source: code for source, code in before.items() if not implied >> source & 1})
        older.append(implied | _bits(before))
        for resource in reads - writes:
            readers.setdefault(resource, []).append(position)
        for resource in writes:
            writer[resource] = position
            readers[resource] = []
    return edges


def ancestors(edges: Sequence[dict[int, int]]) -> list[int]:
    """For each operation, the bit set of those of the same sample that are complete before it starts."""
    older: list[int] = []
    for before in edges:
        older.append(_union(older[source] for source in before) | _bits(before))
    return older


def _bits(positions: Iterable[int]) -> int:
    return _union(1 << position for position in positions)


def _union(sets: Iterable[int]) -> int:
    whole = 0
    for one in sets:
        whole |= one
    return whole


@dataclass(slots=True)
class _Uses:
    """`Shared` under construction."""

    first_readers: list[int] = field(default_factory=list)
    first_writer: int = -1
    last_writer: int = -1
    last_readers: list[int] = field(default_factory=list)


def shared_uses(accesses: Sequence[Access], shared: Sequence[bool]) -> list[Shared]:
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


def outermost(use: Shared, older: Sequence[int]) -> Shared:
    """Keep the readers that start before all others of the sample, and those that complete after all others."""
    first, complete = _bits(use.first_readers), _union(older[reader] for reader in use.last_readers)
    return use._replace(
        first_readers=tuple(reader for reader in use.first_readers if not older[reader] & first),
        last_readers=tuple(reader for reader in use.last_readers if not complete >> reader & 1),
    )


def between(earlier: Shared, later: Shared) -> list[Crossing]:
    """Return what a sample's use of a resource waits for in the sample before, which wrote it."""
    code, writer = later.resource * N_EDGES, earlier.last_writer
    found = [Crossing(writer, reader, code + Edge.RAW) for reader in later.first_readers]
    if later.first_writer >= 0:
        if not later.first_readers:
            found.append(Crossing(writer, later.first_writer, code + Edge.WAW))
        found += [Crossing(reader, later.first_writer, code + Edge.WAR) for reader in earlier.last_readers]
    return found


def needed(crossings: Sequence[Crossing], before: Mapping[int, int], after: Mapping[int, int]) -> list[Crossing]:
    """Leave out what follows from others, given `ancestors` in both samples; of equals the last stays."""

    def follows(one: Crossing, other: Crossing) -> bool:
        earlier = one.earlier == other.earlier or before[other.earlier] >> one.earlier & 1
        return bool(earlier and (one.later == other.later or after[one.later] >> other.later & 1))

    last = {(one.earlier, one.later): one for one in crossings}
    unequal = [one for one in crossings if last[one.earlier, one.later] is one]
    return [one for one in unequal if not any(follows(one, other) for other in unequal if other is not one)]
