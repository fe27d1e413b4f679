"""`twin device fit`: measured trains in, a table, a device description and a figure out."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table

from twin.console import progress
from twin.devices.curve import CHANCE, SECTIONS
from twin.devices.families import BARE, MODELS, Candidate, compare, parameters, simplest
from twin.devices.fit import DeviceFit, fit_device
from twin.devices.forms.form import Reading, Wanted
from twin.devices.forms.registry import read_measured
from twin.devices.registry import family_of, suggest
from twin.devices.trains import Trains
from twin.errors import TwinError
from twin.files import check_outputs, check_suffix, write_bytes, write_text
from twin.report.figures.palette import ALGORITHMS, INKS, TEXT
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
    family: str | None = None,
) -> None:
    """Print the fit of measured pulses; write the device and the figure where asked to."""
    if plot is not None:
        check_suffix("--plot", plot, *FORMATS)
    if out is not None:
        check_suffix("--into", out, ".toml")
    check_outputs({"--plot": plot, "--into": out}, {f"measurement {path}": path for path in paths})
    names = (*(model.name for model in MODELS), "tabular")
    if family is not None and family not in names:
        raise TwinError(f"--family (= {family}): is none that is fitted; {suggest(family, names)}")
    shown = ", ".join(path.name for path in paths)
    with progress("reading", "passes") as report:
        trains, reading, name = read_measured(paths, form, _wanted(read_voltage, columns))
        try:
            fitted = fit_device(trains, report)
            candidates = compare(trains, fitted)
        except TwinError as error:
            raise TwinError(f"{', '.join(map(str, paths))}: {error}") from error
    console = Console()
    console.print(f"read as: {name}, {reading.said}", soft_wrap=True, markup=False, highlight=False)
    console.print(fit_table(shown, reading.unit, trains, fitted))
    console.print(parameter_table(trains, fitted))
    chosen = next((one for one in candidates if one.name == family), simplest(candidates))
    console.print(family_table(candidates, chosen))
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
        write_bytes(plot, draw(trains, fitted, chosen, plot.suffix.lower()))
    if out is not None:
        write_text(out, description(shown, trains, fitted, reading, chosen))
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


def _wanted(read_voltage: float | None, columns: Sequence[str]) -> Wanted:
    if read_voltage is not None and not 0 < abs(read_voltage) < 1e3:
        raise TwinError(f"--read-voltage (= {read_voltage:g}): must be the volts of a read, e.g. 0.1")
    pairs = [text.partition("=") for text in columns]
    for role, equals, name in pairs:
        if not (role and equals and name):
            raise TwinError(f"--column (= {role}): must be ROLE=HEADING, e.g. conductance='G (uS)'")
    return Wanted(read_voltage, {role.strip().lower(): name.strip() for role, _, name in pairs})


def description(name: str, trains: Trains, fitted: DeviceFit, reading: Reading, chosen: Candidate) -> str:
    """Write the device as TOML."""
    source = (
        f"twin device fit of {_plain(name)}: {trains.devices} devices, {trains.up.size} steps; "
        f"{chosen.name}, chi^2 a step {chosen.chi2:.3g}; rms residual of a step {fitted.residual:.3g} dw_min"
    )
    lines = [
        f"# weight -1 to 1 is {fitted.low.mean():.6g} to {fitted.high.mean():.6g} {reading.unit}".rstrip(),
        *(
            f"# {key.rpartition('_')[0]} = {value:.6g} {key.rpartition('_')[2]}"
            for key, value in reading.electricity.items()
        ),
        f'family = "{chosen.family}"',
        f'source = "{source}"',
    ]
    found = parameters(fitted, chosen)
    states = family_of(chosen.family).model_validate(found).states
    lines.append(f"states = {states:.6g}")
    for key, value in found.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        lines.append(f"{key} = {text}")
    lines += [f"{key} = {value}" for key, value in electricity(fitted, reading).items()]
    return "\n".join(lines) + "\n"


def electricity(fitted: DeviceFit, reading: Reading) -> dict[str, str]:
    """Return what the files say of the device's electrical side, as TOML values; what they do not say is left out."""
    low, high = float(fitted.low.mean()), float(fitted.high.mean())
    known = reading.electricity
    found = {}
    if reading.unit == "S" and low > 0:
        found = {"mean_resistance": f'"{2 / (low + high):.6g} Ohm"', "on_off_ratio": f"{high / low:.6g}"}
    write = max((abs(known[key]) for key in ("up_voltage_V", "down_voltage_V") if key in known), default=None)
    read = known.get("read_voltage_V")
    if write is not None:
        found["write_voltage"] = f'"{write:.6g} V"'
    if read is not None and write is not None and abs(read) <= write:
        found["read_voltage"] = f'"{abs(read):.6g} V"'
    if "pulse_width_s" in known:
        found["pulse_time"] = f'"{known["pulse_width_s"]:.6g} s"'
    return found


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() and char not in '"\\' else "?" for char in text)


