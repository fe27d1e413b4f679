"""Physical arrays of a layer: devices drawn, references calibrated, weights put in, described to the kernels."""

from collections.abc import Mapping as Table
from typing import Literal

import numpy as np
import numpy.typing as npt

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.settings import Update
from twin.config.calibration import Calibration as CalibrationConfig
from twin.config.tile import InputOutput
from twin.devices.family import Affine, DeviceFamily
from twin.devices.response import Pair, PulseResponse
from twin.kernels.array.dense import dense_from
from twin.kernels.array.steps import AFFINE, PLAIN, STEPS
from twin.kernels.records import (
    CELL,
    DW_MIN,
    HIDDEN,
    LIMITS,
    MATRIX,
    PART,
    W_MAX,
    W_MIN,
)
from twin.kernels.streams import CALIBRATION, DEVICES, array_stream, matrix_number
from twin.machine.arena import Arena
from twin.machine.calibration import (
    Calibration,
    calibrated,
    shift,
)
from twin.machine.design import Design
from twin.mapping import Part

Array = npt.NDArray[np.float32]
DIRECTIONS: tuple[Literal["backward"], Literal["transfer"]] = ("backward", "transfer")
LARGEST_NORMAL = 4.9  # of twin.kernels.rng.fill_normals, in sigma


