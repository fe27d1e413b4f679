"""`twin show`."""

from typing import Annotated

import typer

from twin.cli.completion import completer
from twin.cli.options import asking
from twin.config.options import Algorithm, Layout, Options, Overrides
from twin.console import progress, say, wide_console
from twin.errors import TwinError


@asking()
def show(
    name: Annotated[
        str,
        typer.Argument(
            help="A chip, layout, workload or baseline, by name or path, or a device, memory or converter by name.",
            autocompletion=completer("name"),
        ),
    ],
    key: Annotated[
        str,
        typer.Argument(
            metavar="KEY",
            help="Say what a key means, or those of a table, e.g. tile.rows or tile.",
            autocompletion=completer("key"),
        ),
    ] = "",
    why: Annotated[
        bool, typer.Option("--why", help="Say what the value influences: run a few samples with it and with another.")
    ] = False,
    to: Annotated[str, typer.Option(help="Of --why: the other value (default: a tenth more, or the next word).")] = "",
    workload: Annotated[
        str,
        typer.Option(
            help="Print instead where its tiles lie on the chip, and their use; of --why what is run.",
            autocompletion=completer("workload"),
        ),
    ] = "",
    algorithm: Algorithm = "ttv2",
    layout: Layout = "",
    overrides: Overrides = (),
) -> None:
    """Print a resolved description with every value's origin and status, a chip's area, a network's nodes, or a key."""
    if why or to:
        _influence(
            name,
            key,
            to,
            Options(
                workload or Options().workload,
                layouts=(layout,) if layout else (),
                algorithms=(algorithm,),
                overrides=overrides,
            ),
        )
    elif key and workload:
        raise TwinError(f"{key}: means the same on every floor plan; leave out the key or --workload")
    elif workload:
        from twin.runs.planning import first_layout

        layouts = (layout,) if layout else first_layout(algorithm)
        _floorplan(Options(workload, name, layouts, (algorithm,), overrides=overrides))
    elif key and overrides:
        raise TwinError("--set: changes nothing of what a key means; leave out the key, or add --why")
    elif key:
        from twin.cli.show_key import key_group

        wide_console().print(key_group(name, key))
    else:
        _description(name, Options(overrides=overrides))


def _description(name: str, asked: Options) -> None:
    """Print a description with what was set, and the area table of a chip or the nodes of a workload."""
    from twin.chip.sizes import remarks
    from twin.cli.tables import area_table, description_table, device_table, part_table
    from twin.runs.names import load_shown

    console = wide_console()
    preset = device_table(name) or part_table(name)
    if preset is not None:
        if asked.overrides:
            raise TwinError(f"--set: is for chips and workloads, not for {name}; leave it out")
        console.print(preset)
        return
    loaded = load_shown(name, asked)
    console.print(description_table(loaded))
    if loaded.model.kind == "chip":
        console.print(area_table(loaded.model))
        for remark in remarks(loaded):
            say(f"warning: {remark}")
    if loaded.model.kind == "workload":
        from twin.cli.show_network import network_table

        try:
            console.print(network_table(loaded.model))
        except TwinError as error:
            console.print(f"its nodes have no shapes: {error}", markup=False)


def _influence(name: str, key: str, to: str, asked: Options) -> None:
    """Print a key, and what differs between a short run with its value and one with another."""
    if not key:
        raise TwinError("--why: is said of one value; name its KEY, e.g. twin show aimc-512 tile.rows --why")
    from twin.cli.show_key import key_group
    from twin.report.pages.difference_text import print_difference
    from twin.results.result import NO_EFFECT
    from twin.runs.influence import SAMPLES, influence

    with progress("preparing", "samples") as report:
        found = influence(name, key, asked, report, to)
    console, run = wide_console(), found[0].result
    console.print(key_group(name, key))
    values = " and ".join(one.label for one in found)
    said = f"\n{run.name} of {run.workload} on {run.chip}, {SAMPLES} samples, with {values}:\n"
    console.print(said, markup=False, highlight=False)
    print_difference(found, console)
    for warning in run.warnings:
        if warning.endswith(NO_EFFECT) and key in warning:
            console.print(warning, markup=False, highlight=False)


def _floorplan(options: Options) -> None:
    """Print where the tiles of a workload lie on a chip, and how much of each is in use."""
    from twin.cli.tables import floorplan_table
    from twin.runs.build import build
    from twin.runs.comparison import plans_of
    from twin.runs.library import Library

    (plan,) = plans_of(options, Library())
    wide_console().print(floorplan_table(build(plan).floorplan))
