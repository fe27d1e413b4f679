"""What bound the time: the chain of operations that ended last, walked back through what released each.

Every instant of the chain belongs to one operation in service; its `cause` says what the next
operation of the chain was waiting for meanwhile: a hazard, a busy server, or a place in flight.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from twin.engine.hazards import N_EDGES, Edge

if TYPE_CHECKING:
    import pandas as pd

    from twin.engine.scheduler import Scheduler
    from twin.operation import Operation

ADMISSION = -1
MATRIX = re.compile(r"\d+\.[A-Z]\w*")  # of a layer; vectors begin with a small letter
TIME_STEP = re.compile(r"(?<=\d)\.\d+(?=\b)")  # of a vector that every time step has for itself: z1.17
Segment = tuple[int, str, int]  # template, cause, ps
Place = tuple[str, int, str, str]  # what, layer, kind, cause


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
    end, cause = rows[at][3], "end"
    while at >= 0 and end > engine.setup_ps:
        template, ready, start, done, _, release, code, server, blocker = rows[at]
        end = min(end, done)  # later only where samples were skipped in between
        if blocker == release:  # it waited for its servers to wake, which counts as its own time
            start = ready
        if end > start:
            segments.append((template, cause, end - start))
        # A wait for a server continues with the operation that held it, a hazard with its source.
        if start > ready:
            before, cause = blocker, engine.costs.servers[server].name
        else:
            before, cause = release, _hazard(engine, code)
        end, at = start, before - oldest if before >= 0 else -1
    return segments


def _hazard(engine: Scheduler, code: int) -> str:
    if code == ADMISSION:
        return "in_flight"
    resource, edge = divmod(code, N_EDGES)
    return f"{Edge(edge).name} on {TIME_STEP.sub('', engine.binder.resources[resource])}" if code >= 0 else "start"


def bound_table(engine: Scheduler) -> pd.DataFrame:
    """Return the chain by operation and cause, largest share first."""
    return shares(totals(engine, chain(engine)))


def totals(engine: Scheduler, segments: list[Segment]) -> dict[Place, int]:
    """Sum segments by operation and cause, ps."""
    total: defaultdict[Place, int] = defaultdict(int)
    for template, cause, length in segments:
        operation = engine.binder.templates[template].operation
        total[_what(operation), operation.layer, str(operation.kind), cause] += length
    return total


def shares(total: dict[Place, int]) -> pd.DataFrame:
    """Return sums as shares of the whole, largest first."""
    import pandas as pd  # noqa: PLC0415

    whole = max(1, sum(total.values()))
    rows = [(*key, length / whole) for key, length in sorted(total.items(), key=lambda item: -item[1])]
    return pd.DataFrame(rows, columns=["what", "layer", "kind", "cause", "share"])


def _what(operation: Operation) -> str:
    place = f"{operation.layer}.{operation.matrix}" if operation.matrix else str(operation.stream or "")
    return f"{operation.unit} {place}".strip()


def bound_line(table: pd.DataFrame) -> str:
    """Say in one line what bound the time, from `bound_table`.

    For example ``"layer 1 backward 26 %, layer 0 forward 21 %; waits: data 50 %, tile 1.C 33 %"``: the
    operations with the largest shares of the critical path, and what the next operation waited for: its
    data, a matrix, a busy server, or a place in flight.
    """
    if table.empty:
        return "nothing took time"
    work = table.groupby(["layer", "kind"], sort=False)["share"].sum().nlargest(2)
    rows = work.reset_index().itertuples(index=False, name=None)
    parts = [f"{_place(layer)}{kind} {_percent(share)}" for layer, kind, share in rows]
    waits = table[~table["cause"].isin(["end", "start"])]
    causes = waits.groupby(waits["cause"].map(_cause), sort=False)["share"].sum().nlargest(2)
    line = ", ".join(parts)
    if causes.empty:
        return line
    return line + "; waits: " + ", ".join(f"{cause} {_percent(share)}" for cause, share in causes.items())


def _place(layer: int) -> str:
    return f"layer {layer} " if layer >= 0 else "host "


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _cause(cause: str) -> str:
    """Name matrices and servers; everything else that an operation waits for is data."""
    edge, on, resource = cause.partition(" on ")
    if not on:
        return cause
    return f"{edge} on {resource}" if MATRIX.fullmatch(resource) else "data"
