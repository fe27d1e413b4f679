"""Registry of forms, one line each, in the order in which they are tried; and the reading of files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from twin.devices.forms.by_file import FileForm
from twin.devices.forms.crosssim import CrossSim
from twin.devices.forms.form import Form, Reading, Wanted, check_currents
from twin.devices.forms.grid import Grid, read_grid
from twin.devices.forms.log import Log
from twin.devices.forms.long_table import LongTable
from twin.devices.forms.neurosim import NeuroSim
from twin.devices.forms.own import Own
from twin.devices.forms.roles import NAMES, SCALES
from twin.devices.forms.two_columns import TwoColumns
from twin.devices.forms.wide_table import WideTable
from twin.devices.forms.xbtorch import XBTorch
from twin.devices.registry import suggest
from twin.devices.trains import Trains, assemble
from twin.errors import TwinError

FORMS: tuple[type[Form], ...] = (
    Own,
    CrossSim,
    NeuroSim,
    XBTorch,
    TwoColumns,
    Log,
    WideTable,
    LongTable,
)


def read_measured(
    paths: Sequence[Path], form: str | None = None, wanted: Wanted | None = None
) -> tuple[Trains, Reading, str]:
    """Read measured pulses of any form; return the steps, what was found, and the form's name.

    Parameters
    ----------
    paths : sequence of Path
        One file, or those that belong together.
    form : str, optional
        Name of the form; otherwise the first that recognises the files.
    wanted : Wanted, optional

    Raises
    ------
    TwinError
        If a file cannot be read, no form or an unknown one is meant, or what a form wants is not there.
    """
    wanted = wanted or Wanted()
    grids = [read_grid(path) for path in paths]
    names = {one.NAME.lower(): one for one in FORMS}
    if form is not None and form.lower() not in names:
        raise TwinError(f"--form (= {form}): is unknown; {suggest(form, [one.NAME for one in FORMS])}")
    for role in wanted.columns:
        if role not in NAMES:
            raise TwinError(f"--column {role}: is no role of a column; {suggest(role, NAMES)}")
    chosen = names[form.lower()] if form else _recognised(grids, wanted)
    shown = ", ".join(map(str, paths))
    if chosen is None:
        if wanted.columns:
            chosen = Log if "voltage" in wanted.columns else LongTable
        else:
            raise TwinError(
                f"{shown}: has no form that is known; name its columns (--column ROLE=HEADING) or its --form"
            )
    for role, name in wanted.columns.items():
        if role not in chosen.ROLES:
            users = " and ".join(one.NAME for one in FORMS if role in one.ROLES)
            raise TwinError(f"--column {role} (= {name}): is not used by the form {chosen.NAME}, only by {users}")
    if not chosen.CURRENTS:
        check_currents(f"the form {chosen.NAME}", wanted)
    reading = chosen.read(grids, wanted)
    _check_apart(shown, len(grids), reading)
    try:
        return assemble(shown, reading.trains), reading, chosen.NAME
    except TwinError as error:
        raise TwinError(f"{error}{as_read(chosen.NAME, reading)}") from error


def _recognised(grids: Sequence[Grid], wanted: Wanted) -> type[Form] | None:
    """Return the first form that recognises the files; refuse files of which each has another."""
    forms = [one for one in FORMS if set(wanted.columns) <= set(one.ROLES)]
    chosen = next((one for one in forms if one.recognises(grids)), None)
    if len(grids) == 1 or (chosen is not None and not issubclass(chosen, FileForm)):
        return chosen
    alone = [next((one for one in forms if one.recognises([grid])), None) for grid in grids]
    other = next((k for k, one in enumerate(alone) if one is not alone[0]), None)
    if other is not None and not wanted.columns:
        raise TwinError(
            f"{grids[other].path}: has {_named(alone[other])}, {grids[0].path} {_named(alone[0])}; fit files of one "
            "form together, or name it (--form)"
        )
    return chosen


def _check_apart(shown: str, files: int, reading: Reading) -> None:
    """Refuse single values, up to one a file, far above all others: a number cut off before its exponent."""
    sizes = np.unique(np.abs(np.concatenate([np.zeros(1), *(np.asarray(one.values) for one in reading.trains)])))
    if sizes.size > files + 1 and sizes[-1] > SCALES * sizes[-1 - files] > 0:
        unit = reading.unit or "units of the file"
        raise TwinError(
            f"{shown}: {reading.heading or 'a state'} (= {sizes[-1]:.4g} {unit}): is over "
            f"{SCALES} times as large as all others, at most {sizes[-1 - files]:.4g}; is the last row cut off, or a "
            "number mistyped?"
        )


def _named(form: type[Form] | None) -> str:
    return f"the form {form.NAME}" if form else "no form that is known"


def as_read(name: str, reading: Reading) -> str:
    """Say, behind an error of what was read, which columns it was made of; "" where the form has no choice."""
    if not reading.taken:
        return ""
    unused = f", without {', '.join(map(repr, reading.unused))}" if reading.unused else ""
    return (
        f"; read as {name}, {reading.taken}{unused}; if that is wrong, say what a column is, e.g. "
        "--column conductance=HEADING"
    )
