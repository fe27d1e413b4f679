"""Onen 2021: started at the optimum SGD drifts away and SHD stays, here on the LSTM of Fig. 3.

python reports/onen-2021/fig3/optimum.py writes optimum.csv beside this file: a network trained digitally is put into
the arrays of each case (W of SGD, C of SHD; A starts at 0), and trained on for an epoch; test cross-entropy after every
tenth of it. Ten minutes on a core. Needs TWIN_DATA_DIR with war-and-peace.txt.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pandas as pd
from onen_2021_fig3 import ARRAYS, Case, parts_of

from twin.extraction.inference import make_model, program
from twin.extraction.model import Model
from twin.runs.build import build
from twin.runs.numerics import learn, train
from twin.runs.planning import plan_run

HERE = Path(__file__).parent
SLOPES = (0.3, 0.8, 1.66)
EPOCHS, PARTS, TESTED = 5, 10, 800
DECAY = {"training.decay_at": "[0.2, 0.4, 0.6, 0.8]", "training.decay_factor": "0.7"}


def optimum() -> Model:
    """Train the network in digital memory, at rates that shrink, and return its weights."""
    own = {"training.epochs": str(EPOCHS), "algorithms.digital.learning_rate": "0.04"} | DECAY
    parts = build(plan_run("lstm-wp", "aimc-512", "digital", "digital", "replayed", own, {}))
    for epoch in train(parts):
        print(f"digital, epoch {epoch.number}: {epoch.test_loss:.3f}", flush=True)
    machine = parts.machine
    weights = [machine.weights(k, machine.main(k)) for k in range(len(machine.layers))]
    unknown = [values * float("nan") for values in weights]
    return make_model(machine, weights, unknown, unknown, {"method": "digital training"})


def drift(case: Case, model: Model) -> Iterator[dict[str, object]]:
    """Start a case at a model and yield its test loss after every tenth of an epoch."""
    parts = parts_of(case, epochs=1)
    machine, steps = parts.machine, parts.program.batches.steps
    clipped = program(machine, model)
    ends = [steps * part // PARTS for part in range(PARTS + 1)]
    machine.set_rates(1.0)
    for part, (first, last) in enumerate(pairwise([0, *ends])):
        learn(parts, first, last)
        losses = {"test_loss": machine.evaluate(part, TESTED)[0]}
        losses["exact_loss"] = machine.evaluate(part, TESTED, analog=False)[0]
        print(case, part, losses, flush=True)
        yield case._asdict() | {"epoch": part / PARTS, "clipped": clipped} | losses


def main() -> None:
    """Train the optimum and start every case there."""
    model = optimum()
    rows: list[dict[str, object]] = []
    for slope in SLOPES:
        for name, layout in ARRAYS.items():
            rows += drift(Case(name, layout, slope, 1), model)
            pd.DataFrame(rows).to_csv(HERE / "optimum.csv", index=False, float_format="%.6g")


if __name__ == "__main__":
    main()
