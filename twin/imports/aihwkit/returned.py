"""What an exported configuration leaves out: it is imported again, and held against the workload it was made of."""

from collections.abc import Iterator, Mapping
from math import isclose, log2
from typing import Any, NamedTuple

from twin.config.chip import Chip
from twin.config.part import Part, dotted, leaves
from twin.config.tile import InputOutput
from twin.descriptions.workload import Workload
from twin.devices.presets import describe, device_preset
from twin.imports.aihwkit.back import Devices, Exported
from twin.imports.aihwkit.convert import read_text
from twin.imports.aihwkit.found import Base, Found
from twin.imports.aihwkit.inout import NOISES, READ
from twin.imports.aihwkit.python import expression
from twin.imports.aihwkit.written import put

ROUNDING = 1e-9
FURTHER = ("lifetime", "nu")
"""Fields of all devices that no configuration has."""
HOW = frozenset({"update.kernel", "transfer_update.kernel"})
"""How the twin computes, not what."""
Compared = Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]
"""The beginning of keys, and by the rest of them what a workload has and what comes back."""


class Left(NamedTuple):
    """A setting that does not come back: its key, its value, and what it is in aihwkit."""

    key: str
    value: Any
    there: Any


def imported(exported: Exported, batch: int) -> Found:
    """Import a configuration that was exported."""
    return read_text(expression(exported.config), "the exported configuration", Base(exported.learning_rate, batch))


def left_out(exported: Exported, found: Found, workload: Workload, chip: Chip) -> Iterator[Left]:
    """Yield what workload and chip have otherwise than `found`, the import of the exported configuration."""
    for beginning, own, there in _compared(exported, found, workload, chip):
        for key, value in own.items():
            if key not in HOW and not _alike(value, there.get(key)):
                yield Left(beginning + key, value, there.get(key))
    if workload.rules:
        yield Left("rules", len(workload.rules), "one configuration for all layers")


def _compared(exported: Exported, found: Found, workload: Workload, chip: Chip) -> Compared:
    table = getattr(workload.algorithms, found.algorithm.replace("-", "_"))
    again = type(table).model_validate(_below(found, f"algorithms.{found.algorithm}"))
    yield f"algorithms.{found.algorithm}.", _flat(table), _flat(again)
    optimiser = workload.optimiser
    if workload.network.digital_bias and optimiser is not None:
        there = {"kind": "sgd", "learning_rate": exported.learning_rate}
        yield "optimiser.", {key: getattr(optimiser, key) for key in there}, there
    for name, one in exported.devices.items():
        yield from _devices(name, one, found, workload)
    if any(one.equal not in {"ideal", "one-sided"} for one in exported.devices.values()):
        own = workload.calibration.model_dump()
        yield "calibration.", own, dict.fromkeys(own, 0) | _below(found, "calibration")
    if exported.devices:
        yield "mapping.", {"out_scaling": workload.mapping.out_scaling or 1.0}, _below(found, "mapping")
        there = _below(found, "chip.tile.io")
        yield from _io(chip.tile.io, type(chip.tile.io).model_validate(there), read_out="A" in exported.devices)


def _devices(name: str, one: Devices, found: Found, workload: Workload) -> Compared:
    """Compare the devices of a matrix: their families, and the values of those that aihwkit has."""
    apart, own = f"device.matrices.{name}", device_preset(*workload.device.of(name))
    known = _below(found, apart if f"{apart}.preset" in found.values else "device")
    known.pop("matrices", None)
    preset = str(known.pop("preset"))
    back = device_preset(preset, known)
    beginning = f"{apart}." if name in workload.device.matrices else "device."
    family = str(known.get("family", describe(preset).family))
    yield beginning, {"family": one.family}, {"family": family}
    given = {key: getattr(own, key) for key in FURTHER}
    given |= one.values() if family == one.equal else {}
    yield beginning, given, {key: getattr(back, key, None) for key in given}


def _io(own: InputOutput, there: InputOutput, *, read_out: bool) -> Compared:
    """Compare all directions; inputs of a read-out of A are 0 and 1, which every converter has."""
    keys = (*READ, *NOISES, "noise_management")
    bounds = ("bound_management", "bound_management_backward") if own.out_bound else ()
    yield "chip.tile.io.", _values(own, (*keys, *bounds)), _values(there, (*keys, *bounds))
    if own.out_bound and own.bound_management == "iterative":
        most = [{"max_bm_factor": 2 ** int(log2(io.max_bm_factor))} for io in (own, there)]
        yield "chip.tile.io.", most[0], most[1]
    yield "chip.tile.io.backward.", _values(own.of("backward"), keys), _values(there.of("backward"), keys)
    if read_out:
        used = tuple(key for key in keys if key not in {"inp_res", "noise_management"})
        yield "chip.tile.io.transfer.", _values(own.of("transfer"), used), _values(there.of("transfer"), used)


def _values(io: InputOutput, keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: getattr(io, key) for key in keys}


def _below(found: Found, table: str) -> dict[str, Any]:
    """Return what was found below a key, tables within it as tables."""
    made: dict[str, Any] = {}
    for key, value in found.values.items():
        if key.startswith(f"{table}."):
            put(made, key.removeprefix(f"{table}."), value)
    return made


def _flat(table: Part) -> dict[str, Any]:
    """Return the values of a table and of those within it by dotted key."""
    return {dotted(path): value for path, _, _, value in leaves(table)}


def _alike(own: Any, there: Any) -> bool:
    """Whether a value comes back, but for rounding."""
    if isinstance(own, list | tuple):
        return isinstance(there, list | tuple) and len(own) == len(there) and all(map(_alike, own, there))
    if isinstance(own, float) and isinstance(there, int | float):
        return isclose(own, there, rel_tol=ROUNDING)
    return bool(own == there)
