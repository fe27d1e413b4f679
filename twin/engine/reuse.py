"""Phases of identical blocks, simulated once and put together.

A phase is what one block does for a sample on its way forward, on its way back, or at the turn. It starts from idle:
the servers of a block are its own, one sample is in flight, and what the way forward began is complete when the error
returns (which is checked). So its course depends on its operations and their counts alone, and copies of a block
repeat it to the picosecond. docs/timing-only.md has the argument in full.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.chip.power import STANDING
from twin.engine.bins import Bins
from twin.engine.critical import Length, Place, add, shares, totals, walk
from twin.engine.engine import Engine
from twin.engine.invariants import InvariantError
from twin.engine.opening import VISITS
from twin.errors import TwinError
from twin.operation import Kind, Stream
from twin.units import PS

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from twin.algorithms.phases import Phase
    from twin.engine.protocols import BlockCosts, Costs, Effects, Program

EVERYTHING = 2**62
STANDING_NAMES = [component.name.lower() for component in STANDING]
SUMMED = {
    "operations": ["kind", "layer", "matrix"],
    "energy": ["component", "layer", "kind"],
    "traffic": ["path", "stream", "layer"],
    "staleness": ["kind", "layer", "matrix", "staleness_samples"],
}
"""Tables that add up over phases, and their keys."""


@dataclass(frozen=True, slots=True)
class Course:
    """One phase, from idle until its last operation.

    Attributes
    ----------
    handed_ps : int
        When the sample is with the next block; the end where there is none.
    end_ps : int
    events : int
        Operations simulated.
    tables : dict of str to DataFrame
        Those of `SUMMED`.
    schedule : DataFrame
        Its first services.
    visits : ndarray of int64, (3, n_servers)
        Visits, busy ps and waiting ps.
    joules : ndarray of float64, (n_servers,)
        Energy without leakage.
    bins : Bins
    to_hand_over, to_end : dict of Place to Length
        The chain of what bound the time until the hand-over, and until the end.
    """

    handed_ps: int
    end_ps: int
    events: int
    tables: dict[str, pd.DataFrame]
    schedule: pd.DataFrame
    visits: NDArray[np.int64]
    joules: NDArray[np.float64]
    bins: Bins
    to_hand_over: Mapping[Place, Length]
    to_end: Mapping[Place, Length]


class Entry(NamedTuple):
    """One phase of one copy of a block on the clock."""

    start_ps: int
    phase: int
    course: Course


class Instance(NamedTuple):
    """A phase as an engine runs it, and everything its course depends on."""

    program: Program
    effects: Effects
    key: Hashable


def run_phase(instance: Instance, costs: Costs, phase: Phase) -> Course:
    """Simulate one phase from idle, and check all invariants."""
    engine = Engine(instance.program, instance.effects, costs, 1)
    engine.ledger.remember = EVERYTHING
    engine.run(0, 1)
    rows = engine.ledger.recent().tolist()
    ends = [row[3] for row in rows]
    last = int(np.argmax(ends))
    sends = [k for k, row in enumerate(rows) if engine.binder.templates[row[0]].operation.kind is Kind.SEND]
    leaves = phase.block > 0 or not phase.backward  # the chain of sends ends with the one to the next block
    exit_row = max(sends, key=lambda k: ends[k]) if sends and leaves else last
    frames = engine.tables()
    frames["energy"] = frames["energy"][~frames["energy"]["component"].isin(STANDING_NAMES)]
    return Course(
        ends[exit_row],
        engine.now_ps,
        engine.index,
        {name: frames[name] for name in SUMMED},
        frames["schedule"],
        np.array(engine.ledger.visits()),
        frames["servers"]["energy_J"].to_numpy(),
        engine.ledger.bins,
        totals(engine, walk(engine, rows, exit_row)),
        totals(engine, walk(engine, rows, last)),
    )


class Reused:
    """Samples put together from courses; each distinct phase is simulated once.

    Parameters
    ----------
    phases : sequence of Phase
        In the order a sample passes them.
    copies : sequence of int
        How often each block stands in a row.
    costs : BlockCosts
    instance : callable
        The phase of a sample, by (phase, sample).

    Attributes
    ----------
    now_ps : int
    events : int
        Operations simulated so far.
    """

    def __init__(
        self,
        phases: Sequence[Phase],
        copies: Sequence[int],
        costs: BlockCosts,
        instance: Callable[[Phase, int], Instance],
    ) -> None:
        self._phases, self._copies, self._costs, self._instance = phases, copies, costs, instance
        self._courses: dict[Hashable, Course] = {}
        self._times: Counter[Hashable] = Counter()
        self._phase_of: dict[Hashable, int] = {}
        self._bins = Bins(len(Stream))
        self._bound: dict[Place, Length] = {}
        self._first: list[Entry] = []
        self.now_ps = 0
        self.events = 0

    def run(self, sample: int) -> None:
        """Pass one sample through all blocks and back."""
        entries: list[Entry] = []
        early: list[Entry] = []
        ready_ps: dict[int, int] = {}  # when what blocks do early is done
        idle_ps: list[int] = []  # when the blocks passed are idle again, the last one first to be met on the way back
        start_ps = at_ps = self.now_ps
        for number, phase in enumerate(self._phases):
            key, course = self._course(number, sample)
            copies = self._copies[phase.block]
            self._times[key] += copies
            if phase.early:
                early += [Entry(start_ps, number, course)] * copies
                ready_ps[phase.block] = start_ps + course.end_ps
                continue
            _check_ready(phase, ready_ps.get(phase.block, start_ps), at_ps)
            for _ in range(copies):
                if phase.forward and not phase.backward:
                    idle_ps.append(at_ps + course.end_ps)
                elif not phase.forward and idle_ps.pop() > at_ps:
                    raise TwinError(
                        f"block {phase.block}: is still busy with its way forward when the error returns, so that its "
                        "copies may differ; time all of them with --set timing.reuse=false"
                    )
                entries.append(Entry(at_ps, number, course))
                at_ps += course.handed_ps
        for entry in (*early, *entries):
            self._add_bins(entry)
        self._first = self._first or entries
        last = max(range(len(entries)), key=lambda k: entries[k].start_ps + entries[k].course.end_ps)
        self.now_ps = entries[last].start_ps + entries[last].course.end_ps
        self._bound = dict(entries[last].course.to_end)
        for entry in entries[:last]:
            for place, length in entry.course.to_hand_over.items():
                add(self._bound, place, length)

    def _course(self, number: int, sample: int) -> tuple[Hashable, Course]:
        """Return what a phase of a sample comes to, and what it depends on."""
        instance = self._instance(self._phases[number], sample)
        key = (number, instance.key)
        if key not in self._courses:
            self._courses[key] = run_phase(instance, self._costs, self._phases[number])
            self.events += self._courses[key].events
            self._phase_of[key] = number
        return key, self._courses[key]

    def _add_bins(self, entry: Entry) -> None:
        bins, width_ps = entry.course.bins, entry.course.bins.width_ps
        used = entry.course.end_ps // width_ps + 1
        start = np.arange(used) * width_ps
        end = np.minimum(start + width_ps, entry.course.end_ps)
        streams = len(Stream)
        energy = np.zeros((used, streams))
        energy[:, 0] = bins.energy_J[:used]
        self._bins.add(
            np.repeat(start, streams) + entry.start_ps,
            np.repeat(end, streams) + entry.start_ps,
            energy.ravel(),
            bins.n_bytes[:used].ravel(),
            np.tile(np.arange(streams), used),
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables that `Engine.tables` returns; servers that are alike share a row with their number."""
        import pandas as pd  # noqa: PLC0415

        from twin.engine.tables import standing_rows  # noqa: PLC0415 - imports pandas

        frames: dict[str, pd.DataFrame] = {}
        for name, keys in SUMMED.items():
            parts = []
            for key, times in self._times.items():
                frame = self._courses[key].tables[name].copy()
                values = frame.columns.difference(keys, sort=False)
                frame[values] *= times
                parts.append(frame)
            frames[name] = pd.concat(parts, ignore_index=True).groupby(keys, sort=False, as_index=False).sum()
        joules = {component: watts * self.now_ps * PS for component, watts in self._costs.standing.watts.items()}
        standing = pd.DataFrame(standing_rows(joules), columns=["component", "layer", "kind", "energy_J"])
        frames["energy"] = pd.concat([frames["energy"], standing], ignore_index=True)
        frames["servers"] = self._servers()
        self._check(frames["energy"], frames["servers"])
        frames["bins"] = self._bins_table()
        frames["bound"] = shares(self._bound)
        frames["area"] = pd.DataFrame(self._costs.area(), columns=["part", "count", "area_m2", "leakage_W"])
        frames["schedule"] = self._schedule()
        return frames

    def _schedule(self) -> pd.DataFrame:
        """Return the first services of the first sample; those of all copies of a block bear the names of one."""
        import pandas as pd  # noqa: PLC0415

        parts: list[pd.DataFrame] = []
        left = VISITS
        for entry in self._first:
            part = entry.course.schedule[:left].copy()
            part[["start_ps", "end_ps"]] += entry.start_ps
            parts.append(part)
            left -= len(part)
            if not left or len(part) < len(entry.course.schedule):
                break
        return pd.concat(parts, ignore_index=True)

    def _check(self, energy: pd.DataFrame, servers: pd.DataFrame) -> None:
        """Energy by time = by server = by operation, as in every run."""
        dynamic = float(energy.loc[~energy["component"].isin(STANDING_NAMES), "energy_J"].sum())
        spent = float((servers["energy_J"] * servers["copies"]).sum())
        for name, other in (("time", float(self._bins.energy_J.sum())), ("server", spent)):
            if abs(dynamic - other) > 1e-9 * max(dynamic, other):
                raise InvariantError(f"energy differs: by operation {dynamic!r} J, by {name} {other!r} J")

    def _servers(self) -> pd.DataFrame:
        import pandas as pd  # noqa: PLC0415

        sums = np.zeros((3, len(self._costs.servers)), np.int64)
        joules = np.zeros(len(self._costs.servers))
        for key, times in self._times.items():
            block = self._phases[self._phase_of[key]].block
            sums += self._courses[key].visits * (times // self._copies[block])
            joules += self._courses[key].joules * (times // self._copies[block])
        rows: Counter[tuple[str, str, int, int, int]] = Counter()
        spent_J: dict[tuple[str, str, int, int, int], float] = {}
        for number, server in enumerate(self._costs.servers):
            served, busy_ps, wait_ps = sums[:, number].tolist()
            block = self._costs.block_of(number)
            row = (alike(server.name), server.kind, served, busy_ps, wait_ps)
            rows[row] += self._copies[block]
            spent_J[row] = spent_J.get(row, 0.0) + self._copies[block] * float(joules[number])
        frame = pd.DataFrame(
            [(*row, spent_J[row] / copies, copies) for row, copies in rows.items()],
            columns=["server", "kind", "served", "busy_ps", "wait_ps", "energy_J", "copies"],
        )
        makespan = max(self.now_ps, 1)
        frame.insert(4, "utilisation", frame["busy_ps"] / makespan)
        frame.insert(6, "mean_queue", (frame["busy_ps"] + frame["wait_ps"]) / makespan)
        return frame

    def _bins_table(self) -> pd.DataFrame:
        from twin.engine.tables import bins_table  # noqa: PLC0415 - imports pandas

        return bins_table(self._bins, self.now_ps, self._costs.standing.total_W)


def _check_ready(phase: Phase, ready_ps: int, at_ps: int) -> None:
    """Refuse a phase before which its block has not done what it does early; copies are met later than the first."""
    if phase.forward and ready_ps > at_ps:
        raise TwinError(
            f"block {phase.block}: still fetches parameters when the sample arrives, so that its copies may differ; "
            "time all of them with --set timing.reuse=false"
        )


def alike(name: str) -> str:
    """Return a server's name without the number that tells it from others: of ``tile 2.C[17]``, ``tile 2.C``."""
    kind, _, which = name.partition(" ")
    return kind if which.isdigit() else name.split("[", maxsplit=1)[0]
