"""Tables 1 to 3 of Gokmen 2021 from the models that run.py table1 leaves: extracted, averaged, pruned, disturbed.

python reports/gokmen-2021/tables.py [FOLDER] (default: runs/gokmen-2021) writes table1.csv, table2.csv and table3.csv
beside this file: minutes. Rows of table1.csv whose models FOLDER lacks stay as they are. Needs TWIN_DATA_DIR with
war-and-peace.txt.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from gokmen_2021 import TABLE, Case, parts_of
from run import of_case

from twin.extraction.disturbance import disturb, disturb_at_random, prune, prune_at_random
from twin.extraction.inference import infer, program
from twin.extraction.model import Model, load_model
from twin.machine.machine import Machine

HERE = Path(__file__).parent
OTHER_CHIP = 1000  # added to the seed of the trained devices
REPEATS = 10  # random experiments, as in the paper
PAPER = {  # Gokmen 2021, Table 1, epoch 50: trained; extracted and averaged on analog, then on digital hardware
    "Model I": (1.633, 1.633, 1.560, 1.583, 1.520),
    "Model II": (1.454, 1.455, 1.425, 1.403, 1.379),
    "Model III": (1.430, 1.430, 1.407, 1.378, 1.359),
}
PRUNED = {0.0: (1.326, 1.326), 1.0: (1.331, 3.42), 2.0: (1.371, 4.09), 3.0: (1.466, 4.40)}
DISTURBED = {False: (1.370, 1.370), True: (1.493, 3.54)}


def exact_loss(machine: Machine, model: Model) -> float:
    """Return the test loss of a model in digital memory."""
    program(machine, model)
    return machine.evaluate(0, analog=False)[0]


def table1(case: Case, analog: Machine, digital: Machine, folder: Path) -> Iterator[dict[str, object]]:
    """Yield the five values of a model."""
    curve = pd.read_csv(HERE / "curves-table1.csv")
    own = curve[of_case(curve, case) & (curve["epoch"] == case.epochs)].iloc[0]
    models = {kind: load_model(folder / f"{case.label}-{kind}.model.npz") for kind in ("extracted", "average")}
    found = [("trained", "the same arrays", float(own["test_loss"]), 0.0)]
    for kind, model in models.items():
        read = infer(analog, model)
        found.append((kind, "other arrays", read.loss, read.clipped))
    found += [(kind, "digital", exact_loss(digital, model), 0.0) for kind, model in models.items()]
    for (kind, hardware, loss, clipped), paper in zip(found, PAPER[case.name], strict=True):
        row = {"case": case.name, "seed": case.seed, "weights": kind, "hardware": hardware, "test_loss": loss}
        yield row | {"paper": paper, "difference": loss - paper, "clipped": clipped}


def repeated(losses: list[float]) -> dict[str, float]:
    """Return mean and deviation of repeated experiments."""
    return {"random": float(np.mean(losses)), "random_std": float(np.std(losses, ddof=1)) if len(losses) > 1 else 0.0}


def table2(digital: Machine, model: Model) -> Iterator[dict[str, object]]:
    """Yield losses after pruning, carefully and at random, on digital hardware."""
    for threshold, (careful, random) in PRUNED.items():
        kept, removed = prune(model, threshold)
        others = [
            prune_at_random(model, threshold, np.random.default_rng(seed))[0]
            for seed in range(REPEATS if threshold else 1)
        ]
        row = {"below": threshold, "removed": removed, "careful": exact_loss(digital, kept)}
        row |= repeated([exact_loss(digital, other) for other in others])
        yield row | {"paper_careful": careful, "paper_random": random}


def table3(analog: Machine, model: Model) -> Iterator[dict[str, object]]:
    """Yield losses after disturbing, carefully and at random, on arrays."""
    for disturbed, (careful, random) in DISTURBED.items():
        seeds = range(REPEATS if disturbed else 1)
        ways = [disturb, disturb_at_random] if disturbed else [lambda one, _: one] * 2
        losses = [[infer(analog, way(model, np.random.default_rng(k))).loss for k in seeds] for way in ways]
        row = {"disturbed": disturbed, "careful": float(np.mean(losses[0]))} | repeated(losses[1])
        yield row | {"paper_careful": careful, "paper_random": random}


def main(folder: Path = Path("runs/gokmen-2021")) -> None:
    """Write the tables of the models that are there."""
    table = pd.read_csv(HERE / "table1.csv")
    digital = parts_of(Case("", "digital", TABLE[0].device, {}, 1.0, 1)).machine
    for case in TABLE:
        if not (folder / f"{case.label}-average.model.npz").exists():
            continue
        analog = parts_of(replace(case, seed=case.seed + OTHER_CHIP)).machine
        made = pd.DataFrame(table1(case, analog, digital, folder))
        table = pd.concat([table[~of_case(table, case)], made], ignore_index=True)
        table.to_csv(HERE / "table1.csv", index=False, float_format="%.5g")
        if case is TABLE[0]:
            model = load_model(folder / f"{case.label}-average.model.npz")
            for name, found in (("table2", table2(digital, model)), ("table3", table3(analog, model))):
                pd.DataFrame(found).to_csv(HERE / f"{name}.csv", index=False, float_format="%.5g")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
