"""Mean and deviation of the weights while they are trained: by regression from noisy mat-vecs, and exactly.

Gokmen 2021, "Accurate Model Average": 100,000 mat-vecs over the last ten epochs; Tables 2 and 3 take the deviation of
the iterates themselves, which only a simulation can see.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from twin.extraction.averaging import Averager, Iterates, Schedule
from twin.extraction.inference import average_model
from twin.extraction.model import Model
from twin.extraction.reader import Reader
from twin.extraction.regression import random_inputs
from twin.runs.build import Parts
from twin.runs.numerics import Epoch, learn

EVERY, READS = 288, 100  # sequences between two looks (a hundredth of an epoch); mat-vecs a look
Array = npt.NDArray[np.float64]


class Averages:
    """What is gathered from epoch `start` on.

    Attributes
    ----------
    regression : Averager
        Of noisy mat-vecs, a block a layer.
    iterates : list of Iterates
        Of the weights themselves, one a layer.
    """

    def __init__(self, parts: Parts, start: int) -> None:
        machine, self.steps = parts.machine, parts.program.batches.steps
        self.readers = [Reader(machine, k, machine.main(k)) for k in range(len(machine.layers))]
        shapes = [
            (reader.n_in, int(machine.weights(k, machine.main(k)).shape[0])) for k, reader in enumerate(self.readers)
        ]
        self.regression = Averager(shapes)
        self.iterates = [Iterates((n_out, n_in)) for n_in, n_out in shapes]
        total = parts.workload.training.epochs * self.steps
        self.schedule = Schedule(EVERY, start * self.steps, total)

    def epoch(self, parts: Parts, number: int) -> Epoch:
        """Train one epoch, numbers from 0, and look at the weights in between."""
        machine, training = parts.machine, parts.workload.training
        machine.set_rates(training.factor(number, training.epochs))
        sums: list[float] = []
        first, last = number * self.steps, (number + 1) * self.steps
        self.schedule.interleave(first, last, lambda a, b: sums.append(learn(parts, a, b)), self._look, lambda: None)
        loss = sum(sums) / len(parts.data.inputs)
        return Epoch(number + 1, loss, *machine.evaluate(number), *machine.evaluate(number, analog=False))

    def _look(self, number: int) -> None:
        for k, reader in enumerate(self.readers):
            self.iterates[k].add(reader.machine.weights(k, reader.matrix))
            first = number * READS
            (found,) = reader.read(random_inputs(reader, first, READS), first)  # no matrix is split here
            self.regression.add(k, found.seen, found.outputs, found.weight)

    def model(self, parts: Parts) -> Model:
        """Return the average model by regression, with the deviation of the iterates as its sigma."""
        facts = {"sigma": "of the iterates", "snapshots": self.iterates[0].count}
        found = average_model(parts.machine, self.regression.solve(), **facts)
        return replace(found, sigma=tuple(one.sigma.astype(np.float32) for one in self.iterates))

    def state(self) -> dict[str, Array]:
        """Return everything as plain arrays."""
        arrays = {f"average.{key}": values for key, values in self.regression.state().items()}
        for k, one in enumerate(self.iterates):
            arrays |= {f"iterates.{k}.{key}": values for key, values in one.state().items()}
        return arrays

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Carry on from `state`."""
        own = {key.removeprefix("average."): arrays[key] for key in arrays if key.startswith("average.")}
        self.regression.restore(own)
        for k, one in enumerate(self.iterates):
            prefix = f"iterates.{k}."
            one.restore({key.removeprefix(prefix): arrays[key] for key in arrays if key.startswith(prefix)})
