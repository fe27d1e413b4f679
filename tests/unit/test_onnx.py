"""Do networks of ONNX files compute in the twin what ONNX Runtime computes, and are misfits refused in one line?"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_kit import NEWEST, PARTS, Sketch, by_runtime, by_twin, residual, saved
from reference_networks import softmax

import twin
from twin.data import load
from twin.descriptions.load import load_workload
from twin.descriptions.resolved import resolved_toml
from twin.errors import TwinError
from twin.extraction.inference import infer, make_model, program
from twin.extraction.model import load_finals, load_model, save_model
from twin.networks.given.files import read_tensors
from twin.networks.onnx.export import write_model
from twin.networks.onnx.read import read_model
from twin.networks.onnx.reading import Reading
from twin.runs.build import build
from twin.runs.planning import plan_folder
from twin.runs.weights import write_weights

ROOT = Path(twin.__file__).parents[1]


def alike(path, *shape, integers=0, tolerance=1e-5):
    draw = np.random.default_rng(5)
    inputs = (
        draw.integers(0, integers, (3, *shape)) if integers else draw.uniform(-1, 1, (3, *shape)).astype(np.float32)
    )
    expected = by_runtime(path, inputs)
    expected = softmax(expected) if integers else expected
    found = by_twin(path, inputs, symbols=integers)
    assert found.reshape(expected.shape) == pytest.approx(expected, rel=tolerance, abs=tolerance)


# -- against ONNX Runtime ------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [13, 17, NEWEST])
def test_a_residual_network_with_batch_norm_computes_what_onnx_runtime_does(tmp_path, opset):
    sketch, output = residual(channels=2)
    path = saved(sketch.model(output, min(opset, 21)), tmp_path / "model.onnx")
    if opset == NEWEST:  # newer than the runtime of some installations: what is read must be the same
        newest = saved(sketch.model(output, NEWEST), tmp_path / "newest.onnx")
        assert read_model(newest).layers == read_model(path).layers
    alike(path, 2, 8, 8)


def test_a_perceptron_computes_what_onnx_runtime_does(tmp_path):
    s = Sketch(6)
    hidden = s.node("Sigmoid", s.node("Gemm", "x", s.weight("one", 6, 5), s.weight("one_b", 5)))
    normed = s.node("BatchNormalization", hidden, *(s.weight(f"bn.{part}", 5) for part in PARTS))
    gate = s.node("Mul", normed, s.node("Tanh", s.node("Gemm", normed, s.weight("two.weight", 5, 5), transB=1)))
    joined = s.node("Dropout", s.node("Concat", gate, hidden, normed, axis=1))
    path = saved(s.model(s.node("MatMul", joined, s.weight("out", 15, 4))), tmp_path / "model.onnx")
    alike(path, 6)


def test_convolutions_of_any_windows_and_all_pools_compute_what_onnx_runtime_does(tmp_path):
    s = Sketch(4, 9, 7)
    conv = s.node("Conv", "x", s.weight("a.weight", 6, 2, 3, 2), s.weight("a.bias", 6), group=2, strides=[2, 1],
                  dilations=[1, 2], pads=[1, 0, 2, 1])  # fmt: skip
    same = s.node("Conv", conv, s.weight("b.weight", 5, 6, 3, 3), auto_pad="SAME_LOWER", strides=[2, 2])
    mean = s.node("AveragePool", same, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    top = s.node("MaxPool", s.node("Concat", mean, same, axis=1), kernel_shape=[2, 2], strides=[1, 1])
    flat = s.node("Flatten", s.node("GlobalAveragePool", s.node("Relu", top)))
    out = s.node("Gemm", flat, s.weight("c.weight", 3, 10), s.weight("c.bias", 3), transB=1)
    alike(saved(s.model(out), tmp_path / "model.onnx"), 4, 9, 7)


def test_patches_as_positions_with_layer_norm_compute_what_onnx_runtime_does(tmp_path):
    s = Sketch(3, 8, 8)
    patches = s.node("Conv", "x", s.weight("p.weight", 6, 3, 4, 4), strides=[4, 4])
    tokens = s.node("Transpose", s.node("Reshape", patches, s.fixed(np.array([0, 6, -1]))), perm=[0, 2, 1])
    placed = s.node("Add", tokens, s.weight("places", 1, 4, 6))
    normed = s.node("LayerNormalization", placed, s.weight("ln.weight", 6), s.weight("ln.bias", 6))
    inner = s.node("Add", s.node("MatMul", normed, s.weight("w1", 6, 8)), s.weight("mlp.bias", 8))
    outer = s.node("MatMul", s.node("Gelu", inner, approximate="tanh"), s.weight("w2", 8, 6))
    mixed = s.node("Softmax", s.node("Add", placed, outer), axis=-1)
    turned = s.node("Transpose", mixed, perm=[0, 2, 1])
    back = s.node("Transpose", s.node("MatMul", turned, s.weight("w3", 4, 5)), perm=[0, 2, 1])
    mean = s.node("ReduceMean", back, s.fixed(np.array([1])), keepdims=0)
    path = saved(s.model(s.node("Gemm", mean, s.weight("o.weight", 2, 6), transB=1), 20), tmp_path / "model.onnx")
    assert next(one["name"] for one in read_model(path).layers if one["kind"] == "dense") == "mlp"
    alike(path, 3, 8, 8)


@pytest.mark.parametrize("between", [("Softmax",), ("Softmax", "Gemm"), ("LayerNormalization",), ("Relu",), ()])
@pytest.mark.parametrize("kernel", [(3, 3), (1, 6)])
def test_rows_of_a_map_that_are_flattened_compute_what_onnx_runtime_does(tmp_path, between, kernel):
    s = Sketch(3, 6, 6)
    conv = s.node("Conv", "x", s.weight("c.weight", 4, 3, *kernel), s.weight("c.bias", 4))
    count = (7 - kernel[0]) * (7 - kernel[1])
    rows = s.node("Transpose", s.node("Reshape", conv, s.fixed(np.array([0, 4, count]))), perm=[0, 2, 1])
    width = 4
    for op in between:
        if op == "Gemm":
            width = 3
            rows = s.node("MatMul", rows, s.weight("m.weight", 4, 3))
        elif op == "LayerNormalization":
            rows = s.node(op, rows, s.weight("n.weight", 4), s.weight("n.bias", 4), axis=-1)
        else:
            rows = s.node(op, rows)
    flat = s.node("Flatten", rows)
    last = s.node("Gemm", flat, s.weight("d.weight", 5, count * width), s.weight("d.bias", 5), transB=1)
    path = saved(s.model(last), tmp_path / "rows.onnx")
    inputs = np.random.default_rng(3).uniform(-1, 1, (4, 3, 6, 6)).astype(np.float32)
    np.testing.assert_allclose(by_twin(path, inputs), by_runtime(path, inputs), atol=1e-5)


def test_an_embedding_of_symbols_computes_what_onnx_runtime_does(tmp_path):
    s = Sketch(5, integers=True)
    vectors = s.node("Gather", s.weight("embed.weight", 7, 6), "x")
    out = s.node("MatMul", s.node("Tanh", vectors), s.weight("out.weight", 6, 7))
    alike(saved(s.model(out), tmp_path / "model.onnx"), 5, integers=7)


# -- as a workload -------------------------------------------------------------------------------------------


def workload(folder, model, loss="cross-entropy"):
    """Write a workload on the digits whose network and weights are those of a file."""
    text = (ROOT / "workloads" / "digits-cnn.toml").read_text()
    head, rest = text.split("[network]")
    path = folder / "own.toml"
    init = f'[init]\nfile = "{model}"\n'
    rest = rest[rest.index("[training]") :].replace('[init]\ndistribution = "uniform"\nscale = 1.0\n', init)
    path.write_text(f'{head}[network]\nfile = "{model}"\nloss = "{loss}"\n\n{rest}')
    return path


def test_a_workload_of_a_file_evaluates_as_onnx_runtime_does_before_it_is_trained(tmp_path):
    sketch, output = residual()
    path = saved(sketch.model(output), tmp_path / "model.onnx")
    loaded = load_workload(str(workload(tmp_path, path))).model
    assert [one.name for one in loaded.network.layers[:3]] == ["stem", "norm", "Relu_2"]
    data = load(loaded.data, 1, 0)
    images = data.test_inputs[:40].reshape(-1, 8, 8, 1).transpose(0, 3, 1, 2).astype(np.float32)
    scores = by_runtime(path, images)
    assert by_twin(path, images) == pytest.approx(scores, rel=1e-5, abs=1e-5)


def test_the_resolved_workload_has_the_nodes_and_needs_the_file_no_more(tmp_path):
    sketch, output = residual()
    path = saved(sketch.model(output), tmp_path / "model.onnx")
    loaded = load_workload(str(workload(tmp_path, path)))
    text = resolved_toml(loaded)
    path.unlink()
    (tmp_path / "resolved.toml").write_text(text)
    again = load_workload(str(tmp_path / "resolved.toml")).model
    assert again.network == loaded.model.network
    assert again.network.described == str(path)


def test_a_softmax_at_the_end_is_part_of_the_loss(tmp_path):
    sketch, output = residual()
    plain = saved(sketch.model(output), tmp_path / "plain.onnx")
    ended = saved(sketch.model(sketch.node("LogSoftmax", output)), tmp_path / "ended.onnx")
    assert read_model(plain).layers == read_model(ended).layers


def test_a_network_of_a_file_trains_and_starts_from_its_weights(tmp_path):
    sketch, output = residual()
    path = saved(sketch.model(output), tmp_path / "model.onnx")
    small = {"data.samples": 30, "data.test_samples": 20}
    result = twin.simulate(workload(tmp_path, path), "sgd", epochs=1, overrides=small, progress=False)
    assert any("out_scaling was chosen from the given weights" in one for one in result.warnings)
    assert np.isfinite(result.curve["train_loss"]).all()


# -- back to a file --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Train a network of a file on the digits; return its folder, the run's and the error on the test set."""
    folder = tmp_path_factory.mktemp("onnx")
    sketch, output = residual()
    path = saved(sketch.model(output), folder / "model.onnx")
    small = {"data.samples": 60, "data.test_samples": 40}
    own = workload(folder, path)
    result = twin.simulate(own, "digital", epochs=2, overrides=small, out=folder / "run", progress=False)
    return folder, folder / "run" / "runs" / "digital", result.test_error


