"""Builds the numerical state of a run and executes instructions on it."""

from collections.abc import Callable, Sequence

import numba
import numpy as np
import numpy.typing as npt

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.operation import N_COUNTS, Counts, Opcode
from twin.config.algorithms import Update
from twin.config.chip import Tile
from twin.config.layout import Layout
from twin.config.workload import Calibration, Initial
from twin.crossbar.records import LIMITS, W_MAX, W_MIN
from twin.data import Dataset
from twin.devices.family import DeviceFamily
from twin.machine.arena import Arena
from twin.machine.arrays import INITIAL, ArrayBuilder, generator
from twin.machine.compiled import ensure_loaded
from twin.machine.execute import execute
from twin.machine.records import ACTIVATIONS, AXES, INSTRUCTION, LAYER, LOSSES
from twin.machine.settings import Settings
from twin.mapping import Mapping
from twin.networks.network import Dense, Network

Array = npt.NDArray[np.float32]
Table = npt.NDArray[np.float64]
ROUNDING = np.float32(1e-4)
EVALUATION = -(1 << 40)  # sample numbers of evaluations lie below: streams of their own


class Machine:
    """The numerics of one run: arrays, vectors and H of all layers.

    Parameters
    ----------
    network, data, mapping
        What is trained on what, split how.
    algorithm, settings
        Which matrices there are and how they learn.
    device, tile, layout, calibration, initial
        The physics of the arrays.
    seed : int
        Keys every random draw.
    in_flight : int
        Samples in flight; each has its own copy of the sample-private vectors.

    Attributes
    ----------
    f : float32 array
        The arena: the whole state that training changes.
    layers : LAYER records
    """

    def __init__(
        self,
        network: Network,
        data: Dataset,
        mapping: Mapping,
        algorithm: Algorithm,
        settings: Settings,
        device: DeviceFamily,
        tile: Tile,
        layout: Layout,
        calibration: Calibration,
        initial: Initial,
        seed: int,
        in_flight: int,
    ) -> None:
        ensure_loaded()
        self.network, self.data, self.mapping, self.settings = network, data, mapping, settings
        self.algorithm = algorithm
        self.seed = np.uint64(seed)
        arena = Arena()
        ratio = tile.on_off_ratio if layout.tiles else 1.0
        io = tile.io
        builder = ArrayBuilder(arena, io, ratio, device, layout, calibration, seed)
        self.layers = np.zeros(len(network.layers), LAYER)
        for layer in network.layers:
            start = generator(seed, INITIAL, layer.index).uniform(-1, 1, (layer.n_out, layer.n_in))
            weights = (start * initial.scale / np.sqrt(layer.n_inputs)).astype(np.float32)
            blocks = {name: mapping.parts(layer.index, name) for name in algorithm.matrices}
            updates = {name: self._update_of(name) for name in algorithm.matrices}
            index = builder.add_layer(layer.index, blocks, {algorithm.main: weights}, updates)
            self._describe(arena, layer, index)
        self._place_vectors(arena, in_flight)
        self.parts, self.matrices = builder.records()
        if settings.transfer_update is not None:
            self.matrices["transfer_bl"] = settings.transfer_update.desired_bl
        self.calibrated = builder.calibrated
        self.f = arena.build()
        for record in self.layers:
            if record["bias"]:
                for slot in range(in_flight):
                    self.f[record["x"] + slot * record["stride"] + record["n_in"] - 1] = 1.0
        widest = int(max(record["n_in"] + record["n_out"] for record in self.layers))
        self.work = np.zeros(4 * widest + 64, np.int32)
        self.real = np.zeros(4 * widest + 1024, np.float32)
        self._state = (self.f, self.work, self.real, self.parts, self.matrices, self.layers)
        self._call = self._compiled()

    def _compiled(self) -> Callable[..., None]:
        """Return the compiled executor without Numba's dispatcher.

        The dispatcher looks up the types of eleven arguments, records among them, at 3 us a call; here
        they never change, and a coupled run makes some twenty calls a sample.
        """
        arguments = (*self._state, np.zeros(0, INSTRUCTION), np.zeros((0, N_COUNTS)))
        types = (*arguments, self.data.inputs, self.data.targets, self.seed)
        execute(*types)
        call: Callable[..., None] = execute.get_overload(tuple(numba.typeof(one) for one in types))  # type: ignore[no-untyped-call]
        return call

    def _update_of(self, matrix: str) -> Update:
        slow = self.settings.transfer_update
        return slow if slow is not None and matrix == self.algorithm.main else self.settings.update

    def _describe(self, arena: Arena, layer: Dense, index: dict[str, int]) -> None:
        s, record = self.settings, self.layers[layer.index]
        record["n_in"], record["n_out"], record["bias"] = layer.n_in, layer.n_out, layer.bias
        record["activation"] = ACTIVATIONS[layer.activation]
        record["loss"] = LOSSES[self.network.loss]
        record["main"] = index[self.algorithm.main]
        record["fast"] = index[self.algorithm.fast] if s.transfer_every else -1
        record["update"] = index[self.algorithm.fast]
        record["gamma"], record["auto_scale"], record["auto_momentum"] = (
            s.gamma,
            s.auto_scale,
            s.auto_momentum,
        )
        record["means"] = arena.take(2)
        record["transfer_every"] = max(s.transfer_every, 1)
        if not s.transfer_every:
            return
        row = s.transfer_axis == "row"
        lines, length = (layer.n_out, layer.n_in) if row else (layer.n_in, layer.n_out)
        record["transfer_axis"], record["hadamard"] = AXES[s.transfer_axis], s.hadamard
        record["lines"], record["line_length"] = lines, length
        record["threshold"], record["reset"] = s.threshold, s.reset
        record["u"], record["v"], record["s"] = arena.take(lines), arena.take(length), arena.take(length)
        if s.filtered:
            record["h"], record["crossed"] = arena.take(lines * length), arena.take(lines * length)

    def _place_vectors(self, arena: Arena, in_flight: int) -> None:
        """Give every slot one contiguous block with the private vectors of all layers."""
        start = arena.size
        for record in self.layers:
            record["x"] = arena.take(int(record["n_in"]))
            for name in ("z", "d"):
                record[name] = arena.take(int(record["n_out"]))
            record["e"] = arena.take(int(record["n_in"]))
        output = arena.take(int(self.layers[-1]["n_out"]))
        stride = arena.size - start
        arena.take(stride * (in_flight - 1))
        self.layers["stride"] = stride
        self.layers["y"][:-1] = self.layers["x"][1:]
        self.layers["y"][-1] = output

    def set_rates(self, factor: float) -> None:
        """Apply the schedule: multiply the rates that decay by `factor`."""
        s = self.settings
        self.layers["lr"] = s.learning_rate * (factor if s.decays_learning_rate else 1.0)
        self.layers["transfer_lr"] = s.transfer_lr * (factor if s.decays_transfer_lr else 1.0)

    def execute(self, program: npt.NDArray[np.void], counts: Table) -> None:
        """Execute INSTRUCTION records; fill `counts` (n, N_COUNTS), which must be zero."""
        self._call(*self._state, program, counts, self.data.inputs, self.data.targets, self.seed)

    def evaluate(self, epoch: int, most: int = 0) -> tuple[float, float]:
        """Return (mean loss, fraction of wrong classes) on the test set, on the analog arrays.

        Runs between samples (the pipeline is drained); its mat-vecs are no part of the ledger.
        """
        n = len(self.data.test_inputs) if most == 0 else min(most, len(self.data.test_inputs))
        codes = [(Opcode.INPUT, 0)]
        for layer in self.network.layers:
            codes.append((Opcode.FORWARD, layer.index))
            if self.settings.gamma > 0:
                codes.append((Opcode.FORWARD_FAST, layer.index))
            codes.append((Opcode.ACTIVATION, layer.index))
        codes[-1] = (Opcode.LOSS, codes[-1][1])
        program = np.zeros(n * len(codes), INSTRUCTION)
        program["opcode"] = np.tile([int(code) for code, _ in codes], n)
        program["layer"] = np.tile([layer for _, layer in codes], n)
        program["row"] = np.repeat(np.arange(n), len(codes))
        program["sample"] = EVALUATION - (epoch * (n + 1) + program["row"])
        counts = np.zeros((program.size, N_COUNTS))
        self._call(*self._state, program, counts, self.data.test_inputs, self.data.test_targets, self.seed)
        last = counts[len(codes) - 1 :: len(codes)]
        return float(last[:, Counts.LOSS].mean()), float(last[:, Counts.CROSSED].mean())

    def weights(self, layer: int, matrix: str) -> Array:
        """Return the logical weights of a matrix, (n_out, n_in): main minus reference arrays."""
        record = self.matrices[self._matrix_index(layer, matrix)]
        whole = np.zeros((record["n_out"], record["n_in"]), np.float32)
        for part in self._parts_of(record):
            whole[part["out0"] : part["out1"], part["in0"] : part["in1"]] = self._block(part)
        return whole

    def set_weights(self, layer: int, matrix: str, weights: npt.ArrayLike) -> None:
        """Put logical weights (n_out, n_in) into a matrix; line sums follow. Bounds are the caller's concern."""
        record = self.matrices[self._matrix_index(layer, matrix)]
        values = np.asarray(weights, np.float32)
        for part in self._parts_of(record):
            block = self._block(part)
            new = values[part["out0"] : part["out1"], part["in0"] : part["in1"]]
            n_out, n_in = new.shape
            rest_in, rest_out = self._segment(part["in_rest"], n_in), self._segment(part["out_rest"], n_out)
            self._segment(part["in_sum"], n_in)[:] = new.sum(axis=0) + rest_in
            self._segment(part["out_sum"], n_out)[:] = new.sum(axis=1) + rest_out
            block[:] = new

    def at_bounds(self, layer: int, matrix: str) -> tuple[float, int]:
        """Return the fraction of a matrix's devices that sit at a bound, and how many lie beyond one.

        Beyond means by more than float32 rounding (`ROUNDING` of the bound); there must be none.
        """
        record = self.matrices[self._matrix_index(layer, matrix)]
        if record["perfect"]:
            return 0.0, 0
        hit = beyond = total = 0
        for part in self._parts_of(record):
            w = self._block(part).T
            limits = self._segment(part["limits"], w.size * LIMITS).reshape(*w.shape, LIMITS)
            low, high = limits[..., W_MIN], limits[..., W_MAX]
            hit += int(np.sum((w <= low) | (w >= high)))
            beyond += int(np.sum((w < low - ROUNDING * np.abs(low)) | (w > high + ROUNDING * np.abs(high))))
            total += w.size
        return hit / total, beyond

    def _matrix_index(self, layer: int, matrix: str) -> int:
        return layer * len(self.algorithm.matrices) + self.algorithm.matrices.index(matrix)

    def _parts_of(self, record: np.void) -> Sequence[np.void]:
        first = int(record["first"])
        return list(self.parts[first : first + int(record["count"])])

    def _segment(self, offset: int, words: int) -> Array:
        return self.f[offset : offset + words]

    def _block(self, part: np.void) -> Array:
        n_in, n_out = int(part["in1"] - part["in0"]), int(part["out1"] - part["out0"])
        return self._segment(part["w"], n_in * n_out).reshape(n_in, n_out).T
