"""Engine operations per second on the real programs, beside bare SimPy timeouts in the same process.

Run ``python benchmarks/engine.py [--rounds N]``. A service is one operation at one server: one that moves data through
a link and the buffer is two. The numerics are taken out: every operation finds what it found
in one recorded sample, so that what is left is hazards, servers, clock and ledger.
"""

import argparse
import tracemalloc
from collections.abc import Sequence

import simpy
from harness import LAYOUTS, Times, build

from twin.chip import ChipCosts
from twin.engine import Engine
from twin.machine.replay import ZEROS
from twin.operation import Opcode

SAMPLES = 512
TIMEOUTS = 20_000
WIDTHS = (12, 18, 10, 16, 8, 10)


class Recorded:
    """Effects that were performed once: a row of counts for every operation of every kind of sample."""

    def __init__(self, algorithm: str) -> None:
        self.parts = build(algorithm, "coupled")
        self._rows: dict[object, list[Sequence[float]]] = {}
        for sample in range(64):  # long enough to meet every transfer that is due
            operations = list(self.parts.program.operations(sample))
            rows = [
                ZEROS if operation.opcode is Opcode.NONE else self.parts.effects.counts(sample, position)
                for position, operation in enumerate(operations)
            ]
            self._rows.setdefault(len(operations), rows)
        self._longest = max(self._rows.values(), key=len)

    def setup_counts(self) -> list[list[float]]:
        """Return nothing: calibration is not timed."""
        return []

    def counts(self, sample: int, position: int) -> Sequence[float]:  # noqa: ARG002 - of any sample
        """Return what this operation found when it was recorded."""
        return self._longest[position]

    def engine(self, in_flight: int) -> Engine:
        """Return a new engine for the recorded program."""
        return Engine(self.parts.program, self, ChipCosts(self.parts.chip, self.parts.mapping), in_flight)


def timeouts() -> None:
    """Run one SimPy process through `TIMEOUTS` timeouts."""
    environment = simpy.Environment()

    def process() -> "object":
        for _ in range(TIMEOUTS):
            yield environment.timeout(1)

    environment.process(process())
    environment.run()


def speed(rounds: int) -> None:
    """Print operations per second; SimPy's timeouts are timed in turn with every algorithm."""
    heads = ("operations", "k operations/s", "us each", "k timeouts/s", "ratio", "services")
    print(f"{'':<20}" + "".join(f"{head:>{width}}" for head, width in zip(heads, WIDTHS, strict=True)))
    for name in LAYOUTS:
        recorded = Recorded(name)
        for in_flight in (1, 4):
            engine, times, bare, first = recorded.engine(in_flight), Times(), Times(), SAMPLES
            engine.run(0, SAMPLES)
            before, served = engine.index, engine.ledger.queues.served.sum()
            engine.run(SAMPLES, 2 * SAMPLES)
            operations, services = engine.index - before, engine.ledger.queues.served.sum() - served
            for _ in range(rounds):
                first += SAMPLES
                bare.measure(timeouts)
                times.measure(lambda first=first, engine=engine: engine.run(first, first + SAMPLES))
            one = Times([t / operations for t in times.rounds])
            timeout = Times([t / TIMEOUTS for t in bare.rounds])
            cells = (
                f"{operations / SAMPLES:.1f}",
                f"{1e-3 / one.median(1):.0f} ({1e-3 / one.least(1):.0f})",
                f"{one.median(1e-6):.2f}",
                f"{1e-3 / timeout.median(1):.0f} ({1e-3 / timeout.least(1):.0f})",
                f"{timeout.ratio(one):.2f}",
                f"{timeout.ratio(one) * services / operations:.2f}",
            )
            line = f"{name}, {in_flight} in flight"
            print(f"{line:<20}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True)))
    print("median over the rounds (best); ratio: operations to timeouts, per second; services: these to timeouts")


def memory() -> None:
    """Print what a run holds after 2,000 samples and after four times as many."""
    recorded = Recorded("ttv2")
    engine, done, held = recorded.engine(1), 0, []
    tracemalloc.start()
    for samples in (2_000, 8_000):
        engine.run(done, samples)
        done = samples
        held.append(tracemalloc.get_traced_memory()[0] / 1e6)
    tracemalloc.stop()
    print(f"memory of a ttv2 run: {held[0]:.1f} MB after 2,000 samples, {held[1]:.1f} MB after 8,000")


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    speed(parser.parse_args().rounds)
    memory()


if __name__ == "__main__":
    main()
