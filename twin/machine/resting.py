"""What a time at rest does to programmed arrays: conductances drift by a power law.

``g(t) = g (1 + t / t_0)^-nu`` for a time t after the first read, with an exponent for each device (Joshi et al., Nat.
Commun. 11:2473, 2020; aihwkit's ``PCMLikeNoiseModel``, whose time of inference counts from t_0 as well). Relaxation is
that of `twin.machine.retention`.

Devices whose weight has two signs conduct at weight 0 too: by the tile's on/off ratio, g is in proportion to
``w + 1 / slope`` with the slope of the conduction energy. Main and reference device drift each by an exponent of its
own, so that what their conductances have in common does not cancel any more. The halves of a one-sided pair conduct
nothing at 0.
"""

import numpy as np
import numpy.typing as npt

from twin.config.programming import Programming
from twin.devices.family import DeviceFamily, spread
from twin.devices.response import Pair
from twin.errors import TwinError
from twin.kernels.records import HIDDEN, LIMITS
from twin.kernels.streams import RETENTION, matrix_number
from twin.machine.arrays import generator
from twin.machine.machine import Machine
from twin.machine.programming import Bench

Array = npt.NDArray[np.float32]
MAIN, REFERENCE = 2, 3  # of the draws of RETENTION, of which relaxation takes the first two
READING = 1 << 20  # numbers of these readings begin beyond those of verifications


def drifts(machine: Machine) -> bool:
    """Return whether devices of any main matrix drift."""
    return any(one.device is not None and one.device.nu > 0 for one in machine.designs)


def drift(machine: Machine, elapsed_s: float) -> None:
    """Let the arrays of the main matrices drift for a time after their first read; digital ones do not.

    Raises
    ------
    TwinError
        Where the conductance of a weight is not known.
    """
    for layer, design in zip(machine.network.layers, machine.designs, strict=True):
        if design.device is None or design.device.nu == 0:
            continue
        main = design.algorithm.main
        weights = machine.weights(layer.index, main)
        for k, part in enumerate(machine.mapping.parts(layer.index, main)):
            block = weights[part.out0 : part.out1, part.in0 : part.in1]
            block[:] = _drifted(machine, layer.index, k, block, elapsed_s)
        machine.set_weights(layer.index, main, weights)


def magnitudes(machine: Machine, number: int) -> Array:
    """Return the mean magnitude of what is read of every layer's main matrix, one-hot; 1 of a digital one.

    The ratio of two such readings is the factor of a global drift compensation (Joshi et al. 2020; aihwkit's
    ``GlobalDriftCompensation``). `number` tells the noise of one reading from that of another.
    """
    bench = Bench(machine, Programming())
    analog = [one.analog for one in machine.designs]
    return np.array([bench.magnitude(k, READING + number) if one else 1.0 for k, one in enumerate(analog)], np.float32)


def _drifted(machine: Machine, layer: int, k: int, w: Array, elapsed_s: float) -> Array:
    """Return the logical weights of one array, (n_out, n_in), after a time."""
    design, main = machine.designs[layer], machine.main(layer)
    part, record = machine.array_records(layer, main, k)
    source = design.layout.references[str(design.layout.matrices[main].reference)].symmetry_point_of
    own, other = (
        _left(design.devices[name], w.shape, elapsed_s, generator(int(machine.seed), *_key(layer, name, k, which)))
        for name, which in ((main, MAIN), (source, REFERENCE))
    )
    if issubclass(machine.response_of(layer, main), Pair):
        at, size = int(part["limits"]), w.size * LIMITS
        minus = machine.f[at : at + size].reshape(w.shape[1], w.shape[0], LIMITS)[..., HIDDEN].T
        found: Array = (w + minus) * own - minus * other
        return found
    slope = float(record["conductance_slope"])
    if slope <= 0:
        raise TwinError(
            f"device.nu (= {design.devices[main].nu:g}): needs the conductance of a weight, which devices without "
            "bounds and tiles with an on_off_ratio of 1 do not give; take another device, or tile.on_off_ratio = 10"
        )
    reference = machine.calibrated[layer, source, k].reference
    zero = np.float32(1 / slope)
    return (w + reference + zero) * own - (reference + zero) * other


def _left(device: DeviceFamily, shape: tuple[int, ...], elapsed_s: float, rng: np.random.Generator) -> Array:
    """Return which share of their conductance devices have left."""
    nu = spread(device.nu, device.nu_dtod, rng.standard_normal(shape, dtype=np.float32))
    left: Array = np.exp(-nu * np.float32(np.log1p(elapsed_s / device.t_0)))
    return left


def _key(layer: int, matrix: str, k: int, which: int) -> tuple[int, ...]:
    return RETENTION, layer, matrix_number(matrix), k, which
