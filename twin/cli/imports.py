"""`twin import`."""

from pathlib import Path
from typing import Annotated

import typer

imports = typer.Typer(no_args_is_help=True, help="Descriptions from files of other tools.")


Out = Annotated[Path | None, typer.Option(help="A TOML file for the workload (default: the standard output).")]


@imports.callback()
def _common() -> None:
    """Descriptions from files of other tools."""


@imports.command()
def aihwkit(
    file: Annotated[Path, typer.Argument(help="What print(rpu_config) or its repr gives; parsed, never executed.")],
    out: Out = None,
    workload: Annotated[
        str, typer.Option(help="Network, data, length and initial weights of the new one; aihwkit's text has none.")
    ] = "mnist-mlp",
    learning_rate: Annotated[
        float, typer.Option(help="Of the optimiser, which the text does not have.", min=1e-9, max=1e6)
    ] = 0.1,
    chip: Annotated[str, typer.Option(help="Chip whose tiles get the io, for --chip-out.")] = "aimc-512",
    chip_out: Annotated[Path | None, typer.Option(help="A TOML file for a chip with the io of the text.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a text with a setting that a run cannot express.")
    ] = False,
) -> None:
    """Make a workload of an RPU configuration of aihwkit; list what a run cannot express, with its value."""
    from twin.cli.import_aihwkit import import_configuration

    import_configuration(file, out, base=workload, rate=learning_rate, chip=chip, chip_out=chip_out, strict=strict)


@imports.command()
def dramsim3(
    file: Annotated[Path, typer.Argument(help="A configuration of DRAMsim3 (.ini).")],
    out: Annotated[Path | None, typer.Option(help="A TOML file for the part (default: the standard output).")] = None,
    against: Annotated[str, typer.Option(help="List what a shipped part has otherwise, e.g. ddr4-3200.")] = "",
) -> None:
    """Make a memory part of a DRAMsim3 configuration; list what the twin's DRAM does not do."""
    from twin.cli.import_dramsim3 import import_part

    import_part(file, out, against=against)


@imports.command()
def scalesim(
    file: Annotated[
        Path, typer.Argument(help="A topology of SCALE-Sim (.csv): name, sizes, channels, filters, stride.")
    ],
    out: Out = None,
) -> None:
    """Make a network to be timed of a topology of SCALE-Sim; say what the table leaves open and how it was filled."""
    from twin.cli.import_topology import import_topology
    from twin.imports.topologies.rows import scalesim as read

    import_topology(file, out, read, "SCALE-Sim")


@imports.command()
def neurosim(
    file: Annotated[Path, typer.Argument(help="A NetWork.csv of NeuroSim: 8 whole numbers a layer, no heading.")],
    out: Out = None,
) -> None:
    """Make a network to be timed of a NetWork.csv of NeuroSim; say what the table leaves open and how it was filled."""
    from twin.cli.import_topology import import_topology
    from twin.imports.topologies.rows import neurosim as read

    import_topology(file, out, read, "NeuroSim")
