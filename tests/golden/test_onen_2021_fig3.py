"""Do the published curves of Onen 2021, Fig. 3 have the devices that they claim, and do their first 2 % come again?"""

import os
import sys
from itertools import islice
from pathlib import Path

import pandas as pd
import pytest

HERE = Path(__file__).parents[2] / "reports" / "onen-2021" / "fig3"
sys.path.insert(0, str(HERE))
from onen_2021_fig3 import ARRAYS, CASES, EPOCHS, KEYS, PIECE, Case, piece  # noqa: E402 - it lies beside its curves
from optimum import drift, optimum  # noqa: E402

TEXT = Path(os.environ.get("TWIN_DATA_DIR", ".")) / "war-and-peace.txt"
CURVES, PIECES = pd.read_csv(HERE / "curves.csv"), pd.read_csv(HERE / "pieces.csv")
PUBLISHED = [Case(*row) for row in PIECES[KEYS].itertuples(index=False)]


def test_curves_are_those_of_the_cases_epoch_by_epoch():
    for key, curve in CURVES.groupby(KEYS):
        assert Case(*key) in CASES
        assert curve["epoch"].tolist() == list(range(1, len(curve) + 1))
        assert len(curve) <= EPOCHS
    assert set(PUBLISHED) <= {Case(*key) for key in CURVES[KEYS].itertuples(index=False)}


@pytest.mark.slow
@pytest.mark.skipif(not TEXT.exists(), reason="needs war-and-peace.txt in TWIN_DATA_DIR")
@pytest.mark.parametrize("case", PUBLISHED, ids=str)
def test_the_first_2_percent_come_again(case):
    row = PIECES[(PIECES[KEYS] == list(case)).all(axis=1)].iloc[0]
    assert row["sequences"] == PIECE
    assert piece(case) == pytest.approx(row["train_loss"], abs=2e-3)  # last bits differ between processors


@pytest.mark.slow
@pytest.mark.skipif(not TEXT.exists(), reason="needs war-and-peace.txt in TWIN_DATA_DIR")
def test_the_first_tenth_of_an_epoch_from_the_optimum_comes_again():
    published, model = pd.read_csv(HERE / "optimum.csv"), optimum()
    for name, layout in ARRAYS.items():
        case = Case(name, layout, 0.3, 1)
        own = published[(published[KEYS] == list(case)).all(axis=1)].to_dict("records")
        for row, found in zip(own, islice(drift(case, model), 2), strict=False):
            assert found["epoch"] == row["epoch"]
            for key in ("test_loss", "exact_loss"):
                assert found[key] == pytest.approx(row[key], abs=2e-3)  # last bits differ between processors
