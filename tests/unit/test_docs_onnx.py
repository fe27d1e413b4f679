"""Does the example of the page on ONNX files do what the page says?"""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "onnx.md").read_text(encoding="utf-8")


def test_the_example_of_the_page_on_onnx_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```(python|toml)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    known: dict[str, object] = {}
    for language, text in blocks:
        if language == "toml":
            Path("mine.toml").write_text(text)
        else:
            exec(compile(text, "docs/onnx.md", "exec"), known)  # noqa: S102 - it is our own page
    assert known["digital"].test_error < 0.15 < known["analog"].test_error
    assert "out_scaling was chosen from the given weights" in capsys.readouterr().out
