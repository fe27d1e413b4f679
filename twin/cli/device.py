"""`twin device`."""

from pathlib import Path
from typing import Annotated

import typer

device = typer.Typer(no_args_is_help=True, help="Devices from measurements.")


@device.command()
def fit(
    files: Annotated[
        list[Path],
        typer.Argument(help="Measured pulses: a table, a log or a spreadsheet, or the files of both directions."),
    ],
    form: Annotated[
        str | None, typer.Option(help="Form of the files; otherwise it is recognised (docs/devices.md lists them).")
    ] = None,
    read_voltage: Annotated[
        float | None, typer.Option(help="Volts at which currents were read: conductance is current / voltage.")
    ] = None,
    family: Annotated[
        str | None,
        typer.Option(help="Family to take, or tabular; otherwise the simplest within the noise."),
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="ROLE=HEADING: what a column is, e.g. conductance='G (uS)'. Repeatable.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="A figure of the trains and the fitted steps: .svg, .pdf or .png.")
    ] = None,
    into: Annotated[
        Path | None, typer.Option("--into", "--out", help="A TOML file for device = {preset = 'measured', file = ...}.")
    ] = None,
) -> None:
    """Make a device from measured pulse trains; print the fit and its residuals."""
    from twin.cli.device_fit import fit_measured

    fit_measured(files, plot, into, form, read_voltage, column or [], family)
