"""The command line at hand."""

import sys

import pytest

from twin.cli.app import main


@pytest.fixture
def twin(monkeypatch, capsys, tmp_path):
    """Run the command line in this process, in an empty folder; return exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["twin", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


@pytest.fixture
def study(twin, monkeypatch):
    """Run `twin study` with an executor of this process."""

    def command(*arguments, executor):
        monkeypatch.setattr("twin.cli.study.executor_of", lambda *_: executor)
        return twin("study", *arguments)

    return command
