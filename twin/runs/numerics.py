"""Training without the clock: the same weights to the bit as a timed run, for studies of accuracy alone."""

from collections.abc import Iterator
from typing import NamedTuple

from twin.machine.replay import perform
from twin.runs.build import Parts


class Epoch(NamedTuple):
    """What an epoch ends with; losses are means over test (or training) samples and their steps.

    Attributes
    ----------
    number : int
        From 1.
    train_loss, test_loss, test_error : float
        On the analog arrays.
    exact_loss, exact_error : float
        Of the same weights in a mat-vec without converters, bounds and noise.
    """

    number: int
    train_loss: float
    test_loss: float
    test_error: float
    exact_loss: float
    exact_error: float


def learn(parts: Parts, first: int, last: int) -> float:
    """Train on steps `first` to `last` - 1 at the present rates; return the sum of the samples' losses."""
    total = 0.0
    while first < last:
        done = perform(parts.machine, parts.effects.encoder, first, last)
        total += sum(done.losses)
        first = done.end
    return total


def train(parts: Parts, first: int = 0) -> Iterator[Epoch]:
    """Train epoch after epoch from epoch `first` (counted from 0) on the machine's present state.

    The engine changes no weight (tests/properties/test_modes.py), so that leaving it out saves only time.
    """
    machine, training = parts.machine, parts.workload.training
    size, steps = len(parts.data.inputs), parts.program.batches.steps
    for epoch in range(first, training.epochs):
        machine.set_rates(training.factor(epoch, training.epochs))
        total = learn(parts, epoch * steps, (epoch + 1) * steps)
        yield Epoch(epoch + 1, total / size, *machine.evaluate(epoch), *machine.evaluate(epoch, analog=False))
