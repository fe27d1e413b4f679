"""One layer in aihwkit and here, made of one configuration: ours is imported from the text that aihwkit prints.

Errors are handed over as aihwkit takes them, as gradients of the loss; the twin's are their negatives.
"""

import re
import sys

import numpy as np
import pytest

from twin.descriptions.load import Parsed
from twin.imports.aihwkit.convert import read_configuration
from twin.imports.aihwkit.found import Base
from twin.imports.aihwkit.written import chip_text, workload_text
from twin.kernels.records import INSTRUCTION
from twin.operation import N_COUNTS, Opcode
from twin.runs.build import build
from twin.runs.planning import first_layout, plan_run

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
analog = pytest.importorskip("aihwkit.simulator.tiles.analog", reason="aihwkit is not installed", exc_type=ImportError)

compounds = pytest.importorskip("aihwkit.simulator.configs.compounds")

ABSOLUTE = not hasattr(compounds.TransferCompound, "scale_fast_lr")
"""aihwkit 1.1, whose text must say that `fast_lr` is no factor of the optimiser's rate (docs/aihwkit.md)."""
SCALED = re.compile(r"\b((?:Buffered)?TransferCompound\()")
LAYER = """
schema = 1
kind = "workload"
name = "layer"
description = "one layer without biases"
data = {{ set = "arrays", file = "{file}", targets = "values" }}
network = {{ loss = "squared-error", layers = [
  {{ kind = "dense", outputs = {n_out}, activation = "identity", bias = false }},
] }}
training = {{ epochs = 1, seed = {seed}, in_flight = 1 }}
device.preset = "ideal"
calibration.method = "none"
init = {{ distribution = "uniform", scale = 0.0 }}
algorithms.sgd.learning_rate = 0.1
"""
PASSES = [Opcode.INPUT, Opcode.FORWARD, Opcode.ACTIVATION, Opcode.LOSS, Opcode.BACKWARD, Opcode.DERIVATIVE]
PASSES += [Opcode.FORWARD_FAST, Opcode.BACKWARD_FAST]
REPEATS, TILES = 10_000, 20
SIGMA = 4.0
ROUNDING = 4e-6  # of the largest value: float32


def tensor(values):
    """Return float32 values as aihwkit takes them."""
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))


def imported(config, workload, folder, base):
    """Import what a configuration prints; return what was found, and the files of the workload and the chip.

    Parameters
    ----------
    config : RPU configuration of aihwkit
    workload : Path
        Whose network and data are taken.
    folder : Path
    base : Base
    """
    text, made, chip = (folder / name for name in ("config.txt", "imported.toml", "chip.toml"))
    text.write_text(SCALED.sub(r"\1scale_fast_lr=False, ", str(config)) if ABSOLUTE else str(config))
    found = read_configuration(text, base)
    made.write_text(workload_text(found, Parsed.of("workload", str(workload)), "imported"))
    chip.write_text(chip_text(found, Parsed.of("chip", "aimc-512"), "imported"))
    return found, str(made), str(chip)


