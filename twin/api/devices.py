"""`twin.fit_device`: a device from measured pulses, with its parameters, its file and its figure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from twin.api.arguments import in_words_of_python
from twin.api.device_figure import drawn
from twin.api.progress import shown
from twin.devices.described import description
from twin.devices.families import MODELS, Candidate, compare, simplest
from twin.devices.fit import DeviceFit
from twin.devices.fit import fit_device as fit_trains
from twin.devices.forms.form import Reading, Wanted
from twin.devices.forms.registry import as_read, read_measured
from twin.devices.registry import suggest
from twin.errors import TwinError
from twin.files import check_suffix, write_text
from twin.report.figures.svg import styled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from twin.console import Report
    from twin.devices.trains import Trains

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
            return list(drawn(self).axes)


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
