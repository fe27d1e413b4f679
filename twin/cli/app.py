"""The command line: parse, call, print. Heavy libraries are imported where they are used."""

import signal
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer.exceptions import TyperException

from twin.cli.options import (
    Baselines,
    Batch,
    Chip,
    Device,
    Endurance,
    Epochs,
    Events,
    InFlight,
    Jobs,
    Mode,
    Out,
    Overrides,
    Sampled,
    Samples,
    Seed,
    Trace,
)
from twin.errors import TwinError
from twin.version import __version__

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Discrete-event digital twin of analog in-memory training chips.",
)


@app.command()
def compare(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORKLOAD | FOLDER FOLDER...]",
            help="A workload of `twin list` or a path (default: digits-mlp), or folders of finished runs.",
        ),
    ] = None,
    chip: Chip = "aimc-512",
    layouts: Annotated[str, typer.Option(help="Layouts, comma separated (default: those of each algorithm).")] = "",
    algorithms: Annotated[
        str, typer.Option(help="Algorithms, comma separated (default: digital,sgd,shd,ttv2; timing only: no digital).")
    ] = "",
    device: Device = "",
    epochs: Epochs = None,
    seed: Seed = None,
    samples: Samples = None,
    in_flight: InFlight = None,
    mode: Mode = "replayed",
    sampled: Sampled = None,
    endurance: Endurance = False,
    trace: Trace = "",
    events: Events = False,
    overrides: Overrides = None,
    out: Out = None,
    jobs: Jobs = 2,
    baselines: Baselines = "",
    batch: Batch = None,
    unlike: Annotated[
        bool, typer.Option("--unlike", help="Of finished runs: also if data set, network or seed differ.")
    ] = False,
) -> None:
    """Train (or only time) with several algorithms and layouts and compare them; or compare finished runs.

    With a workload: accuracy, time, energy, bandwidth and area of every algorithm and layout. With folders that `twin
    run`, `twin compare` or `twin sweep --keep` left: what differs in their configuration, then in their results.
    """
    from twin.cli.compare import are_folders, compare_finished  # noqa: PLC0415

    if are_folders(names or []):
        _refuse_options(context, {"names", "out", "unlike"}, "is for runs yet to be made, and these are finished")
        compare_finished(names or [], out, unlike=unlike)
        return
    _refuse_options(context, set(context.params) - {"unlike"}, "is for folders of finished runs, not for a workload")
    from twin.cli.commands import run_comparison  # noqa: PLC0415
    from twin.runs.options import Options  # noqa: PLC0415

    workload = names[0] if names else "digits-mlp"
    options = Options.among(locals(), overrides=overrides or ())
    run_comparison(options, _split(algorithms) if algorithms else None, _split(layouts), _split(baselines), batch)


@app.command()
def run(
    workload: Annotated[str, typer.Argument(help="A workload of `twin list`, or a path.")] = "digits-mlp",
    algorithm: Annotated[str, typer.Option(help="An algorithm of `twin list`.")] = "ttv2",
    layout: Annotated[
        str, typer.Option(help="A layout of `twin list`, or a path (default: the algorithm's first).")
    ] = "",
    chip: Chip = "aimc-512",
    device: Device = "",
    epochs: Epochs = None,
    seed: Seed = None,
    samples: Samples = None,
    in_flight: InFlight = None,
    mode: Mode = "replayed",
    sampled: Sampled = None,
    endurance: Endurance = False,
    trace: Trace = "",
    events: Events = False,
    overrides: Overrides = None,
    out: Out = None,
) -> None:
    """Train with one algorithm on one layout; its figures are SVG, and `twin figures FOLDER` adds them as PDF."""
    from twin.cli.commands import run_single  # noqa: PLC0415
    from twin.runs.options import Options  # noqa: PLC0415

    run_single(Options.among(locals(), overrides=overrides or (), jobs=1), algorithm, layout)


@app.command()
def resume(
    folder: Annotated[Path, typer.Argument(help="The folder of an interrupted run or comparison.")],
    jobs: Jobs = 2,
) -> None:
    """Finish what was interrupted, to the same bits."""
    from twin.cli.commands import resume_folder  # noqa: PLC0415

    resume_folder(folder, jobs)


