"""Whatever the chip, the network, the algorithm and the schedule: runs end, and what the ledger says adds up."""

import re

import numpy as np
import pytest
from examples_kit import examples
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from random_kit import TEXT, cases

from twin.chip import Path
from twin.chip.power import STANDING
from twin.engine import Engine
from twin.errors import TwinError
from twin.operation import N_COUNTS, Stream
from twin.runs import build as building
from twin.runs.planning import plan_run


class Recorder(Engine):
    """Adds up by itself what every operation that it starts costs, moves and occupies."""

    def __init__(self, program, effects, costs, in_flight, on_sample, *rest):
        self.done, self.joules, self.took_ps = [], 0.0, {}
        self.moved = np.zeros((len(Path), len(Stream)), np.int64)
        self.load_ps = np.zeros(len(costs.servers), np.int64)
        self.peak_W, self.after_ps = np.zeros(len(costs.servers)), np.zeros(len(costs.servers), np.int64)
        self.at_once_J = 0.0
        super().__init__(program, effects, costs, in_flight, self._note, *rest)
        self._told = on_sample

    def _note(self, sample):
        self.done.append(sample)
        if self._told is not None:
            self._told(sample)

    def _start(self, job, release, code):
        demand, before = job.template.demand, len(self.ledger.count_rows)
        no_time = super()._start(job, release, code)
        found = np.array(self.ledger.count_rows[before:] or [0.0] * N_COUNTS)
        joules = demand.energy_J[:, 0].sum() + (demand.energy_J[:, 1:] @ found).sum()
        for path, stream, n_bytes in demand.traffic:
            self.moved[path, list(Stream).index(stream)] += n_bytes
        count = int(found[demand.column]) if demand.column >= 0 else 1
        times = [fixed + each * count for _, fixed, each in demand.occupancy if count]
        latency_ps = demand.latency_ps * (count > 0)
        if demand.access >= 0:
            busy_ps, after_ps, opened = self.ledger.served_rows[-3:]
            times[-1] += busy_ps
            latency_ps += after_ps
            joules += demand.activation_J * opened
        self.joules += joules
        self._note_power(joules, [one.server for one in demand.occupancy], times, latency_ps)
        for (server, _, _), busy_ps in zip(demand.occupancy, times, strict=False):
            self.load_ps[server] += busy_ps
        self.took_ps[job.run.sample, job.position] = max(times, default=0) + latency_ps
        return no_time

    def _note_power(self, joules, servers, times, latency_ps):
        """Hold the server that is longest at work for the whole operation's power, and how long its energy lags."""
        if not any(times):
            self.at_once_J += joules
            return
        longest = int(np.argmax(times))
        server = servers[longest]
        self.peak_W[server] = max(self.peak_W[server], joules / (times[longest] * 1e-12))
        self.after_ps[server] = max(self.after_ps[server], latency_ps)


def most_J(engine, bins):
    """Return what parts can take at most in each bin, from their peaks: a part serves one operation at a time.

    An operation's energy is spread until its completion, so that up to `after_ps` of a part's work can come in later;
    what takes no time, and waking, may fall in any bin.
    """
    seconds = (bins["t1_ps"] - bins["t0_ps"]) * 1e-12
    standing_J = engine.costs.standing.total_W * seconds
    late_J = (engine.peak_W * engine.after_ps).sum() * 1e-12
    return standing_J + engine.peak_W.sum() * seconds + late_J + engine.at_once_J


def critical_path_ps(took_ps, setup, per_sample, in_flight):
    """Return the longest chain of conflicting accesses and places in flight, from the program and its times alone."""
    written, read, whole = {}, {}, []

    def run(sample, operations, begin):
        end = begin
        for position, operation in enumerate(operations):
            slot = max(sample, 0) % in_flight
            reads, writes = ([(r.name, r.private and slot) for r in rs] for rs in (operation.reads, operation.writes))
            ready = max([begin, *(written.get(r, 0) for r in reads + writes), *(read.get(r, 0) for r in writes)])
            done = ready + took_ps[sample, position]
            read.update({r: max(done, read.get(r, 0)) for r in reads})
            written.update(dict.fromkeys(writes, done))
            end = max(end, done)
        return end

    after = run(-1, setup, 0)
    for sample, operations in enumerate(per_sample):
        before = max([after, *whole[: max(0, sample - in_flight + 1)]])
        whole.append(run(sample, operations, before))
    return max([after, *whole])


