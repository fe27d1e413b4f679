"""What bound the time: the chain of operations that ended last, walked back through what released each.

Every instant of the chain belongs to one operation in service; its `cause` says what the next
operation of the chain was waiting for meanwhile: a hazard, a busy server, or a place in flight.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from twin.engine.hazards import N_EDGES, Edge

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from twin.engine.binding import Template
    from twin.engine.scheduler import Scheduler
    from twin.operation import Operation

ADMISSION = -1
TIME_STEP = re.compile(r"(?<=\d)\.\d+(?=\b)")  # of a vector that every time step has for itself: z1.17


class Segment(NamedTuple):
    """A stretch of the chain in which one operation is in service.

    Attributes
    ----------
    template : int
    cause : str
        What the next operation of the chain waited for.
    ps : int
    part : str
        The kind of server whose service set how long it took; the unit of an operation that occupies none.
    saved_ps : int
        By how much it is shorter, at most, where this part is twice as fast: by a half, or until another part of the
        chip that serves the operation meanwhile sets how long it takes.
    """

    template: int
    cause: str
    ps: int
    part: str
    saved_ps: int


class Place(NamedTuple):
    """What segments are summed by; `node` is that of `Operation`."""

    what: str
    layer: int
    kind: str
    cause: str
    part: str
    node: int


class Length(NamedTuple):
    """The sum of segments, and of what they save."""

    ps: int
    saved_ps: int


def chain(engine: Scheduler) -> list[Segment]:
    """Walk back from the last completed operation to the end of the set-up.

    The segments are contiguous: together they last from there to the end, or from the oldest
    operation that the ledger remembers. Of a run with skipped samples they cover the time that was run.
    """
    rows = engine.ledger.recent().tolist()
    return walk(engine, rows, max((row[3], k) for k, row in enumerate(rows))[1]) if rows else []


def walk(engine: Scheduler, rows: list[list[int]], at: int) -> list[Segment]:
    """Walk back from row `at` of the ledger's last rows; `chain` says how far."""
    oldest = engine.index - len(rows)
    segments: list[Segment] = []
    end, cause, holder = rows[at][3], "end", -1
    while at >= 0 and end > engine.setup_ps:
        template, ready, start, done, count, release, code, server, blocker = rows[at]
        end = min(end, done)  # later only where samples were skipped in between
        if blocker == release:  # it waited for its servers to wake, which counts as its own time
            start = ready
        if end > start:
            segments.append(Segment(template, cause, end - start, *_part(engine, rows[at], holder, end - start, count)))
        # A wait for a server continues with the operation that held it, a hazard with its source.
        if start > ready:
            before, cause, holder = blocker, engine.costs.servers[server].name, server
        else:
            before, cause, holder = release, _hazard(engine, code), -1
        end, at = start, before - oldest if before >= 0 else -1
    return segments


def _part(engine: Scheduler, row: list[int], holder: int, ps: int, count: int) -> tuple[str, int]:
    """Return which part of the chip set how long a segment took, and what it saves where that is twice as fast.

    The segment ends where a server is free again, `holder`, or with the operation as a whole (-1).
    """
    template, servers = engine.binder.templates[row[0]], engine.costs.servers
    if holder >= 0:
        return servers[holder].kind, ps - ps // 2
    longest: dict[str, int] = {}
    for server, busy_ps in _visits(template, count, ps):
        kind = servers[server].kind
        longest[kind] = max(longest.get(kind, 0), busy_ps)
    if not longest:
        return str(template.operation.unit), ps - ps // 2
    part = max(longest, key=lambda kind: longest[kind])
    others = max((busy_ps for kind, busy_ps in longest.items() if kind != part), default=0)
    return part, max(0, ps - max(ps // 2, others))


def _visits(template: Template, count: int, ps: int) -> Iterable[tuple[int, int]]:
    visits = template.service(count)[0] if count else template.visits
    if template.access < 0:
        return visits
    return (*visits[:-1], (visits[-1][0], ps - template.latency_ps))  # a stateful server, whose time is known since


def _hazard(engine: Scheduler, code: int) -> str:
    if code == ADMISSION:
        return "in_flight"
    resource, edge = divmod(code, N_EDGES)
    return f"{Edge(edge).name} on {TIME_STEP.sub('', engine.binder.resources[resource])}" if code >= 0 else "start"


def bound_table(engine: Scheduler) -> pd.DataFrame:
    """Return the chain by operation, cause, part and node, largest share first."""
    return shares(totals(engine, chain(engine)))


def totals(engine: Scheduler, segments: list[Segment]) -> dict[Place, Length]:
    """Sum segments by place."""
    total: dict[Place, Length] = {}
    for template, cause, ps, part, saved_ps in segments:
        operation = engine.binder.templates[template].operation
        place = Place(_what(operation), operation.layer, str(operation.kind), cause, part, operation.node)
        add(total, place, Length(ps, saved_ps))
    return total


def add(total: dict[Place, Length], place: Place, length: Length) -> None:
    """Add a length to the sum at a place."""
    before = total.get(place, Length(0, 0))
    total[place] = Length(before.ps + length.ps, before.saved_ps + length.saved_ps)


def shares(total: dict[Place, Length]) -> pd.DataFrame:
    """Return sums as shares of the whole, largest first."""
    import pandas as pd  # noqa: PLC0415

    whole = max(1, sum(length.ps for length in total.values()))
    found = sorted(total.items(), key=lambda item: -item[1].ps)
    rows = [(*place, length.ps / whole, length.saved_ps / whole) for place, length in found]
    return pd.DataFrame(rows, columns=[*Place._fields, "share", "saved"])


def _what(operation: Operation) -> str:
    place = f"{operation.layer}.{operation.matrix}" if operation.matrix else str(operation.stream or "")
    return f"{operation.unit} {place}".strip()
