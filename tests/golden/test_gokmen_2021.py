"""Do the long curves of Gokmen 2021 belong to the cases that are described, and do their first 2 % come again?"""

import os
import sys
from pathlib import Path

import pandas as pd
import pytest

HERE = Path(__file__).parents[2] / "reports" / "gokmen-2021"
sys.path.insert(0, str(HERE))
from gokmen_2021 import LISTS, PIECE, piece  # noqa: E402 - it lies beside its curves

TEXT = Path(os.environ.get("TWIN_DATA_DIR", ".")) / "war-and-peace.txt"
CASES = {(name, case.name, case.seed): case for name, cases in LISTS.items() for case in cases}
PIECES = pd.read_csv(HERE / "pieces.csv")
PUBLISHED = list(PIECES[["list", "case", "seed"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("name", LISTS)
def test_curves_are_those_of_the_cases_epoch_by_epoch(name):
    path = HERE / f"curves-{name}.csv"
    if not path.exists():
        pytest.skip(f"{path.name}: not run yet")
    curves = pd.read_csv(path)
    for (case, seed), curve in curves.groupby(["case", "seed"]):
        assert curve["epoch"].tolist() == list(range(1, len(curve) + 1))
        assert len(curve) <= CASES[name, case, seed].epochs
        assert curve["commit"].notna().all()
        assert (name, case, seed) in PUBLISHED


@pytest.mark.slow
@pytest.mark.skipif(not TEXT.exists(), reason="needs war-and-peace.txt in TWIN_DATA_DIR")
@pytest.mark.parametrize("key", PUBLISHED, ids=str)
def test_the_first_2_percent_come_again(key):
    row = PIECES[(PIECES[["list", "case", "seed"]] == list(key)).all(axis=1)].iloc[0]
    assert row["sequences"] == PIECE
    assert piece(CASES[key]) == pytest.approx(row["train_loss"], abs=2e-3)  # last bits differ between processors
