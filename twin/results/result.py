"""What a run leaves: numbers, tables and where they came from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from twin.errors import TwinError
from twin.results.tables import TABLES

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1

UNITS: dict[str, dict[str, str]] = {
    table.name: {column.name: column.unit for column in table.columns if not column.optional}
    for table in TABLES.values()
}
"""Columns each table must have, with their units ("1": a number, "": a name)."""

NO_EFFECT = "had no effect: nothing read it"
"""How a warning about a setting ends that a run did not read."""

COVERAGE = "coverage bound of the run"
"""What the diagnostics call the farthest that a weight can move."""

PULSED = "pulses per device and sample, at most, on"
"""How the diagnostics call the quantiles of endurance; a percentage of the devices follows."""

LEDGER = ("operations", "energy", "traffic", "servers", "bins", "bound", "area", "staleness", "calibration")
"""Tables that the engine's ledger gives."""


MAPPED = ("floorplan", "links", "programming", "endurance")
"""Tables of a run with tiles, of one with a network, of one that programmed its arrays, and that counted pulses."""

SHOWN = ("schedule", "channels", "nodes", "designs")
"""Tables that only pages need: the first services one by one, what the channels could carry, the network's graph, and
where the matrices of a mixed design live."""

OPTIONAL = (*MAPPED, *SHOWN)


class Source(NamedTuple):
    """One constant of the description: its value, and who says so.

    `status` is S (primary source read), S2 (secondary), L (measured with the twin), D (derived), M (from memory) or
    assumption;
    `origin` is the file and line, preset or command line that set the value in this run.
    """

    key: str
    value: str
    unit: str
    status: str
    source: str
    origin: str


class Tables(dict[str, "pd.DataFrame"]):
    """Tables of a run by name; a name that is not there is answered with those that are."""

    def __missing__(self, name: str) -> "pd.DataFrame":
        more = f"; that one is run.{name}" if name in {"curve", "diagnostics"} else ""
        raise TwinError(f"table (= {name!r}): is not one of this run; it has {', '.join(self)}{more}")


@dataclass(frozen=True, eq=False)
class RunResult:
    """A finished run.

    Attributes
    ----------
    name : str
        Unique among the runs of one report, e.g. ``"ttv2 four-array"``.
    algorithm : str
    layout : str
    chip : str
    workload : str
    device : str
        Names of the parts; the device is empty where no array was simulated.
    seed : int
    samples : int
        Training samples seen.
    epochs : int
    test_error : float
        Final, as a fraction; of a regression the mean test loss; NaN where there is no test set.
    curve : DataFrame
        One row an epoch: epoch, samples, time_s (simulated), train_loss, test_loss, test_error (as above).
    makespan_s : float
        Simulated time, s.
    energy_J : float
        Energy, J, leakage included.
    area_m2 : float
        Silicon, m².
    leakage_W : float
        Power of its leakage, W.
    makespan_interval_s : float
        Half the width of the 95 % confidence interval of the makespan where timing was sampled; 0 where all of
        it was run, NaN where too few windows were run to say.
    tables : dict of str to DataFrame
        The tables of `LEDGER`, and of `OPTIONAL` where there are such; with at least the columns in `UNITS`.
    bound : str
        What bound the time, in one line.
    diagnostics : DataFrame
        layer, matrix, what, value, unit.
    warnings : list of str
        One line each.
    config : str
        The resolved description, TOML.
    command : str
        What regenerates the run.
    sources : list of Source
        Every constant with its origin.
    chips : int
        Over which the network is spread.
    data : str
        The data set, with a hash where it is not the published one; empty where nothing was trained.
    regression : bool
        True where nothing is classified and `test_error` is a loss.

    Raises
    ------
    ValueError
        When a table or a column is missing.
    """

    name: str
    algorithm: str
    layout: str
    chip: str
    workload: str
    device: str
    seed: int
    samples: int
    epochs: int
    test_error: float
    curve: "pd.DataFrame"
    makespan_s: float
    energy_J: float
    area_m2: float
    leakage_W: float
    tables: "dict[str, pd.DataFrame]"
    bound: str
    diagnostics: "pd.DataFrame"
    warnings: list[str]
    config: str
    command: str
    sources: list[Source]
    regression: bool = False
    makespan_interval_s: float = 0.0
    chips: int = 1
    data: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", Tables(self.tables))
        for name in LEDGER:
            if name not in self.tables:
                raise ValueError(f"run {self.name!r}: ledger table {name!r} is missing")
        for name, table in self.frames().items():
            missing = set(UNITS[name]) - set(table.columns)
            if missing:
                raise ValueError(f"run {self.name!r}: table {name!r} lacks columns {sorted(missing)}")

    def frames(self) -> "dict[str, pd.DataFrame]":
        """All tables by name: the ledger's, the learning curve and the diagnostics; `units` gives their units."""
        ledger = {name: self.tables[name] for name in (*LEDGER, *OPTIONAL) if name in self.tables}
        return Tables(ledger | {"curve": self.curve, "diagnostics": self.diagnostics})

    def units(self, table: str) -> dict[str, str]:
        """Unit of every column of a table: s, ps, J, m2, mm, W, B; "1" for plain numbers, "" for names.

        Parameters
        ----------
        table : str
            A key of `frames`.

        Raises
        ------
        TwinError
            When the run has no such table.
        """
        return {str(column): unit(table, str(column)) for column in self.frames()[table].columns}


def untrained_curve(samples: int, time_s: float) -> "pd.DataFrame":
    """Return the one row of `RunResult.curve` of a run that is timed only, over simulated s."""
    import pandas as pd  # noqa: PLC0415

    nan = float("nan")
    columns = ["epoch", "samples", "time_s", "train_loss", "test_loss", "test_error"]
    return pd.DataFrame([(1, samples, time_s, nan, nan, nan)], columns=columns)


def empty_table(name: str) -> "pd.DataFrame":
    """Return a table of `UNITS` without rows, of a run that has nothing to say there."""
    import pandas as pd  # noqa: PLC0415

    columns = [column for column in TABLES[name].columns if not column.optional]
    return pd.DataFrame({column.name: pd.Series(dtype=column.dtype) for column in columns})


SUFFIXES = ("_ps", "_mm", "_s", "_J", "_m2", "_W")


def unit(table: str, column: str) -> str:
    """Give the unit of a column; of one that `TABLES` lacks the suffix says it, bins hold bytes, others counts."""
    known = TABLES[table].column(column)
    if known is not None:
        return known.unit
    if table == "bound":
        return ""
    suffix = next((end for end in SUFFIXES if column.endswith(end)), "")
    return suffix.removeprefix("_") or ("B" if table == "bins" else "1")


def quantity(column: str) -> str:
    """Give the name of a column without its unit."""
    return next((column.removesuffix(end) for end in SUFFIXES if column.endswith(end)), column)


def streams(bins: "pd.DataFrame") -> list[str]:
    """Give the columns of a bins table that hold the bytes of a stream."""
    return [str(column) for column in bins.columns if column not in UNITS["bins"]]


def stream_name(column: str) -> str:
    """Give the stream that a column of bins counts: ``"H_bytes"`` and ``"bytes_H"`` are both H."""
    return column.removeprefix("bytes_").removesuffix("_bytes").removesuffix("_B")
