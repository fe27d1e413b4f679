"""Sampled timing, performed: windows that are run and jumps over what lies between them (`twin.engine.sampling`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.engine.sampling import Watch, Window

if TYPE_CHECKING:
    from twin.engine.engine import Engine
    from twin.engine.protocols import Ahead


class Sampler:
    """Runs windows of samples through an engine and skips what lies between them.

    Parameters
    ----------
    engine : Engine
    effects : Ahead
    in_flight : int
    warmup, measured, period : int
        A window is `in_flight` samples that fill the pipeline, `warmup` more, `measured` samples, and `in_flight`
        more that keep it full until the last measured one is complete. One starts every `period` samples, the
        first with the first sample.
    """

    def __init__(self, engine: Engine, effects: Ahead, in_flight: int, warmup: int, measured: int, period: int) -> None:
        self._engine, self._effects, self._sampling = engine, effects, engine.sampling
        self._before, self._measured = in_flight + warmup, measured
        self._period = period
        self.window = self._before + measured + in_flight

    def run(self, first: int, last: int) -> None:
        """Run or skip samples first..last-1 until the pipeline has drained; check all invariants at the end.

        A window that does not fit before `last` is put off; until the first has been run, nothing is skipped.
        """
        sampling = self._sampling
        self._engine.prepare()
        at, windows = first, 0
        while at < last:
            fits = at + self.window <= last
            if sampling.windows and (at < sampling.due or not fits):
                end = sampling.due if at < sampling.due <= last - self.window else last
                self._skip(at, end, drains=windows, goes_on=end < last)
            else:
                end = at + self.window if fits else last
                self._time(at, end)
                windows += 1
            at = end
        self._engine.check()

    def _time(self, first: int, last: int) -> None:
        engine, sampling = self._engine, self._sampling
        watch = Watch(engine.now_ps)
        self._effects.segment(first, last)
        engine.advance(first, last, watch)
        sampling.timed += last - first
        if last - first < self.window:
            return
        measured = first + self._before
        window = Window(*watch.between(measured, measured + self._measured))
        rest_ps = engine.now_ps - watch.begin_ps - window.elapsed_ps
        window.overhead_ps = rest_ps - window.of(watch.serial_ps() - window.serial_ps)
        sampling.windows.append(window)
        sampling.due = first + self._period

    def _skip(self, first: int, last: int, *, drains: int, goes_on: bool) -> None:
        """Skip samples.

        Run from end to end, the samples between two checkpoints fill and drain the pipeline once. So a stretch
        between two of their windows gives the overhead of one back, and one without any window adds it.
        """
        engine, sampling = self._engine, self._sampling
        tallies = engine.tallies()
        for end, groups in self._effects.skip(first, last):
            for sample, counts in groups:
                tallies.add(sample, counts)
            engine.announce(end - 1)
        stretch, window = tallies.stretch(), sampling.windows[-1]
        serial_ps = stretch.serial_ps
        overhead_ps = window.overhead_ps * ((not goes_on) - (drains > 0))
        least_ps = int((engine.ledger.load_ps + stretch.load_ps).max(initial=0)) - engine.now_ps
        elapsed_ps = max(window.of(serial_ps) + overhead_ps, least_ps, 0)
        engine.skip(stretch, min(elapsed_ps, serial_ps))
        window.skipped_ps += serial_ps
        sampling.drains_ps += 0 if goes_on else abs(window.overhead_ps)
        sampling.skipped += last - first
        sampling.jumps += 1