def built(algorithm, layout, mode, workload, chip):
    """Build what fits: pulses go where there is room, chips have room, and no more lines are fetched than there are."""
    plan = plan_run("digits-mlp", "aimc-512", layout, algorithm, mode, workload, chip)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "Engine", Recorder)
        try:
            return building.build(plan)
        except TwinError as error:
            refused = {"placement.prefetch_h": "0", "placement.pulses": "auto"}
            needed = re.search(r"cluster.tiles .* but (\d+) are needed", str(error))
            if needed:
                refused["cluster.tiles"] = str(-(-int(needed[1]) // int(chip["cluster.chips"])))
            wrong = next(key for key in refused if f"{key} (=" in str(error))
            assert chip[wrong] != refused[wrong]
            return built(algorithm, layout, mode, workload, chip | {wrong: refused[wrong]})


def check(case):
    algorithm, layout, mode, workload, chip, samples = case
    parts = built(algorithm, layout, mode, workload, chip)
    parts.machine.set_rates(1.0)
    engine, program = parts.engine, parts.program
    parts.effects.segment(0, samples)
    engine.run(0, samples)  # checks the invariants

    per_sample = [list(program.operations(sample)) for sample in range(samples)]
    setup = list(program.setup())
    assert sorted(engine.done) == list(range(samples)), "a sample is not complete"
    assert len(engine.took_ps) == engine.ledger.n.sum() == len(setup) + sum(map(len, per_sample))
    assert np.isfinite(parts.effects.losses).sum() == samples

    tables = engine.tables()
    energy = tables["energy"]
    joules = energy.groupby("component")["energy_J"].sum()
    standing_J = engine.costs.standing.total_W * engine.now_ps * 1e-12
    if engine.ledger.gating is not None:
        standing_J -= sum(engine.ledger.gating.saved_J(engine.now_ps).values())
    assert joules.reindex([one.name.lower() for one in STANDING]).sum() == pytest.approx(standing_J)
    totals = [energy.groupby(by)["energy_J"].sum().sum() for by in ("component", "layer", "kind")]
    totals += [tables["bins"]["energy_J"].sum(), engine.joules + standing_J + joules.get("wake", 0.0)]
    assert np.ptp(totals) <= 1e-9 * max(totals), totals

    bins = tables["bins"]
    assert (bins["energy_J"] <= (most_J(engine, bins) + joules.get("wake", 0.0)) * (1 + 1e-9)).all()

    np.testing.assert_array_equal(engine.ledger.delivered().sum(axis=0), engine.moved)
    assert tables["traffic"]["bytes"].sum() == engine.moved.sum()
    np.testing.assert_array_equal(tables["servers"]["busy_ps"], engine.load_ps)
    serial_ps = sum(engine.took_ps.values())
    chain_ps = critical_path_ps(engine.took_ps, setup, per_sample, parts.workload.training.in_flight)
    assert (engine.ledger.serial_ps == serial_ps) or (engine.ledger.serial_ps > serial_ps and engine.ledger.gating)
    assert engine.critical_ps <= chain_ps
    assert max(chain_ps, *engine.load_ps) <= engine.now_ps <= engine.ledger.serial_ps


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text(TEXT)
    return path


lean = settings(
    deadline=None, phases=set(Phase) - {Phase.explain}, suppress_health_check=list(HealthCheck), derandomize=True
)


@settings(lean, max_examples=examples(40))
@given(st.data())
def test_random_chips_and_networks_keep_all_invariants(text, data):
    check(data.draw(cases(text)))


@pytest.mark.slow
@settings(lean, max_examples=500)
@given(st.data())
def test_500_random_chips_and_networks_keep_all_invariants(text, data):
    check(data.draw(cases(text)))
