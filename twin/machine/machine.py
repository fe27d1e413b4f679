"""Builds the numerical state of a run and executes instructions on it."""

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING

import numba
import numpy as np
import numpy.typing as npt

from twin.config.calibration import Calibration
from twin.config.optimiser import Optimiser
from twin.config.weights import Initial
from twin.data import Dataset
from twin.devices.response import PulseResponse
from twin.kernels.array.bursts import LEAST, burst_scratch
from twin.kernels.array.dense import scratch
from twin.kernels.execute import execute
from twin.kernels.records import HIDDEN, INSTRUCTION, LAYER, LIMITS, W_MAX, W_MIN
from twin.kernels.streams import EVALUATION
from twin.machine.arena import Arena, aligned_zeros
from twin.machine.arrays import ArrayBuilder, enter_matrices
from twin.machine.compiled import ensure_loaded
from twin.machine.dataflow import describe_nodes, digital_state, learn_matrices, place_flow
from twin.machine.describe import (
    bias_lines,
    describe_layer,
    enter_chi,
    enter_choppers,
    place_states,
    place_transfer,
    place_vectors,
)
from twin.machine.design import Design
from twin.machine.first import first_weights, scale_of
from twin.machine.forward import forward_code, without_periphery
from twin.machine.state import find_state, own_effects, place_state
from twin.machine.words import FLOAT32, Word, place_words
from twin.mapping import Mapping
from twin.networks.given.fit import Given
from twin.networks.network import Network
from twin.operation import LOSSES, N_COUNTS, Counts, Opcode

if TYPE_CHECKING:
    from twin.machine.programming import Programmed

Array = npt.NDArray[np.float32]
Table = npt.NDArray[np.float64]
Records = npt.NDArray[np.void]
ROUNDING = np.float32(1e-4)
EVALUATED = 100_000  # instructions per kernel call of an evaluation


