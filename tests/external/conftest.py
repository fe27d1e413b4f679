"""The command line at hand."""

from functools import partial

import pytest
from command_kit import run_main


@pytest.fixture
def twin(monkeypatch, capsys, tmp_path):
    """Run the command line in this process, in an empty folder; return exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("twin.console.FIRST_S", 300.0)  # what is said meanwhile depends on the machine
    return partial(run_main, monkeypatch, capsys)


@pytest.fixture
def study(twin, monkeypatch):
    """Run `twin study` with an executor of this process."""

    def command(*arguments, executor):
        monkeypatch.setattr("twin.cli.study.executor_of", lambda *_: executor)
        return twin("study", *arguments)

    return command
