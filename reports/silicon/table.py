"""Chips beside their papers: energy of a mat-vec, TOPS/W and TOPS/mm2, as the table of docs/validation/silicon.md.

    python reports/silicon/table.py

A tile is its array, lines and converters; a chip adds, for all of its tiles at work at once, the bytes of inputs and
outputs over link and buffer, leakage, clocks and controllers, and to the area links, digital units, controllers,
the buffer and the ports, which carry nothing here.
"""

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from twin.chip.tile import Tile
from twin.descriptions.load import load_chip

if TYPE_CHECKING:
    from twin.config.chip import Chip


class Published(NamedTuple):
    """What a paper says of a chip or a part of it; None where it says nothing."""

    what: str
    chip: str
    whole: bool
    matvec_nJ: float | None
    tops_W: float | None
    tops_mm2: float | None
    why: str


PUBLISHED = (
    Published("HERMES core (JSSC 2022)", "hermes-256", False, 12.5, 10.5, 1.59,
              "energy by construction; area: converters on both sides"),
    Published("HERMES, 64 cores, one phase (2023); area of cores", "hermes-256", True, 13.4, 9.76, 1.55,
              "as the core; links, digital units and buffer of the twin are no part of the published area"),
    Published("IBM 2023, tile", "ibm-2023", False, 26.2, 20.0, None, "energy a line is that of the HERMES core"),
    Published("IBM 2023, chip", "ibm-2023", True, 42.3, 12.4, None,
              "sustained by a network that fills tiles in part; the twin's are full"),
    Published("ISAAC (2016)", "isaac-128", True, None, 0.63, 0.48,
              "ports carry nothing here: 8.3 nJ; a unit: converters +9,600 um2, bus and routers -9,700, eDRAM -6,300"),
    Published("PUMA (2019), unit", "panther-128", False, 43.97, None, None, "by construction"),
    Published("PUMA (2019), node", "panther-128", True, None, 0.84, 0.58,
              "the peak counts a mat-vec in 1.38 us; the unit's own 2.3 us and 44 nJ are taken here"),
    Published("Gokmen & Vlasov 2016, projected", "rpu-4096", True, None, 84.0, 35.0,
              "converters of Haensch 2019; of the 250 W and the area of a chip no division was read"),
)  # fmt: skip


class Figures(NamedTuple):
    """What the twin has: joules a full mat-vec, operations a joule and a second and m2."""

    matvec_J: float
    ops_J: float
    ops_s_m2: float


def figures(chip: "Chip", *, whole: bool) -> Figures:
    """Compute the figures of a tile, or of a whole chip of ``system.tiles`` tiles, all at work with full lines."""
    tile, part = Tile.of(chip), chip.tile
    seconds = tile.service(part.rows).busy_ps * 1e-12
    joules = part.cols * part.input_energy + part.rows * part.converter.energy + part.periphery_power * seconds
    joules += part.rows * part.cols * tile.conduction_J
    area = part.array_area + (part.rows + part.cols) * part.line_area + 2 * part.converter.count * part.converter.area
    if whole:
        joules += _moved_J(chip) + _standing_W(chip) * seconds
        area += _beside_m2(chip)
    operations = 2 * part.rows * part.cols
    return Figures(joules, operations / joules, operations / seconds / area)


def _tiles(chip: "Chip") -> int:
    return chip.system.tiles if chip.system is not None else 1


def _moved_J(chip: "Chip") -> float:
    n_bytes = (chip.tile.cols + chip.tile.rows) * chip.placement.activation_word
    return (
        8 * n_bytes * (chip.link.service(1, writes=False).energy_J + chip.buffer.service(1, writes=False).energy_J) / 8
    )


def _standing_W(chip: "Chip") -> float:
    states = chip.power
    tile, digital = (states.tile, states.digital) if states is not None else (None, None)
    clocks = (tile.controller or 0.0) + (tile.clock or 0.0) if tile is not None else 0.0
    unit = chip.digital.leakage + ((digital.clock or 0.0) if digital is not None else 0.0)
    shared = unit / chip.digital.tiles + chip.buffer.leakage_W / _tiles(chip)
    return chip.tile.leakage + chip.link.leakage_W + clocks + shared


def _beside_m2(chip: "Chip") -> float:
    tile = chip.power.tile if chip.power is not None else None
    controller = (tile.controller_area or 0.0) if tile is not None else 0.0
    units = ceil(_tiles(chip) / chip.digital.tiles)
    port = chip.system.area if chip.system is not None else 0.0
    return chip.link.area_m2 + controller + (chip.digital.area * units + chip.buffer.area_m2 + port) / _tiles(chip)


def found(one: Published) -> Figures:
    """Return the twin's figures of what was published; the area is that of cores where the paper's is."""
    chip = load_chip(one.chip).model
    whole = figures(chip, whole=one.whole)
    return whole._replace(ops_s_m2=figures(chip, whole=False).ops_s_m2) if "area of cores" in one.what else whole


def ratios(one: Published) -> dict[str, float]:
    """Return twin over published, by figure."""
    own = found(one)
    pairs = {
        "nJ": (one.matvec_nJ, own.matvec_J * 1e9),
        "TOPS/W": (one.tops_W, own.ops_J * 1e-12),
        "TOPS/mm2": (one.tops_mm2, own.ops_s_m2 * 1e-18),
    }
    return {name: twin / paper for name, (paper, twin) in pairs.items() if paper is not None}


def main() -> None:
    """Print the table as Markdown."""
    print("| | figure | published | twin | ratio | why |")
    print("|---|---|--:|--:|--:|---|")
    for one in PUBLISHED:
        published = {"nJ": one.matvec_nJ, "TOPS/W": one.tops_W, "TOPS/mm2": one.tops_mm2}
        for name, ratio in ratios(one).items():
            paper = published[name] or 0.0
            print(f"| {one.what} | {name} | {paper:g} | {paper * ratio:.3g} | {ratio:.2f} | {one.why} |")


if __name__ == "__main__":
    main()
