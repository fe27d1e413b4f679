"""`twin device fit`: measured trains in, a table, a device description and a figure out."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table

from twin.console import progress
from twin.devices.curve import CHANCE, SECTIONS
from twin.devices.fit import DeviceFit, fit_device
from twin.devices.forms.form import Reading, Wanted
from twin.devices.forms.registry import read_measured
from twin.devices.trains import Trains
from twin.errors import TwinError
from twin.files import check_outputs, check_suffix, write_bytes, write_text
from twin.report.figures.palette import ALGORITHMS, INKS
from twin.report.figures.svg import FORMATS, figure, render_as, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

UP, DOWN = INKS[ALGORITHMS["ttv2"]].light, INKS[ALGORITHMS["sgd"]].light
SHOWN = 2000  # steps drawn of each direction


def fit_measured(
    paths: Sequence[Path],
    plot: Path | None = None,
    out: Path | None = None,
    form: str | None = None,
    read_voltage: float | None = None,
    columns: Sequence[str] = (),
) -> None:
    """Print the fit of measured pulses; write the device and the figure where asked to."""
    if plot is not None:
        check_suffix("--plot", plot, *FORMATS)
    if out is not None:
        check_suffix("--into", out, ".toml")
    check_outputs({"--plot": plot, "--into": out}, {f"measurement {path}": path for path in paths})
    shown = ", ".join(path.name for path in paths)
    with progress("reading", "passes") as report:
        trains, reading, name = read_measured(paths, form, _wanted(read_voltage, columns))
        try:
            fitted = fit_device(trains, report)
        except TwinError as error:
            raise TwinError(f"{', '.join(map(str, paths))}: {error}") from error
    console = Console()
    console.print(f"read as: {name}, {reading.said}", soft_wrap=True, markup=False, highlight=False)
    console.print(fit_table(shown, reading.unit, trains, fitted))
    console.print(parameter_table(trains, fitted))
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
    if plot is not None:
        write_bytes(plot, draw(trains, fitted, plot.suffix.lower()))
    if out is not None:
        write_text(out, description(shown, trains, fitted, reading))
        console.print(
            f'{out}: use it as device = {{preset = "measured", file = "{out}"}}', soft_wrap=True, markup=False
        )


def fit_table(name: str, unit: str, trains: Trains, fitted: DeviceFit) -> Table:
    """Make the table of what was found, with the residuals."""
    table = Table(title=f"{name}: {trains.devices} devices, {trains.up.size} steps", title_justify="left")
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


def _wanted(read_voltage: float | None, columns: Sequence[str]) -> Wanted:
    if read_voltage is not None and not 0 < abs(read_voltage) < 1e3:
        raise TwinError(f"--read-voltage (= {read_voltage:g}): must be the volts of a read, e.g. 0.1")
    pairs = [text.partition("=") for text in columns]
    for role, equals, name in pairs:
        if not (role and equals and name):
            raise TwinError(f"--column (= {role}): must be ROLE=HEADING, e.g. conductance='G (uS)'")
    return Wanted(read_voltage, {role.strip().lower(): name.strip() for role, _, name in pairs})


def description(name: str, trains: Trains, fitted: DeviceFit, reading: Reading) -> str:
    """Write the device as TOML."""
    source = (
        f"twin device fit of {_plain(name)}: {trains.devices} devices, {trains.up.size} steps; "
        f"rms residual of a step {fitted.residual:.3g} dw_min"
    )
    lines = [
        f"# weight -1 to 1 is {fitted.low.mean():.6g} to {fitted.high.mean():.6g} {reading.unit}".rstrip(),
        *(
            f"# {key.rpartition('_')[0]} = {value:.6g} {key.rpartition('_')[2]}"
            for key, value in reading.electricity.items()
        ),
        'family = "piecewise-step"',
        f'source = "{source}"',
        f"states = {2 / fitted.dw_min:.6g}",
    ]
    for key, value in fitted.parameters().items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        lines.append(f"{key} = {text}")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() and char not in '"\\' else "?" for char in text)


def draw(trains: Trains, fitted: DeviceFit, suffix: str) -> bytes:
    """Draw the trains, and the steps with the fitted curves; return the file, of one of `FORMATS`."""
    with styled():
        drawn = figure(7.4, 3.2)
        left, right = drawn.subplots(1, 2)
        _trains(left, trains)
        _steps(right, trains, fitted)
        return render_as(drawn, suffix)


def _trains(axes: "Axes", trains: Trains) -> None:
    """Conductance along the first trains of either direction."""
    for up, colour, label in ((True, UP, "up"), (False, DOWN, "down")):
        for k, train in enumerate(np.unique(trains.train[trains.up == up])[:8]):
            values = trains.after[trains.train == train]
            axes.plot(values, color=colour, linewidth=0.8, label=label if k == 0 else None)
    axes.set_xlabel("pulse")
    axes.set_ylabel("conductance")
    axes.legend()


def _steps(axes: "Axes", trains: Trains, fitted: DeviceFit) -> None:
    """Single steps over the conductance, and the mean curves over the mean range."""
    x = fitted.low.mean() + fitted.span * np.linspace(0.0, 1.0, SECTIONS + 1)
    for up, colour, curve in ((True, UP, fitted.up), (False, DOWN, fitted.down)):
        chosen = np.flatnonzero(trains.up == up)
        chosen = chosen[:: max(1, chosen.size // SHOWN)]
        change = trains.after[chosen] - trains.before[chosen]
        axes.plot(trains.before[chosen], change, ".", color=colour, markersize=1.5, alpha=0.25)
        axes.plot(x, curve.nodes if up else -curve.nodes, color=colour)
    axes.set_xlabel("conductance")
    axes.set_ylabel("step")
