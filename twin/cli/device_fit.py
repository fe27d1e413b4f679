"""`twin device fit`: measured trains in, a table, a device description and a figure out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from twin.api.device_figure import draw
from twin.api.devices import FittedDevice, measured_device
from twin.console import progress
from twin.devices.curve import CHANCE
from twin.devices.families import BARE, Candidate
from twin.devices.fit import DeviceFit
from twin.devices.forms.form import Wanted
from twin.devices.trains import Trains
from twin.errors import TwinError, counted
from twin.files import check_outputs, check_suffix, write_bytes
from twin.report.figures.svg import FORMATS


def fit_measured(
    paths: Sequence[Path],
    plot: Path | None = None,
    out: Path | None = None,
    form: str | None = None,
    read_voltage: float | None = None,
    columns: Sequence[str] = (),
    family: str | None = None,
) -> None:
    """Print the fit of measured pulses; write the device and the figure where asked to."""
    if plot is not None:
        check_suffix("--plot", plot, *FORMATS)
    if out is not None:
        check_suffix("--into", out, ".toml")
    check_outputs({"--plot": plot, "--into": out}, {f"measurement {path}": path for path in paths})
    with progress("reading", "passes") as report:
        found = measured_device(paths, Wanted(read_voltage, _columns(columns)), form, family, report)
    trains, fitted, chosen = found.trains, found.fitted, found.chosen
    if plot is not None:  # files first: what reads the output may stop before its end
        write_bytes(plot, draw(found, plot.suffix.lower()))
    if out is not None:
        found.save(out)
    console = Console()
    for line in read_lines(found):
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    console.print(fit_table(found.name, found.reading.unit, trains, fitted))
    console.print(parameter_table(trains, fitted))
    console.print(family_table(found.candidates, chosen))
    for name, curve in (("up", fitted.up), ("down", fitted.down)):
        if not curve.monotone:
            console.print(
                f"{name} steps are not monotone along the range: beyond what noise makes, the curve misses their "
                f"means by {100 * curve.misfit:.0f} % of the mean step (noise alone does so in under "
                f"{100 * CHANCE:g} % of cases)",
                soft_wrap=True,
            )
    if not fitted.noise.decided:
        console.print(
            f"whether cycle noise is multiplicative or additive is not decided by these data "
            f"(log-likelihoods {fitted.noise.advantage:.1f} apart); the likelier is taken",
            soft_wrap=True,
        )
    if out is not None:
        console.print(
            f'{out}: use it as device = {{preset = "measured", file = "{out}"}}', soft_wrap=True, markup=False
        )


def read_lines(found: FittedDevice) -> list[str]:
    """Say as what the files were read, what was left out, and what looks wrong."""
    lines = [f"read as: {found.form}"]
    if found.reading.unused:
        lines.append(f"columns not used: {', '.join(found.reading.unused)}")
    lines += [f"warning: {text}" for text in found.reading.warnings]
    if found.doubt:
        lines.append(f"warning: {found.doubt}")
    return lines


def fit_table(name: str, unit: str, trains: Trains, fitted: DeviceFit) -> Table:
    """Make the table of what was found, with the residuals."""
    table = Table(title=f"{name}: {counted(trains.devices, 'device')}, {trains.up.size} steps", title_justify="left")
    for heading in ("quantity", "up", "down"):
        table.add_column(heading, justify="left" if heading == "quantity" else "right")
    per = 2 / fitted.span
    measured = unit or "unit of the file"
    pairs = (fitted.up, fitted.down)
    lines = (fitted.up_line, fitted.down_line)
    ends = (fitted.high, fitted.low)
    middle = np.full(1, 0.5)
    row = table.add_row
    row(f"end of the range, {measured}", *(f"{end.mean():.5g} ± {end.std():.2g}" for end in ends))
    row(f"step in its middle, {measured}", *(f"{curve.at(middle)[0]:.4g}" for curve in pairs))
    row("step in its middle, weight", *(f"{per * curve.at(middle)[0]:.4g}" for curve in pairs))
    row("spread of the steps over devices", *(f"{100 * curve.scale.std():.1f} %" for curve in pairs))
    row("misfit of the monotone curve beyond noise", *(f"{100 * curve.misfit:.1f} %" for curve in pairs))
    row("variance of steps explained", *(f"{100 * curve.explained:.1f} %" for curve in pairs))
    row("  in the middle, by a line per device", *(f"{100 * line.explained:.1f} %" for line in lines))
    row("  its step at 0", *(f"{line.step_0:.4g}" for line in lines))
    row("  its end, where the step is 0", *(f"{line.bound:.4g}" for line in lines))
    table.caption = (
        f"{2 / fitted.dw_min:.4g} states; rms residual of a step {fitted.residual:.3g} dw_min. "
        "Weight -1 to 1 is the mean range."
    )
    table.caption_justify = "left"
    return table


def parameter_table(trains: Trains, fitted: DeviceFit) -> Table:
    """Make the table of the device's parameters with their intervals."""
    table = Table(title_justify="left", caption_justify="left")
    for heading in ("parameter", "value", "95 % interval"):
        table.add_column(heading)
    for name, (value, low, high) in fitted.intervals().items():
        known = np.isfinite([low, high]).all()
        table.add_row(name, f"{value:.4g}", f"{low:.4g} to {high:.4g}" if known else "not known from one device")
    kind = "multiplicative" if fitted.noise.mult_noise else "additive"
    how = f"{trains.repeats.reads:.3g} reads a state" if trains.repeats.freedom else "how neighbouring steps correlate"
    table.caption = f"Cycle noise dw_min_std is {kind}; read noise, in weight units, is known from {how}."
    return table


def family_table(candidates: Sequence[Candidate], chosen: Candidate) -> Table:
    """Make the table of the families, the simplest first."""
    table = Table(title_justify="left", caption_justify="left")
    for heading in ("family", "parameters", "chi^2 a step", "BIC above the lowest", ""):
        table.add_column(heading, justify="left" if heading in {"family", ""} else "right")
    least = min(one.bic for one in candidates)
    for one in sorted(candidates, key=lambda one: one.parameters):
        mark = "taken" if one is chosen else ""
        table.add_row(one.name, str(one.parameters), f"{one.chi2:.4f}", f"{one.bic - least:.1f}", mark)
    table.caption = f"Of families within {BARE:g} of the lowest BIC, the one with fewest parameters is taken."
    return table


def _columns(columns: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in columns]
    for role, equals, name in pairs:
        if not (role and equals and name):
            raise TwinError(f"--column (= {role}): must be ROLE=HEADING, e.g. conductance='G (uS)'")
    return {role.strip().lower(): name.strip() for role, _, name in pairs}
