"""What must hold at the end of every run, whatever was simulated.

Where samples were skipped, energy, bytes and load are exact and checked over the whole; queues over what was run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.engine import tables
from twin.errors import DivergedError

if TYPE_CHECKING:
    from collections.abc import Hashable

    from twin.engine.scheduler import Scheduler

TOLERANCE = 1e-9


class InvariantError(Exception):
    """A bug of the twin, not a mistake of its user."""

    def __init__(self, message: str) -> None:
        super().__init__(f"{message}; this is a bug in twin, please report it with the run's configuration")


def check(engine: Scheduler) -> None:
    """Check everything on a drained engine."""
    for invariant in (drained, energy, gating, traffic, capacity, little, bounds, staleness):
        invariant(engine)


def drained(engine: Scheduler) -> None:
    """Nothing is in flight."""
    if engine.under_way:
        raise InvariantError(f"{engine.under_way} samples are still in flight at {engine.now_ps} ps")
    entered = int(engine.ledger.n.sum() - engine.ledger.skipped.n.sum())
    if entered != engine.index:
        raise InvariantError(f"{engine.index} operations were started but {entered} are in the ledger")


def energy(engine: Scheduler) -> None:
    """Energy by component = by layer = by kind = by server = by time; DivergedError where a run has none."""
    ledger = engine.ledger
    table = ledger.energy_J()
    if not np.isfinite(table).all():
        raise DivergedError(
            "diverged: weights grew until the current through them is no number; lower the learning rate, or choose a "
            "device with bounds"
        )
    if (table < 0).any():
        raise InvariantError("an energy is negative")
    operations = [template.operation for template in ledger.templates]
    nowhere = float(table[[not template.servers for template in ledger.templates]].sum())
    totals = {
        "component": float(table.sum(axis=0).sum()),
        "layer": _total_by([op.layer for op in operations], table.sum(axis=1)),
        "kind": _total_by([op.kind for op in operations], table.sum(axis=1)),
        "server": float(tables.joules(ledger).sum()) + nowhere,
        "time": float(ledger.bins.energy_J.sum()),
    }
    largest = max(totals.values())
    if largest - min(totals.values()) > TOLERANCE * largest:
        text = ", ".join(f"by {name} {total!r} J" for name, total in totals.items())
        raise InvariantError(f"energy differs: {text}")


def gating(engine: Scheduler) -> None:
    """No server is off while it is busy, and what being off saved is the same by server and by time."""
    ledger = engine.ledger
    if ledger.gating is None:
        return
    off_ps = ledger.gating.off_until(engine.now_ps)
    for number in np.flatnonzero(off_ps + ledger.load_ps > engine.now_ps).tolist():
        raise InvariantError(
            f"{engine.costs.servers[number].name} was busy for {ledger.load_ps[number]} ps and off for "
            f"{off_ps[number]} ps of {engine.now_ps} ps"
        )
    by_server = sum(ledger.gating.saved_J(engine.now_ps).values())
    by_time = float(ledger.gating.saved_until(engine.now_ps).energy_J.sum())
    if abs(by_server - by_time) > TOLERANCE * max(by_server, by_time):
        raise InvariantError(f"what gating saved differs: by server {by_server!r} J, by time {by_time!r} J")


def _total_by(keys: list[Hashable], values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    sums: dict[Hashable, float] = {}
    for key, value in zip(keys, values.tolist(), strict=True):
        sums[key] = sums.get(key, 0.0) + value
    return sum(sums.values())


def traffic(engine: Scheduler) -> None:
    """Bytes asked for = bytes moved, on every path and over every link of a network."""
    moved = engine.ledger.delivered().sum(axis=0)
    if (moved != engine.ledger.requested).any():
        raise InvariantError(
            f"bytes moved by path and stream {moved.tolist()} differ from those requested "
            f"{engine.ledger.requested.tolist()}"
        )
    sent, carried = engine.ledger.sent, engine.ledger.carried()
    for number in np.flatnonzero(sent != carried).tolist():
        raise InvariantError(
            f"{engine.costs.servers[number].name} carried {carried[number]} bytes of {sent[number]} sent over it"
        )


def capacity(engine: Scheduler) -> None:
    """No server is busy for longer than the run, nor with two operations at once."""
    queues, load_ps = engine.ledger.queues, engine.ledger.load_ps
    for number, server in enumerate(engine.costs.servers):
        busy_ps, overlaps = int(load_ps[number]), int(queues.overlaps[number])
        if busy_ps > engine.now_ps:
            raise InvariantError(f"{server.name} was busy for {busy_ps} ps of {engine.now_ps} ps")
        if overlaps:
            raise InvariantError(f"{server.name} served two operations at once, {overlaps} times")


def little(engine: Scheduler) -> None:
    """Little's law: the integral of the number present = the sum of the times spent, exactly.

    The integral is taken over the ledger's rows in order of time; the times are added up as the
    engine reserves.
    """
    content = engine.ledger.queues.content_ps.tolist()
    for server, integral, sojourn in zip(engine.costs.servers, content, engine.sojourn_ps, strict=True):
        if integral != sojourn:
            raise InvariantError(f"{server.name}: the queue integral is {integral} ps but visits lasted {sojourn} ps")


def bounds(engine: Scheduler) -> None:
    """max(critical path, largest server load) <= makespan <= serial time, of what was run and of the whole."""
    ledger, skipped = engine.ledger, engine.ledger.skipped
    run_ps = engine.now_ps - skipped.elapsed_ps
    _between(max(engine.critical_ps, *ledger.queues.busy_ps.tolist(), 0), run_ps, ledger.serial_ps)
    _between(max(ledger.load_ps.tolist(), default=0), engine.now_ps, ledger.serial_ps + skipped.serial_ps)


def staleness(engine: Scheduler) -> None:
    """Every mat-vec that was run read weights no older or newer than the consistency allows."""
    most, reads = engine.consistency.most(engine.in_flight), engine.staleness.reads
    for (template, samples), n in reads.items():
        if abs(samples) > most:
            what = engine.binder.templates[template].operation
            raise InvariantError(
                f"{n} times {what.kind} of layer {what.layer} read weights that were {samples} samples old, "
                f"but {engine.consistency.mode} consistency allows {most}"
            )


def _between(lower: int, makespan: int, upper: int) -> None:
    if not lower <= makespan <= upper:
        raise InvariantError(
            f"the makespan of {makespan} ps is not between {lower} ps (critical path or largest "
            f"load) and {upper} ps (one after another)"
        )
