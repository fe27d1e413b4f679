"""`twin device`."""

from pathlib import Path
from typing import Annotated

import typer

device = typer.Typer(no_args_is_help=True, help="Devices from measurements.")


@device.command()
def fit(
    file: Annotated[Path, typer.Argument(help="A CSV of pulse, conductance, direction (up, down), device, cycle.")],
    plot: Annotated[
        Path | None, typer.Option(help="A figure of the trains and the fitted steps: .svg, .pdf or .png.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A TOML file for device = {preset = 'measured', file = ...}.")
    ] = None,
) -> None:
    """Make a device from measured pulse trains; print the fit and its residuals."""
    from twin.cli.device_fit import fit_measured

    fit_measured(file, plot, out)
