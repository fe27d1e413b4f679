"""`twin.fit_device`: a device from measured pulses, with its parameters, its file and its figure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from twin.api.arguments import in_words_of_python
from twin.api.progress import shown
from twin.devices.curve import SECTIONS
from twin.devices.families import MODELS, Candidate, compare, parameters, simplest
from twin.devices.fit import DeviceFit
from twin.devices.fit import fit_device as fit_trains
from twin.devices.forms.form import Reading, Wanted
from twin.devices.forms.registry import as_read, read_measured
from twin.devices.registry import family_of, suggest
from twin.errors import TwinError, counted
from twin.files import check_suffix, write_text
from twin.report.figures.palette import ALGORITHMS, INKS, TEXT
from twin.report.figures.svg import figure, render_as, styled
from twin.results.text import scale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

    from twin.console import Report
    from twin.devices.trains import Array, Trains

UP, DOWN = INKS[ALGORITHMS["ttv2"]].light, INKS[ALGORITHMS["sgd"]].light
SHOWN = 2000  # steps drawn of each direction
LEAST, MOST = 1e-9, 1e-2  # S, assumption: below, a read at 0.1 V is under 0.1 nA; above, wires resist as much


@dataclass(frozen=True, slots=True, eq=False)
class FittedDevice:
    """A device fitted to measured pulses; weight -1 to 1 is its mean range, and a step is in these units.

    Attributes
    ----------
    name : str
        Of the files.
    form : str
        As what they were read, e.g. ``"crosssim, 35 ramps, currents at 0.1 V"``.
    trains : Trains
        The measured steps, in the unit of the files.
    reading : Reading
        What else the files say: unit of the conductance, volts, width of a pulse in s.
    fitted : DeviceFit
        The free curve of both directions with its noise.
    candidates : list of Candidate
        The families that were fitted.
    chosen : Candidate
        The family that was taken.
    """

    name: str
    form: str
    trains: Trains
    reading: Reading
    fitted: DeviceFit
    candidates: list[Candidate]
    chosen: Candidate

    @property
    def family(self) -> str:
        """The device family that was taken; a name without a unit."""
        return self.chosen.family

    @property
    def parameters(self) -> pd.DataFrame:
        """Parameters in units of weight: name, value, low and high of the 95 % interval (NaN: not known)."""
        rows = [(name, *values) for name, values in self.fitted.intervals().items()]
        return pd.DataFrame(rows, columns=pd.Index(["parameter", "value", "low", "high"]))

    @property
    def families(self) -> pd.DataFrame:
        """What was fitted, plain numbers without a unit: name, parameters, chi2 a step, bic, whether it was taken."""
        rows = [(one.name, one.parameters, one.chi2, one.bic, one is self.chosen) for one in self.candidates]
        return pd.DataFrame(rows, columns=pd.Index(["family", "parameters", "chi2", "bic", "taken"]))

    @property
    def doubt(self) -> str:
        """What speaks against the unit of the conductances, a line; "" where nothing does."""
        mean = float(np.abs(self.trains.before).mean())
        if self.reading.unit != "S" or LEAST <= mean <= MOST:
            return ""
        where = f" of {self.reading.heading!r}" if self.reading.heading else ""
        return f"mean conductance {mean:.3g} S: is the unit{where} right? devices have 1 nS to 10 mS"

    @property
    def toml(self) -> str:
        """The device as ``preset = "measured"`` reads it; quantities have units."""
        return description(self.name, self.trains, self.fitted, self.reading, self.chosen)

    def save(self, path: str | Path) -> None:
        """Write the device, with the units of its quantities: ``{"preset": "measured", "file": path}``.

        Raises
        ------
        TwinError
            When the file cannot be written, or is no .toml.
        """
        check_suffix("path", Path(path), ".toml")
        write_text(Path(path), self.toml)

    def plot(self) -> list[Axes]:
        """Draw trains and steps in the unit of the files, residuals in units of the noise, and spreads."""
        with styled():
            return list(_drawn(self).axes)


def fit_device(
    files: str | Path | Sequence[str | Path],
    *,
    form: str | None = None,
    read_voltage: float | None = None,
    columns: Mapping[str, str] | None = None,
    family: str | None = None,
    progress: bool = True,
) -> FittedDevice:
    """Fit a device to measured pulse trains, as ``twin device fit FILE...`` does.

    Parameters
    ----------
    files : path or sequence of paths
        A table, a log or a spreadsheet, or the files of both directions.
    form : str
        Form of the files; otherwise it is recognised.
    read_voltage : float
        Volts at which currents were read: conductance is current / voltage.
    columns : mapping of str to str
        What a column is: ``{"conductance": "G (uS)"}``.
    family : str
        Family to take, or "tabular"; otherwise the simplest within the noise.
    progress : bool
        Show how far it is, on a terminal or in a notebook.

    Returns
    -------
    FittedDevice
        In units of weight, where -1 to 1 is the mean range of the devices.

    Raises
    ------
    TwinError
        In one line: what is wrong with the files, where, and the likely fix.
    """
    paths = [Path(files)] if isinstance(files, str | Path) else [Path(one) for one in files]
    with in_words_of_python(), shown("reading", on=progress) as report:
        return measured_device(paths, Wanted(read_voltage, dict(columns or {})), form, family, report)


def measured_device(
    paths: Sequence[Path], wanted: Wanted, form: str | None, family: str | None, report: Report
) -> FittedDevice:
    """Read measured pulses and fit every family to them; raises as `fit_device`."""
    if wanted.read_voltage is not None and not 0 < abs(wanted.read_voltage) < 1e3:
        raise TwinError(f"--read-voltage (= {wanted.read_voltage:g}): must be the volts of a read, e.g. 0.1")
    names = (*(model.name for model in MODELS), "tabular")
    if family is not None and family not in names:
        raise TwinError(f"--family (= {family}): is none that is fitted; {suggest(family, names)}")
    trains, reading, name = read_measured(paths, form, wanted)
    try:
        fitted = fit_trains(trains, report)
        candidates = compare(trains, fitted)
    except TwinError as error:
        raise TwinError(f"{', '.join(map(str, paths))}: {error}{as_read(name, reading)}") from error
    chosen = next((one for one in candidates if one.name == family), simplest(candidates))
    files = ", ".join(path.name for path in paths)
    return FittedDevice(files, f"{name}, {reading.said}", trains, reading, fitted, list(candidates), chosen)


def description(name: str, trains: Trains, fitted: DeviceFit, reading: Reading, chosen: Candidate) -> str:
    """Write the device as TOML."""
    source = (
        f"twin device fit of {_plain(name)}: {counted(trains.devices, 'device')}, {trains.up.size} steps; "
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


def draw(found: FittedDevice, suffix: str) -> bytes:
    """Draw trains, steps with the fits, residuals and spreads; return the file, of one of `FORMATS`."""
    with styled():
        return render_as(_drawn(found), suffix)


def _drawn(found: FittedDevice) -> Figure:
    trains, fitted, chosen, unit = found.trains, found.fitted, found.chosen, found.reading.unit
    drawn = figure(7.4, 6.2)
    (left, right), (below, last) = drawn.subplots(2, 2)
    _trains(left, trains, unit)
    _steps(right, trains, fitted, chosen)
    _quantity(right.xaxis, "current" if unit == "A" else "conductance", unit, trains.after)
    _quantity(right.yaxis, "step", unit, trains.after - trains.before)
    _residuals(below, trains, fitted, chosen)
    _spread(last, trains, fitted)
    return drawn


def _quantity(axis: Axis, name: str, unit: str, values: Array) -> None:
    """Label an axis with a quantity and its unit, with the prefix of its largest value."""
    factor, prefixed = scale(float(np.abs(values).max()), unit) if unit else (1.0, "")
    axis.set_label_text(f"{name} ({prefixed or 'unit of the file'})")
    if factor != 1:
        axis.set_major_formatter(lambda value, _: f"{value * factor:.6g}".replace("-", "\u2212"))


def _trains(axes: Axes, trains: Trains, unit: str) -> None:
    """Conductance along the first trains of either direction."""
    devices: set[int] = set()
    for up, colour, label in ((True, UP, "up"), (False, DOWN, "down")):
        for k, train in enumerate(np.unique(trains.train[trains.up == up])[:8]):
            values = trains.after[trains.train == train]
            devices |= set(trains.device[trains.train == train].tolist())
            axes.plot(values, color=colour, linewidth=0.8, label=label if k == 0 else None)
    axes.set_xlabel("pulse")
    _quantity(axes.yaxis, "current" if unit == "A" else "conductance", unit, trains.after)
    axes.legend(title=f"{len(devices)} of {trains.devices} devices" if len(devices) < trains.devices else None)


def _steps(axes: Axes, trains: Trains, fitted: DeviceFit, chosen: Candidate) -> None:
    """Single steps over the conductance; over the mean range the free curve, dashed, and the chosen family."""
    x = fitted.low.mean() + fitted.span * np.linspace(0.0, 1.0, SECTIONS + 1)
    for up, colour, curve, mean in ((True, UP, fitted.up, chosen.mean[0]), (False, DOWN, fitted.down, -chosen.mean[1])):
        shown = np.flatnonzero(trains.up == up)
        shown = shown[:: max(1, shown.size // SHOWN)]
        change = trains.after[shown] - trains.before[shown]
        axes.plot(trains.before[shown], change, ".", color=colour, markersize=1.5, alpha=0.25)
        axes.plot(x, curve.nodes if up else -curve.nodes, "--", color=colour, linewidth=0.8)
        axes.plot(x, mean, color=colour)


def _residuals(axes: Axes, trains: Trains, fitted: DeviceFit, chosen: Candidate) -> None:
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


def _spread(axes: Axes, trains: Trains, fitted: DeviceFit) -> None:
    """Size of each train's steps relative to the common curve: by device, its cycles one above the other."""
    steps = fitted.steps
    common = np.bincount(trains.train, steps.mean / np.maximum(steps.scale, 1e-9))
    size = np.bincount(trains.train, steps.step) / np.maximum(common, np.finfo(float).tiny)
    for up, colour, shift in ((True, UP, -0.1), (False, DOWN, 0.1)):
        chosen = np.flatnonzero(trains.first & (trains.up == up))
        axes.plot(trains.device[chosen] + 1 + shift, size[trains.train[chosen]], ".", color=colour, markersize=4)
    axes.locator_params(axis="x", integer=True)
    axes.set_xlim(0.5, trains.devices + 0.5)
    axes.set_xlabel("device" if trains.devices > 1 else "one device")
    axes.set_ylabel("steps of a train / common curve")
