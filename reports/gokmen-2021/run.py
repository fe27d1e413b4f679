"""The long runs of Gokmen 2021: trains what the lists of gokmen_2021.py name, the most of an hour a curve.

python reports/gokmen-2021/run.py LIST... [--folder FOLDER] adds to curves-LIST.csv beside this file whatever epochs it
lacks. FOLDER (default: runs/gokmen-2021) keeps the state after every epoch, so that an interrupted command goes on
where it was, and models, of which tables.py makes Tables 1 to 3. python reports/gokmen-2021/run.py --pieces adds to
pieces.csv what it lacks: of every case with a curve, the mean training loss of the first 2 % of the first epoch. Needs
TWIN_DATA_DIR with war-and-peace.txt.
"""

import argparse
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from averages import Averages
from gokmen_2021 import LISTS, PIECE, Case, parts_of, piece
from papers.training import restore, save

from twin.extraction.inference import extract_model
from twin.runs.build import Parts
from twin.runs.numerics import Epoch, train

HERE = Path(__file__).parent
LAST = ["git", "log", "-1", "--format=%h", "--", "twin"]
COMMIT = subprocess.run(LAST, cwd=HERE.parents[1], capture_output=True, text=True, check=True).stdout.strip()


def epochs_of(case: Case, parts: Parts, first: int, averages: Averages | None) -> Iterator[Epoch]:
    """Train from epoch `first` on, reading the weights between samples where averages are wanted."""
    if averages is None:
        yield from train(parts, first)
        return
    while first < case.average_from:
        yield next(train(parts, first))
        first += 1
    for epoch in range(first, case.epochs):
        yield averages.epoch(parts, epoch)


def finish(case: Case, folder: Path, path: Path) -> None:
    """Train a case from its last saved epoch; add its rows to a table."""
    state, parts = folder / f"{case.label}.npz", parts_of(case)
    averages, done = (Averages(parts, case.average_from) if case.average_from else None), 0
    if saved := restore(parts, state):
        done = int(saved["epochs"])
        if averages:
            averages.restore(saved)
    if done < case.epochs:
        table = curves_of(path)  # without what was written after the state, or belongs to a state elsewhere
        table[~of_case(table, case) | (table["epoch"] <= done)].to_csv(path, index=False, float_format="%.6g")
    began = time.time()
    for epoch in epochs_of(case, parts, done, averages):
        row = {"case": case.name, "seed": case.seed, "epoch": epoch.number, "train_loss": epoch.train_loss}
        row |= {"test_loss": epoch.test_loss, "test_error": epoch.test_error, "exact_loss": epoch.exact_loss}
        if case.validation and epoch.number == case.epochs:
            kept, parts.machine.data = parts.machine.data, parts.data
            row["final_test_loss"], _ = parts.machine.evaluate(epoch.number)
            row["final_exact_loss"], _ = parts.machine.evaluate(epoch.number, analog=False)
            parts.machine.data = kept
        row |= {"wall_s": time.time() - began, "commit": COMMIT, "date": datetime.now(UTC).date().isoformat()}
        pd.concat([curves_of(path), pd.DataFrame([row])], ignore_index=True).to_csv(
            path, index=False, float_format="%.6g"
        )
        save(parts, epoch.number, state, **(averages.state() if averages else {}))
        print(f"{case.name}, seed {case.seed}, epoch {epoch.number}: {epoch.test_loss:.3f}", flush=True)
        began = time.time()
    if averages:
        extract_model(parts.machine).save(folder / f"{case.label}-extracted.model.npz")
        averages.model(parts).save(average_of(case, folder))


def average_of(case: Case, folder: Path) -> Path:
    """Return the file of a case's average model, the last that its training leaves."""
    return folder / f"{case.label}-average.model.npz"


def curves_of(path: Path) -> pd.DataFrame:
    """Return the rows that a table has so far."""
    return pd.read_csv(path) if path.exists() else pd.DataFrame({"case": [], "seed": [], "epoch": []})


def of_case(table: pd.DataFrame, case: Case) -> "pd.Series[bool]":
    """Return which rows of a table are a case's."""
    return (table["case"] == case.name) & (table["seed"] == case.seed)


def lacking(case: Case, folder: Path, path: Path) -> bool:
    """Return whether a case's curve is incomplete, or its models where its state is at hand."""
    own = of_case(curves_of(path), case)
    begun = case.average_from > 0 and (folder / f"{case.label}.npz").exists()
    return bool(own.sum() < case.epochs) or (begun and not average_of(case, folder).exists())


def pieces() -> None:
    """Add the first losses of cases that have a curve and are not there yet, each as it comes."""
    path, index = HERE / "pieces.csv", ["list", "case", "seed", "sequences"]
    known = pd.read_csv(path).set_index(index)["train_loss"].to_dict() if path.exists() else {}
    wanted: dict[tuple[str, str, int, int], Case] = {}
    for name, cases in LISTS.items():
        curves = curves_of(HERE / f"curves-{name}.csv")
        wanted |= {(name, case.name, case.seed, PIECE): case for case in cases if of_case(curves, case).any()}
    for key in [one for one in wanted if one not in known]:
        known[key] = piece(wanted[key])
        rows = [(*one, known[one]) for one in wanted if one in known]
        pd.DataFrame(rows, columns=[*index, "train_loss"]).to_csv(path, index=False, float_format="%.7g")


def main() -> None:
    """Train what is missing, or write the pieces."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lists", nargs="*", metavar="LIST", help="lists of gokmen_2021.py")
    parser.add_argument("--folder", type=Path, default=Path("runs/gokmen-2021"))
    parser.add_argument("--pieces", action="store_true")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if given.pieces:
        pieces()
    for name in given.lists:
        path = HERE / f"curves-{name}.csv"
        for case in LISTS[name]:
            if lacking(case, given.folder, path):
                finish(case, given.folder, path)


if __name__ == "__main__":
    main()
