"""What a chip with a ``[technology]`` may leave out, and the formula of each such value."""

from collections.abc import Callable, Mapping
from math import ceil
from typing import NamedTuple, Protocol

from twin.technology import analog, converter, drivers, links, logic, sram, wires

WORD_BIT = 256
"""Width of a word of buffers and registers, assumption: that of the figures of CACTI which twin has used before."""
BANK_B = {"buffer": 65536, "registers": 8192}
"""Size of a bank, assumption; with more than `sram.BANKS` of it banks are larger, and none is below `sram.BANKS_B`."""
FEWEST_BIT = 4
"""Resolution below which a converter takes no less, assumption: the regression begins there."""
EXACT_BIT = {"inp_res": 7, "out_res": 9}
"""Resolution that is charged where converters do not round (0 steps), assumption: that of aihwkit's IOParameters."""
FORMAT_WORDS = ("activation_word", "error_word", "weight_word")
"""Keys of the placement that have the word of the format of digital work where they are left out."""
BY_FORMAT = frozenset({"digital.rate", *(f"placement.{word}" for word in FORMAT_WORDS)})
"""What a format that is set on the command line decides in place of the file's values."""
NEIGHBOURS = 4
"""Routers that a router of a network is joined to, assumption: those of a mesh."""


class Inputs(Protocol):
    """What formulas ask for: a value of the chip by its dotted key, in SI units, or a word of its technology."""

    def __call__(self, key: str) -> float: ...  # noqa: D102

    def word(self, key: str) -> str: ...  # noqa: D102

    def has(self, key: str) -> bool: ...  # noqa: D102


class Formula(NamedTuple):
    """How a value follows from the technology and the sizes of its part; the text may differ by analog class."""

    text: str | Mapping[str, str]
    value: Callable[[Inputs], float]


def _lines(of: Inputs) -> float:
    return (of("tile.rows") + of("tile.cols")) / 2


def _halved(of: Inputs) -> bool:
    return of.word("tile.half_select") == "True"


def _line_V(of: Inputs) -> float:
    """Return the voltage of a pulsed line."""
    return of("tile.write_voltage") / (2 if _halved(of) else 1)


def _line_A(of: Inputs) -> float:
    """Return the largest current of a pulsed line, which all of its devices conduct."""
    return _lines(of) * _line_V(of) / of("tile.write_resistance")


def _pulse_energy(of: Inputs) -> float:
    line_F = wires.line_capacitance_F(_lines(of), of("technology.pitch")) + drivers.driver_capacitance_F(_line_A(of))
    conducted = _line_V(of) * _line_A(of) * of("tile.pulse_time") if _halved(of) else 0.0
    return line_F * _line_V(of) ** 2 + conducted


def _coincidence_energy(of: Inputs) -> float:
    whole = of("tile.write_voltage") ** 2 / of("tile.write_resistance") * of("tile.pulse_time")
    return whole / 2 if _halved(of) else whole  # of four quarters its lines have paid two


def _line_area(of: Inputs) -> float:
    line = analog.line_area_m2(of.word("technology.analog"), of("technology.node"))
    technology = (of("technology.node"), of("technology.supply"))
    return line + drivers.write_driver_area_m2(_line_V(of), _line_A(of), *technology)


def _bits(of: Inputs, key: str) -> int:
    steps = int(of(f"tile.io.{key}"))
    return converter.bits_of(steps) if steps else EXACT_BIT[key]


def _converter(take: Callable[[int, float, float], float]) -> Callable[[Inputs], float]:
    def value(of: Inputs) -> float:
        return take(max(_bits(of, "out_res"), FEWEST_BIT), of("tile.converter.rate"), of("technology.node"))

    return value


def _tile_leakage(of: Inputs) -> float:
    return 2 * of("tile.converter.count") * _converter(converter.converter_leakage_W)(of)


