"""`twin.available` and `twin.describe`: what can be named, and what it is made of, as frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from twin.api.arguments import in_words_of_python
from twin.errors import TwinError
from twin.results.result import Source
from twin.runs.constants import description_rows
from twin.runs.names import available as kinds
from twin.runs.names import load_shown, preset_rows

if TYPE_CHECKING:
    from pathlib import Path


def available(kind: str = "") -> pd.DataFrame:
    """List what can be named in the other functions.

    Parameters
    ----------
    kind : str
        One of chips, layouts, workloads, baselines, sweeps, studies, memories, converters, data sets, devices,
        algorithms (default: all).

    Returns
    -------
    DataFrame
        kind, name, description; no numbers, so no units.

    Raises
    ------
    TwinError
        When there is no such kind.
    """
    found = kinds()
    if kind and kind not in found:
        raise TwinError(f"kind (= {kind!r}): must be one of {', '.join(found)}")
    rows = [(one, name, text) for one, names in found.items() if kind in ("", one) for name, text in names.items()]
    return pd.DataFrame(rows, columns=pd.Index(["kind", "name", "description"]))


def describe(name: str | Path) -> pd.DataFrame:
    """Give every value of a description with its unit, who says so, and where it was set.

    Parameters
    ----------
    name : str or Path
        A chip, layout, workload, baseline or sweep by name or file, or a device, memory or converter by name.

    Returns
    -------
    DataFrame
        key, value (text), unit, status (S, S2, D, M or assumption), source, origin.

    Raises
    ------
    TwinError
        When nothing has this name, or the file is wrong.
    """
    with in_words_of_python():
        rows = preset_rows(str(name)) or description_rows(load_shown(str(name)))
    return pd.DataFrame(rows, columns=pd.Index(Source._fields))
