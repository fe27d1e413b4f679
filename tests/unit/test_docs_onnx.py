"""Does the example of the page on ONNX files do what the page says?"""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from twin.cli.app import app

PAGE = (Path(__file__).parents[2] / "docs" / "onnx.md").read_text(encoding="utf-8")


def test_the_example_of_the_page_on_onnx_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```(python|toml|bash)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    known: dict[str, object] = {}
    for language, text in blocks:
        if language == "toml":
            Path("mine.toml").write_text(text)
        elif language == "bash":
            for line in text.splitlines():
                done = CliRunner().invoke(app, line.removeprefix("twin ").split())
                assert done.exit_code == 0, done.output
        else:
            exec(compile(text, "docs/onnx.md", "exec"), known)  # noqa: S102 - it is our own page
    assert known["digital"].test_error < 0.15 < known["analog"].test_error
    assert known["wrong"] == pytest.approx(known["digital"].test_error)
    assert "out_scaling was chosen from the given weights" in capsys.readouterr().out
