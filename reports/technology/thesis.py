"""What the chip's technology decides: energy and time of TTv2 beside SGD, for both analog classes of `aimc-512`.

    python reports/technology/thesis.py

prints the first tables of docs/placement.md, in four minutes on one core. Runs are short: they are about costs.
"""

import sys
from typing import NamedTuple

import twin
from twin.results.card import card


class Network(NamedTuple):
    """A network and how many training samples are run of it; a test set that takes no time where one is drawn."""

    workload: str
    samples: int
    overrides: dict[str, object]


FEW = {"data.test_samples": 10}
NETWORKS = (
    Network("digits-mlp", 400, {}),
    Network("mnist-mlp", 500, FEW),
    Network("mnist-lenet", 40, FEW),
    Network("lstm-wp", 40, {}),
)
CLASSES = ("silicon", "projected")
PLACES = ("memory", "buffer", "registers")


def energy(run: twin.RunResult) -> float:
    """Return the nJ of a sample."""
    return run.energy_J / run.samples * 1e9


def pair(network: Network, analog: str, chip: str = "aimc-512") -> tuple[twin.RunResult, twin.RunResult]:
    """Run SGD on two arrays and TTv2 on four, H of 4 B off the chip."""
    runs = twin.compare(
        network.workload,
        ["sgd", "ttv2"],
        ["two-array", "four-array"],
        chip=chip,
        samples=network.samples,
        epochs=1,
        sampled=False,
        overrides=network.overrides | {"chip.technology.analog": analog},
        progress=False,
    )
    return runs[0], runs[1]


def row(what: str, *values: str) -> None:
    """Print a line of the table."""
    print("|", " | ".join((what, *values)), "|", flush=True)


def thesis() -> None:
    """Print energy and time of TTv2 over SGD, and what is static, by network and class."""
    row("network", "class", "SGD, nJ", "TTv2, nJ", "energy", "time", "static, SGD", "static, TTv2", "TOPS/W, SGD")
    row("---", "---", *["--:"] * 7)
    for network in NETWORKS:
        for analog in CLASSES:
            sgd, ttv2 = pair(network, analog)
            cards = [{entry.what: entry.value for entry in card(run)} for run in (sgd, ttv2)]
            row(
                f"`{network.workload}`",
                analog,
                f"{energy(sgd):,.4g}",
                f"{energy(ttv2):,.4g}",
                f"{100 * (energy(ttv2) / energy(sgd) - 1):+.0f} %",
                f"{100 * (ttv2.makespan_s / sgd.makespan_s - 1):+.0f} %",
                *[f"{100 * own['static']:.0f} %" for own in cards],
                f"{cards[0]['TOPS/W']:.3g}",
            )


def places() -> None:
    """Print nJ a sample of TTv2 on the digits by the place of H, and the speed of the mesh beside private links."""
    row("H (4 B) of `digits-mlp` in", *PLACES)
    row("---", *["--:"] * len(PLACES))
    for analog in CLASSES:
        found = [
            twin.simulate(
                "digits-mlp",
                algorithm="ttv2",
                layout="four-array",
                samples=400,
                epochs=1,
                sampled=False,
                overrides={
                    "chip.technology.analog": analog,
                    "chip.placement.h": place,
                    "chip.registers.size": "32 KiB",
                },
                progress=False,
            )
            for place in PLACES
        ]
        row(f"{analog}, nJ a sample", *[f"{energy(run):.4g}" for run in found])


def meshes() -> None:
    """Print how much faster TTv2 is than SGD on `mnist-mlp`, with private links and on a mesh."""
    row("`mnist-mlp`, silicon, samples/s of TTv2 over SGD", "`aimc-512`", "`aimc-512-mesh`")
    row("---", "--:", "--:")
    pairs = [pair(NETWORKS[1], "silicon", chip) for chip in ("aimc-512", "aimc-512-mesh")]
    row("", *[f"{100 * (sgd.makespan_s / ttv2.makespan_s - 1):+.0f} %" for sgd, ttv2 in pairs])


def roofline() -> None:
    """Print joules of a step of GPT-2 small beside an A100's, of all blocks so that idle parts are gated."""
    row("`gpt2-small`, SGD, one sequence", "J", "of the A100's", "static", "ms")
    row("---", *["--:"] * 4)
    for analog in CLASSES:
        for unit, own in (("", {}), (", a vector unit of 8 TFLOP/s", {"chip.vector.rate": "8 TFLOP/s"})):
            found, gpu = twin.compare(
                "gpt2-small",
                ["sgd"],
                ["two-array"],
                baselines=["a100"],
                overrides={"chip.technology.analog": analog, "timing.reuse": False} | own,
                progress=False,
            )
            static = {entry.what: entry.value for entry in card(found)}["static"]
            share = found.energy_J / gpu.energy_J * gpu.samples / found.samples
            row(
                f"{analog}{unit}",
                f"{found.energy_J:.3g}",
                f"{share:.2f}",
                f"{100 * static:.0f} %",
                f"{found.makespan_s * 1e3:.3g}",
            )


def digital() -> None:
    """Print the energy of SGD on tiles over that of the digital unit, on LeNet."""
    row("`mnist-lenet`, SGD", *CLASSES)
    row("---", *["--:"] * len(CLASSES))
    found = []
    for analog in CLASSES:
        tiles, unit = twin.compare(
            "mnist-lenet",
            ["sgd", "digital"],
            ["two-array", "digital"],
            samples=40,
            epochs=1,
            sampled=False,
            overrides=FEW | {"chip.technology.analog": analog},
            progress=False,
        )
        found.append(f"{energy(tiles) / energy(unit):.2f}")
    row("energy on tiles over the digital unit's", *found)


if __name__ == "__main__":
    for part in (places, meshes, thesis, roofline, digital):
        part()
        sys.stdout.write("\n")
