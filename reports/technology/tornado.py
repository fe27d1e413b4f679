"""Which constants decide what TTv2 costs beside SGD: each of ten halved and doubled, `mnist-mlp` on `aimc-512`.

    python reports/technology/tornado.py

prints the table of docs/placement.md and draws docs/images/tornado.svg, in a few minutes on one core.
"""

from pathlib import Path
from typing import NamedTuple

import twin
from twin.descriptions.load import load_chip
from twin.report.figures.svg import figure, render, styled

FIGURE = Path(__file__).parents[2] / "docs" / "images" / "tornado.svg"
CONSTANTS = {  # key and the unit of its value
    "memory.energy": "J/bit",
    "memory.leakage": "W",
    "memory.latency": "s",
    "link.bandwidth": "B/s",
    "link.energy": "J/bit",
    "host.energy": "J/bit",
    "buffer.leakage": "W",
    "tile.leakage": "W",
    "tile.input_energy": "J",
    "tile.periphery_power": "W",
}
FACTORS = (0.5, 2.0)


class More(NamedTuple):
    """What TTv2 takes more than SGD, in percent of SGD's."""

    energy: float
    time: float


def measured(**chip: str) -> More:
    """Run SGD on two arrays and TTv2 on four, H of 4 B off the chip, with values of the chip replaced."""
    overrides = {"data.test_samples": 10} | {f"chip.{key}": value for key, value in chip.items()}
    sgd, ttv2 = twin.compare(
        "mnist-mlp",
        ["sgd", "ttv2"],
        ["two-array", "four-array"],
        samples=500,
        epochs=1,
        sampled=False,
        overrides=overrides,
        progress=False,
    )
    energy, time = ttv2.energy_J / sgd.energy_J, ttv2.makespan_s / sgd.makespan_s
    return More(100 * (energy - 1), 100 * (time - 1))


def value_of(key: str) -> float:
    """Return a value of the shipped chip, in SI units."""
    found = load_chip("aimc-512").model
    for name in key.split("."):
        found = getattr(found, name)
    return float(found)


def draw(base: More, found: dict[str, tuple[More, More]]) -> None:
    """Draw a bar a constant from its half to its double, the widest on top, energy and time side by side."""
    with styled():
        drawn = figure(7.4, 3.8)
        for at, name in enumerate(More._fields):
            axes = drawn.add_subplot(1, 2, at + 1)
            order = sorted(found, key=lambda key, at=at: abs(found[key][1][at] - found[key][0][at]))
            for colour, side, label in (("C0", 0, "half"), ("C1", 1, "double")):
                ends = [found[key][side][at] - base[at] for key in order]
                axes.barh(order, ends, left=base[at], color=colour, label=label)
            axes.axvline(base[at], color="black", linewidth=0.8)
            axes.tick_params(axis="y", labelsize=7)
            axes.set_xlabel(f"{name} of TTv2 over SGD (%)")
            axes.legend(fontsize=7, loc="lower right")
        FIGURE.write_text(render(drawn), encoding="utf-8")


def main() -> None:
    """Print the table and draw the figure."""
    base = measured()
    print("| constant | energy, half | energy, double | time, half | time, double |\n|---|--:|--:|--:|--:|")
    found: dict[str, tuple[More, More]] = {}
    for key, unit in CONSTANTS.items():
        value = value_of(key)
        low, high = (measured(**{key: f"{factor * value!r} {unit}"}) for factor in FACTORS)
        found[key] = (low, high)
        cells = [f"{one:+.0f} %" for one in (low.energy, high.energy, low.time, high.time)]
        print(f"| `{key}` |", " | ".join(cells), "|", flush=True)
    print(f"\nas shipped: energy {base.energy:+.0f} %, time {base.time:+.0f} %")
    draw(base, found)


if __name__ == "__main__":
    main()
