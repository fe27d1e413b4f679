"""Models out of machines, and back into others: digital ones without noise, or analog arrays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twin.errors import TwinError
from twin.extraction.averaging import Average
from twin.extraction.model import Model
from twin.extraction.regression import READS, extract
from twin.kernels.records import LIMITS, W_MAX, W_MIN
from twin.machine.machine import Machine
from twin.networks.given.fit import Given

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Inference:
    """How a model did on a machine's test set.

    Attributes
    ----------
    loss : float
        Mean over the test set.
    error : float
        Fraction of wrong classes.
    clipped : float
        Fraction of weights that did not fit into their devices' range.
    """

    loss: float
    error: float
    clipped: float


def check_extractable(gamma: float) -> None:
    """Raise TwinError where the model is not one matrix a layer."""
    if gamma > 0:
        raise TwinError(
            f"gamma (= {gamma:g}): the model is gamma A + C, and only C can be extracted; train with gamma = 0.0"
        )


def check_machine(machine: Machine) -> None:
    """Raise TwinError where the model of any layer is not one matrix."""
    for design in machine.designs:
        check_extractable(design.settings.gamma)


def extract_model(machine: Machine, reads: int = READS, amplitude: float = 1.0, **metadata: Any) -> Model:
    """Extract every layer's main matrix from noisy mat-vecs, as `twin.extraction.regression.extract`."""
    check_machine(machine)
    found = [
        extract(machine, layer.index, machine.main(layer.index), reads, amplitude) for layer in machine.network.layers
    ]
    unknown = [np.full(one.weights.shape, np.nan) for one in found]
    facts = {"method": "regression", "reads": reads, "amplitude": amplitude, **metadata}
    return make_model(machine, [one.weights for one in found], unknown, [one.standard_error for one in found], facts)


def average_model(machine: Machine, averages: Sequence[Average], **metadata: Any) -> Model:
    """Make the model whose weights are averages over training."""
    check_machine(machine)
    facts = {"method": "average", "reads": averages[0].reads, "periods": averages[0].periods, **metadata}
    mean, sigma, error = ([getattr(one, name) for one in averages] for name in ("mean", "sigma", "standard_error"))
    return make_model(machine, mean, sigma, error, facts)


def make_model(
    machine: Machine,
    weights: Sequence[npt.ArrayLike],
    sigma: Sequence[npt.ArrayLike],
    standard_error: Sequence[npt.ArrayLike],
    metadata: dict[str, Any],
) -> Model:
    """Make a model of a machine's network from one array (n_out, n_in) a layer."""
    layers = machine.network.layers
    algorithms = ", ".join(dict.fromkeys(one.algorithm.name for one in machine.designs))
    return Model(
        weights=tuple(np.asarray(one, np.float32) for one in weights),
        sigma=tuple(np.asarray(one, np.float32) for one in sigma),
        standard_error=tuple(np.asarray(one, np.float32) for one in standard_error),
        out_scaling=tuple(machine.layers["scale"].astype(float).tolist()),
        bias=tuple(layer.bias for layer in layers),
        metadata={"algorithm": algorithms, "loss": machine.network.loss, **metadata},
        digital={name: values.copy() for name, values in machine.digital().items()},
    )


def program(machine: Machine, model: Model) -> float:
    """Put a model into a machine's main matrices; return the fraction of weights that had to be clipped.

    Programming is exact but for the devices' range (Gokmen 2021: no programming errors); other matrices, which
    inference does not use, stay as they are.

    Raises
    ------
    TwinError
        When the model is of another network.
    """
    layers = machine.network.layers
    shapes = [weights.shape for weights in model.weights]
    needed = [(layer.n_out, layer.n_in) for layer in layers]
    if shapes != needed or model.bias != tuple(layer.bias for layer in layers):
        raise TwinError(f"model (= {shapes}): must be {needed}, the matrices of this network; name its workload")
    digital = machine.digital()
    if {name: one.shape for name, one in digital.items()} != {name: one.shape for name, one in model.digital.items()}:
        listed = ", ".join(digital) or "no digital parameters"
        raise TwinError(f"model: must have {listed}, as the nodes of this network; extract it again")
    for name, values in digital.items():
        values[:] = model.digital[name]
    clipped = total = 0
    for k, weights in enumerate(model.weights):
        wanted = (weights * (model.out_scaling[k] / float(machine.layers[k]["scale"]))).astype(np.float32)
        low, high = device_range(machine, k, machine.main(k))
        given = np.clip(wanted, low, high)
        machine.set_weights(k, machine.main(k), given)
        clipped += int(np.count_nonzero(given != wanted))
        total += wanted.size
    return clipped / total


def network_weights(machine: Machine) -> Given:
    """Return the weights that a machine's network computes with: those of its main matrices, scaled, and digital ones.

    Raises
    ------
    TwinError
        When the model is not one matrix a layer.
    """
    check_machine(machine)
    digital = machine.digital()
    matrices = [machine.weights(k, machine.main(k)) * record["scale"] for k, record in enumerate(machine.layers)]
    parts = {name.rpartition("."): values for name, values in digital.items()}
    return Given(
        matrices=[one.astype(np.float32) for one in matrices],
        parameters={node: values for (node, _, part), values in parts.items() if part == "parameters"},
        statistics={node: values.reshape(2, -1) for (node, _, part), values in parts.items() if part == "statistics"},
    )


def device_range(machine: Machine, layer: int, matrix: str) -> tuple[Array, Array]:
    """Return the smallest and largest logical weight of every device of a matrix, (n_out, n_in)."""
    record = machine.matrices[machine.index_of(layer, matrix)]
    low = np.full((record["n_out"], record["n_in"]), -np.inf, np.float32)
    high = -low
    if record["perfect"]:
        return low, high
    first = int(record["first"])
    for part in machine.parts[first : first + int(record["count"])]:
        shape = int(part["in1"] - part["in0"]), int(part["out1"] - part["out0"]), LIMITS
        start = int(part["limits"])
        limits = machine.f[start : start + int(np.prod(shape))].reshape(shape)
        block = slice(part["out0"], part["out1"]), slice(part["in0"], part["in1"])
        low[block], high[block] = limits[..., W_MIN].T, limits[..., W_MAX].T
    return low, high


def infer(
    machine: Machine, model: Model, repeats: int = 1, progress: Callable[[int], None] = lambda _: None
) -> Inference:
    """Program a model and run the test set on the machine's own arrays, `repeats` times with fresh noise.

    `progress` is told how many passes are done.
    """
    clipped = program(machine, model)
    found = []
    for number in range(repeats):
        found.append(machine.evaluate(number))
        progress(number + 1)
    runs = np.array(found)
    return Inference(float(runs[:, 0].mean()), float(runs[:, 1].mean()), clipped)
