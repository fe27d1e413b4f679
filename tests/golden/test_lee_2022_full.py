"""Lee 2022 on all of MNIST: is the published table that of the sweep beside it, and are the figures drawn from it?"""

from pathlib import Path

import pandas as pd
from papers.lee_2022_map import accuracies, check

from twin.descriptions.load import load_sweep
from twin.descriptions.sweep import Sweep

HERE = Path(__file__).parents[2] / "reports" / "lee-2022" / "full"


def test_the_table_has_every_point_of_the_sweep_once_and_the_figures_are_drawn_from_it():
    loaded = load_sweep(str(HERE / "sweep.toml"))
    assert isinstance(loaded.model, Sweep)
    check(loaded.model, loaded.label)
    table = pd.read_csv(HERE / "table.csv")
    points = pd.MultiIndex.from_product([axis.values for axis in loaded.model.axes])  # noqa: PD011 - an axis
    assert sorted(table[[axis.key for axis in loaded.model.axes]].itertuples(index=False, name=None)) == sorted(points)
    assert set(table["status"]) == {"done"}
    found = accuracies(table, loaded.model)
    drawn = pd.read_csv(HERE / "lee-2022-fig7.csv")
    for panel, rates in (("B", (0.02, 0.01)), ("C", (0.01, 0.02))):
        own = drawn[drawn["panel"] == panel].set_index(["AF_A", "AF_C"])["value"]
        cells = found.at(*rates).cells
        assert own.to_numpy().reshape(cells.shape).tolist() == cells.round(4).tolist()
