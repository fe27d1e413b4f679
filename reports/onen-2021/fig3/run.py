"""Figure 3 of Onen 2021: an LSTM on War and Peace by SGD and SHD, from symmetric to strongly asymmetric devices.

python reports/onen-2021/fig3/run.py [FOLDER] trains every case whose curve is incomplete in curves.csv beside this file
and adds its rows: hours on two cores. FOLDER (default: runs/onen-2021-fig3) keeps the state after every epoch, so that
an interrupted command goes on where it was. python reports/onen-2021/fig3/run.py --pieces writes pieces.csv: of every
case that has a curve, the mean training loss of the first 2 % of the first epoch. Needs TWIN_DATA_DIR with
war-and-peace.txt.
"""

import sys
import time
from pathlib import Path

import pandas as pd
from onen_2021_fig3 import CASES, EPOCHS, KEYS, PIECE, Case, parts_of, piece
from papers.training import restore, save

from twin.runs.numerics import train

HERE = Path(__file__).parent


def pieces() -> None:
    """Write the pieces of all cases that have a curve."""
    curves, rows = pd.read_csv(HERE / "curves.csv"), []
    for case in CASES:
        if (curves[KEYS] == list(case)).all(axis=1).any():
            rows.append(case._asdict() | {"sequences": PIECE, "train_loss": piece(case)})
            pd.DataFrame(rows).to_csv(HERE / "pieces.csv", index=False, float_format="%.7g")


def state_of(case: Case, folder: Path) -> Path:
    """Return the file that keeps a case's state after its last epoch."""
    return folder / ("-".join(map(str, case)) + ".npz")


def finish(case: Case, folder: Path, curves: pd.DataFrame) -> pd.DataFrame:
    """Train a case from its last saved epoch; return all rows with its own added.

    Rows later than the state, which a stop between the two leaves, or without a state at hand, are made again.
    """
    state = state_of(case, folder)
    parts = parts_of(case)
    done = int(restore(parts, state).get("epochs", 0))
    if not curves.empty:
        curves = curves[~(curves[KEYS] == list(case)).all(axis=1) | (curves["epoch"] <= done)]
    began = time.time()
    for epoch in train(parts, done):
        row = case._asdict() | {"epoch": epoch.number, "train_loss": epoch.train_loss, "test_loss": epoch.test_loss}
        row |= {"test_error": epoch.test_error, "exact_loss": epoch.exact_loss, "wall_s": time.time() - began}
        curves = pd.concat([curves, pd.DataFrame([row])], ignore_index=True)
        curves.to_csv(HERE / "curves.csv", index=False, float_format="%.6g")
        save(parts, epoch.number, state)
        began = time.time()
    return curves


def main(*given: str) -> None:
    """Train what is missing, or write the pieces."""
    if given == ("--pieces",):
        pieces()
        return
    folder, path = Path(*given or ("runs/onen-2021-fig3",)), HERE / "curves.csv"
    folder.mkdir(parents=True, exist_ok=True)
    curves = pd.read_csv(path) if path.exists() else pd.DataFrame()
    for case in CASES:
        had = 0 if curves.empty else int((curves[KEYS] == list(case)).all(axis=1).sum())
        if had < EPOCHS:
            curves = finish(case, folder, curves)


if __name__ == "__main__":
    main(*sys.argv[1:])
