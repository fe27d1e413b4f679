"""Do given weights arrive where a file has them, and are misfits named in one line?"""

import json

import numpy as np
import pytest
from graph_kit import description

import twin
from twin.arrays import read_arrays
from twin.config.weights import Initial, WeightMapping
from twin.descriptions.load import load_workload
from twin.devices.presets import device_preset
from twin.errors import TwinError
from twin.machine.first import mean_range, scale_of
from twin.networks.given.files import read_tensors, write_tensors
from twin.networks.given.fit import Given, fit, taken
from twin.networks.given.names import wanted
from twin.networks.graph import Graph
from twin.runs.networks import graph_of

NODES = (
    {"kind": "conv", "name": "conv", "channels": 4, "kernel": 3},
    {"kind": "batch-norm", "name": "norm"},
    {"kind": "flatten", "name": "flat"},
    {"kind": "layer-norm", "name": "scaled"},
    {"kind": "dense", "name": "head", "outputs": 3, "activation": "softmax"},
)
SHAPE = (5, 6, 2)
CLAIM = json.dumps({"a.weight": {"dtype": "F32", "shape": [2500000000], "data_offsets": [0, 10**10]}}).encode()
DIGITS = {"training.epochs": 1, "data.samples": 30, "data.test_samples": 20}


def graph(*nodes, shape=SHAPE):
    return Graph.of(description(*(nodes or NODES)), shape)


def tensors_of(network, seed=1):
    """Draw a tensor for every name that a network has in files."""
    draw = np.random.default_rng(seed)
    return {one.name: draw.uniform(0.1, 1, one.shape).astype(np.float32) for one in wanted(network)}


def channels_first(tensors, x):
    """Return what `NODES` compute of a map (channels, height, width), as PyTorch would."""
    w, side = tensors["conv.weight"], 3
    rows, columns = x.shape[1] - side + 1, x.shape[2] - side + 1
    windows = [[np.tensordot(w, x[:, i : i + side, j : j + side], 3) for j in range(columns)] for i in range(rows)]
    maps = np.array(windows).transpose(2, 0, 1) + tensors["conv.bias"][:, None, None]
    mean, variance, scale, shift = (
        tensors[f"norm.{part}"][:, None, None] for part in ("running_mean", "running_var", "weight", "bias")
    )
    flat = ((maps - mean) / np.sqrt(variance + 1e-5) * scale + shift).ravel()
    flat = (flat - flat.mean()) / np.sqrt(flat.var() + 1e-5) * tensors["scaled.weight"] + tensors["scaled.bias"]
    return tensors["head.weight"] @ flat + tensors["head.bias"]


def channels_last(given, x):
    """Return the same of a map (height, width, channels) by the matrices and parameters of the twin."""
    rows, columns = x.shape[0] - 2, x.shape[1] - 2
    windows = np.array([x[i : i + 3, j : j + 3].ravel() for i in range(rows) for j in range(columns)])
    maps = windows @ given.matrices[0][:, :-1].T + given.matrices[0][:, -1]
    mean, variance = given.statistics["norm"]
    scale, shift = given.parameters["norm"].reshape(2, -1)
    flat = ((maps - mean) / np.sqrt(variance + 1e-5) * scale + shift).ravel()
    scale, shift = given.parameters["scaled"].reshape(2, -1)
    flat = (flat - flat.mean()) / np.sqrt(flat.var() + 1e-5) * scale + shift
    return given.matrices[1][:, :-1] @ flat + given.matrices[1][:, -1]


def test_tensors_with_channels_first_compute_the_same_with_channels_last():
    tensors = tensors_of(graph())
    x = np.random.default_rng(2).uniform(-1, 1, (2, 5, 6))
    given = fit(graph(), tensors, "file")
    assert channels_last(given, x.transpose(1, 2, 0)) == pytest.approx(channels_first(tensors, x), rel=1e-5)


def test_what_is_fitted_comes_back_out_unchanged():
    joined = (
        {"kind": "flatten", "name": "a"},
        {"kind": "dense", "name": "b", "outputs": 7, "inputs": ["input"], "bias": False},
        {"kind": "concat", "name": "c", "inputs": ["a", "b"]},
        {"kind": "dense", "name": "d", "outputs": 3, "activation": "softmax"},
    )
    for network in (graph(), graph(*joined), graph_of(load_workload("digits-cnn").model)):
        tensors = tensors_of(network)
        back = taken(network, fit(network, tensors, "file"))
        assert tensors.keys() == back.keys()
        assert all(np.array_equal(tensors[name], back[name]) for name in tensors)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_files_of_both_formats_give_the_same_tensors(tmp_path, suffix):
    path, tensors = tmp_path / f"weights{suffix}", tensors_of(graph())
    write_tensors(path, tensors)
    found = read_tensors(path)
    assert found.tensors.keys() == tensors.keys()
    assert all(np.array_equal(found.tensors[name], tensors[name]) for name in tensors)
    assert len(found.sha256) == 64