class Both:
    """A layer of n_out x n_in devices on both sides.

    Parameters
    ----------
    config : RPU configuration of aihwkit
    shape : (n_out, n_in)
    folder : Path
        For the files of the import.
    rate : float
        Of the optimiser.
    seed : int
        Of the twin's draws; aihwkit takes the time of day.

    Attributes
    ----------
    found : Found
        What the import made of the configuration.
    parts : Parts
        The twin's run.
    """

    def __init__(self, config, shape, folder, rate=0.1, seed=1):
        self.config, self.shape, self.rate = config, shape, rate
        data, base = folder / "zeros.npz", folder / "layer.toml"
        n_out, n_in = shape
        zeros = {"x_train": np.zeros((4, n_in)), "x_test": np.zeros((1, n_in))}
        np.savez(data, **zeros, y_train=np.zeros((4, n_out)), y_test=np.zeros((1, n_out)))
        base.write_text(LAYER.format(file=data, n_out=n_out, seed=seed))
        self.found, workload, chip = imported(config, base, folder, Base(rate))
        algorithm = self.found.algorithm
        self.parts = build(plan_run(workload, chip, first_layout(algorithm)[0], algorithm))
        self.machine = self.parts.machine
        self.machine.set_rates(1.0)
        self.sample = 0
        self._start = self.machine.f.copy()

    @property
    def lost(self):
        """What the import listed, by place."""
        return {one.place for one in self.found.report.lost}

    @property
    def threshold(self):
        """At what aihwkit's buffer crosses, in its unit: that of weights for TTv2, its own for its successors."""
        cell = self.config.device
        if type(cell) is not compounds.BufferedTransferCompound:
            return 1.0
        return cell.thres_scale * self.granularity(self.tile(), 1)

    # -- aihwkit ---------------------------------------------------------------------------------------------------

    def _tiles(self):
        """Make tiles; each takes its noise from a list of 32,768 normals of its own, so one alone is off by 1/181."""
        return (self.tile() for _ in range(TILES))

    def tile(self, shape=None):
        """Make a tile of aihwkit."""
        made = analog.AnalogTile(*(shape or self.shape), self.config, bias=False)
        made.tile.set_learning_rate(self.rate)
        return made.tile

    @staticmethod
    def granularity(tile, device=None):
        """Return the mean step by which aihwkit counts pulses, of the cell or of one of its devices."""
        which = "" if device is None else f"{device}."
        return tile.dump_extra()[f"rpu.rpu_device.{which}weight_granularity"][0]

    def their_products(self, w, vector, repeats, *, forward):
        """Multiply one vector several times in aihwkit, (repeats, outputs)."""
        made = []
        for tile in self._tiles():
            tile.set_weights(tensor(w))
            work = tile.forward if forward else tile.backward
            made.append(work(tensor(np.tile(vector, (repeats // TILES, 1))), False).numpy())
        return np.concatenate(made).astype(np.float64)

    def their_updates(self, w, x, d, repeats):
        """Update the same weights several times in aihwkit, (repeats, n_out, n_in)."""
        start, x, d = tensor(w), tensor(x[None]), tensor(d[None])
        made = []
        for tile in self._tiles():
            for _ in range(repeats // TILES):
                tile.set_weights(start)
                tile.update(x, d, False)
                made.append(tile.get_weights().numpy().astype(np.float64))
        return np.array(made)

    def their_cycles(self, w, x, d, steps, repeats, fields, begin=0):
        """Make several updates from the same state, with what they transfer; return hidden matrices by name.

        `begin` updates without any signal come first.
        """
        start, x, d = tensor(w), tensor(x[None]), tensor(d[None])
        nothing = torch.zeros_like(x), torch.zeros_like(d)
        made = {name: [] for name in ("W", *fields)}
        for tile in self._tiles():
            names = tile.get_hidden_parameter_names()
            tile.set_weights(start)
            hidden, extra = tile.get_hidden_parameters(), tile.dump_extra()
            for _ in range(repeats // TILES):
                tile.load_extra(extra, True)
                tile.set_weights(start)
                tile.set_hidden_parameters(hidden)
                for k in range(begin + steps):
                    tile.update(*(nothing if k < begin else (x, d)), False)
                made["W"].append(tile.get_weights().numpy().astype(np.float64))
                found = tile.get_hidden_parameters().numpy().astype(np.float64)
                for name in fields:
                    made[name].append(found[names.index(name)])
        return {name: np.array(values) for name, values in made.items()}

    # -- twin ------------------------------------------------------------------------------------------------------

    def vector(self, name):
        """View of a vector of the layer."""
        record = self.machine.layers[0]
        n = {"x": "n_in", "e": "n_in", "z": "n_out", "d": "n_out"}[name]
        return self.machine.f[int(record[name]) :][: int(record[n])]

    def perform(self, *opcodes):
        """Perform effects of one sample."""
        program = np.zeros(len(opcodes), INSTRUCTION)
        for k, opcode in enumerate(opcodes):
            program[k] = (int(opcode), 0, 0, self.sample, 0, 0, 1, 0)
        self.machine.execute(program, np.zeros((program.size, N_COUNTS)))
        self.sample += 1

    def our_products(self, w, vector, repeats, *, forward):
        """Multiply one vector several times here."""
        self.machine.set_weights(0, self.machine.main(0), w)
        self.vector("x" if forward else "d")[:] = vector
        found = self.vector("z" if forward else "e")
        made = np.empty((repeats, found.size))
        for k in range(repeats):
            self.perform(Opcode.FORWARD if forward else Opcode.BACKWARD)
            made[k] = found
        return made

    def our_updates(self, w, x, d, repeats):
        """Update the same weights several times here."""
        self.vector("x")[:], self.vector("d")[:] = x, -d
        made = np.empty((repeats, *self.shape))
        for k in range(repeats):
            self.machine.set_weights(0, "W", w)
            self.perform(Opcode.UPDATE)
            made[k] = self.machine.weights(0, "W")
        return made

    def our_cycles(self, w, x, d, steps, repeats, fields, begin=0):
        """As `their_cycles`; `fields` are names of matrices and of the algorithm's state."""
        main, known = self.machine.main(0), set(self.machine.designs[0].algorithm.matrices)
        made = {name: np.empty((repeats, *self.shape)) for name in (main, *fields)}
        record = self.machine.layers[0]
        period = max(int(record["in_chop_period"]), 1) * int(record["lines"]) * int(record["transfer_every"])
        apart = -(-(begin + steps) // period) * period  # so that lines and signs begin anew
        without, program = self._updates(0, begin), self._updates(begin, steps)
        for k in range(repeats):
            self.machine.f[:] = self._start
            self.machine.set_weights(0, main, w)
            for one, signal, error in ((without, 0.0, 0.0), (program, x, -d)):
                self.vector("x")[:], self.vector("d")[:] = signal, error
                self.machine.execute(one, np.zeros((one.size, N_COUNTS)))
                one["sample"] += apart
            for name, values in made.items():
                values[k] = self.machine.weights(0, name) if name in known else self._state(name)
        return made

    def _updates(self, first, samples):
        """Return what the program of some samples has beside their passes."""
        program, _ = self.parts.effects.encoder.encode(first, first + max(samples, 1))
        program = program[~np.isin(program["opcode"], PASSES)][: None if samples else 0].copy()
        program["slot"] = 0
        return program

    def _state(self, name):
        """A matrix of the algorithm's state, (n_out, n_in)."""
        values = self.machine.state(0, name)
        return values.T if self.machine.designs[0].settings.transfer_axis == "column" else values


def moments(made, groups=1):
    """Return means, variances and the squares of their standard errors; all but the first axis are elements.

    Repetitions in `groups` equal parts that have something in common, such as the noise of one tile, are no
    independent ones: then the scatter of the parts counts, where it says more.
    """
    flat = made.reshape(len(made), -1)
    n, mean = len(flat), flat.mean(axis=0)
    centred = flat - mean
    variance = (centred**2).mean(axis=0)
    fourth = (centred**4).mean(axis=0)
    errors = [variance / n, np.maximum(fourth - variance**2, 0.0) / n]
    if groups > 1:
        parts = flat.reshape(groups, -1, flat.shape[1])
        found = parts.mean(axis=1), parts.var(axis=1)
        errors = [np.maximum(own, part.var(axis=0) / groups) for own, part in zip(errors, found, strict=True)]
    return mean, variance, *errors


def distances(theirs, ours, groups=1):
    """Return how many standard errors means and variances of all elements are apart, (2, elements).

    Beyond what float32 rounds; where neither side has a spread, that alone counts. `groups` is aihwkit's, see
    `moments`.
    """
    ours, theirs = moments(ours), moments(theirs, groups)
    scale = max(np.abs(ours[0]).max(), np.abs(theirs[0]).max())
    found = []
    for k, floor in ((0, ROUNDING * scale), (1, (ROUNDING * scale) ** 2)):
        gap = np.maximum(np.abs(ours[k] - theirs[k]) - floor, 0.0)
        error = np.sqrt(ours[k + 2] + theirs[k + 2])
        found.append(np.divide(gap, error, out=np.where(gap > 0, np.inf, 0.0), where=error > 0))
    return np.array(found)


def with_sums(made):
    """Add the sums of rows and columns to matrices: devices of one line share its pulses."""
    flat = made.reshape(len(made), -1)
    return np.concatenate([flat, made.sum(axis=1), made.sum(axis=2)], axis=1)


def agree(draw, groups=1):
    """Hold both sides to `SIGMA` standard errors over `REPEATS` repetitions; print the largest distance.

    aihwkit seeds itself by the time of day, so of some thousand comparisons one is beyond 4 by chance now and then. An
    element that is beyond is drawn anew on both sides, four times as often, and its new distance counts: a difference
    that is none of chance then has twice the distance.

    Parameters
    ----------
    draw : callable
        Takes a number of repetitions; returns what aihwkit makes and what the twin makes.
    groups : int
        Parts of aihwkit's first draw, see `moments`.
    """
    found = distances(*draw(REPEATS), groups)
    if found.max() > SIGMA:
        found = np.where(found > SIGMA, distances(*draw(4 * REPEATS), 4 * groups if groups > 1 else 1), found)
    sys.stdout.write(f"largest distance: {found.max():.1f} standard errors of {found.size} means and variances\n")
    assert found.max() <= SIGMA
