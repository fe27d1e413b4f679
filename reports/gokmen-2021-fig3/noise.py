"""How much read noise costs the networks of Figure 3: test cross-entropy over noise, and by the layer that has it.

python reports/gokmen-2021-fig3/noise.py [FOLDER] reads the states that run.py left in FOLDER (by default
runs/gokmen-2021-fig3) and writes noise.md beside this file. Needs TWIN_DATA_DIR with war-and-peace.txt; a minute each.
"""

import sys
from pathlib import Path

import numpy as np
from run import CASES, HERE, Case, parts_of, restore, state_of

from twin.files import write_text
from twin.machine.machine import Machine
from twin.runs.build import Parts

SHOWN = ("SGD, symmetric, 1200 states", "TTv2, 120 states", "TTv2, 1200 states")
FACTORS = (0.0, 0.5, 1.0, 1.5)
SEQUENCES = 400  # of the test text, of 100 characters


def loss(machine: Machine, factors: float | list[float], epoch: int) -> float:
    """Return the test loss with the noise of each layer's matrix multiplied by a factor."""
    main = machine.layers["main"]
    kept = machine.matrices["out_noise"].copy()
    machine.matrices["out_noise"][main] = kept[main] * np.asarray(factors, np.float32)
    found = machine.evaluate(epoch, SEQUENCES)[0]
    machine.matrices["out_noise"] = kept
    return found


def spread(parts: Parts, layer: int, first_line: int) -> float:
    """Return the standard deviation of the network's weights of a layer, from an input line on."""
    weights = parts.machine.weights(layer, parts.algorithm.main)[:, first_line:]
    return float(weights.std()) * float(parts.machine.layers["scale"][layer])


def row(case: Case, folder: Path) -> str:
    """Return one row of the table."""
    parts = parts_of(case)
    epoch = int(restore(parts, state_of(case, folder))["epochs"])
    symbols = int(parts.machine.layers["features"][0])
    cells = [f"{loss(parts.machine, factor, epoch):.3f}" for factor in FACTORS]
    cells += [f"{loss(parts.machine, np.eye(3)[layer].tolist(), epoch):.3f}" for layer in range(3)]
    cells += [f"{spread(parts, layer, symbols if layer == 0 else 0):.2f}" for layer in range(3)]
    return f"| {case.name} | {epoch} | " + " | ".join(cells) + " |"


def main(folder: Path) -> None:
    """Write the table."""
    head = ["case", "after epoch", *(f"noise x {factor:g}" for factor in FACTORS)]
    head += [f"in layer {k} alone" for k in (1, 2, 3)] + ["std of recurrent weights 1", "std of weights 2", "3"]
    lines = ["| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    lines += [row(case, folder) for case in CASES if case.seed == 1 and case.name in SHOWN]
    table = "\n".join(lines) + "\n"
    write_text(HERE / "noise.md", table)
    print(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("runs/gokmen-2021-fig3"))
