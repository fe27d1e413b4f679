"""Does the example of docs/aihwkit.md give what the page says, and does what it writes run?"""

import re
import shlex
from pathlib import Path

import pytest
from command_kit import run_main

PAGE = (Path(__file__).parents[2] / "docs" / "aihwkit.md").read_text(encoding="utf-8")
(CONFIGURATION,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
SESSION, BACK, MISSING = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
(SCRIPT,) = re.findall(r"```python\n(from .*?)```", PAGE, re.DOTALL)
(TABLE,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """Perform the command of the page in an empty folder; return what it says."""
    monkeypatch.chdir(tmp_path)
    Path("tiki-taka.txt").write_text(CONFIGURATION)
    command = shlex.split(SESSION.partition("\n")[0].removeprefix("$ twin "))
    code, out, err = run_main(monkeypatch, capsys, *command)
    assert (code, err) == (0, "")
    return out


def test_the_command_says_and_writes_what_the_page_shows(said):
    assert said == SESSION.partition("\n")[2]
    assert TABLE in Path("tiki-taka.toml").read_text()


def test_what_the_command_says_runs(said, monkeypatch, capsys):
    run = shlex.split(said.splitlines()[-1].removeprefix("run it: twin "))
    code, _, _ = run_main(monkeypatch, capsys, *run, "--samples", "20", "--epochs", "1", "--out", "run")
    assert code == 0
    config = next(Path().glob("run*/**/config.toml")).read_text()
    assert re.search(r'\[device\]\npreset = "ecram" +# tiki-taka.toml:\d+\n', config)
    assert re.search(r"\[device\.matrices\.A\]\n(.*\n)*w_max = 0\.3 ", config)
    assert "out_noise = 0.02 " in config


@pytest.mark.usefixtures("said")
def test_the_way_back_gives_the_script_of_the_page(monkeypatch, capsys):
    for session in (BACK, MISSING):
        command, _, expected = session.partition("\n")
        assert run_main(monkeypatch, capsys, *shlex.split(command.removeprefix("$ twin "))) == (0, "", expected)
    assert Path("tiki_taka.py").read_text() == SCRIPT
