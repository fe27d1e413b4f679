"""Is an ONNX file timed as it is, without a description?"""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from onnx_kit import PARTS, Sketch, residual, saved

import twin as package

FEW = ("--algorithms", "sgd", "-j", 1)


def timed(folder):
    summary = json.loads((folder / "summary.json").read_text())
    return summary["runs"][0]["time"]["makespan_s"], summary["runs"][0]["energy"]


def test_a_file_is_timed_as_the_workload_that_names_it(twin, tmp_path):
    saved(residual()[0].model(residual()[1]), tmp_path / "model.onnx")
    code, shown, _ = twin("compare", "--timing-only", "model.onnx", *FEW, "--out", "a")
    assert code == 0
    assert "sgd two-array" in shown
    text = (Path("a") / "runs" / "sgd-two-array" / "workload.toml").read_text()
    Path("mine.toml").write_text(text)  # the nodes stand in it, so that the file may go
    Path("model.onnx").unlink()
    code, _, _ = twin("compare", "mine.toml", *FEW, "--out", "b")
    assert code == 0
    assert timed(Path("a")) == timed(Path("b"))


def test_the_nodes_of_a_file_are_shown(twin, tmp_path):
    saved(residual()[0].model(residual()[1]), tmp_path / "model.onnx")
    code, shown, _ = twin("show", "model.onnx")
    assert code == 0
    assert "layer1.0.conv" in shown.replace("-", ".")


def test_a_text_has_as_many_symbols_as_its_table(tmp_path):
    s = Sketch(6, integers=True)
    embedded = s.node("Gather", s.weight("table.weight", 11, 4), "x")
    hidden = s.node("Add", s.node("MatMul", embedded, s.weight("w", 4, 11)), s.weight("b", 11))
    path = saved(s.model(hidden), tmp_path / "text.onnx")
    package.simulate(str(path), "sgd", timing_only=True, out=tmp_path / "run", progress=False)
    (file,) = (tmp_path / "run").rglob("workload.toml")
    found = tomllib.loads(file.read_text())
    assert found["data"]["symbols"] == 11
    assert found["network"]["steps"] == 6


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("none.onnx", "none.onnx: no such file; an ONNX file or a workload is needed"),
        ("open.onnx", "axis 2 (height) is dynamic; give it a size"),
        ("broken.onnx", "broken.onnx: "),
    ],
)
def test_a_file_that_cannot_be_timed_is_one_line(twin, tmp_path, file, words):
    model = residual()[0].model(residual()[1])
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"
    saved(model, tmp_path / "open.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    code, _, said = twin("compare", "--timing-only", file, *FEW)
    assert code == 2
    assert words in said
    assert said.strip().count("\n") == 0


def normed(s, x, name, channels, kernel, stride):
    """Add a convolution from one number of channels to another, with a batch norm."""
    n_in, n_out = channels
    edge = [kernel // 2] * 4
    made = s.node("Conv", x, s.weight(f"{name}.weight", n_out, n_in, kernel, kernel), strides=[stride] * 2, pads=edge)
    return s.node("BatchNormalization", made, *(s.weight(f"{name}-norm.{part}", n_out) for part in PARTS))


def resnet_18():
    """Return ResNet-18 (He 2016) as exporters write it."""
    s = Sketch(3, 224, 224)
    x = s.node("Relu", normed(s, "x", "stem", (3, 64), 7, 2))
    x, n_in = s.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4), 64
    for stage, n_out in enumerate((64, 128, 256, 512)):
        for block in range(2):
            name, stride = f"layer{stage}.{block}", 2 if stage and not block else 1
            inner = s.node("Relu", normed(s, x, f"{name}.1", (n_in, n_out), 3, stride))
            inner = normed(s, inner, f"{name}.2", (n_out, n_out), 3, 1)
            beside = normed(s, x, f"{name}.beside", (n_in, n_out), 1, stride) if stride > 1 else x
            x, n_in = s.node("Relu", s.node("Add", inner, beside)), n_out
    flat = s.node("Flatten", s.node("GlobalAveragePool", x))
    return s.model(s.node("Gemm", flat, s.weight("fc.weight", 1000, 512), s.weight("fc.bias", 1000), transB=1))


@pytest.mark.slow
def test_resnet_18_has_its_parameters_and_needs_less_than_two_gibibytes(tmp_path):
    path = saved(resnet_18(), tmp_path / "resnet.onnx")
    command = [sys.executable, "-m", "twin", "compare", "--timing-only", str(path), "--out", str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, process.returncode, usage = os.wait4(process.pid, 0)
    assert process.returncode == 0
    assert usage.ru_maxrss < 2 << 20  # KiB, of the command and all that it started
    shipped = package.simulate("resnet-18", "sgd", timing_only=True, progress=False)
    assert timed(tmp_path / "out")[0] == pytest.approx(shipped.makespan_s, rel=1e-12)