class Machine:
    """The numerics of one run: arrays, vectors and H of all layers.

    Parameters
    ----------
    network, data, mapping
        What is trained on what, split how.
    designs : sequence of Design
        By layer.
    calibration, initial
        How references are set, and how weights begin.
    seed : int
        Keys every random draw.
    in_flight : int
        Samples in flight, all of a batch; each has its own copy of the sample-private vectors.
    endurance : bool
        Count the pulses of every device.
    word : Word
        How H and other digital matrices are kept.
    optimiser : Optimiser or None
        How digital parameters of nodes learn; None where there are none.
    given : Given or None
        Weights to start with; None where they are drawn.
    batch : int
        Samples of a step, whose mean gradient is learnt.

    Attributes
    ----------
    f : float32 array
        The arena: the whole state that training changes.
    layers : LAYER records
    given : Given or None
    designs : tuple of Design
        By layer.
    analog : bool
        Whether any layer has its weights on arrays.
    programmed : dict of (int, str, int) to Programmed
        What bringing in the first weights took, by layer, matrix and array; empty where they were put there.
    """

    def __init__(
        self,
        network: Network,
        data: Dataset,
        mapping: Mapping,
        designs: Sequence[Design],
        calibration: Calibration,
        initial: Initial,
        seed: int,
        in_flight: int,
        *,
        endurance: bool = False,
        word: Word = FLOAT32,
        optimiser: Optimiser | None = None,
        given: Given | None = None,
        batch: int = 1,
    ) -> None:
        ensure_loaded()
        self.network, self.data, self.mapping, self.designs = network, data, mapping, tuple(designs)
        self.seed, self._optimiser, self._batch = np.uint64(seed), optimiser, batch
        self.given = given
        self.watch: Callable[[npt.NDArray[np.void], Table], None] | None = None  # performs in place of `perform`
        self.programmed: dict[tuple[int, str, int], Programmed] = {}
        arena = Arena()
        builder = ArrayBuilder(arena, self.designs[0], calibration, seed, endurance=endurance)
        self.layers = np.zeros(len(network.layers), LAYER)
        self.analog = any(one.analog for one in self.designs)
        self._index: list[dict[str, int]] = []  # of matrices, by layer
        for layer, design in zip(network.layers, self.designs, strict=True):
            record, names = self.layers[layer.index], design.algorithm
            start = first_weights(layer, initial, given, seed)
            scale = scale_of(start, design.mapped, given, design.device, spread=design.spread)
            weights = (start / scale).astype(np.float32)
            blocks = {name: mapping.parts(layer.index, name) for name in names.matrices}
            updates = {name: design.update_of(name) for name in names.matrices}
            builder.design = design
            index = builder.add_layer(layer.index, blocks, {names.main: weights}, updates)
            self._index.append(index)
            describe_layer(record, layer, network.loss, design.settings, scale, batch)
            enter_matrices(record, builder, layer.index, names, index)
            record["fast"] = index[names.fast] if design.settings.transfer_every else -1
            place_transfer(record, arena, design.settings)
        optimised = [one.settings.optimised for one in self.designs]
        learnt = len(network.layers) if any(optimised) else 0
        self.nodes = describe_nodes(network.flow, arena, seed, optimiser, batch, given, learnt)
        place_states(self.layers, network.layers, arena, batch, len(data.inputs))
        if network.flow is None:
            place_vectors(self.layers, network.layers, arena, in_flight)
        else:
            place_flow(network.flow, self.layers, network.layers, self.nodes, arena, in_flight)
        self.parts, self.matrices = builder.records()
        self._place_state(arena)
        if learnt:
            learn_matrices(self.nodes, self.layers, self.parts, self.matrices, arena, optimised)
        for k, design in enumerate(self.designs):
            place_words(word, self.layers[k : k + 1], self.matrices, builder.nominal, design.settings)
        self.calibrated, self.clipped, self._responses = builder.calibrated, builder.clipped, builder.responses
        self.f = arena.build()
        self.f[bias_lines(self.layers, in_flight)] = 1.0
        widest = int(max(record["n_in"] + record["n_out"] for record in self.layers))
        words, reals = scratch(int(self.layers["n_in"].max()), int(self.layers["n_out"].max()))
        self.work = aligned_zeros(max(4 * widest + 64, words)).view(np.int32)
        self.real = aligned_zeros(max(4 * widest + 1024, reals, self._burst_words()))
        self._state = (self.f, self.work, self.real, self.parts, self.matrices, self.layers)
        self._call = self._compiled()
        self._own = [own_effects(one.algorithm) for one in self.designs]

    def _place_state(self, arena: Arena) -> None:
        """Reserve and enter what each layer's algorithm keeps beside its matrices."""
        for k, own in enumerate(one.settings for one in self.designs):
            record = self.layers[k : k + 1]
            if own.transfer_update is not None:
                self.matrices["transfer_bl"][list(self._index[k].values())] = own.transfer_update.desired_bl
            place_state(arena, record, own)
            enter_choppers(record, self.matrices, own, k)
            enter_chi(record, self.matrices, own, self._batch)

    def _compiled(self) -> Callable[..., None]:
        """Return the compiled executor without Numba's dispatcher.

        The dispatcher looks up the types of eleven arguments, records among them, at 3 us a call; here
        they never change, and a coupled run makes some twenty calls a sample.
        """
        arguments = (*self._state, self.nodes, np.zeros(0, INSTRUCTION), np.zeros((0, N_COUNTS)))
        types = (*arguments, self.data.inputs, self.data.targets, self.seed)
        execute(*types)
        call: Callable[..., None] = execute.get_overload(tuple(numba.typeof(one) for one in types))  # type: ignore[no-untyped-call]
        return call

    def main(self, layer: int) -> str:
        """Return the matrix that holds the network's weights of a layer."""
        return self.designs[layer].algorithm.main

    def _burst_words(self) -> int:
        """Return how much scratch the bursts of the layers take."""
        arrays = int(self.matrices["count"].max())
        shapes = {(layer.n_in, layer.n_out) for layer in self.network.layers if layer.uses >= LEAST}
        return max((burst_scratch(*shape, arrays) for shape in shapes), default=0)

    def set_rates(self, factor: float) -> None:
        """Apply the schedule: multiply the rates that decay by `factor`."""
        for k, s in enumerate(one.settings for one in self.designs):
            record = self.layers[k : k + 1]
            # A weight that the network sees scaled up has a gradient scaled up, and moves by its scaled-down rate.
            scale = record["scale"] if s.accumulates or not s.transfer_every else 1.0
            record["lr"] = s.learning_rate / scale * (factor if s.decays_learning_rate else 1.0)
            if not s.auto_scale:  # which goes by the errors themselves
                record["lr"] /= self._batch
            record["transfer_lr"] = s.transfer_lr * (factor if s.decays_transfer_lr else 1.0)
        self.nodes["lr"] = factor * (self._optimiser.learning_rate if self._optimiser else 0.0)
        for k, s in enumerate(one.settings for one in self.designs):
            if s.accumulates and s.optimised:  # chi is in weights of devices
                self.nodes["lr"][self.layers["learner"][k]] /= self.layers["scale"][k]

    def execute(self, program: npt.NDArray[np.void], counts: Table) -> None:
        """Execute INSTRUCTION records, or let `watch` do it; fill `counts` (n, N_COUNTS), which must be zero."""
        (self.watch or self.perform)(program, counts)

    def perform(self, program: npt.NDArray[np.void], counts: Table) -> None:
        """Execute INSTRUCTION records; fill `counts`.

        The executor does not know the effects that an algorithm brings along: they are called between its runs.
        """
        begin = 0
        if any(self._own):
            for at in np.flatnonzero(program["opcode"] >= Opcode.OWN_0).tolist():
                self._execute(program[begin:at], counts[begin:at])
                own = self._own[int(program["layer"][at])]
                own[int(program["opcode"][at])](*self._state, program, counts, at, self.seed)
                begin = at + 1
        self._execute(program[begin:], counts[begin:])

    def _execute(self, program: npt.NDArray[np.void], counts: Table) -> None:
        self._call(*self._state, self.nodes, program, counts, self.data.inputs, self.data.targets, self.seed)

    def execute_on(self, f: Array, matrices: Records, layers: Records, program: Records, counts: Table) -> None:
        """Execute instructions on another arena, whose matrices and layers are described by other records."""
        data = self.data
        state = (f, self.work, self.real, self.parts, matrices, layers, self.nodes)
        self._call(*state, program, counts, data.inputs, data.targets, self.seed)

    def state(self, layer: int, name: str) -> Array:
        """Return what the algorithm keeps for a layer under a name, in its declared shape; the array is no copy."""
        at, shape = find_state(self.layers[layer], self.designs[layer].settings, name)
        return self._segment(at, prod(shape)).reshape(shape)

    def evaluate(self, epoch: int, most: int = 0, *, analog: bool = True) -> tuple[float, float]:
        """Return (mean loss, fraction of wrong classes) on the test set: a mean over samples and their steps.

        On the analog arrays, or on the same weights without converters and noise. Runs between samples (the
        pipeline is drained); its mat-vecs are no part of the ledger. Texts are read from their start with a
        state of their own.
        """
        n = len(self.data.test_inputs) if most == 0 else min(most, len(self.data.test_inputs))
        code = forward_code(self.network, [one.settings.gamma > 0 for one in self.designs])
        matrices = self.matrices if analog else without_periphery(self.matrices)
        state = (*self._state[:4], matrices, *self._state[5:], self.nodes)
        states = [slice(int(r["state"]), int(r["state"]) + 2 * int(r["hidden"])) for r in self.layers if r["streams"]]
        kept = [self.f[one].copy() for one in states]
        block = max(1, EVALUATED // code.size)
        total = np.zeros(2)
        for first in range(0, n, block):
            rows = np.arange(first, min(first + block, n))
            program = np.tile(code, rows.size)
            program["row"] = np.repeat(rows, code.size)
            program["sample"] = EVALUATION - (epoch * (n + 1) + program["row"])
            counts = np.zeros((program.size, N_COUNTS))
            self._call(*state, program, counts, self.data.test_inputs, self.data.test_targets, self.seed)
            last = counts[np.isin(program["opcode"], LOSSES)]
            total += last[:, [Counts.LOSS, Counts.CROSSED]].sum(axis=0)
        for one, values in zip(states, kept, strict=True):
            self.f[one] = values
        loss, error = total / (n * self.network.losses)
        return float(loss), float(error)

    def weights(self, layer: int, matrix: str) -> Array:
        """Return the logical weights of a matrix, (n_out, n_in): main minus reference arrays."""
        return self._whole(self.matrices[self.index_of(layer, matrix)], "w")

    def reference(self, layer: int, matrix: str) -> Array:
        """Return the reference arrays of an analog matrix in raw weights of devices, (n_out, n_in).

        A logical weight is the main device's raw weight minus this. A one-sided pair has none: 0.
        """
        design, record = self.designs[layer], self.matrices[self.index_of(layer, matrix)]
        source = design.layout.references[str(design.layout.matrices[matrix].reference)].symmetry_point_of
        whole = np.zeros((record["n_out"], record["n_in"]), np.float32)
        for k, part in enumerate(self._parts_of(record)):
            block = slice(part["out0"], part["out1"]), slice(part["in0"], part["in1"])
            whole[block] = self.calibrated[layer, source, k].reference
        return whole

    def set_weights(self, layer: int, matrix: str, weights: npt.ArrayLike) -> None:
        """Put logical weights (n_out, n_in) into a matrix; line sums follow. Bounds are the caller's concern."""
        index = self.index_of(layer, matrix)
        record = self.matrices[index]
        values = np.asarray(weights, np.float32)
        for part in self._parts_of(record):
            block = self._block(part)
            new = values[part["out0"] : part["out1"], part["in0"] : part["in1"]]
            n_out, n_in = new.shape
            rest_in, rest_out = self._segment(part["in_rest"], n_in), self._segment(part["out_rest"], n_out)
            self._segment(part["in_sum"], n_in)[:] = new.sum(axis=0) + rest_in
            self._segment(part["out_sum"], n_out)[:] = new.sum(axis=1) + rest_out
            block[:] = new
            if record["step_kind"]:
                limits = self._segment(part["limits"], new.size * LIMITS).reshape(n_in, n_out, LIMITS)
                limits[..., HIDDEN] = self._responses[index].hidden(new.T)

    def digital(self) -> dict[str, Array]:
        """Return what digital nodes have learnt, by name; the arrays are no copies."""
        return digital_state(self.network.flow, self.nodes, self.f)

    def pulses(self, layer: int, matrix: str) -> Array:
        """Return how many pulses each device of a matrix got, (n_out, n_in); exact up to 2^24.

        Raises
        ------
        ValueError
            When they were not counted (`endurance`).
        """
        record = self.matrices[self.index_of(layer, matrix)]
        if not all(part["pulses"] for part in self._parts_of(record)):
            raise ValueError("pulses were not counted; build the machine with endurance=True")
        return self._whole(record, "pulses")

    def at_bounds(self, layer: int, matrix: str) -> tuple[float, int]:
        """Return the fraction of a matrix's devices that sit at a bound, and how many lie beyond one.

        Beyond means by more than float32 rounding (`ROUNDING` of the bound); there must be none.
        """
        record = self.matrices[self.index_of(layer, matrix)]
        if record["perfect"]:
            return 0.0, 0
        hit = beyond = total = 0
        for part in self._parts_of(record):
            w = self._block(part).T
            limits = self._segment(part["limits"], w.size * LIMITS).reshape(*w.shape, LIMITS)
            low, high = limits[..., W_MIN], limits[..., W_MAX]
            if record["write_noise"]:  # what is read may lie beyond; the state may not
                w = limits[..., HIDDEN]
            hit += int(np.sum((w <= low) | (w >= high)))
            beyond += int(np.sum((w < low - ROUNDING * np.abs(low)) | (w > high + ROUNDING * np.abs(high))))
            total += w.size
        return hit / total, beyond

    def response_of(self, layer: int, matrix: str) -> type[PulseResponse]:
        """Return how the devices of an analog matrix answer pulses."""
        return self._responses[self.index_of(layer, matrix)]

    def array_records(self, layer: int, matrix: str, k: int) -> tuple[np.void, np.void]:
        """Return the PART record of array `k` of a matrix, and the MATRIX record."""
        record = self.matrices[self.index_of(layer, matrix)]
        return self._parts_of(record)[k], record

    def index_of(self, layer: int, matrix: str) -> int:
        """Return the number of a layer's matrix among the MATRIX records."""
        return self._index[layer][matrix]

    def _parts_of(self, record: np.void) -> Sequence[np.void]:
        first = int(record["first"])
        return list(self.parts[first : first + int(record["count"])])

    def _segment(self, offset: int, words: int) -> Array:
        return self.f[offset : offset + words]

    def _whole(self, record: np.void, name: str) -> Array:
        """Put what the arrays of a matrix hold a device together, (n_out, n_in)."""
        whole = np.zeros((record["n_out"], record["n_in"]), np.float32)
        for part in self._parts_of(record):
            whole[part["out0"] : part["out1"], part["in0"] : part["in1"]] = self._block(part, name)
        return whole

    def _block(self, part: np.void, name: str = "w") -> Array:
        n_in, n_out = int(part["in1"] - part["in0"]), int(part["out1"] - part["out0"])
        return self._segment(part[name], n_in * n_out).reshape(n_in, n_out).T