@app.command()
def show(
    name: Annotated[
        str,
        typer.Argument(
            help="A chip, layout, workload or baseline, by name or path, or a device, memory or converter by name."
        ),
    ],
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="Say what a key means, or those of a table, e.g. tile.rows or tile.")
    ] = "",
    workload: Annotated[str, typer.Option(help="Print instead where its tiles lie on the chip, and their use.")] = "",
    algorithm: Annotated[str, typer.Option(help="The algorithm that trains the workload.")] = "ttv2",
    layout: Annotated[str, typer.Option(help="The layout (default: the algorithm's first).")] = "",
    overrides: Overrides = None,
) -> None:
    """Print a resolved description with the origin and status of every value, a chip's area, or what a key means."""
    from twin.cli.commands import show_description, show_floorplan, show_key  # noqa: PLC0415

    if key and workload:
        raise TwinError(f"{key}: means the same on every floor plan; leave out the key or --workload")
    if workload:
        show_floorplan(name, workload, algorithm, layout, overrides or [])
    elif overrides:
        raise TwinError("--set: shows a floor plan; name the mapped workload too, e.g. --workload digits-mlp")
    elif key:
        show_key(name, key)
    else:
        show_description(name)


@app.command("list")
def list_all() -> None:
    """List all that has a name: chips, layouts, workloads, sweeps, studies, parts, data sets, devices, algorithms."""
    from twin.cli.commands import list_available  # noqa: PLC0415

    list_available()


@app.command()
def schema(
    kind: Annotated[
        Literal[
            "chip",
            "layout",
            "workload",
            "timing-only",
            "baseline",
            "sweep",
            "study",
            "summary",
            "run",
            "comparison",
            "tables",
        ],
        typer.Argument(help="A description, or what is written: summary.json, run.json, comparison.json, all tables."),
    ],
) -> None:
    """Print the JSON Schema of a description, for editors, or of what runs write, with units."""
    import json  # noqa: PLC0415

    from twin.descriptions.schema import json_schema  # noqa: PLC0415

    if kind in {"summary", "run", "comparison", "tables"}:
        from twin.cli.schema import written_schema  # noqa: PLC0415

        typer.echo(json.dumps(written_schema(kind), indent=2, ensure_ascii=False))
    else:
        typer.echo(json.dumps(json_schema(kind), indent=2))


@app.command()
def reproduce(
    figure: Annotated[str, typer.Argument(help="gokmen-2021-fig6, lee-2022-fig2 to -fig9, onen-2021-fig1 or -fig2.")],
    out: Annotated[Path, typer.Option(help="Folder for the figure and its CSV.")] = Path("reproduced"),
    seed: Annotated[int, typer.Option(min=0, help="Seed.")] = 1,
    sweep: Annotated[
        str, typer.Option(help="For lee-2022-fig7 to -fig9: another sweep with the same axes, by name or path.")
    ] = "",
    interval: Annotated[
        Literal["t-95", "standard-error", "standard-deviation", "min-max"] | None,
        typer.Option(help="Of figures with bands about means: what these show (default: the figure's own)."),
    ] = None,
) -> None:
    """Reproduce a published figure: an SVG, a CSV, and what the paper says about it, checked."""
    from twin.study.published import papers  # noqa: PLC0415

    papers().reproduce_figure(figure, out, seed, sweep, interval or "")


@app.command()
def verify_sampling(
    workload: Annotated[str, typer.Argument(help="A workload of `twin list`, or a path.")] = "digits-mlp",
    chip: Chip = "aimc-512",
    layouts: Annotated[str, typer.Option(help="Layouts, comma separated (default: those of each algorithm).")] = "",
    algorithms: Annotated[str, typer.Option(help="Algorithms, comma separated.")] = "sgd,ttv2",
    device: Device = "",
    epochs: Epochs = None,
    seed: Seed = None,
    samples: Samples = None,
    in_flight: InFlight = None,
    overrides: Overrides = None,
    out: Out = None,
    jobs: Jobs = 2,
) -> None:
    """Run with every sample timed and with windows only; print both times and whether they agree."""
    from twin.cli.verify_sampling import verify_sampling as verify  # noqa: PLC0415
    from twin.runs.options import Options  # noqa: PLC0415

    plain = {"mode": "replayed", "sampled": None, "endurance": False, "trace": "", "events": False}
    verify(Options.among(locals(), overrides=overrides or (), **plain), _split(algorithms), _split(layouts))


@app.command()
def sweep(
    description: Annotated[str, typer.Argument(help="A sweep of `twin list`, or a path to a TOML file.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the results; what it holds is not run again.")
    ] = None,
    jobs: Jobs = 2,
    scheduler: Annotated[
        str, typer.Option(help="Dask instead of processes: local, slurm, lsf, pbs, or tcp://host:8786.")
    ] = "",
    shard: Annotated[str, typer.Option(metavar="I/N", help="Only every N-th point, from the I-th.")] = "1/1",
    memory: Annotated[str, typer.Option(help='Memory a process may have, e.g. "4 GiB" (default: no limit).')] = "",
    budget: Annotated[float, typer.Option(min=0.0, help="Start no point after so many minutes; 0: no limit.")] = 0.0,
    max_points: Annotated[int, typer.Option(min=0, help="Start no more points than these; 0: no limit.")] = 0,
    max_failures: Annotated[
        int, typer.Option(min=0, help="Start no point after so many that failed or were killed; 0: no limit.")
    ] = 0,
    retry: Annotated[bool, typer.Option("--retry", help="Run points again that failed or were killed.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the folder of every run.")] = False,
    parquet: Annotated[bool, typer.Option("--parquet", help="Keep results as Parquet files (extra).")] = False,
) -> None:
    """Run many points over dotted keys, or seek values at each; one row each, whatever happens to it."""
    from twin.cli.sweep import shard_of, sweep_command  # noqa: PLC0415
    from twin.sweep.run import Settings  # noqa: PLC0415

    settings = Settings(shard_of(shard), retry, parquet, keep, budget * 60, max_points, max_failures)
    sweep_command(description, out, jobs, scheduler, memory, settings)


