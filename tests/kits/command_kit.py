"""The command line, run in this process."""

import sys


def run_main(monkeypatch, capsys, *arguments):
    """Return exit code, output and errors of a command. What it raises is a fault."""
    from twin.cli.app import main  # noqa: PLC0415 - slow, and not every test that has this kit runs a command

    monkeypatch.setattr(sys, "argv", ["twin", *map(str, arguments)])
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    shown = capsys.readouterr()
    return code, shown.out, shown.err
