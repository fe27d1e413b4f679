"""Checkpoints: the whole state of a drained run in one .npz, written atomically, without pickle."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from twin.arrays import read_arrays, write_arrays
from twin.errors import TwinError
from twin.files import remove as remove_file
from twin.runs.build import Parts

NAME = "checkpoint.npz"
FORMAT = 5
FIX = "remove it to start the run again"
CURVE = 6  # columns of the learning curve
State = dict[str, npt.NDArray[Any]]


def save(
    folder: Path,
    identity: str,
    parts: Parts,
    sample: int,
    curve: list[tuple[float, ...]],
    losses: list[float],
) -> None:
    """Write the state after `sample` samples; the file is either the old or the new one, never half."""
    state: State = {
        "format": np.array([FORMAT]),
        "identity": np.frombuffer(identity.encode(), np.uint8),
        "sample": np.array([sample]),
        "arena": parts.machine.f,
        "curve": np.array(curve, np.float64).reshape(len(curve), CURVE),
        "losses": np.array(losses, np.float64),
    }
    for room, kept in _rooms(parts).items():
        state |= {f"{room}.{name}": values for name, values in kept.state().items()}
    write_arrays(folder / NAME, state)


def restore(folder: Path, identity: str, parts: Parts) -> tuple[int, list[tuple[float, ...]], list[float]] | None:
    """Load a checkpoint into a freshly built run; return (samples done, curve, losses), None where there is none.

    Raises
    ------
    TwinError
        When the file is truncated, of another format, or of another run.
    """
    path = folder / NAME
    if not path.exists():
        return None
    state = read_arrays(path, FIX)
    try:
        if state["format"].tolist() != [FORMAT]:
            raise TwinError(f"{path}: is of another format than {FORMAT}; remove it to start the run again")
        if state["identity"].tobytes() != identity.encode():
            raise TwinError(f"{path}: belongs to another run; remove it to start this run again")
        if state["arena"].shape != parts.machine.f.shape or state["arena"].dtype != parts.machine.f.dtype:
            raise TwinError(f"{path}: holds another network; remove it to start this run again")
        curve = [tuple(row) for row in state["curve"].reshape(-1, CURVE).tolist()]
        parts.machine.f[:] = state["arena"]
        for room, kept in _rooms(parts).items():
            kept.restore({name[len(room) + 1 :]: v for name, v in state.items() if name.startswith(f"{room}.")})
        return int(state["sample"][0]), curve, state["losses"].tolist()
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise TwinError(f"{path}: is damaged ({error}); remove it to start the run again") from error


class Kept(Protocol):
    """Something that a checkpoint keeps."""

    def state(self) -> State:
        """Return all that it goes on with."""

    def restore(self, state: State, /) -> None:
        """Go on with it."""


def _rooms(parts: Parts) -> dict[str, Kept]:
    """Return what is kept beside the arena, by the name it has in the file."""
    rooms: dict[str, Kept] = {"engine": parts.engine, "calibration": parts.calibration}
    if parts.reads is not None:
        rooms["reads"] = parts.reads.average
    if parts.retention is not None:
        rooms["retention"] = parts.retention
    return rooms


def remove(folder: Path) -> None:
    """Remove the checkpoint of a finished run, and what a killed process left of writing one."""
    for path in (folder / NAME, *folder.glob(f".{NAME}.*.tmp")):
        remove_file(path)
