"""Microseconds an image of LeNet on MNIST: the numerics alone, and the forward pass of them, in turn in every round.

Run ``python benchmarks/lenet.py [--rounds N]``. Programs are encoded ahead, as in a replayed or sampled run.
"""

import argparse

import numpy as np
from harness import LAYOUTS, Times

from twin.machine.replay import run_block
from twin.operation import N_COUNTS, Opcode
from twin.runs.build import build
from twin.runs.planning import plan_run

IMAGES = 100
FORWARD = [Opcode.INPUT, Opcode.FORWARD, Opcode.ACTIVATION]
ALGORITHMS = ("digital", "sgd", "ttv2")


class Training:
    """LeNet under one algorithm."""

    def __init__(self, algorithm: str) -> None:
        self.parts = build(plan_run("mnist-lenet", "aimc-512", LAYOUTS[algorithm], algorithm))
        self.parts.machine.set_rates(1.0)
        self.image = 0

    def block(self, times: Times) -> None:
        """Train on one block; add its time per image."""
        first, self.image = self.image, self.image + IMAGES
        program, _ = self.parts.effects.encoder.encode(first, self.image)
        times.measure(lambda: run_block(self.parts.machine, program))
        times.rounds[-1] /= IMAGES

    def forward(self, times: Times) -> None:
        """Send one block forward, mat-vecs and activations; add its time per image."""
        program, _ = self.parts.effects.encoder.encode(self.image, self.image + IMAGES)
        there = program[np.isin(program["opcode"], FORWARD)]
        counts = np.zeros((there.size, N_COUNTS))
        times.measure(lambda: self.parts.machine.execute(there, counts))
        times.rounds[-1] /= IMAGES


def main() -> None:
    """Time all in turn and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    trainings = [Training(name) for name in ALGORITHMS]
    times, there = ([Times() for _ in trainings] for _ in range(2))
    for training in trainings:
        training.block(Times())  # warm caches; the first images have other pulses than the next
    for _ in range(rounds):
        for training, one, forward in zip(trainings, times, there, strict=True):
            training.forward(forward)
            training.block(one)
    print(
        f"{'':<10}{'least / us':>12}{'median / us':>12}{'median / digital':>18}"
        f"{'forward, least / us':>21}{'median / us':>13}"
    )
    for name, one, forward in zip(ALGORITHMS, times, there, strict=True):
        print(
            f"{name:<10}{one.least(1e-6):>12.0f}{one.median(1e-6):>12.0f}{one.ratio(times[0]):>18.2f}"
            f"{forward.least(1e-6):>21.0f}{forward.median(1e-6):>13.0f}"
        )


if __name__ == "__main__":
    main()