def test_modules_within_modules_and_counters_of_batches_are_known_by_plain_names():
    tensors = {name.replace("head.", "body.0.head."): one for name, one in tensors_of(graph()).items()}
    tensors["norm.num_batches_tracked"] = np.array(7)
    named = (*NODES[:-1], NODES[-1] | {"name": "body-0-head"})
    assert np.array_equal(fit(graph(*named), tensors, "file").matrices[1][:, -1], tensors["body.0.head.bias"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"head.bias": None}, "file: lacks head.bias (3); the names are NODE.weight and NODE.bias"),
        ({"tail.weight": np.ones(2)}, "file: has tail.weight, of which this network has no node; the names are"),
        ({"head.bias": np.ones(4)}, "file: head.bias: has the shape 4, and must have 3"),
        ({"head.bias": np.full(3, np.nan)}, "file: head.bias: must be finite"),
        ({"head.bias": np.array(["a", "b", "c"])}, "file: head.bias: has the type <U1, and must have numbers"),
        ({"norm.running_var": -np.ones(4)}, "file: norm.running_var: must not be negative, as variances are not"),
        ({"a.b.weight": np.ones(1), "a-b.weight": np.ones(1)}, "file: a-b.weight and a.b.weight would belong to one"),
    ],
)
def test_a_misfit_is_named_in_one_line(change, words):
    tensors = {name: one for name, one in (tensors_of(graph()) | change).items() if one is not None}
    with pytest.raises(TwinError) as error:
        fit(graph(), tensors, "file")
    assert str(error.value).startswith(words)
    assert "\n" not in str(error.value)


def test_a_file_that_lacks_everything_names_the_first_and_counts_the_rest():
    with pytest.raises(TwinError, match=r"lacks conv.weight \(4 x 2 x 3 x 3\), .* and 2 more; the names"):
        fit(graph(), {}, "file")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is damaged"),
        ((10**10).to_bytes(8, "little") + b"{}", "it is damaged"),
        (len(CLAIM).to_bytes(8, "little") + CLAIM, "it is damaged"),
    ],
)
def test_a_header_that_claims_more_than_the_file_has_is_refused(tmp_path, content, words):
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(TwinError, match=words):
        read_tensors(path)


@pytest.mark.parametrize(("name", "words"), [("w.pt", "must be one of .npz, .safetensors"), ("w.npz", "no such file")])
def test_other_formats_and_missing_files_are_refused(tmp_path, name, words):
    if name == "w.pt":
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(TwinError, match=words):
        read_tensors(tmp_path / name)


def test_the_largest_given_weight_is_mapped_onto_the_mean_range_of_the_devices():
    device = device_preset("gokmen-60", {})
    weights, given = np.array([[0.5, -3.0]]), Given()
    assert mean_range(device) == pytest.approx(0.6, rel=0.1)
    assert scale_of(weights, WeightMapping(), given, device) == pytest.approx(3.0 / mean_range(device))
    assert scale_of(weights, WeightMapping(out_scaling=2.0), given, device) == 2.0
    assert scale_of(weights, WeightMapping(), None, device) == 1.0
    assert scale_of(weights, WeightMapping(), given, None) == 1.0
    assert scale_of(weights, WeightMapping(), given, device_preset("ideal", {})) == 1.0
    assert scale_of(np.zeros((1, 2)), WeightMapping(), given, device) == 1.0


@pytest.mark.parametrize("given", [{}, {"distribution": "uniform"}, {"scale": 1.0}])
def test_initial_weights_need_a_distribution_or_a_file(given):
    with pytest.raises(ValueError, match="is missing; or name a file of weights"):
        Initial.model_validate(given)


def test_a_run_starts_from_the_weights_of_a_file_and_says_how_they_are_scaled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network = graph_of(load_workload("digits-mlp").model)
    tensors = tensors_of(network)
    write_tensors(tmp_path / "w.npz", tensors)
    still = {"init.file": "w.npz", "algorithms.sgd.learning_rate": 1e-30} | DIGITS
    result = twin.simulate("digits-mlp", "sgd", overrides=still, out="run", progress=False)
    chosen = result.diagnostics[result.diagnostics["what"].str.startswith("out_scaling")]
    assert len(chosen) == 2
    assert sum("out_scaling was chosen from the given weights" in one for one in result.warnings) == 1
    folder = next((tmp_path / "run" / "runs").iterdir())
    finals, given = read_arrays(folder / "weights.npz"), fit(network, tensors, "w.npz")
    for k, scale in enumerate(chosen["value"]):
        found = finals[f"{k}.W"] * scale
        fits = np.isclose(found, given.matrices[k], rtol=1e-5)  # the others were clipped
        assert 0.8 < fits.mean() < 1.0
        assert np.all(np.abs(found[~fits]) < np.abs(given.matrices[k][~fits]))
    facts = json.loads((folder / "run.json").read_text())
    assert facts["data"]["initial weights sha256"] == read_tensors(tmp_path / "w.npz").sha256


# -- cells -----------------------------------------------------------------------------------------------------

CELLS = ({"kind": "gru", "name": "gru", "hidden": 3, "bias": True}, {"kind": "last"}, NODES[-1] | {"outputs": 2})


def test_a_gru_is_one_tensor_in_files_and_two_matrices_in_the_twin():
    network = Graph.of(description(*CELLS), (5, 4))
    tensors = tensors_of(network)
    assert {name: one.shape for name, one in tensors.items()} == {
        "gru.weight": (9, 7),
        "gru.bias": (9,),
        "head.weight": (2, 3),
        "head.bias": (2,),
    }
    given = fit(network, tensors, "w.npz")
    gates, candidate, _ = given.matrices
    lines = np.column_stack([tensors["gru.weight"], tensors["gru.bias"]])
    np.testing.assert_array_equal(gates, lines[:6])
    np.testing.assert_array_equal(candidate, lines[6:])
    for name, values in taken(network, given).items():
        np.testing.assert_array_equal(values, tensors[name])
