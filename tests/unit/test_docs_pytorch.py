"""Do the commands of the page on PyTorch do what it says? Without PyTorch, on a network of the same nodes."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from onnx_kit import PARTS, Sketch, saved
from typer.testing import CliRunner

import twin
from twin.cli.app import app

PAGE = (Path(__file__).parents[2] / "docs" / "pytorch.md").read_text(encoding="utf-8")
TORCH = find_spec("torch") is not None


def made(path):
    """Write what the page's first block exports, with drawn weights."""
    s = Sketch(1, 8, 8)
    s.input.name = "image"
    x = s.node("Conv", "image", s.weight("conv.weight", 8, 1, 3, 3), pads=[1, 1, 1, 1])
    x = s.node("Relu", s.node("BatchNormalization", x, *(s.weight(f"norm.{part}", 8) for part in PARTS)))
    body = s.node("Conv", x, s.weight("body.weight", 8, 8, 3, 3), s.weight("body.bias", 8), pads=[1, 1, 1, 1])
    pooled = s.node("MaxPool", s.node("Add", x, s.node("Gelu", body)), kernel_shape=[2, 2], strides=[2, 2])
    flat = s.node("Reshape", pooled, s.fixed(np.array([-1, 128])))
    saved(
        s.model(s.node("Gemm", flat, s.weight("head.weight", 10, 128), s.weight("head.bias", 10), transB=1), 20), path
    )


@pytest.mark.slow
def test_the_page_on_pytorch_runs_without_it_as_far_as_it_goes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    before = ""
    for language, text in re.findall(r"^```(python|toml|bash)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL):
        if language == "toml":
            Path("mine.toml").write_text(text)
        elif language == "bash":
            for line in text.splitlines():
                done = CliRunner().invoke(app, line.removeprefix("twin ").split())
                assert done.exit_code == 0, done.output
        elif "torch" not in text:
            exec(compile(text, "docs/pytorch.md", "exec"), {})  # noqa: S102 - it is our own page
        elif TORCH:  # in a process of its own, as the exporter warns
            before += text
            Path("page.py").write_text(before)
            subprocess.run([sys.executable, "page.py"], check=True)
        elif "torch.onnx.export" in text:
            made(tmp_path / "model.onnx")
    printed = dict(re.findall(r"^(\S+\.onnx) ([\d.]+)$", capsys.readouterr().out, flags=re.MULTILINE))
    assert float(printed["model.onnx"]) == pytest.approx(twin.infer("mine.toml", "digital").error)
    assert float(printed["trained.onnx"]) == pytest.approx(twin.load("run")["digital"].test_error)
