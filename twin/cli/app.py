"""The command line: parse, call, print. A command imports what it needs when it runs, so that help is fast."""

import signal
import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

from twin.cli.cite import cite
from twin.cli.compare import compare
from twin.cli.device import device
from twin.cli.export import export
from twin.cli.extract import extract
from twin.cli.figures import figures
from twin.cli.imports import imports
from twin.cli.infer import infer
from twin.cli.list import list_all
from twin.cli.new import new
from twin.cli.reproduce import reproduce
from twin.cli.resume import resume
from twin.cli.run import run
from twin.cli.schema import schema
from twin.cli.show import show
from twin.cli.study import study
from twin.cli.sweep import sweep
from twin.cli.verify_sampling import verify_sampling
from twin.errors import TwinError
from twin.version import __version__

FIRST = """\
twin compare digits-mlp                  train with four algorithms, time them on a chip, write a report (20 s)
twin new my-study                        a workload, a chip and a sweep of your own to start from
twin device fit FILE --into mine.toml    a device from measured pulses; twin import: what other tools have
twin list, twin show NAME KEY --why      all that has a name; what a value means and what changes with it
twin --help, twin COMMAND --help         everything else; --install-completion lets the shell complete names
"""

app = typer.Typer(
    pretty_exceptions_enable=False,
    help="Discrete-event digital twin of analog in-memory training chips.",
)
for command in (compare, run, resume, new, show):
    app.command()(command)
app.command("list")(list_all)
for command in (schema, reproduce, verify_sampling, sweep, study, extract, infer, figures, cite):
    app.command()(command)
app.add_typer(device, name="device")
app.add_typer(imports, name="import")
app.add_typer(export, name="export")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"twin {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _common(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Discrete-event digital twin of analog in-memory training chips."""
    del version  # its callback has ended the command
    if context.invoked_subcommand is None:
        typer.echo(FIRST, nl=False)


def main() -> None:
    """Run the command line; a user's mistake ends in one line and exit code 2, Ctrl-C in 130, SIGTERM in 143."""
    ended = _obey_signals()
    try:
        _check_arguments(sys.argv[1:])
        code = app(standalone_mode=False, prog_name="twin")
    except (TwinError, TyperException) as error:
        message = _usage(error) if isinstance(error, TyperException) else str(error)
        if message and not ended:
            typer.echo(f"error: {message}", err=True)
        code = 2
    except KeyboardInterrupt:
        code = 130
    sys.exit(128 + ended[0] if ended else code or 0)


def _check_arguments(arguments: list[str]) -> None:
    """Refuse what no file that is written could repeat."""
    if arguments[-1:] == ["--"]:
        raise TwinError("--: nothing follows it; leave it out")
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            raise TwinError(f"{argument}: is not UTF-8; rename it, or name it in UTF-8") from error


def _obey_signals() -> list[int]:
    """End on SIGTERM and SIGHUP as on Ctrl-C, workers included; a signal that is ignored (nohup) stays so.

    Returns a list that gets the number of the signal; Typer keeps no more of an interruption than that there was one.
    """
    ended: list[int] = []

    def end(number: int, _: object) -> None:
        ended.append(number)
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, end)
    return ended


def _usage(error: TyperException) -> str:
    """Say in one line what no command understands; nothing where a command without arguments has printed its help."""
    message = " ".join(error.format_message().split())
    if not message:
        return ""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "twin"
    return f"{message[0].lower()}{message[1:].rstrip('.')} (see {command} --help)"
