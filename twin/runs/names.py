"""What can be named, and what it is made of: as `twin list` and `twin show` print it, and as Python has it."""

from typing import Any

from twin.config.data import SETS
from twin.config.loaded import Loaded
from twin.config.options import Options
from twin.config.origins import split
from twin.config.presets import part_names, part_preset, part_presets
from twin.config.resources import shipped
from twin.descriptions.load import load_any, load_chip, load_workload
from twin.errors import TwinError
from twin.results.result import Source
from twin.runs.constants import split_quantity

_NOTHING = Options()


def load_shown(name: str, asked: Options = _NOTHING) -> Loaded[Any]:
    """Load a description that is no preset, with the overrides of the chip or the workload that were asked for.

    A name that nothing has gets its nearest among all that can be shown.

    Raises
    ------
    TwinError
        As `load_any`; when what was asked for is no chip's or workload's.
    """
    from twin.devices import preset_names  # noqa: PLC0415 - devices import NumPy

    plain = load_any(name, (*preset_names(), *part_names()))
    if not asked.overrides:
        return plain
    kind = plain.model.kind
    mine = {"chip": asked.chip_overrides, "workload": asked.workload_overrides}.get(kind)
    if mine is None:
        raise TwinError(f"--set: is for chips and workloads, not for the {kind} {name}; leave it out")
    if len(mine) < len(asked.overrides):
        how = "keys of a chip begin with chip., e.g. chip.tile.rows" if kind == "chip" else "leave keys of a chip out"
        raise TwinError(f"--set (= {', '.join(asked.overrides)}): {how}")
    return load_chip(name, mine) if kind == "chip" else load_workload(name, mine)


def preset_rows(name: str) -> list[Source]:
    """List the values of a device's or a part's preset; none where no preset has this name."""
    from twin.devices import describe, preset_names  # noqa: PLC0415 - devices import NumPy

    origin = f"preset {name}"
    if name in preset_names():
        device = describe(name)
        values = {"family": device.family, **device.parameters}
        return [Source(key, *split_quantity(value), *device.cited(key), origin) for key, value in values.items()]
    part = part_preset(name)
    if part is None:
        return []
    return [
        Source(key, *split_quantity(value), *split(part.sources[key]), origin) for key, value in part.values.items()
    ]


def available() -> dict[str, dict[str, str]]:
    """Give all that can be named on the command line: kind to name to one-line description."""
    from twin.algorithms.registry import algorithm_class, algorithm_names  # noqa: PLC0415
    from twin.devices import describe, preset_names  # noqa: PLC0415 - devices import NumPy

    return {
        "chips": shipped("chip"),
        "layouts": shipped("layout"),
        "workloads": shipped("workload"),
        "baselines": shipped("baseline"),
        "sweeps": shipped("sweep"),
        "studies": shipped("study"),
        **{
            kind: {name: preset.description for name, preset in found.items()} for kind, found in part_presets().items()
        },
        "data sets": dict(SETS),
        "devices": {name: describe(name).source for name in preset_names()},
        "algorithms": {name: _first_line(algorithm_class(name)) for name in algorithm_names()},
    }


def _first_line(described: type) -> str:
    return (described.__doc__ or "").partition("\n")[0]