def generator(seed: int, *key: int) -> np.random.Generator:
    """Return NumPy's counter-based generator for one draw of the construction."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *key])))


def draw_devices(device: DeviceFamily, seed: int, layer: int, matrix: str, k: int, part: Part) -> PulseResponse:
    """Draw the devices of array `k` of a matrix, the same whenever it is asked for."""
    shape = (part.out1 - part.out0, part.in1 - part.in0)
    return device.populate(shape, generator(seed, DEVICES, layer, matrix_number(matrix), k))


def method_of(config: CalibrationConfig) -> tuple[str, int, float]:
    """Return method, pairs and error of a calibration; pairs are read only where the method fires them."""
    return config.method, config.pairs if config.method == "pulses" else 0, config.reference_std


class ArrayBuilder:
    """Builds the records and the arena content of matrices, one after another.

    Parameters
    ----------
    arena : Arena
    design : Design
        Of the layers that are added until it is replaced: their layout, devices and tile.
    calibration : CalibrationConfig
    seed : int
    endurance : bool
        Whether devices count their pulses.
    """

    def __init__(
        self,
        arena: Arena,
        design: Design,
        calibration: CalibrationConfig,
        seed: int,
        *,
        endurance: bool = False,
    ) -> None:
        self.arena = arena
        self.endurance = endurance
        self.design = design
        self.calibration = calibration
        self.seed = seed
        self.parts: list[tuple[int, ...]] = []
        self.matrices: list[npt.NDArray[np.void]] = []
        self.nominal: list[float] = []  # by matrix: half the mean weight range of a device
        self.responses: dict[int, type[PulseResponse]] = {}  # by analog matrix
        self.directions: dict[tuple[int, str, str], int] = {}  # of those with an io of their own, by layer and matrix
        self._shared: dict[bytes, int] = {}
        self.calibrated: dict[tuple[int, str, int], Calibration] = {}  # by (layer, matrix, part)
        self.clipped: dict[tuple[int, str], float] = {}  # share of initial weights beyond their devices' range

    def add_layer(
        self,
        layer: int,
        blocks: Table[str, tuple[Part, ...]],
        initial: Table[str, Array],
        updates: Table[str, Update],
    ) -> dict[str, int]:
        """Add all matrices of a layer; return their indices.

        `initial` holds logical weights (n_out, n_in); matrices that are not in it start at 0.
        """
        index: dict[str, int] = {}
        for name, parts in blocks.items():
            index[name] = len(self.matrices)
            if self.design.layout.matrices[name].digital:
                self._add_digital(layer, parts, initial.get(name))
            else:
                arrays = [self._shifted(layer, name, k, part) for k, part in enumerate(parts)]
                self._add_analog(layer, name, parts, arrays, initial.get(name), updates[name])
        return index

    def _draw(self, layer: int, matrix: str, k: int, part: Part) -> PulseResponse:
        return draw_devices(self.design.devices[matrix], self.seed, layer, matrix, k, part)

    def _shifted(self, layer: int, matrix: str, k: int, part: Part) -> tuple[PulseResponse, Array]:
        """Return the pulse response in logical weights, main array minus reference array, and the reference."""
        raw = self._draw(layer, matrix, k, part)
        config = self.design.layout.matrices[matrix]
        source = self.design.layout.references[str(config.reference)].symmetry_point_of
        if (layer, source, k) not in self.calibrated:
            model = raw if source == matrix else self._draw(layer, source, k, part)
            rng = generator(self.seed, CALIBRATION, layer, matrix_number(source), k)
            self.calibrated[layer, source, k] = calibrated(model, *method_of(self.calibration), rng)
        reference = self.calibrated[layer, source, k].reference
        return shift(raw, reference), reference

    def _add_digital(self, layer: int, parts: tuple[Part, ...], initial: Array | None) -> None:
        first = len(self.parts)
        for part in parts:
            self._add_part(layer << 24, part, initial, None)
        record = np.zeros((), MATRIX)
        record["first"], record["count"] = first, len(parts)
        record["n_in"], record["n_out"] = parts[-1].in1, parts[-1].out1
        record["exact"] = record["perfect"] = record["update_management"] = record["update_bl_management"] = 1
        record["dw_min"], record["desired_bl"] = 1.0, 1
        self._append(record, np.inf)

    def _add_analog(
        self,
        layer: int,
        name: str,
        parts: tuple[Part, ...],
        arrays: list[tuple[PulseResponse, Array]],
        initial: Array | None,
        update: Update,
    ) -> None:
        first = len(self.parts)
        for k, (part, array) in enumerate(zip(parts, arrays, strict=True)):
            self._add_part(array_stream(layer, name, k), part, initial, array)
        if initial is not None:
            self.clipped[layer, name] = _share_beyond(initial, parts, arrays)
        responses = [response for response, _ in arrays]
        device, io = responses[0], self.design.tile.io
        record = np.zeros((), MATRIX)
        record["first"], record["count"] = first, len(parts)
        record["n_in"], record["n_out"] = parts[-1].in1, parts[-1].out1
        record["exact"] = device.exact or update.pulse_type == "none"
        record["clip_below"] = max(clip_below(response) for response in responses)
        most = int(np.log2(io.max_bm_factor))
        record["bm_repeats"] = most if io.bound_management == "iterative" else 0
        record["bm_repeats_backward"] = most if io.bound_management_backward == "iterative" else 0
        _describe_io(record, io)
        nominal = float(np.mean([a.w_max.mean() - a.w_min.mean() for a in responses])) / 2
        ratio = self.design.tile.on_off_ratio
        swing = (ratio - 1) / (ratio + 1)
        record["conductance_slope"] = swing / nominal if np.isfinite(nominal) and nominal > 0 else 0.0
        record["dw_min"] = device.dw_min_mean
        record["noise_mult" if device.mult_noise else "noise_add"] = device.dw_min_std
        self._describe_step(record, device)
        self.responses[len(self.matrices)] = type(device)
        states = min(float((r.w_max - r.w_min).min()) for r in responses) / device.dw_min_mean
        plain = update.kernel == "auto" and _kind(device) == PLAIN
        record["dense_from"] = dense_from(float(record["clip_below"]), states, device.dw_min_std) if plain else np.inf
        record["desired_bl"] = update.desired_bl
        record["update_management"] = update.update_management
        record["update_bl_management"] = update.update_bl_management
        self._append(record, nominal)
        for direction in DIRECTIONS:
            own = io.of(direction)
            if own is not io:
                self.directions[layer, name, direction] = len(self.matrices)
                converted = record.copy()
                _describe_io(converted, own)
                self._append(converted, nominal)

    def _append(self, record: npt.NDArray[np.void], nominal: float) -> None:
        self.matrices.append(record)
        self.nominal.append(nominal)

    def _describe_step(self, record: npt.NDArray[np.void], device: PulseResponse) -> None:
        """Enter the kind of step and what all devices of the matrix share."""
        kind = _kind(device)
        if kind == PLAIN:
            return
        record["step_kind"] = kind
        # exact updates know no state beside the weight
        record["write_noise"] = 0.0 if record["exact"] else device.write_noise
        shared = device.shared()
        if shared.size:
            record["shape"], record["points"] = self._put_shared(shared), shared.shape[1]
        for field, value in device.settings().items():
            record[field] = value

    def _put_shared(self, values: Array) -> int:
        """Put what devices share into the arena once, however many matrices have the same; return its offset."""
        key = values.tobytes()
        if key not in self._shared:
            self._shared[key] = self.arena.put(values)
        return self._shared[key]

    def _add_part(
        self, stream: int, part: Part, initial: Array | None, array: tuple[PulseResponse, Array] | None
    ) -> None:
        n_in, n_out = part.in1 - part.in0, part.out1 - part.out0
        w = np.zeros((n_out, n_in), np.float32)
        if initial is not None:
            w[:] = initial[part.out0 : part.out1, part.in0 : part.in1]
        rest = np.zeros_like(w)
        cell = limits = 0
        if array is not None:
            response, reference = array
            w = np.clip(w, response.w_min, response.w_max)
            hidden = response.hidden(w)
            rest = 2 * (hidden if isinstance(response, Pair) else reference)
            cell, limits = self.arena.put(_cells(response)), self.arena.put(_limits(response, hidden))
        self.parts.append(
            (
                part.in0,
                part.in1,
                part.out0,
                part.out1,
                self.arena.put(w.T),
                cell,
                limits,
                self.arena.put((w + rest).sum(axis=0)),
                self.arena.put((w + rest).sum(axis=1)),
                self.arena.put(rest.sum(axis=0)),
                self.arena.put(rest.sum(axis=1)),
                stream,
                self.arena.put(np.zeros(w.size)) if self.endurance and array is not None else 0,
            )
        )

    def records(self) -> tuple[npt.NDArray[np.void], npt.NDArray[np.void]]:
        """Return the PART and MATRIX records of everything added."""
        return np.array(self.parts, PART), np.array(self.matrices, MATRIX)


def _share_beyond(initial: Array, parts: tuple[Part, ...], arrays: list[tuple[PulseResponse, Array]]) -> float:
    """Return the share of initial weights that their devices cannot hold."""
    beyond = 0
    for part, (response, _) in zip(parts, arrays, strict=True):
        wanted = initial[part.out0 : part.out1, part.in0 : part.in1]
        beyond += int(np.count_nonzero((wanted < response.w_min) | (wanted > response.w_max)))
    return beyond / initial.size


def enter_matrices(
    record: np.void, builder: ArrayBuilder, layer: int, algorithm: Algorithm, index: Table[str, int]
) -> None:
    """Enter the numbers of a layer's matrices: for forward mat-vecs and updates, for the way back, for read-outs."""
    main, fast = algorithm.main, algorithm.fast
    record["main"], record["update"] = index[main], index[fast]
    for field, name, direction in (
        ("main_back", main, "backward"),
        ("fast_back", fast, "backward"),
        ("fast_read", fast, "transfer"),
    ):
        record[field] = builder.directions.get((layer, name, direction), index[name])


