"""Tidy CSV tables over all runs: one row a fact, its unit beside it, the run first."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from twin.results.result import MAPPED, RunResult, quantity, stream_name, streams, unit

if TYPE_CHECKING:
    import pandas as pd


def tidy(runs: Sequence[RunResult]) -> "dict[str, pd.DataFrame]":
    """Give every table as run, keys..., quantity, value, unit; the keys of `dict` name the files."""
    import pandas as pd  # noqa: PLC0415

    makers: Mapping[str, Callable[[RunResult], pd.DataFrame]] = {
        "curve": lambda run: _facts(run, "curve", ["epoch"]),
        "energy": lambda run: _facts(run, "energy", ["component", "layer", "kind"]),
        "time": lambda run: _facts(run, "operations", ["kind", "layer", "matrix"]),
        "traffic": lambda run: _facts(run, "traffic", ["path", "stream", "layer"]),
        "bandwidth": _bandwidth,
        "tiles": lambda run: _facts(run, "servers", ["server", "kind"]),
        "layers": _layers,
        "staleness": lambda run: _facts(run, "staleness", ["kind", "layer", "matrix", "staleness_samples"]),
        "calibration": lambda run: _facts(run, "calibration", ["number", "layer", "matrix"]),
        "programming": lambda run: _facts(run, "programming", ["layer", "matrix", "array"]),
        "floorplan": lambda run: _facts(run, "floorplan", ["tile", "layer", "chip", "node"]),
        "links": lambda run: _facts(run, "links", ["link", "kind"]),
        "area": lambda run: _facts(run, "area", ["part"]),
        "bound": lambda run: _facts(run, "bound", _names(run.tables["bound"])),
    }
    having = {name: [run for run in runs if name in run.tables] if name in MAPPED else runs for name in makers}
    return {
        name: pd.concat([_named(run, make(run)) for run in having[name]], ignore_index=True)
        for name, make in makers.items()
        if having[name]
    }


def _names(bound: "pd.DataFrame") -> list[str]:
    return [name for name in map(str, bound.columns) if name not in {"share", "saved"}]


def _facts(run: RunResult, table: str, keys: list[str]) -> "pd.DataFrame":
    frame = run.frames()[table]
    units = {str(column): unit(table, str(column)) for column in frame.columns if column not in keys}
    facts = _melt(frame, keys, units)
    facts["quantity"] = [quantity(name) for name in facts["quantity"]]
    return facts


def _melt(frame: "pd.DataFrame", keys: list[str], units: Mapping[str, str]) -> "pd.DataFrame":
    # As objects, because integers and floats of one column would otherwise all become floats.
    facts = frame.astype(object).melt(keys, list(units), var_name="quantity", value_name="value")
    facts["unit"] = [units[name] for name in facts["quantity"]]
    return facts


def _bandwidth(run: RunResult) -> "pd.DataFrame":
    bins = run.tables["bins"]
    keys = ["t0_ps", "t1_ps"]
    columns = {name: stream_name(name) for name in streams(bins)}
    facts = _melt(bins, keys, {"energy_J": "J"} | dict.fromkeys(columns, "B"))
    facts.insert(2, "stream", [columns.get(name, "") for name in facts["quantity"]])
    facts["quantity"] = ["bytes" if name in columns else "energy" for name in facts["quantity"]]
    return facts


def _layers(run: RunResult) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415

    sums = (
        ("operations", "busy_ps", "busy", "ps"),
        ("operations", "wait_ps", "wait", "ps"),
        ("energy", "energy_J", "energy", "J"),
        ("traffic", "bytes", "bytes", "B"),
    )
    parts = []
    for table, column, name, label in sums:
        totals = run.tables[table].groupby("layer")[column].sum()
        facts = pd.DataFrame({"layer": totals.index, "matrix": "", "quantity": name})
        parts.append(facts.assign(value=totals.to_numpy(), unit=label).astype(object))
    found = run.diagnostics.rename(columns={"what": "quantity"})
    parts.append(found[["layer", "matrix", "quantity", "value", "unit"]].astype(object))
    return pd.concat(parts, ignore_index=True)


def _named(run: RunResult, facts: "pd.DataFrame") -> "pd.DataFrame":
    facts = facts.astype(object)
    facts.insert(0, "run", run.name)
    return facts
