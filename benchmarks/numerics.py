"""Microseconds per training sample of the 784-256-128-10 perceptron at batch 1 on one core.

Run ``python benchmarks/numerics.py [--rounds N]``; docs/performance.md says what the columns mean.
"""

import argparse

import numpy as np
from harness import BLOCK, LAYOUTS, Bound, Numerics, Times, Whole, data

US, NS = 1e-6, 1e-9
# Factors of the workload's learning rate, which set the coincidences
RATES = {"sgd": (0.3, 1.0, 5.0, 15.0), "shd": (0.02, 0.1, 0.3, 1.0), "ttv2": (0.02, 0.1, 0.3, 1.0)}
WARM_UP = 4  # blocks before the clock counts: the first ones have untypical errors


def table(rounds: int) -> None:
    """Time everything in turn; print one row an algorithm."""
    bound = Bound()
    compiled, blas = Times(), Times()
    numerics = {name: Numerics(name) for name in LAYOUTS}
    alone, encoding, replayed, coupled = ({name: Times() for name in LAYOUTS} for _ in range(4))
    engines = {name: (Whole(name, "replayed"), Whole(name, "coupled")) for name in LAYOUTS}
    coincidences: dict[str, list[float]] = {name: [] for name in LAYOUTS}
    for name in LAYOUTS:
        for _ in range(WARM_UP):
            numerics[name].block(Times())
        for run in engines[name]:
            run.block(Times())
    for _ in range(rounds):
        compiled.measure(bound.compiled, 20)
        blas.measure(bound.blas, 20)
        for name in LAYOUTS:
            coincidences[name].append(numerics[name].block(alone[name], encoding[name]))
            engines[name][0].block(replayed[name])
            engines[name][1].block(coupled[name])
    print(f"data: {data()[1]}; {rounds} rounds of {BLOCK} samples; CPU time of one thread, least / median\n")
    for name, times in (("compiled Numba", compiled), ("NumPy BLAS", blas)):
        print(f"three GEMV passes over 235,146 weights, {name}: {times.least(US):.1f} / {times.median(US):.1f} us")
    faster = min(compiled, blas, key=lambda times: times.median(1))
    print("\nus per sample   coincidences    numerics     x bound   encoding       replayed        coupled")
    for name in LAYOUTS:
        cells = [f"{t[name].least(US):6.1f} /{t[name].median(US):6.1f}" for t in (alone, replayed, coupled)]
        print(
            f"{name:<15} {np.mean(coincidences[name]):>12,.0f} {cells[0]} {alone[name].ratio(faster):>8.2f}"
            f" {encoding[name].median(US):>10.1f} {cells[1]} {cells[2]}"
        )


def regression(name: str, rounds: int) -> None:
    """Vary the learning rate alone; print the cost of a coincidence and the time at 2,000 of them."""
    run, rates = Numerics(name), RATES[name]
    times = {rate: Times() for rate in rates}
    counts: dict[float, list[float]] = {rate: [] for rate in rates}
    for _ in range(WARM_UP):
        run.block(Times())
    for _ in range(rounds):
        for rate in rates:
            run.set_rate(rate)
            counts[rate].append(run.block(times[rate]))
    number = np.array([np.mean(counts[rate]) for rate in rates])
    for what, pick in (("least", min), ("median", np.median)):
        slope, rest = np.polyfit(number, [float(pick(times[rate].rounds)) for rate in rates], 1)
        print(
            f"{name}, {what}: {slope / NS:.2f} ns a coincidence, {rest / US:.1f} us for everything else,"
            f" {(rest + 2000 * slope) / US:.1f} us at 2,000 coincidences"
        )
    print("    measured at " + ", ".join(f"{n:,.0f}" for n in number) + " coincidences a sample")


def main() -> None:
    """Print the table and the regressions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    table(rounds)
    print()
    for name in RATES:
        regression(name, rounds)


if __name__ == "__main__":
    main()
