"""Figure 3 of Gokmen 2021: LSTM2-64 on War and Peace, test cross-entropy by epoch; hours on two cores.

python reports/gokmen-2021-fig3/run.py [FOLDER] trains every case that FOLDER (default: runs/gokmen-2021-fig3) lacks
and writes curves.csv, table.md and figure.svg beside this file. FOLDER keeps the state after every epoch, so that an
interrupted command goes on where it was. Needs TWIN_DATA_DIR with war-and-peace.txt.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from draw import draw

from twin.files import write_bytes, write_text
from twin.runs.build import Parts, build
from twin.runs.numerics import Epoch, train
from twin.runs.planning import plan_run

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from papers.training import restore, save  # noqa: E402 - reports/ is no package


class Case(NamedTuple):
    """One curve: what the workload lstm-wp leaves open."""

    name: str
    algorithm: str
    layout: str
    device: str
    settings: dict[str, str]
    epochs: int
    seed: int


SGD, A, C = "algorithms.sgd.learning_rate", "fast_lr", "transfer_lr"


def transfer(algorithm: str, fast_lr: float, transfer_lr: float, **more: str) -> dict[str, str]:
    """Return the overrides of an algorithm's table."""
    values = {"fast_lr": str(fast_lr), "transfer_lr": str(transfer_lr)} | {k: f'"{v}"' for k, v in more.items()}
    return {f"algorithms.{algorithm}.{key}": value for key, value in values.items()}


MODEL_I = transfer("ttv2", 0.2, 0.03)
PLAIN = {"algorithms.ttv2.reset": '"plain"'}
# Slopes of zero bound nothing, and the paper names no other bound; the preset's would clip 3 to 7 % of the weights.
# These are 333 of the network's units, which no weight comes near.
UNBOUND = {"device": '{preset = "symmetric-1200", w_max = 100.0, w_min = -100.0}'}
TTV2_1200 = transfer("ttv2", 0.01, 2.0)
SHD_1200 = transfer("shd", 0.01, 0.01)
CASES = [
    Case("TTv2, 120 states", "ttv2", "four-array", "gokmen-120", {}, 5, 1),
    Case("SGD, symmetric, 1200 states", "sgd", "two-array", "symmetric-1200", UNBOUND, 10, 1),
    Case("digital", "digital", "digital", "gokmen-120", {}, 10, 1),
    Case("SHD, 120 states", "shd", "four-array", "gokmen-120", {}, 5, 1),
    Case("SGD, 1200 states", "sgd", "two-array", "gokmen-1200", {SGD: "0.01"}, 10, 1),
    Case("TTv2, 1200 states", "ttv2", "four-array", "gokmen-1200", TTV2_1200, 10, 1),
    Case("TTv2 hysteretic, 15 states", "ttv2", "four-array", "gokmen-15", MODEL_I, 5, 1),
    Case("TTv2 plain, 15 states", "ttv2", "four-array", "gokmen-15", MODEL_I | PLAIN, 5, 1),
    Case("SGD, 15 states", "sgd", "two-array", "gokmen-15", {SGD: "0.01"}, 5, 1),
    Case("SHD, 1200 states", "shd", "four-array", "gokmen-1200", SHD_1200, 10, 1),
    Case("TTv2, 120 states", "ttv2", "four-array", "gokmen-120", {}, 5, 2),
    Case("SGD, symmetric, 1200 states", "sgd", "two-array", "symmetric-1200", UNBOUND, 5, 2),
    Case("digital", "digital", "digital", "gokmen-120", {}, 5, 2),
    Case("SHD, 120 states", "shd", "four-array", "gokmen-120", {}, 5, 2),
    Case("SGD, 1200 states", "sgd", "two-array", "gokmen-1200", {SGD: "0.01"}, 5, 2),
]


def parts_of(case: Case) -> Parts:
    """Build the network of a case."""
    own = {"training.epochs": str(case.epochs), "training.seed": str(case.seed)}
    own |= {"device": f'{{preset = "{case.device}"}}'} | case.settings
    if case.algorithm != "digital":  # every coincidence by itself
        own[f"algorithms.{case.algorithm}.update.kernel"] = '"exact"'
    return build(plan_run("lstm-wp", "aimc-512", case.layout, case.algorithm, "replayed", own, {}))


def state_of(case: Case, folder: Path) -> Path:
    """Return the file that keeps a case's state after its last epoch."""
    return folder / f"{case.name.replace(', ', '-').replace(' ', '-')}-{case.seed}.npz"


def finish(case: Case, folder: Path) -> pd.DataFrame:
    """Train a case from its last saved epoch; return its curve."""
    parts, state = parts_of(case), state_of(case, folder)
    saved = restore(parts, state)
    rows = [Epoch(int(row[0]), *row[1:]) for row in saved["rows"].tolist()] if saved else []
    for epoch in train(parts, len(rows)):
        rows.append(epoch)
        save(parts, epoch.number, state, rows=np.array(rows))
        print(f"{case.name}, seed {case.seed}, epoch {epoch.number}: {epoch.test_loss:.3f}", flush=True)
    curve = pd.DataFrame(rows[: case.epochs])
    curve.insert(0, "seed", case.seed)
    curve.insert(0, "case", case.name)
    return curve


def table(curves: pd.DataFrame) -> str:
    """Return the test cross-entropy after every epoch, a row a case and seed, as Markdown."""
    wide = curves.pivot_table(index=["case", "seed"], columns="number", values="test_loss", sort=False)
    head = "| case | seed | " + " | ".join(str(epoch) for epoch in wide.columns) + " | exact reads |"
    lines = [head, "|---|--:|" + "--:|" * (len(wide.columns) + 1)]
    for (case, seed), row in wide.iterrows():
        own = curves[(curves["case"] == case) & (curves["seed"] == seed)]
        values = ["" if np.isnan(value) else f"{value:.3f}" for value in row]
        lines.append(f"| {case} | {seed} | " + " | ".join(values) + f" | {own['exact_loss'].iloc[-1]:.3f} |")
    return "\n".join(lines) + "\n"


def main(folder: Path) -> None:
    """Train what is missing; write the tables and the figure."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(2) as pool:
        curves = pd.concat(pool.map(finish, CASES, [folder] * len(CASES)), ignore_index=True)
    write_text(HERE / "curves.csv", curves.to_csv(index=False, float_format="%.4f"))
    write_text(HERE / "table.md", table(curves))
    write_bytes(HERE / "figure.svg", draw(curves))
    print(table(curves))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("runs/gokmen-2021-fig3"))