def runtime_error(path, most=40):
    data = load(load_workload("digits-cnn").model.data, 1, 0)
    images = data.test_inputs[:most].reshape(-1, 1, 8, 8).astype(np.float32)
    return np.mean(by_runtime(path, images).argmax(axis=1) != data.test_targets[:most].ravel())


def test_a_trained_network_goes_back_into_its_file_and_onnx_runtime_gets_its_error(run):
    folder, trained, error = run
    write_weights(trained, folder / "trained.onnx")
    assert runtime_error(folder / "trained.onnx") == pytest.approx(error)
    before, after = read_model(folder / "model.onnx"), read_model(folder / "trained.onnx")
    assert after.layers == before.layers
    assert [one.op_type for one in after.message.graph.node] == [one.op_type for one in before.message.graph.node]
    moved = {name for name, one in after.tensors().items() if not np.array_equal(one, before.tensors()[name])}
    assert moved == before.tensors().keys()


def test_what_is_exported_by_name_is_what_is_exported_into_the_model(run):
    folder, trained, _ = run
    for name in ("a.onnx", "a.safetensors", "a.npz"):
        write_weights(trained, folder / name)
    onnx_file, *others = (read_tensors(folder / name).tensors for name in ("a.onnx", "a.safetensors", "a.npz"))
    for other in others:
        assert other.keys() == onnx_file.keys()
        assert all(np.array_equal(other[name], onnx_file[name]) for name in other)