def _matvec_s(of: Inputs) -> float:
    """Return the time from one mat-vec of all lines to the next."""
    integration = of("tile.integration_time")
    conversions = ceil(max(of("tile.rows"), of("tile.cols")) / of("tile.converter.count")) / of("tile.converter.rate")
    return max(integration, conversions) if of("tile.conversion_overlap") else integration + conversions


def _link_bandwidth(of: Inputs) -> float:
    lines = int(max(of("tile.rows"), of("tile.cols")))
    bits = _bits(of, "inp_res") + _bits(of, "out_res")
    return links.link_bandwidth_Bps(lines, bits, _matvec_s(of))


def _router(of: Inputs) -> tuple[float, float]:
    return NEIGHBOURS + of("network.concentration"), of("network.bandwidth")


def _format(of: Inputs) -> str:
    """Return the format of digital work."""
    own = of.word("digital.format") if of.has("digital.format") else ""
    return own or of.word("technology.arithmetic")


def _lanes(unit: str) -> dict[str, Formula]:
    """Return what a digital unit takes by its rate."""

    def technology(of: Inputs) -> tuple[float, float]:
        return of("technology.node"), of("technology.supply")

    return {
        f"{unit}.energy": Formula(
            "mean of an addition and a multiplication in the arithmetic, Horowitz",
            lambda of: logic.flop_energy_J(_format(of), *technology(of)),
        ),
        f"{unit}.area": Formula(
            "lanes of an adder and a multiplier at 1 GHz for the rate, Horowitz",
            lambda of: logic.flops_area_m2(_format(of), of(f"{unit}.rate"), of("technology.node")),
        ),
        f"{unit}.leakage": Formula(
            "a tenth of the dynamic power at full rate",
            lambda of: logic.flops_leakage_W(_format(of), of(f"{unit}.rate"), *technology(of)),
        ),
    }


def _memory(place: str, take: Callable[[sram.Sram, int], float]) -> Callable[[Inputs], float]:
    def value(of: Inputs) -> float:
        size = of(f"{place}.size")
        banks = min(max(ceil(size / BANK_B[place]), 1), int(sram.BANKS[-1]))
        technology = (of("technology.node"), of.word("technology.cells"), of("technology.temperature"))
        return take(sram.sram(max(size / banks, sram.BANKS_B[0]), banks, WORD_BIT, *technology), banks)

    return value


def _memories(place: str) -> dict[str, Formula]:
    banks = f"CACTI, banks of {BANK_B[place] // 1024} KiB with words of {WORD_BIT} bit"
    return {
        f"{place}.bandwidth": Formula(
            f"{banks}: banks x word / cycle", _memory(place, lambda found, banks: banks * WORD_BIT / 8 / found.cycle_s)
        ),
        f"{place}.latency": Formula(f"{banks}: access time", _memory(place, lambda found, _: found.access_s)),
        f"{place}.energy": Formula(
            f"{banks}: mean of read and write",
            _memory(place, lambda found, _: (found.read_J + found.write_J) / 2 / WORD_BIT),
        ),
        f"{place}.area": Formula(f"{banks}: area", _memory(place, lambda found, _: found.area_m2)),
        f"{place}.leakage": Formula(f"{banks}: leakage", _memory(place, lambda found, _: found.leakage_W)),
    }


