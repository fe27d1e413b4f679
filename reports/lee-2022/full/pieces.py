"""The first 2 % of an epoch of some points of the map, for a test that trains them again: `pieces.csv`."""

import sys
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from twin.runs.build import build
from twin.runs.planning import plan_run

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))
from papers.training import first_loss  # noqa: E402 - reports/ is no package

PIECE = 1200  # images of 60,000


class Point(NamedTuple):
    """A point of the map."""

    af_a: float
    af_c: float
    fast_lr: float
    transfer_lr: float


KEYS = list(Point._fields)
POINTS = (Point(1, 1, 0.02, 0.02), Point(3.16, 0, 0.02, 0.01), Point(0, 0, 0.01, 0.02), Point(10, 10, 0.01, 0.02))


def piece(point: Point) -> float:
    """Return the mean training loss of the first images, seed 1."""
    own = {
        "device.matrices.A.asymmetry_factor": str(point.af_a),
        "device.matrices.C.asymmetry_factor": str(point.af_c),
        "algorithms.shd.fast_lr": str(point.fast_lr),
        "algorithms.shd.transfer_lr": str(point.transfer_lr),
        "data.samples": str(PIECE),
        "training.epochs": "1",
    }
    parts = build(plan_run("lee-2022-full", "aimc-512", "four-array", "shd", "replayed", own, {}))
    return first_loss(parts, PIECE)


def main() -> None:
    rows = [point._asdict() | {"images": PIECE, "train_loss": piece(point)} for point in POINTS]
    pd.DataFrame(rows).to_csv(HERE / "pieces.csv", index=False, float_format="%.6g", lineterminator="\n")


if __name__ == "__main__":
    main()
