"""The curves of Onen 2021, Fig. 3: which devices, which arrays, which rates."""

import sys
from pathlib import Path
from typing import NamedTuple

from twin.runs.build import Parts, build
from twin.runs.planning import plan_run

sys.path.insert(0, str(Path(__file__).parents[2]))
from papers.training import first_loss

EPOCHS = 3
PIECE = 576  # sequences of 28,764: 2 %
SLOPES = (0.0, 0.1, 0.3, 0.8, 1.66, 3.0)
ARRAYS = {"sgd": "two-array", "shd": "four-array"}
RATES = {
    "sgd": {"algorithms.sgd.learning_rate": "0.02"},
    "shd": {"algorithms.shd.fast_lr": "0.01", "algorithms.shd.transfer_lr": "0.01"},
}
SYMMETRIC = '{preset = "symmetric-1200", w_max = 100.0, w_min = -100.0}'


class Case(NamedTuple):
    """One curve; slope 0 is the symmetric device without bounds."""

    algorithm: str
    layout: str
    slope: float
    seed: int


KEYS = list(Case._fields)
CASES = [
    *(Case(name, ARRAYS[name], slope, 1) for name in ARRAYS for slope in SLOPES),
    Case("shd", "four-array", 1.66, 2),
    Case("shd", "three-array", 1.66, 1),
    Case("shd", "three-array", 1.66, 2),
]


def parts_of(case: Case, samples: int = 0, epochs: int = EPOCHS) -> Parts:
    """Build the network of a case, which learns the first sequences of the text (0: all)."""
    asymmetric = f'{{preset = "gokmen-1200", slope = {case.slope:g}, up_down_dtod = 0.0}}'
    own = {"device": asymmetric if case.slope else SYMMETRIC, f"algorithms.{case.algorithm}.update.kernel": '"exact"'}
    own |= RATES[case.algorithm] | {"training.epochs": str(epochs), "training.seed": str(case.seed)}
    own |= {"data.samples": str(samples)} if samples else {}
    return build(plan_run("lstm-wp", "aimc-512", case.layout, case.algorithm, "replayed", own, {}))


def piece(case: Case) -> float:
    """Return the mean training loss of the first 2 % of the first epoch."""
    return first_loss(parts_of(case, PIECE, 1), PIECE)
