"""The hidden state of a network by node: A, C, H, references; taken out of a run, and put into another."""

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from twin.arrays import MOST_BYTES, read_arrays, write_arrays
from twin.config.resources import suggestion
from twin.errors import TwinError
from twin.extraction.inference import device_range
from twin.files import read_limited

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from twin.machine.machine import Machine

Array = npt.NDArray[np.float32]
REFERENCE = ".reference"
H = "h"
COUNTED = ("crossed",)
"""What is counted for diagnostics: a run that begins with a state counts its own."""
ROUNDING = 1e-5


class State(dict[str, dict[str, Array]]):
    """What a network is made of, by node and by name, float32.

    ``"A"``, ``"C"``, ``"W"``: logical weights in units of device weights, (outputs, inputs), the bias line last.
    ``"H"``: (read-outs, length of one), in units of its threshold. ``"A.reference"``: raw weights of the reference
    array. Whatever else an algorithm keeps has its own name, e.g. ``"in_chop"``.
    """

    def save(self, path: str | Path) -> None:
        """Write an .npz of ``NODE.NAME`` that the workload's ``init.state`` takes; references are left out.

        Raises
        ------
        TwinError
            When the file cannot be written, or is no .npz.
        """
        if Path(path).suffix.lower() != ".npz":
            raise TwinError(f"path (= {path}): must end in .npz")
        arrays: dict[str, npt.NDArray[Any]] = {
            f"{node}.{name}": values
            for node, own in self.items()
            for name, values in own.items()
            if not name.endswith(REFERENCE) and name not in COUNTED
        }
        write_arrays(Path(path), arrays)


def node_names(names: "Sequence[str]") -> list[str]:
    """Name every layer by its node; further layers of one node, as a GRU has, get a number."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return found


def state_of(machine: "Machine", *, references: bool = True) -> State:
    """Copy the state of a machine's analog and digital matrices, with those `references` that it was built with."""
    found = State()
    for k, node in enumerate(node_names(machine.network.names)):
        design, own = machine.designs[k], found.setdefault(node, {})
        for name in design.algorithm.matrices:
            own[name] = machine.weights(k, name)
        for state in design.settings.state:
            own["H" if state.name == H else state.name] = machine.state(k, state.name).copy()
        if design.analog and references:
            own |= {f"{name}{REFERENCE}": machine.reference(k, name) for name in design.algorithm.matrices}
    return found


def state_digest(file: str) -> str:
    """Return the SHA-256 of a file of arrays."""
    return sha256(read_limited(Path(file), MOST_BYTES)).hexdigest()


def enter_state(machine: "Machine", file: str) -> None:
    """Put the arrays of a file into a machine, which keeps what the file does not name.

    Parameters
    ----------
    machine : Machine
        Freshly built.
    file : str
        An .npz of ``NODE.NAME``, as `State.save` writes it.

    Raises
    ------
    TwinError
        Where the file cannot be read, names nothing that the network has, or has values that do not fit.
    """
    path = Path(file)
    if not path.exists():
        raise TwinError(f"init.state (= {file}): no such file; a relative path starts at the current folder")
    arrays = read_arrays(path, "write it again with run.state.save")
    places = {f"{node}.{name}": where for node, name, where in _places(machine)}
    for name, values in arrays.items():
        if name not in places:
            raise TwinError(f"init.state (= {file}): {name}: is nothing that this run has{suggestion(name, places)}")
        layer, matrix, state = places[name]
        here = machine.state(layer, state) if state else machine.weights(layer, matrix)
        if values.shape != here.shape:
            raise TwinError(f"init.state (= {file}): {name}: has the shape {values.shape}, and must have {here.shape}")
        # a line of AGAD has no reference (NaN) until its sign has flipped
        if values.dtype.kind not in "fiu" or not (np.isfinite(values) | (np.isnan(here) & np.isnan(values))).all():
            raise TwinError(f"init.state (= {file}): {name}: must be finite numbers")
        if state:
            here[:] = values
        else:
            machine.set_weights(layer, matrix, _held(machine, layer, matrix, values, f"init.state (= {file}): {name}"))


def _held(machine: "Machine", layer: int, matrix: str, values: npt.NDArray[Any], label: str) -> npt.NDArray[Any]:
    """Return weights as devices hold them: within their range, but for rounding."""
    if not machine.designs[layer].analog:
        return values
    low, high = device_range(machine, layer, matrix)
    beyond = int(np.count_nonzero((values < low - ROUNDING) | (values > high + ROUNDING)))
    if beyond:
        rule = f"{beyond} weights lie beyond their devices' range; take those of a run with these devices and this seed"
        raise TwinError(f"{label}: {rule}")
    held: npt.NDArray[Any] = np.clip(values, low, high)
    return held


def _places(machine: "Machine") -> "Iterator[tuple[str, str, tuple[int, str, str]]]":
    """Yield node, name, and (layer, matrix, name of what an algorithm keeps), one of the latter two empty."""
    for k, node in enumerate(node_names(machine.network.names)):
        design = machine.designs[k]
        for name in design.algorithm.matrices:
            yield node, name, (k, name, "")
        for state in design.settings.state:
            if state.name in COUNTED:
                continue
            yield node, "H" if state.name == H else state.name, (k, "", state.name)