@app.command()
def study(
    description: Annotated[str, typer.Argument(help="A study of `twin list`, or a path to a TOML file.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of README, tables and figures (default: below runs/).")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder of finished runs, which studies may share (default: cache below OUT).")
    ] = None,
    jobs: Jobs = 2,
    scheduler: Annotated[
        str, typer.Option(help="Dask instead of processes: local, slurm, lsf, pbs, or tcp://host:8786.")
    ] = "",
    memory: Annotated[str, typer.Option(help='Memory a process may have, e.g. "4 GiB" (default: no limit).')] = "",
    retry: Annotated[bool, typer.Option("--retry", help="Run again what failed or was killed.")] = False,
) -> None:
    """Make all runs, sweeps, tables and figures that one file names, and a folder to publish."""
    from twin.cli.study import study_command  # noqa: PLC0415

    study_command(description, out, cache, jobs, scheduler, memory, retry=retry)


@app.command()
def extract(
    folder: Annotated[Path, typer.Argument(help="The folder of a finished run, e.g. runs/NAME/runs/ttv2-four-array.")],
    out: Annotated[Path, typer.Option(help="The model's file.")] = Path("model.npz"),
    reads: Annotated[int, typer.Option(min=1, max=1_000_000, help="Random mat-vecs a layer.")] = 10_240,
    amplitude: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Largest input; 0: as large as seldom meets the output bound.")
    ] = 1.0,
) -> None:
    """Extract the trained weights from a run's arrays by noisy mat-vecs and linear regression."""
    from twin.cli.extract import extract_run  # noqa: PLC0415

    extract_run(folder, out, reads, amplitude)


@app.command()
def infer(
    model: Annotated[Path, typer.Argument(help="A file that `twin extract` wrote.")],
    folder: Annotated[Path, typer.Argument(help="The folder of a run: its workload and chip are used.")],
    hardware: Annotated[
        Literal["digital", "analog", "run"], typer.Option("--on", help="run: the run's own algorithm and layout.")
    ] = "digital",
    repeats: Annotated[int, typer.Option(min=1, max=1000, help="Passes through the test set on noisy arrays.")] = 1,
) -> None:
    """Run an extracted model on the test set, on digital or on analog hardware."""
    from twin.cli.extract import infer_model  # noqa: PLC0415

    infer_model(model, folder, hardware, repeats)


@app.command()
def figures(
    folder: Annotated[Path, typer.Argument(help="A folder that `twin compare` or `twin run` wrote.")],
    out: Annotated[Path | None, typer.Option(help="Where to (default: its own folder figures/).")] = None,
) -> None:
    """Write the figures of a finished report as PDF, for papers (half a second each); as SVG they are there already."""
    from twin.cli.figures import figures as write  # noqa: PLC0415

    write(folder, out)


device_commands = typer.Typer(no_args_is_help=True, help="Devices from measurements.")
app.add_typer(device_commands, name="device")


@device_commands.command("fit")
def device_fit(
    file: Annotated[Path, typer.Argument(help="A CSV of pulse, conductance, direction (up, down), device, cycle.")],
    plot: Annotated[
        Path | None, typer.Option(help="A figure of the trains and the fitted steps: .svg, .pdf or .png.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A TOML file for device = {preset = 'measured', file = ...}.")
    ] = None,
) -> None:
    """Make a device from measured pulse trains; print the fit and its residuals."""
    from twin.cli.device import fit_measured  # noqa: PLC0415

    fit_measured(file, plot, out)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"twin {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Discrete-event digital twin of analog in-memory training chips."""


def _refuse_options(context: typer.Context, allowed: set[str], why: str) -> None:
    """Refuse options given on the command line that the command would not read."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name not in allowed and source is not None and source.name == "COMMANDLINE":
            raise TwinError(f"{parameter.opts[0]}: {why}; leave it out")


def _split(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def main() -> None:
    """Run the command line; a user's mistake ends in one line and exit code 2, Ctrl-C in 130, SIGTERM in 143."""
    ended = _obey_signals()
    try:
        _check_arguments(sys.argv[1:])
        code = app(standalone_mode=False)
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