def test_an_extracted_model_keeps_what_digital_nodes_have_learnt(run):
    folder, trained, error = run
    machine = build(plan_folder(trained)).machine
    load_finals(machine, trained / "weights.npz")
    model = make_model(machine, *[[machine.weights(k, "W") for k in range(4)]] * 3, {})
    save_model(model, folder / "extracted.npz")
    fresh = build(plan_folder(trained)).machine
    assert infer(fresh, load_model(folder / "extracted.npz")).error == pytest.approx(error)
    write_weights(trained, folder / "b.onnx", model=folder / "extracted.npz")
    assert runtime_error(folder / "b.onnx") == pytest.approx(error)
    with pytest.raises(TwinError, match=r"must have norm.parameters, norm.statistics, as the nodes of this network"):
        program(fresh, replace(model, digital={}))


def test_weights_that_nodes_share_are_written_apart(tmp_path):
    s = Sketch(4)
    shared = s.weight("w.weight", 4, 4)
    out = s.node("Gemm", s.node("Tanh", s.node("Gemm", "x", shared)), shared, transB=1)
    path = saved(s.model(out), tmp_path / "m.onnx")
    tensors = {name: one + k for k, (name, one) in enumerate(read_model(path).tensors().items())}
    write_model(path, tensors, tmp_path / "out.onnx", Reading())
    found = read_model(tmp_path / "out.onnx").tensors()
    assert all(np.array_equal(one, other) for one, other in zip(tensors.values(), found.values(), strict=True))
    alike(tmp_path / "out.onnx", 4)