def _describe_io(record: npt.NDArray[np.void], io: InputOutput) -> None:
    """Enter converters, noise and bound of mat-vecs."""
    record["inp_half"] = io.inp_res / 2
    record["out_step"] = 2 * io.out_bound / io.out_res if io.out_res else 0.0
    record["out_bound"], record["out_noise"], record["w_noise"] = io.out_bound, io.out_noise, io.w_noise
    record["inp_noise"] = io.inp_noise
    record["noise_management"] = io.noise_management == "abs_max"


def _kind(response: PulseResponse) -> int:
    if response.STEP not in STEPS:
        known = ", ".join(STEPS)
        raise TypeError(f"{type(response).__name__}.STEP (= {response.STEP!r}): is no step of the kernels ({known})")
    kind = STEPS[response.STEP]
    return PLAIN if kind == AFFINE and response.write_noise == 0 else kind


def _cells(response: PulseResponse) -> Array:
    """Interleave the coefficients, input-major: (n_in, n_out, CELL)."""
    rows, columns = response.shape
    cell = np.zeros((columns, rows, CELL), np.float32)
    for column, values in enumerate(response.columns()):
        cell[:, :, column] = values.T
    return cell


def _limits(response: PulseResponse, hidden: Array) -> Array:
    """Interleave bounds, steps and the state beside the weight, input-major: (n_in, n_out, LIMITS)."""
    rows, columns = response.shape
    limits = np.zeros((columns, rows, LIMITS), np.float32)
    for column, values in (
        (W_MIN, response.w_min),
        (W_MAX, response.w_max),
        (DW_MIN, response.dw_min),
        (HIDDEN, hidden),
    ):
        limits[:, :, column] = values.T
    return limits


def clip_below(response: PulseResponse) -> float:
    """Return below which noise xi a pulse could leave its device's bounds and must be clipped.

    inf: always, as for every step that is not affine; -inf: never; otherwise where 1 + dw_min_std xi < 0 turns a
    step round, if any noise up to `LARGEST_NORMAL` sigma does. A step in its own direction cannot leave the bounds
    where each bound lies at or beyond the weight at which the step vanishes (up_a / up_b, -down_a / down_b), the
    noise is multiplicative, and no step, its noise at most `LARGEST_NORMAL` sigma, covers the whole way to that
    weight. Devices that no pulse moves need no clipping.
    """
    sigma = response.dw_min_std
    if not isinstance(response, Affine) or response.write_noise > 0 or (sigma > 0 and not response.mult_noise):
        return np.inf
    steepest = max(float(response.up_b.max()), float(response.down_b.max()))
    if steepest * (1 + LARGEST_NORMAL * sigma) >= 1:
        return np.inf
    up = _reaches(response.up_a, response.up_b, response.w_max)
    if up or _reaches(response.down_a, response.down_b, -response.w_min):
        return np.inf
    return -1 / sigma if sigma * LARGEST_NORMAL >= 1 else -np.inf


def _reaches(step: Array, slope: Array, bound: Array) -> bool:
    """Return whether a step that vanishes at step / slope gets beyond the bound on any device."""
    end = np.where(step == 0, -np.inf, np.inf).astype(np.float32)
    np.divide(step, slope, out=end, where=slope > 0)
    return not bool(np.all(end <= bound + np.float32(1e-6) * np.abs(bound)))
