"""An extracted model as one .npz file without pickle: weights, their uncertainty, and where they come from."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from twin.arrays import read_arrays, write_arrays
from twin.errors import TwinError
from twin.machine.machine import Machine

Array = npt.NDArray[np.float32]
FORMAT = 1
FINALS = "weights.npz"  # in the folder of a finished run
DIGITAL = "digital."
KEPT = "state."
PARTS = ("weights", "sigma", "standard_error")


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Weights of all layers.

    Attributes
    ----------
    weights : tuple of float32 array, shape (n_out, n_in)
        Of the arrays; the bias line, where there is one, is the last column.
    sigma : tuple of float32 array, shape (n_out, n_in)
        Standard deviation of each weight over training; NaN where unknown.
    standard_error : tuple of float32 array, shape (n_out, n_in)
        Of each weight's estimate; NaN where unknown.
    out_scaling : tuple of float
        The network's weights are out_scaling times those of the arrays.
    bias : tuple of bool
        Whether each layer has a bias line.
    metadata : dict
        What JSON can hold: where the model comes from.
    digital : dict of str to float32 array
        What digital nodes have learnt, as `Machine.digital` names it.
    """

    weights: tuple[Array, ...]
    sigma: tuple[Array, ...]
    standard_error: tuple[Array, ...]
    out_scaling: tuple[float, ...]
    bias: tuple[bool, ...]
    metadata: dict[str, Any] = field(default_factory=dict)
    digital: dict[str, Array] = field(default_factory=dict)

    def save(self, path: str | Path) -> None:
        """Write the file that ``twin infer`` and ``twin export --model`` take; raises as `save_model`."""
        save_model(self, Path(path))


def save_model(model: Model, path: Path) -> None:
    """Write a model; the same model gives the same bytes.

    Raises
    ------
    TwinError
        When the file cannot be written.
    """
    arrays: dict[str, npt.NDArray[Any]] = {
        "format": np.array([FORMAT]),
        "out_scaling": np.array(model.out_scaling, np.float64),
        "bias": np.array(model.bias, np.bool_),
        "metadata": np.frombuffer(json.dumps(model.metadata, sort_keys=True).encode(), np.uint8),
    }
    for name in PARTS:
        arrays |= {f"{name}.{k}": values for k, values in enumerate(getattr(model, name))}
    arrays |= {f"{DIGITAL}{name}": values for name, values in model.digital.items()}
    write_arrays(path, arrays)


def load_model(path: Path) -> Model:
    """Read a model.

    Raises
    ------
    TwinError
        When the file is missing, damaged, or no model of this format.
    """
    arrays = read_arrays(path)
    if "format" not in arrays or arrays["format"].tolist() != [FORMAT]:
        raise TwinError(f"{path}: is no model of format {FORMAT}; write one with `twin extract`")
    try:
        layers = range(len(_vector(arrays, "bias", "b")))
        parts = {name: tuple(_matrix(arrays, f"{name}.{k}") for k in layers) for name in PARTS}
        metadata = json.loads(arrays["metadata"].tobytes())
        scales = _vector(arrays, "out_scaling", "f").astype(float)
        if not (np.isfinite(scales) & (scales > 0)).all():
            raise ValueError("out_scaling must be finite and positive")  # noqa: TRY301 - one answer for all
        digital = {
            name.removeprefix(DIGITAL): _vector(arrays, name, "f").astype(np.float32)
            for name in arrays
            if name.startswith(DIGITAL)
        }
        bias = tuple(arrays["bias"].tolist())
        model = Model(**parts, out_scaling=tuple(scales.tolist()), bias=bias, metadata=metadata, digital=digital)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise TwinError(f"{path}: is damaged ({str(error).splitlines()[0]}); write it again") from error
    if len(model.out_scaling) != len(model.bias) or not isinstance(metadata, dict):
        raise TwinError(f"{path}: is damaged (its layers differ in number); write it again")
    found = {f"weights.{k}": weights for k, weights in enumerate(model.weights)} | model.digital
    for name, values in found.items():
        if not np.isfinite(values).all():
            raise TwinError(f"{path}: {name} must be finite; write the model again")
    return model


def _vector(arrays: dict[str, npt.NDArray[Any]], name: str, kind: str) -> npt.NDArray[Any]:
    values = arrays[name]
    if values.ndim != 1 or values.dtype.kind != kind:
        raise ValueError(f"{name} has the shape {values.shape} and the type {values.dtype}")
    return values


def _matrix(arrays: dict[str, npt.NDArray[Any]], name: str) -> Array:
    if arrays[name].dtype.kind not in "fiu":
        raise ValueError(f"{name} has the type {arrays[name].dtype}")
    values = arrays[name].astype(np.float32)
    if values.ndim != 2 or values.shape != arrays[f"weights.{name.rsplit('.', 1)[1]}"].shape:
        raise ValueError(f"{name} has the shape {values.shape}")
    return values


def save_finals(machine: Machine, path: Path) -> None:
    """Write all matrices at the end of a run exactly: logical weights, what algorithms keep beside them, digital ones.

    What digital nodes have learnt is there too.
    """
    arrays = {
        f"{k}.{name}": machine.weights(k, name)
        for k, design in enumerate(machine.designs)
        for name in design.algorithm.matrices
    }
    write_arrays(path, arrays | _kept(machine) | _digital(machine))


def load_finals(machine: Machine, path: Path) -> None:
    """Put what `save_finals` wrote into a machine built from the same descriptions.

    Raises
    ------
    TwinError
        When the file is missing, damaged, or of another network or algorithm.
    """
    enter_finals(machine, read_arrays(path), str(path))


def enter_finals(machine: Machine, arrays: dict[str, npt.NDArray[Any]], label: str) -> None:
    """Put the arrays of a file of `save_finals` into a machine; `label` names the file in errors of `load_finals`."""
    digital = _kept(machine) | _digital(machine)
    names = [f"{k}.{name}" for k, one in enumerate(machine.designs) for name in one.algorithm.matrices]
    shapes = {name: machine.weights(int(name.split(".")[0]), name.split(".")[1]).shape for name in names}
    shapes |= {name: values.shape for name, values in digital.items()}
    if {name: values.shape for name, values in arrays.items()} != shapes:
        raise TwinError(f"{label}: holds other matrices than {', '.join(shapes)} of this run; run it again")
    for name, values in arrays.items():
        absent = np.isnan(values) if name.startswith(KEPT) else False  # as a line of AGAD without a reference yet
        if values.dtype.kind != "f" or not (np.isfinite(values) | absent).all():
            raise TwinError(f"{label}: {name} must be finite numbers; run it again")
    for name in names:
        layer, matrix = name.split(".")
        machine.set_weights(int(layer), matrix, arrays[name])
    for name, values in digital.items():
        values[:] = arrays[name]


def _kept(machine: Machine) -> dict[str, Array]:
    """Return what algorithms keep for every layer, such as H; the arrays are no copies."""
    return {
        f"{KEPT}{k}.{state.name}": machine.state(k, state.name)
        for k, design in enumerate(machine.designs)
        for state in design.settings.state
    }


def _digital(machine: Machine) -> dict[str, Array]:
    return {f"{DIGITAL}{name}": values for name, values in machine.digital().items()}