def test_a_model_of_another_network_is_refused(run, tmp_path):
    s = Sketch(4)
    path = saved(s.model(s.node("MatMul", "x", s.weight("w.weight", 4, 4))), tmp_path / "other.onnx")
    with pytest.raises(TwinError, match=r"is not the model of this run: only one of both has fc\.bias"):
        write_weights(run[1], tmp_path / "out.onnx", into=path)
    with pytest.raises(TwinError, match=r"--into \(= nosuch.onnx\): names no file"):
        write_weights(run[1], tmp_path / "out.onnx", into=Path("nosuch.onnx"))


# -- refused -------------------------------------------------------------------------------------------------


def refused(model, path):
    with pytest.raises(TwinError) as error:
        read_model(saved(model, path))
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{path}: ")


def test_all_nodes_that_are_not_covered_are_named_in_one_message(tmp_path):
    s = Sketch(1, 8, 8)
    erf = s.node("Erf", s.node("Conv", "x", s.weight("a", 2, 1, 3, 3)), name="/act/Erf")
    resized = s.node("Transpose", erf, perm=[0, 2, 3, 1], name="/t")
    extra = s.node("Elu", resized)
    other = s.node("Conv", s.node("Clip", "x", s.fixed(np.float32(0)), s.fixed(np.float32(6)), name="/relu6"), "a")
    scaled = s.node("Add", s.node("Mul", "x", s.fixed(np.float32(3)), name="/three"), s.node("Relu", "x"))
    joined = s.node("Concat", extra, s.node("Concat", other, scaled, axis=1), axis=1)
    assert refused(s.model(joined, 20), tmp_path / "m.onnx") == (
        "nodes that are not covered: /act/Erf (Erf: is no part of a function or norm that the twin has), /Elu_3 (Elu), "
        "/relu6 (Clip), /three (Mul: of what is times 3, which the twin has for the scores of an attention only); "
        "docs/onnx.md has what is"
    )


def test_nodes_of_other_domains_are_not_taken_for_known_ones(tmp_path):
    s = Sketch(4)
    out = s.node("Relu", "x", domain="com.example")
    assert "/Relu_0 (com.example.Relu)" in refused(s.model(out), tmp_path / "m.onnx")


def changed(change, tmp_path):
    sketch, output = residual()
    model = sketch.model(output)
    change(model)
    return refused(model, tmp_path / "m.onnx")


def _dims(model, *dims):
    shape = model.graph.input[0].type.tensor_type.shape
    del shape.dim[:]
    for dim in dims:
        one = shape.dim.add()
        one.dim_param, one.dim_value = (dim, 0) if isinstance(dim, str) else ("", dim)
        if isinstance(dim, str):
            one.dim_param = dim


def _claim(model):
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend([50_000, 50_000])


