"""Do networks train on data of one's own from the command line, and is a mistake one line with exit code 2?"""

import json

import numpy as np
import pandas as pd
import pytest
from command_kit import run_main
from own_data_kit import dense, write_workload

from twin.config.data import SETS

CONV = 'kind = "conv", channels = 4, kernel = 3, activation = "tanh", bias = true'
POOL = 'kind = "max-pool", size = 2'


def coloured(n, seed):
    """Return maps of 10 x 7 pixels and three channels, channels first; the brightest channel is the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    maps = rng.uniform(0, 0.5, (n, 3, 10, 7))
    maps[np.arange(n), labels] += 0.5
    return maps.astype(np.float32), labels


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Run a command in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_main(monkeypatch, capsys, *arguments)


def trained(command, workload, algorithm, out):
    """Run a workload; return its curve and what it recorded of the data."""
    code, _, errors = command("run", workload, "--algorithm", algorithm, "--out", out)
    assert (code, "Traceback" in errors) == (0, False)
    folder = next((out / "runs").iterdir())
    return pd.read_csv(folder / "curve.csv"), json.loads((folder / "run.json").read_text())["data"]


def test_a_convolutional_network_learns_colour_maps_that_are_not_square(command, tmp_path):
    (x, y), (test_x, test_y) = coloured(90, 1), coloured(30, 2)
    np.savez("own.npz", x_train=x, y_train=y, x_test=test_x, y_test=test_y)
    data = ['set = "arrays"', 'file = "own.npz"', 'channels = "first"']
    workload = write_workload(tmp_path / "own.toml", data, CONV, POOL, 'kind = "flatten"', dense(3))
    for algorithm in ("digital", "sgd"):
        curve, found = trained(command, workload, algorithm, tmp_path / algorithm)
        assert curve["epoch"].iloc[-1] == 2
        assert curve["test_error"].iloc[-1] < 0.1
        assert found["name"].startswith("arrays (own.npz: sha256 ")
        assert (found["training samples"], found["test samples"]) == (90, 30)


def test_a_network_fits_two_columns_of_a_table(command, tmp_path):
    rng = np.random.default_rng(4)
    a, b = rng.normal(100, 20, (2, 300))
    pd.DataFrame({"row": range(300), "a": a, "b": b, "sum": a + b, "difference": a - b}).to_csv("own.csv", index=False)
    data = [
        'set = "table"',
        'file = "own.csv"',
        'label = ["sum", "difference"]',
        'ignore = ["row"]',
        "test_share = 0.2",
    ]
    data += ['targets = "values"', 'scaling = "standard"', 'target_scaling = "standard"']
    workload = write_workload(tmp_path / "own.toml", data, dense(2, "identity"), loss="squared-error", rate=0.05)
    curve, found = trained(command, workload, "digital", tmp_path / "out")
    assert curve["epoch"].iloc[-1] == 2
    assert curve["test_loss"].iloc[-1] < 0.001  # the targets have variance 1
    assert (found["training samples"], found["test samples"]) == (240, 60)
    assert len(found["target scale"].split(", ")) == 2


def test_a_gap_in_a_table_is_one_line(command, tmp_path):
    (tmp_path / "own.csv").write_text("a,b\n1,0\n,1\n")
    data = ['set = "table"', 'file = "own.csv"', 'label = ["b"]', "test_share = 0.5"]
    code, _, errors = command("run", write_workload(tmp_path / "own.toml", data, dense(2)), "--algorithm", "digital")
    assert (code, errors.strip().count("\n")) == (2, 0)
    assert "data.file (= 'own.csv'): column 'a', row 2 (= ''): must be a finite number" in errors


@pytest.mark.parametrize(
    ("outputs", "targets", "loss", "words"),
    [
        (4, "classes", "cross-entropy", "network.layers.0.outputs (= 4): must be 3, as arrays (own.npz"),
        (3, "values", "cross-entropy", 'must be "squared-error" for targets = "values"'),
        (3, "classes", "squared-error", 'must be "cross-entropy" for targets = "classes"'),
        (3, "values", "squared-error", "network.layers.0.outputs (= 3): must be 1, as arrays (own.npz"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(command, tmp_path, outputs, targets, loss, words):
    x, y = coloured(12, 1)
    np.savez("own.npz", x=x, y=y)
    data = ['set = "arrays"', 'file = "own.npz"', 'channels = "first"', "test_share = 0.25", f'targets = "{targets}"']
    layer = dense(outputs, "softmax" if loss == "cross-entropy" else "identity")
    workload = write_workload(tmp_path / "own.toml", data, layer, loss=loss)
    code, _, errors = command("run", workload, "--algorithm", "digital", "--out", tmp_path / "out")
    assert (code, errors.strip().count("\n")) == (2, 0)
    assert words in errors


def test_classes_cannot_be_fitted_as_values(command, tmp_path):
    """The kernel would have read the labels of other samples."""
    workload = write_workload(tmp_path / "own.toml", ['set = "digits"'], dense(10, "identity"), loss="squared-error")
    code, _, errors = command("run", workload, "--algorithm", "digital", "--out", tmp_path / "out")
    assert code == 2
    assert 'network.loss (= squared-error): must be "cross-entropy" for set = "digits"' in errors


def test_every_set_is_listed(command):
    code, shown, _ = command("list")
    assert code == 0
    assert [name for name in SETS if name not in shown] == []
