"""Extraction from convolutions and recurrent layers: the effective weights of every layer, and the ledger."""

import json

import numpy as np
import pandas as pd
import pytest
from modes_kit import quiet
from workloads_kit import written

from twin.extraction.inference import extract_model, infer
from twin.extraction.model import load_model
from twin.operation import Kind
from twin.report.figures.palette import OPERATIONS
from twin.runs.build import build
from twin.runs.folder import prepare
from twin.runs.planning import plan_run
from twin.runs.run import run

SPLIT = {"tile.rows": "9", "tile.cols": "16"}
SMALL = {"data.samples": "24", "data.test_samples": "8", "init.scale": "2.0"}
READS = {"extraction.reads": "400", "extraction.average_every": "1", "extraction.average_from": "0.2"}


@pytest.fixture(scope="module")
def workloads(tmp_path_factory):
    """Write the workloads; return their paths by name."""
    return written(tmp_path_factory.mktemp("workloads"))


def trained(workload, algorithm, layout, chip):
    """Train on twelve samples; return what the run consists of."""
    parts = build(plan_run(workload, "aimc-512", layout, algorithm, "replayed", SMALL, chip))
    parts.machine.set_rates(1.0)
    parts.effects.segment(0, 12)
    parts.engine.run(0, 12)
    return parts


@pytest.mark.parametrize("chip", [{}, SPLIT], ids=["whole", "split"])
@pytest.mark.parametrize("network", ["lstm", "conv"])
def test_extraction_recovers_the_effective_weights_of_every_layer(workloads, network, chip):
    parts = trained(workloads[network], "ttv2", "four-array", chip)
    machine, main = parts.machine, parts.algorithm.main
    arrays = [len(machine.mapping.parts(layer.index, main)) for layer in parts.network.layers]
    assert (max(arrays) > 1) == bool(chip)
    state = machine.f.copy()
    model = extract_model(machine, reads=1500)
    assert np.array_equal(machine.f, state)
    assert model.out_scaling == pytest.approx([2.5] * len(arrays))
    for layer, weights, error in zip(parts.network.layers, model.weights, model.standard_error, strict=True):
        z = (weights - machine.weights(layer.index, main)) / error
        assert z.std() == pytest.approx(1.0, abs=6 / np.sqrt(2 * z.size))
        assert abs(z.mean()) < 5 / np.sqrt(z.size)
    digital = build(plan_run(workloads[network], "aimc-512", "digital", "digital", "replayed", SMALL, {})).machine
    loss, _ = machine.evaluate(0, analog=False)
    assert infer(digital, model).loss == pytest.approx(loss, rel=0.01)
    for layer, weights in zip(parts.network.layers, model.weights, strict=True):
        effective = float(digital.layers["scale"][layer.index]) * digital.weights(layer.index, "W")
        np.testing.assert_allclose(effective, np.float32(2.5) * weights, rtol=1e-5)


@pytest.fixture(scope="module", params=["lstm", "conv"])
def runs(request, workloads, tmp_path_factory):
    """Run a workload without and with reads; return both folders."""
    folders = []
    for own in ({}, READS):
        folder = tmp_path_factory.mktemp("run")
        plan = plan_run(workloads[request.param], "aimc-512", "four-array", "ttv2", "replayed", SMALL | own, SPLIT)
        prepare(plan, folder)
        run(folder, quiet)
        folders.append(folder)
    return folders


def test_reads_have_a_row_of_their_own_in_the_ledger(runs):
    plain, read = (pd.read_csv(folder / "operations.csv") for folder in runs)
    rows = read[read["kind"] == "extraction"]
    assert set(rows["layer"]) == set(read.loc[read["kind"] == "forward", "layer"])
    reads = (24 - 5) + 400
    assert (rows["count"] == 3 * reads).all()  # x there, the mat-vec, y back
    assert (rows["mvms"] >= reads).all()
    assert (rows["busy_ps"] > 0).all()
    assert "extraction" not in set(plain["kind"])
    same = ["kind", "layer", "matrix", "count", "busy_ps", "mvms", "converted"]
    rest = read[read["kind"] != "extraction"]
    pd.testing.assert_frame_equal(rest[same].reset_index(drop=True), plain[same].reset_index(drop=True))


def test_reports_add_up_with_reads(runs):
    plain, read = (json.loads((folder / "summary.json").read_text()) for folder in runs)
    energy = read["energy"]
    assert energy["by_operation_J"]["extraction"] > 0
    for by in ("by_operation_J", "by_component_J"):
        assert sum(energy[by].values()) == pytest.approx(energy["total_J"], rel=1e-9)
    bins = pd.read_csv(runs[1] / "bins.csv")
    assert bins["energy_J"].sum() == pytest.approx(energy["total_J"], rel=1e-9)
    assert read["time"]["makespan_s"] > plain["time"]["makespan_s"]


def test_reads_leave_the_training_as_it_was_and_both_models_behind(runs):
    plain, read = runs
    assert (plain / "weights.npz").read_bytes() == (read / "weights.npz").read_bytes()
    assert pd.read_csv(plain / "curve.csv")["train_loss"].equals(pd.read_csv(read / "curve.csv")["train_loss"])
    final, average = load_model(read / "model.npz"), load_model(read / "average.npz")
    exact = np.load(read / "weights.npz")
    for layer, (weights, error) in enumerate(zip(final.weights, final.standard_error, strict=True)):
        assert np.std((weights - exact[f"{layer}.C"]) / error) == pytest.approx(1.0, abs=0.3)
    assert [one.shape for one in average.weights] == [one.shape for one in final.weights]


def test_every_kind_of_operation_has_one_group_in_the_figures():
    grouped = [kind for kinds in OPERATIONS.values() for kind in kinds]
    assert sorted(grouped) == sorted(map(str, Kind))
