"""Programming as a phase of a run: weights come from the host and are written and verified before the first sample."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from twin.machine.first import first_weights
from twin.machine.programming import Programmed, program_arrays
from twin.operation import Counts, Kind, Operation, Resource, Stream, Unit
from twin.results.result import UNITS
from twin.runs.calibration import demanded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from twin.descriptions.workload import Workload
    from twin.engine.protocols import Costs
    from twin.machine.machine import Machine
    from twin.machine.programming import Key
    from twin.mapping import Mapping as Mapped

COMPARED = 2
"""Floating-point operations a value read: it is added to the mean, and what that lacks is found; an assumption."""


def bring_in(machine: "Machine", workload: "Workload") -> None:
    """Bring the first weights into the arrays as the workload says; without a word of it, they stay put there."""
    config = workload.programming
    if config is None or config.method == "exact" or not machine.analog:
        return
    seed = workload.training.seed
    targets = [
        (first_weights(layer, workload.init, machine.given, seed) / float(record["scale"])).astype(np.float32)
        for layer, record in zip(machine.network.layers, machine.layers, strict=True)
    ]
    machine.programmed = program_arrays(machine, targets, config)


def programming_operations(programmed: "Mapping[Key, Programmed]", mapping: "Mapped") -> "Iterator[Operation]":
    """Yield what bringing weights in asks of the chip, array by array: they wait for nothing but their tiles.

    The host sends the targets. One operation stands for all reads of an array, one for what a digital slice compares,
    one for all pulses; in truth they take turns, which on one tile is the same time.
    """
    for (layer, matrix, k), done in programmed.items():
        part = mapping.parts(layer, matrix)[k]
        wanted, seen, chosen, array = (
            Resource(f"{what}{layer}.{matrix}.{k}", private=False) for what in ("wanted", "seen", "chosen", "")
        )

        own = partial(Operation, layer=layer, matrix=matrix, parts=(k,))
        words = (part.in1 - part.in0) * (part.out1 - part.out0)
        flops = COMPARED * round(float(done.reads[Counts.CONVERTED]))
        yield own(Kind.PROGRAMMING, Unit.MOVE, writes=(wanted,), words=words, stream=Stream.INPUT)
        yield own(Kind.VERIFY, Unit.TILE, reads=(array,), writes=(seen,))
        yield own(Kind.PROGRAMMING, Unit.DIGITAL, reads=(wanted, seen), writes=(chosen,), flops=flops)
        yield own(Kind.PROGRAMMING, Unit.TILE, reads=(chosen,), writes=(array,))


def programming_table(machine: "Machine", operations: "tuple[Operation, ...]", costs: "Costs") -> "pd.DataFrame":
    """Return one row an array that was programmed."""
    import pandas as pd  # noqa: PLC0415

    rows = []
    for (layer, matrix, k), done in machine.programmed.items():
        part = machine.mapping.parts(layer, matrix)[k]
        own = [one for one in operations if (one.layer, one.matrix, one.parts) == (layer, matrix, (k,))]
        spent = [
            demanded(costs, one, done.reads if one.kind is Kind.VERIFY else done.pulses)
            for one in own
            if one.unit is Unit.TILE
        ]
        pulses = int(done.pulses[Counts.COINCIDENCES])
        busy_s, energy_J = sum(one[1] for one in spent), sum(one[2] for one in spent)
        devices = (part.in1 - part.in0) * (part.out1 - part.out0)
        where = layer, matrix, k, devices, done.rounds, int(done.reads[Counts.MVMS])
        rows.append((*where, pulses, busy_s, energy_J, done.done, done.residual_mean, done.residual_std))
    return pd.DataFrame(rows, columns=list(UNITS["programming"]))
