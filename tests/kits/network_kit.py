"""Machines with recurrent and convolutional networks: ideal devices, no converters, no noise."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from twin.algorithms.batches import Batches
from twin.algorithms.nodes import learner_of, node_steps, wiring_of
from twin.algorithms.program import Program
from twin.algorithms.registry import make_algorithm, settings_table
from twin.algorithms.steps import LayerSteps
from twin.chip import ChipCosts
from twin.config.calibration import Calibration
from twin.config.weights import Initial, WeightMapping
from twin.descriptions.algorithms import Algorithms
from twin.descriptions.load import load_chip, load_layout
from twin.devices import device_preset
from twin.engine import Engine
from twin.machine.design import Design
from twin.machine.machine import Machine
from twin.machine.replay import Coupled, Encoder
from twin.mapping import map_layers
from twin.operation import LOSSES, N_COUNTS, Counts

QUIET = {f"tile.io.{key}": "0" for key in ("inp_res", "out_res", "out_bound", "out_noise")}
LAYOUTS = {"digital": "digital", "sgd": "two-array", "mixed-precision": "two-array"}


def tiles(lines):
    """Return the overrides of a chip whose arrays have so many rows and columns."""
    return {"tile.rows": str(lines), "tile.cols": str(lines)}


@dataclass
class Ideal:
    """A machine to be held against NumPy."""

    machine: Machine
    encoder: Encoder
    chip: object
    scale: float

    def weights(self):
        """Return the network's weights of all layers, (n_out, n_in) each."""
        return [self.scale * self.machine.weights(k, "W") for k in range(len(self.machine.layers))]

    def state(self, layer):
        """Return the h and c that a recurrent layer leaves to the next sequence."""
        record = self.machine.layers[layer]
        n = int(record["hidden"])
        return np.split(self.machine.f[int(record["state"]) :][: 2 * n].copy(), 2)

    def train(self, first, last):
        """Train on samples first..last-1 in program order; return the mean loss of each."""
        program, _ = self.encoder.encode(first, last)
        counts = np.zeros((program.size, N_COUNTS))
        self.machine.execute(program, counts)
        losses = counts[np.isin(program["opcode"], LOSSES), Counts.LOSS]
        network = self.machine.network
        return losses.reshape(-1, network.steps).sum(axis=1) / network.losses

    def timed(self, samples):
        """Run samples on the chip's clock.

        Returns
        -------
        engine : Engine
        table : DataFrame
            Every operation with an effect, in the order of their starts: sample, kind, layer, first use, start and
            done in ps.
        """
        effects = Coupled(self.machine, self.encoder.program, self.encoder)
        asked, counts = [], effects.counts

        def noted(sample, position):
            asked.append((sample, position))
            return counts(sample, position)

        effects.counts = noted
        costs = ChipCosts(self.chip, self.machine.mapping)
        engine = Engine(self.encoder.program, effects, costs, self.encoder.in_flight)
        engine.run(0, samples)
        rows = [row for row in engine.ledger.recent().tolist() if engine.binder.templates[row[0]].effect]
        programs = [list(self.encoder.program.operations(sample)) for sample in range(samples)]
        found = []
        for (sample, position), (_, _, start, done, *_) in zip(asked, rows, strict=True):
            operation = programs[sample][position]
            found.append((sample, str(operation.kind), operation.layer, operation.first, start, done))
        return engine, pd.DataFrame(found, columns=["sample", "kind", "layer", "first", "start", "done"])


def ideal(
    network,
    data,
    algorithm="sgd",
    *,
    rate=0.1,
    chip=(),
    out_scaling=1.0,
    initial=1.0,
    in_flight=1,
    seed=5,
    optimised=False,
    batch=1,
    optimiser=None,
    given=None,
    device=("ideal", {}),
    table=(),
    rows=None,
):
    """Build a machine for any network with plain SGD, exact updates and exact mat-vecs.

    `table` are further keys of the algorithm's settings.
    """
    loaded = load_chip("aimc-512", QUIET | dict(chip)).model
    layout = load_layout(LAYOUTS[algorithm]).model
    algorithms = Algorithms.model_validate(
        {algorithm: {"learning_rate": rate} | ({"optimised": True} if optimised else {}) | dict(table)}
    )
    rules, settings = make_algorithm(algorithm, algorithms), settings_table(algorithm, algorithms).settings()
    mapping = map_layers(network.shapes, layout, loaded)
    devices = dict.fromkeys(layout.matrices, device_preset(*device))
    mapped = WeightMapping(out_scaling=out_scaling)
    machine = Machine(
        network,
        data,
        mapping,
        [Design(rules, settings, layout, devices, loaded.tile, mapped)] * len(network.layers),
        Calibration(method="exact"),
        Initial(distribution="uniform", scale=initial),
        seed,
        in_flight * batch,
        optimiser=optimiser,
        batch=batch,
        given=given,
    )
    machine.set_rates(1.0)
    flow = network.flow
    steps = [
        LayerSteps(
            one,
            mapping,
            transfer_axis=settings.transfer_axis,
            timed=network.stepwise(one),
            batch=batch,
            wired=wiring_of(flow, one.index) if flow else None,
            learner=learner_of(network, one.index, optimiser) if optimised else None,
        )
        for one in network.layers
    ]
    batches = Batches(batch, len(data.inputs))
    nodes = node_steps(flow, steps, rules.main, optimiser)
    program = Program([rules] * len(steps), steps, flow=flow, nodes=nodes, batches=batches)
    encoder = Encoder(program, in_flight, rows or (lambda sample: sample % len(data.inputs)))
    return Ideal(machine, encoder, loaded, out_scaling if algorithm != "digital" else 1.0)


def assert_trained_alike(found, expected, start, updates):
    """Hold weights against NumPy's to 1e-4 of what the training moved, and float32's rounding in every update."""
    assert np.abs(expected[-1] - start[-1]).max() > 1e-6  # something was learnt, in the smallest networks little
    for one, other, before in zip(found, expected, start, strict=True):
        moved = np.abs(other - before).max()
        rounding = 2.0**-24 * updates * np.abs(other).max()
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-4 * moved + 3e-7 * np.abs(other).max() + rounding)
