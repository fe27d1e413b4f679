"""The tables over several runs: of a comparison, and of the difference between finished runs."""

from twin.results.columns import Column, Table, count, name, number, real
from twin.results.tables import KIND, LAYER, MATRIX

_VALUE = Column(name="value", dtype="float64", unit="", meaning="how much, in the unit beside it")
_TIDY: dict[str, tuple[str, tuple[Column, ...]]] = {
    "curve": ("an epoch of training", (count("epoch", "epochs done"),)),
    "energy": ("a component, layer and kind of operation", (name("component", "where the energy goes"), LAYER, KIND)),
    "time": ("operations of a kind on a matrix", (KIND, LAYER, MATRIX)),
    "traffic": ("a path, stream and layer", (name("path", "path"), name("stream", "what is moved"), LAYER)),
    "bandwidth": (
        "a span of time",
        (
            count("t0_ps", "its begin", "ps"),
            count("t1_ps", "its end", "ps"),
            name("stream", "what is moved; empty of energy"),
        ),
    ),
    "tiles": ("a server", (name("server", "its name"), name("kind", "kind of server"))),
    "layers": ("a layer and matrix", (LAYER, MATRIX)),
    "staleness": (
        "mat-vecs that read equally stale weights",
        (KIND, LAYER, MATRIX, count("staleness_samples", "samples whose update they lacked")),
    ),
    "calibration": ("a calibration", (number("number", "0: before training"), LAYER, MATRIX)),
    "programming": ("an array", (LAYER, MATRIX, number("array", "which of the matrix's arrays"))),
    "floorplan": (
        "a tile",
        (name("tile", "its name"), LAYER, number("chip", "its chip"), name("node", "its router; empty: none")),
    ),
    "links": ("a link of a network", (name("link", "its name"), name("kind", "network or cluster"))),
    "area": ("a part", (name("part", "its name"),)),
    "bound": (
        "operations on the critical path",
        (
            name("what", "the operations' server, or their stream"),
            number("layer", "layer with weights, from 0; -1: none", optional=True),
            name("kind", "kind of operation", optional=True),
            name("cause", "what the next operation waited for", optional=True),
            name("part", "kind of server whose service set how long they took", optional=True),
            name("work", "kind of the digital node, or of the operation where it is a layer's own", optional=True),
            name("node", "name of the node; copies of a block have one", optional=True),
        ),
    ),
}

TIDY: dict[str, Table] = {
    table: Table(
        name=table,
        file=f"tables/{table}.csv",
        meaning=f"one quantity of {of}, of a run",
        columns=(
            name("run", "name of the run"),
            *keys,
            name("quantity", "what is given"),
            _VALUE,
            name("unit", 'unit of the value; "1": a number'),
        ),
    )
    for table, (of, keys) in _TIDY.items()
}
"""Tables over all runs of a comparison, by file name."""


DIFFERENCE: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            name="configuration",
            file="tables/configuration.csv",
            meaning="a key whose value is not the same in all runs, for a run",
            columns=(
                name("key", "dotted key"),
                name("run", "name of the run"),
                name("value", "its value with its unit; empty: the run has no such key"),
                name("origin", "file and line, preset or command line that set it"),
            ),
        ),
        Table(
            name="metrics",
            file="tables/metrics.csv",
            meaning="a metric of a run",
            columns=(
                name("metric", "its name"),
                name("run", "name of the run"),
                _VALUE,
                Column(name="difference", dtype="float64", unit="", meaning="to the first run, in the unit beside it"),
                real("ratio", "1", "to the first run"),
                name("unit", "unit of value and difference"),
            ),
        ),
        Table(
            name="contributions",
            file="tables/contributions.csv",
            meaning="a part of a total, for a run",
            columns=(
                name("total", "what it is a part of"),
                name("part", "its name"),
                name("run", "name of the run"),
                Column(name="value_per_sample", dtype="float64", unit="", meaning="a sample, in the unit beside it"),
                Column(
                    name="difference_per_sample",
                    dtype="float64",
                    unit="",
                    meaning="to the first run, in the unit beside it",
                ),
                real("of_first_total", "1", "the difference over the first run's total"),
                name("unit", "unit of value and difference"),
            ),
        ),
    )
}
"""Tables of a comparison of finished runs, by file name."""
