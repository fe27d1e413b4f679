"""``events.parquet``: one row an operation, a row group at a time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from twin.files import whole
from twin.operation import Counts
from twin.results.result import SCHEMA
from twin.results.tables import TABLES
from twin.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from twin.engine.legend import Legend
    from twin.engine.recorder import Events

ARROW = {
    "int64": pa.int64(),
    "float64": pa.float64(),
    "str": pa.string(),
    "list of str": pa.list_(pa.string()),
    "list of int64": pa.list_(pa.int64()),
}


def write_events(path: Path, parts: Iterable[Events], legend: Legend, run: str) -> None:
    """Write operations, each part as a row group.

    Parameters
    ----------
    path : Path
    parts : iterable of ndarray of `twin.engine.recorder.EVENT`
    legend : Legend
    run : str
        Name of the run.

    Raises
    ------
    TwinError
        When the file cannot be written.
    """
    schema = _schema(run)
    with whole(path) as stream, pq.ParquetWriter(stream, schema, compression="zstd") as writer:
        for part in parts:
            writer.write_table(pa.table(_columns(part, legend), schema=schema), row_group_size=len(part))


def _schema(run: str) -> pa.Schema:
    fields = [
        pa.field(column.name, ARROW[column.dtype], metadata={"unit": column.unit, "meaning": column.meaning})
        for column in TABLES["events"].columns
    ]
    about = {"schema": SCHEMA, "table": "events", "twin_version": __version__, "run": run}
    return pa.schema(fields, metadata={"twin": json.dumps(about)})


def _columns(events: Events, legend: Legend) -> dict[str, Any]:
    operations = [template.operation for template in legend.templates]
    template = events["template"]

    def named(values: list[str]) -> Any:
        return np.array(values, object)[template]

    which, server, busy_ps = legend.visits(events)
    offsets = np.searchsorted(which, np.arange(len(events) + 1)).astype(np.int32)
    names = np.array([one.name for one in legend.servers], object)
    codes, place = np.unique(events["code"], return_inverse=True)
    constants = legend.constants
    effect = constants.effect[template]
    return {
        "operation": events["index"],
        "sample": events["sample"],
        "kind": named([str(one.kind) for one in operations]),
        "layer": np.array([one.layer for one in operations])[template],
        "matrix": named([one.matrix for one in operations]),
        "ready_ps": events["ready_ps"],
        "start_ps": events["start_ps"],
        "done_ps": events["done_ps"],
        "latency_ps": events["latency_ps"],
        "servers": pa.ListArray.from_arrays(offsets, pa.array(names[server], pa.string())),
        "server_busy_ps": pa.ListArray.from_arrays(offsets, pa.array(busy_ps)),
        "ready_after": np.array([legend.cause(code) for code in codes.tolist()], object)[place],
        "released_by": _known(events["release"]),
        "waited_for": pa.array(names[events["server"]], mask=events["server"] < 0),
        "blocked_by": _known(events["blocker"]),
        "stream": named([str(t.demand.payload[0]) if t.demand.payload else "" for t in legend.templates]),
        "bytes": constants.payload[template].astype(np.int64),
        "energy_J": events["energy_J"],
        **{
            column.name.lower(): pa.array(np.ascontiguousarray(events["counts"][:, column]), mask=~effect)
            for column in Counts
        },
    }


def _known(indices: Any) -> pa.Array:
    """Return numbers of operations, null where there is none."""
    return pa.array(np.ascontiguousarray(indices), mask=indices < 0)
