"""What an algorithm keeps for every layer beside its analog matrices, and the effects that it brings along."""

from collections.abc import Callable, Iterable
from math import prod
from pkgutil import resolve_name

import numpy as np
import numpy.typing as npt

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.settings import Settings, State
from twin.errors import TwinError
from twin.kernels.records import N_OWN
from twin.machine.arena import Arena
from twin.operation import Opcode, Operation

Record = np.void
Records = npt.NDArray[np.void]
FIELDS = frozenset({"h", "crossed", "in_chop", "out_chop", "chopped_x", "chopped_d", "read", "mean", "reference"})
"""State that a LAYER record knows by its name; of all other it has the places in `own`, in the order of declaration."""
EFFECTS = [code for code in Opcode if code.name.startswith("OWN_")]


def place_state(arena: Arena, layers: Records, settings: Settings) -> None:
    """Reserve what the algorithm keeps for every layer; enter the numbers of its own effects.

    Raises
    ------
    ValueError
        When a record has no room for them.
    """
    own = _own(settings)
    if max(len(own), len(settings.own)) > N_OWN:
        raise ValueError(f"{len(own)} own vectors and matrices, {len(settings.own)} own numbers: at most {N_OWN} each")
    for record in layers:
        for state in settings.state:
            words = prod(_shape(record, state))
            at = arena.take(words) if state.initial == 0 else arena.put(np.full(words, state.initial))
            if state.name in FIELDS:
                record[state.name] = at
            else:
                record["own"][own.index(state.name)] = at
        record["own_numbers"][: len(settings.own)] = settings.own


def find_state(record: Record, settings: Settings, name: str) -> tuple[int, tuple[int, ...]]:
    """Return where a layer's state lies in the arena, and its shape; raises KeyError for a name that has none."""
    state = {one.name: one for one in settings.state}[name]
    at = record[name] if name in FIELDS else record["own"][_own(settings).index(name)]
    return int(at), _shape(record, state)


def _own(settings: Settings) -> list[str]:
    return [one.name for one in settings.state if one.name not in FIELDS]


def _shape(record: Record, state: State) -> tuple[int, ...]:
    return tuple(n if isinstance(n, int) else int(record[n]) for n in state.shape)


def own_effects(algorithm: Algorithm) -> dict[int, Callable[..., None]]:
    """Return the kernels that an algorithm brings along, by opcode.

    Raises
    ------
    TwinError
        Naming what cannot be found, or for which there is no opcode.
    """
    if len(algorithm.effects) > len(EFFECTS):
        raise TwinError(
            f"algorithm {algorithm.name}: effects (= {len(algorithm.effects)}): must be at most {len(EFFECTS)}"
        )
    found: dict[int, Callable[..., None]] = {}
    for code, name in zip(EFFECTS, algorithm.effects, strict=False):
        try:
            found[code] = resolve_name(name)
        except (ImportError, AttributeError, ValueError) as error:
            raise TwinError(f"algorithm {algorithm.name}: effect {name} cannot be found ({error})") from error
    return found


def check_effects(algorithm: Algorithm, operations: Iterable[Operation]) -> None:
    """Raise TwinError where an operation has an effect that its algorithm does not bring along."""
    missing = {operation.opcode for operation in operations} & set(EFFECTS[len(algorithm.effects) :])
    if missing:
        code = min(missing)
        raise TwinError(
            f"algorithm {algorithm.name}: an operation has the effect {code.name}, and the class names "
            f"{len(algorithm.effects)} in `effects`; name the kernel there"
        )