FORMULAS: dict[str, Formula] = {
    "tile.array_area": Formula(
        "rows x cols x pitch^2",
        lambda of: wires.array_area_m2(int(of("tile.rows")), int(of("tile.cols")), of("technology.pitch")),
    ),
    "tile.write_resistance": Formula("two terminals: mean_resistance", lambda of: of("tile.mean_resistance")),
    "tile.pulse_energy": Formula(
        "C V^2 of a line (0.2 fF/um x (rows + cols) / 2 x pitch) and its driver, and where half_select V^2 / "
        "write_resistance x pulse_time of its (rows + cols) / 2 devices; V: half of write_voltage where half_select",
        _pulse_energy,
    ),
    "tile.coincidence_energy": Formula(
        "write_voltage^2 / write_resistance x pulse_time; half of it where half_select, as lines pay the rest",
        _coincidence_energy,
    ),
    "tile.input_energy": Formula(
        {"projected": "ISAAC's row driver", "silicon": "a line of the HERMES core, less periphery and converter"},
        lambda of: analog.input_energy_J(of.word("technology.analog"), of("technology.node"), of("technology.supply")),
    ),
    "tile.periphery_power": Formula(
        "(rows + cols) / 2 x 0.7 W / 4096", lambda of: _lines(of) * analog.line_power_W(of("technology.node"))
    ),
    "tile.line_area": Formula(
        {
            "projected": "ISAAC's row driver, NeuRRAM's integrator, and a write driver by current and voltage",
            "silicon": "a line of the HERMES core, and a write driver by current and voltage",
        },
        _line_area,
    ),
    "tile.converter.energy": Formula(
        "regression of arXiv 2404.06553 for the bits of out_res and the rate", _converter(converter.conversion_energy_J)
    ),
    "tile.converter.area": Formula(
        "regression of arXiv 2404.06553 for the bits of out_res and the rate", _converter(converter.converter_area_m2)
    ),
    "tile.leakage": Formula("of 2 x count converters, a fifth of their power at full rate", _tile_leakage),
    "digital.rate": Formula(
        "0.7 TFLOP/s in FP8 (Rasch 2024), by the bits of the format", lambda of: logic.unit_rate_FLOPs(_format(of))
    ),
    **{
        f"placement.{word}": Formula("a word of the format", lambda of: logic.format_bytes(_format(of)))
        for word in FORMAT_WORDS
    },
    **_lanes("digital"),
    **_lanes("vector"),
    **_memories("buffer"),
    **_memories("registers"),
    "memory.area": Formula(
        "channels x bus_width wires of a DDR3 interface, 1.3 mm^2 for 16 bit at 40 nm, by the node",
        lambda of: links.dram_port_area_m2(of("memory.channels") * of("memory.bus_width"), of("technology.node")),
    ),
    "link.bandwidth": Formula("lines x (input + output bits) / time of a mat-vec", _link_bandwidth),
    "link.energy": Formula(
        "a hop of 0.25 pJ/bit at 22 nm", lambda of: links.hop_energy_Jb(of("technology.node"), of("technology.supply"))
    ),
    "link.area": Formula(
        "a port of PUMA's router, by bandwidth",
        lambda of: links.port_area_m2(of("link.bandwidth"), of("technology.node")),
    ),
    "link.leakage": Formula(
        "a port of PUMA's router, by bandwidth",
        lambda of: links.port_leakage_W(of("link.bandwidth"), of("technology.node"), of("technology.supply")),
    ),
    "network.energy": Formula(
        "a hop of 0.25 pJ/bit at 22 nm", lambda of: links.hop_energy_Jb(of("technology.node"), of("technology.supply"))
    ),
    "network.router_area": Formula(
        "PUMA's router, by 4 + concentration ports and bandwidth",
        lambda of: links.router_area_m2(*_router(of), of("technology.node")),
    ),
    "network.router_leakage": Formula(
        "PUMA's router, by 4 + concentration ports and bandwidth",
        lambda of: links.router_leakage_W(*_router(of), of("technology.node"), of("technology.supply")),
    ),
    "host.energy": Formula("a port of the PCIe class, whatever the node", lambda _: links.edge_energy_Jb("host")),
    "system.energy": Formula("NVLink-C2C, whatever the node", lambda _: links.edge_energy_Jb("chip")),
}
"""By dotted key, in an order in which what a formula asks for stands before it."""

OF_KIND = {"memory.area": "dram"}
"""The kind of table that a formula is for; all others are for channels, where a table may be of several kinds."""
