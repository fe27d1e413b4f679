"""Which literals of a chip were given for a size, and do not follow where that size is set to something else."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from twin.config.kinds import KINDS
from twin.config.origins import COMMAND_LINE
from twin.technology.converter import bits_of
from twin.technology.wires import ir_drop, settling_s

if TYPE_CHECKING:
    from twin.config.chip import Chip
    from twin.config.loaded import Loaded

_ARRAY = ("array_area", "integration_time", "input_energy", "pulse_energy", "periphery_power")
_BELONGS: dict[str, tuple[str, ...]] = {
    "tile.rows": (*(f"tile.{key}" for key in _ARRAY), "link.bandwidth", "power.tile.wake_energy"),
    "tile.cols": (*(f"tile.{key}" for key in _ARRAY), "link.bandwidth", "power.tile.wake_energy"),
    "tile.io.out_res": ("tile.converter.energy", "tile.converter.area"),
    "tile.io.inp_res": ("tile.input_energy",),
    "digital.rate": ("digital.area", "digital.leakage", "power.digital.clock", "power.digital.wake_energy"),
    "buffer.size": ("power.buffer.wake_energy",),
}
FEW = 16
COSTS = ("energy", "area", "leakage", "power")
NODE = re.compile(r"\b(\d+(?:\.\d+)?) nm\b")
LARGEST_DROP = 0.1
"""Of the voltage, assumption: beyond it the error of a product is no longer one of noise."""


def belongs(chip: "Chip") -> dict[str, tuple[str, ...]]:
    """Return the literals that the value of each size stands behind, by dotted keys; kinds of memories name theirs."""
    found = dict(_BELONGS)
    for place in KINDS:
        table = getattr(chip, place)
        for size, literals in table.sized.items() if table is not None else ():
            key = f"{place}.{size}"
            found[key] = (*found.get(key, ()), *(f"{place}.{literal}" for literal in literals))
    return found


def remarks(chip: "Loaded[Chip]") -> list[str]:
    """Return what a user may have overlooked in a chip, a line each."""
    return [*chip.notes, *unscaled(chip), *coarse(chip), *slow_or_lossy(chip), *of_other_nodes(chip)]


def of_other_nodes(chip: "Loaded[Chip]") -> Iterator[str]:
    """Name the energies, areas and powers of a chip of one node whose source states others only, a line."""
    technology = chip.model.technology
    if technology is None:
        return
    node = f"{technology.node * 1e9:g}"
    stated = {key: set(NODE.findall(source)) for key, (_, source) in chip.sources.items() if key.endswith(COSTS)}
    others = [f"{key} ({', '.join(sorted(nodes))} nm)" for key, nodes in stated.items() if nodes and node not in nodes]
    if others:
        yield f"chip.technology.node (= {node} nm): {', '.join(others)} are of other nodes; leave them out"


def slow_or_lossy(chip: "Loaded[Chip]") -> Iterator[str]:
    """Say where lines of a stated pitch lose more than a tenth of their voltage or do not settle, a line each."""
    technology, tile = chip.model.technology, chip.model.tile
    if technology is None or technology.pitch is None:
        return
    size = f"{tile.rows} x {tile.cols} lines of {technology.pitch * 1e9:g} nm pitch"
    paths = {"mean_resistance": (tile.mean_resistance, "read")}
    if tile.half_select and tile.write_resistance not in {None, tile.mean_resistance}:
        paths["write_resistance"] = (tile.write_resistance, "pulse")
    for key, (resistance, when) in paths.items():
        drop = ir_drop(tile.rows, tile.cols, technology.pitch, resistance)
        if drop > LARGEST_DROP:
            share = f"{100 * drop:.3g} %" if drop < 1 else "all"
            yield (
                f"chip.tile.{key} (= {resistance:g} Ohm): {share} of the voltage is lost on {size} in a "
                f"{when} where all devices conduct; not modelled in the run: take fewer lines or a larger resistance"
            )
    settled = settling_s(max(tile.rows, tile.cols), technology.pitch, bits_of(tile.io.out_res))
    if settled > tile.integration_time:
        yield (
            f"chip.tile.integration_time (= {tile.integration_time * 1e9:g} ns): {size} take {settled * 1e9:.3g} ns to "
            "settle; take fewer lines or a longer time"
        )


def coarse(chip: "Loaded[Chip]") -> Iterator[str]:
    """Say of converters with very few steps, or with none on the command line, what that means, a line each."""
    io = chip.model.tile.io
    ends = {"inp_res": "-1 and 1", "out_res": f"-{io.out_bound:g} and {io.out_bound:g}"}
    for key, steps in (("inp_res", io.inp_res), ("out_res", io.out_res)):
        side = "inputs" if key == "inp_res" else "outputs"
        if 0 < steps < FEW:
            yield (
                f"chip.tile.io.{key} (= {steps}): {side} have {steps + 1} values between {ends[key]}; it counts steps, "
                "not bits (7 bits: 126)"
            )
        elif steps == 0 and chip.origins.get(f"tile.io.{key}") == COMMAND_LINE:
            yield f"chip.tile.io.{key} (= 0): {side} are exact, as if they passed no converter"


def unscaled(chip: "Loaded[Chip]") -> Iterator[str]:
    """Name the literals that stay as they are where a size was overridden, a line each.

    Those that were overridden too, follow from the size, or are not in the description, are left out.
    """
    origins = chip.origins
    named: set[str] = set()
    for size, literals in belongs(chip.model).items():
        if origins.get(size) != COMMAND_LINE:
            continue
        given = (key for key in literals if not origins.get(key, COMMAND_LINE).startswith((COMMAND_LINE, "derived ")))
        kept = [key for key in given if key not in named]
        named.update(kept)
        if kept:
            yield f"chip.{size} was set, but {', '.join(kept)} keep the values of the size before; set these, too"