def draw(trains: Trains, fitted: DeviceFit, chosen: Candidate, suffix: str) -> bytes:
    """Draw trains, steps with the fits, residuals and spreads; return the file, of one of `FORMATS`."""
    with styled():
        drawn = figure(7.4, 6.2)
        (left, right), (below, last) = drawn.subplots(2, 2)
        _trains(left, trains)
        _steps(right, trains, fitted, chosen)
        _residuals(below, trains, fitted, chosen)
        _spread(last, trains, fitted)
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


def _steps(axes: "Axes", trains: Trains, fitted: DeviceFit, chosen: Candidate) -> None:
    """Single steps over the conductance; over the mean range the free curve, dashed, and the chosen family."""
    x = fitted.low.mean() + fitted.span * np.linspace(0.0, 1.0, SECTIONS + 1)
    for up, colour, curve, mean in ((True, UP, fitted.up, chosen.mean[0]), (False, DOWN, fitted.down, -chosen.mean[1])):
        shown = np.flatnonzero(trains.up == up)
        shown = shown[:: max(1, shown.size // SHOWN)]
        change = trains.after[shown] - trains.before[shown]
        axes.plot(trains.before[shown], change, ".", color=colour, markersize=1.5, alpha=0.25)
        axes.plot(x, curve.nodes if up else -curve.nodes, "--", color=colour, linewidth=0.8)
        axes.plot(x, mean, color=colour)
    axes.set_xlabel("conductance")
    axes.set_ylabel("step")


def _residuals(axes: "Axes", trains: Trains, fitted: DeviceFit, chosen: Candidate) -> None:
    """Mean residuals about the chosen family along the range, in units of a single step's noise, with 2 errors."""
    steps = fitted.steps
    noise = np.sqrt(steps.cycle + 2 * steps.read)
    nodes = np.linspace(0.0, 1.0, SECTIONS + 1)
    for up, colour, mean, label in ((True, UP, chosen.mean[0], "up"), (False, DOWN, chosen.mean[1], "down")):
        own = trains.up == up
        rest = (steps.step - steps.scale * np.interp(steps.place, nodes, mean))[own] / noise[own]
        bins = np.minimum((steps.place[own] * SECTIONS).astype(int), SECTIONS - 1)
        count = np.bincount(bins, minlength=SECTIONS)
        full = count > 1
        shown = np.bincount(bins, rest, SECTIONS)[full] / count[full]
        axes.errorbar(
            (np.arange(SECTIONS)[full] + 0.5) / SECTIONS, shown, 2 / np.sqrt(count[full]), fmt=".", color=colour,
            linewidth=0.8, label=label,
        )  # fmt: skip
    axes.axhline(0.0, color=INKS[TEXT].light, linewidth=0.8)
    axes.set_xlabel("place in the range")
    axes.set_ylabel(f"residual of {chosen.name} / noise")


def _spread(axes: "Axes", trains: Trains, fitted: DeviceFit) -> None:
    """Size of each train's steps relative to the common curve: by device, its cycles one above the other."""
    steps = fitted.steps
    common = np.bincount(trains.train, steps.mean / np.maximum(steps.scale, 1e-9))
    size = np.bincount(trains.train, steps.step) / np.maximum(common, np.finfo(float).tiny)
    for up, colour, shift in ((True, UP, -0.1), (False, DOWN, 0.1)):
        chosen = np.flatnonzero(trains.first & (trains.up == up))
        axes.plot(trains.device[chosen] + 1 + shift, size[trains.train[chosen]], ".", color=colour, markersize=4)
    axes.locator_params(axis="x", integer=True)
    axes.set_xlabel("device")
    axes.set_ylabel("steps of a train / common curve")