def _external(model, location, **entries):
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: _dims(m, "N", 1, "height", 8), "input x: axis 2 (height) is dynamic; give it a size, sizes = {"),
        (lambda m: _dims(m, "N", 1, 8, 8, 8), "input x: needs a batch and 1 to 3 axes behind it"),
        (_claim, "tensor 'stem.weight': claims the shape [50000, 50000], and holds 216 bytes; export it again"),
        (lambda m: m.graph.initializer.pop(0), "lacks the tensors stem.weight; export it again"),
        (lambda m: _external(m, "../w.bin"), "tensor 'stem.weight': lies in '../w.bin', outside the model's folder"),
        (lambda m: _external(m, "/etc/passwd"), "tensor 'stem.weight': lies in '/etc/passwd', outside the model's"),
        (lambda m: _external(m, "w.bin"), "tensor 'stem.weight': lies in 'w.bin', which is not there"),
        (lambda m: _external(m, "m.onnx", offset=10**10), "tensor 'stem.weight': claims 216 bytes from byte 10,000,"),
        (lambda m: _external(m, "m.onnx", length=10**10), "tensor 'stem.weight': claims 216 bytes from byte 0 of"),
        (lambda m: _external(m, "m.onnx", offset="x"), "tensor 'stem.weight': says nothing that can be read"),
        (lambda m: m.graph.output.add(name="more"), "has 2 outputs (t15, more); export it with one"),
        (lambda m: m.graph.input.add(name="more"), "has 2 inputs (x, more); export it with one"),
        (
            lambda m: m.graph.node.insert(0, m.graph.node.pop(3)),
            "node /layer1/0/Conv (Conv) takes t2, which is made below",
        ),
        (
            lambda m: m.graph.node[2].input.__setitem__(0, "t14"),
            "node /Relu_2 (Relu) takes t14, which is made below it",
        ),
        (lambda m: m.graph.node[2].input.__setitem__(0, "nosuch"), "lacks the tensors nosuch; export it again"),
        (
            lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 8),
            "input x: is of type string with 3 axes",
        ),
        (lambda m: setattr(m.opset_import[0], "version", 12), "is of opset 12, and must be of 13 to"),
        (lambda m: setattr(m.opset_import[0], "version", 999), "is of opset 999, and must be of 13 to"),
    ],
)
def test_what_a_file_claims_is_held_against_what_it_has(tmp_path, change, words):
    assert changed(change, tmp_path).startswith(words)


def test_weights_in_a_file_beside_the_model_are_read(tmp_path):
    sketch, output = residual()
    model = sketch.model(output)
    inside = saved(model, tmp_path / "inside.onnx")
    tensors = read_model(inside).tensors()
    onnx.save(model, tmp_path / "out.onnx", save_as_external_data=True, location="out.bin", size_threshold=0)
    beside = read_model(tmp_path / "out.onnx").tensors()
    assert all(np.array_equal(tensors[name], beside[name]) for name in tensors)


@pytest.mark.parametrize("content", [b"", b"\x00\xff" * 40, b"not a model at all", (1 << 40).to_bytes(10, "little")])
def test_a_file_that_is_no_model_is_refused(tmp_path, content):
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(TwinError, match="no ONNX file, or damaged"):
        read_model(path)


def test_a_file_that_is_refused_is_one_line_of_the_workload(tmp_path):
    s = Sketch(1, 8, 8)
    path = saved(s.model(s.node("Erf", "x")), tmp_path / "m.onnx")
    with pytest.raises(TwinError) as error:
        load_workload(str(own := workload(tmp_path, path)))
    line = next(k for k, row in enumerate(Path(own).read_text().splitlines(), 1) if row.startswith("file = "))
    assert f"own.toml:{line}: network.file (=" in str(error.value)
    assert "nodes that are not covered: /Erf_0 (Erf: is no part of" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_subgraph_is_not_run(tmp_path):
    s = Sketch(4)
    body = helper.make_graph([helper.make_node("Relu", ["x"], ["z"])], "body", [], [s.input])
    body.output[0].name = "z"
    out = s.node("If", s.fixed(np.array(True)), then_branch=body, else_branch=body, name="/if")
    assert refused(s.model(out), tmp_path / "m.onnx").startswith("nodes that are not covered: /if (If)")
