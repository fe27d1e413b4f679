"""Every table that the twin writes: its columns, their types and units, and what they mean.

`twin schema tables` prints them; `twin.results.result` takes its units from here.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from twin.operation import Counts, Stream

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Type = Literal["int64", "float64", "str", "scalar", "list of int64", "list of str"]
JSON = {"int64": ["integer"], "float64": ["number"], "str": ["string"], "scalar": ["string", "number", "boolean"]}


class Column(BaseModel):
    """One column.

    Attributes
    ----------
    name : str
    dtype : Type
    unit : str
        ``"1"`` for a number without unit, ``""`` for a name or the number of something.
    meaning : str
    optional : bool
        True where some runs lack the column.
    nullable : bool
        True where a cell may be empty; a float always may, where it is not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    dtype: Type
    unit: str
    meaning: str
    optional: bool = False
    nullable: bool = False

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a cell; unit and dtype are annotations."""
        base = self.dtype.removeprefix("list of ")
        types = list(JSON[base])
        if self.nullable or base == "float64":
            types.append("null")
        value: dict[str, Any] = {"type": types if len(types) > 1 else types[0]}
        if base != self.dtype:
            value = {"type": "array", "items": value}
        return value | {"dtype": self.dtype, "unit": self.unit, "description": self.meaning}


class Table(BaseModel):
    """One table.

    Attributes
    ----------
    name : str
    file : str
        Where it lies, below the folder of a comparison or a sweep.
    meaning : str
        What a row is.
    columns : tuple of Column
    further : Column or None
        What columns of any other name hold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    file: str
    meaning: str
    columns: tuple[Column, ...]
    further: Column | None = None

    def column(self, name: str) -> Column | None:
        """Return the column of a name, None where the table knows none."""
        return next((column for column in self.columns if column.name == name), None)

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the table as an array of rows."""
        return {
            "description": self.meaning,
            "file": self.file,
            "type": "array",
            "items": {
                "type": "object",
                "properties": {column.name: column.json_schema() for column in self.columns},
                "required": [column.name for column in self.columns if not column.optional],
                "additionalProperties": self.further.json_schema() if self.further else False,
            },
        }


def name(column: str, meaning: str, *, optional: bool = False) -> Column:
    """Return a column of names."""
    return Column(name=column, dtype="str", unit="", meaning=meaning, optional=optional)


def number(column: str, meaning: str, *, optional: bool = False, nullable: bool = False) -> Column:
    """Return a column of whole numbers that name something."""
    return Column(name=column, dtype="int64", unit="", meaning=meaning, optional=optional, nullable=nullable)


def count(column: str, meaning: str, unit: str = "1", *, optional: bool = False) -> Column:
    """Return a column of whole numbers with a unit."""
    return Column(name=column, dtype="int64", unit=unit, meaning=meaning, optional=optional)


def real(column: str, unit: str, meaning: str, *, optional: bool = False) -> Column:
    """Return a column of floats."""
    return Column(name=column, dtype="float64", unit=unit, meaning=meaning, optional=optional)


LAYER = number("layer", "layer with weights, from 0; -1: none")
MATRIX = name("matrix", "matrix of the layer: A, C or W (H of diagnostics); empty: none")
KIND = name("kind", "kind of operation")
COUNTS = {
    Counts.MVMS: "mat-vecs in a row on the busiest array, repeats of bound management included",
    Counts.PART_MVMS: "mat-vecs summed over the arrays that take part",
    Counts.DRIVEN: "lines driven, summed over mat-vecs",
    Counts.CONVERTED: "lines converted, summed over mat-vecs",
    Counts.CONDUCTION: "sum over mat-vecs and devices of |input| x conductance / mean conductance",
    Counts.PULSES: "pulse slots of updates on the busiest array",
    Counts.PART_PULSES: "pulse slots summed over the arrays that take part",
    Counts.FIRED: "pulses fired on lines",
    Counts.COINCIDENCES: "coincidences, one device step each",
    Counts.CLIPPED: "outputs at the output bound; of updates, those that wanted more pulses than desired_bl",
    Counts.CROSSED: "elements of H beyond the threshold (TTv2), of f(v) that are not 0 (SHD); of a loss: wrong classes",
    Counts.LOSS: "the loss of loss operations",
}
STREAMS = {
    Stream.INPUT: "samples from the host",
    Stream.ACTIVATIONS: "activations",
    Stream.ERRORS: "errors going backward",
    Stream.H: "the digital matrix H (of AGAD P and its reference, of mixed precision chi)",
    Stream.WEIGHTS: "digital matrices: W of the baseline, A and C of digital-shd",
    Stream.PULSES: "probabilities of pulses",
}


def run_table(table: str, meaning: str, *columns: Column) -> Table:
    """Return a table of a run's folder."""
    return Table(name=table, file=f"runs/*/{table}.csv", meaning=meaning, columns=columns)


_RUN = (
    run_table(
        "curve",
        "an epoch of training",
        count("epoch", "epochs done"),
        count("samples", "training samples seen"),
        real("time_s", "s", "simulated time"),
        real("train_loss", "1", "mean loss of the epoch's training samples"),
        real("test_loss", "1", "mean loss of the test set"),
        real("test_error", "1", "fraction of the test set that is classified wrongly; of a regression the test loss"),
    ),
    run_table(
        "operations",
        "all operations of a kind on a matrix",
        KIND,
        LAYER,
        MATRIX,
        count("count", "operations"),
        count("busy_ps", "from start until the last server is free, summed", "ps"),
        count("wait_ps", "from ready to start, summed; of skipped samples estimated", "ps"),
        count("latency_ps", "from the last server free to completion, summed", "ps", optional=True),
        count("uses", "uses of the matrix: positions of a convolution, time steps", optional=True),
        count("weights", "weights of the layer's matrix; 0 without a layer", optional=True),
        *(real(one.name.lower(), "1", text, optional=True) for one, text in COUNTS.items()),
    ),
    run_table(
        "energy",
        "the energy of a component in operations of a kind on a layer",
        name("component", "where the energy goes"),
        LAYER,
        KIND,
        real("energy_J", "J", "energy; leakage is of the whole chip (layer -1)"),
    ),
    run_table(
        "traffic",
        "the bytes of a stream over a path, for a layer",
        name("path", "what the bytes travel over"),
        name("stream", "what is moved"),
        LAYER,
        count("bytes", "bytes; over networks bytes x hops", "B"),
    ),
    run_table(
        "servers",
        "a server: something that serves one operation at a time; of equal blocks that were simulated once, a kind",
        name("server", "its name"),
        name("kind", "kind of server"),
        count("served", "visits"),
        count("busy_ps", "time in service", "ps"),
        real("utilisation", "1", "time in service over the makespan"),
        count("wait_ps", "waiting of all visits; of skipped samples estimated", "ps"),
        real("mean_queue", "1", "how many were present on average, waiting or in service (Little's law)"),
        real("bubble", "1", "idle time after the set-up, while steps were under way, over all of it", optional=True),
        real(
            "energy_J", "J", "energy spent in it, leakage left out; of equal servers in a row the mean", optional=True
        ),
        count("copies", "servers that the row stands for", optional=True),
    ),
    run_table(
        "bins",
        "a span of time",
        count("t0_ps", "its begin", "ps"),
        count("t1_ps", "its end", "ps"),
        real("energy_J", "J", "energy, leakage included"),
        *(real(str(stream), "B", f"bytes of {text}", optional=True) for stream, text in STREAMS.items()),
    ),
    run_table(
        "bound",
        "operations on the critical path of the last 50,000, by what the next one waited for",
        name("what", "the operations' server, or their stream"),
        number("layer", "layer with weights, from 0; -1: none", optional=True),
        name("kind", "kind of operation", optional=True),
        name("cause", "a hazard on a matrix or vector, a busy server, a place in flight", optional=True),
        name("part", "kind of server whose service set how long they took", optional=True),
        name("work", "kind of the digital node, or of the operation where it is a layer's own", optional=True),
        name("node", "name of the node; copies of a block have one", optional=True),
        real("share", "1", "share of the path"),
        real("saved", "1", "share saved at most where that part is twice as fast", optional=True),
    ),
    run_table(
        "area",
        "all instances of a part",
        name("part", "its name"),
        count("count", "instances"),
        real("area_m2", "m2", "silicon of all of them"),
        real("leakage_W", "W", "leakage of all of them"),
    ),
    run_table(
        "staleness",
        "mat-vecs that read equally stale weights",
        KIND,
        LAYER,
        MATRIX,
        count("staleness_samples", "samples whose update they lacked; negative: newer than in program order"),
        count("reads", "mat-vecs"),
    ),
    run_table(
        "calibration",
        "a calibration of the references of a matrix",
        number("number", "0: before training"),
        count("samples", "training samples seen"),
        real("time_s", "s", "simulated time of its begin"),
        LAYER,
        MATRIX,
        count("pulses", "pulses of the busiest array"),
        real("busy_s", "s", "time of the busiest array"),
        real("energy_J", "J", "energy"),
        real("before_mean", "weight units", "how far references were off, mean over devices"),
        real("before_std", "weight units", "how far references were off, deviation over devices"),
        real("residual_mean", "weight units", "how far references are off after it, mean over devices"),
        real("residual_std", "weight units", "how far references are off after it, deviation over devices"),
    ),
    run_table(
        "programming",
        "an array that weights were brought into by pulses",
        LAYER,
        MATRIX,
        number("array", "which of the matrix's arrays"),
        count("devices", "its devices"),
        count("rounds", "verifications"),
        count("reads", "mat-vecs of all verifications"),
        count("pulses", "pulses of all devices together"),
        real("busy_s", "s", "time of its tile"),
        real("energy_J", "J", "energy of its tile"),
        real("done", "1", "share of the devices that were read within the tolerance"),
        real("residual_mean", "weight units", "weight - target, mean over devices"),
        real("residual_std", "weight units", "weight - target, deviation over devices"),
    ),
    run_table(
        "endurance",
        "an analog matrix, of a run that counted pulses",
        LAYER,
        name("matrix", "A, C or W"),
        count("devices", "its devices, without references"),
        real("pulses_mean", "1", "pulses a training sample, mean over its devices"),
        real("pulses_p99", "1", "the same, at most, on 99 % of them"),
        real("pulses_most", "1", "the same, on the device that was pulsed most"),
        real("endurance", "1", "pulses that a device withstands; inf: not known"),
        real("epochs_to_first", "1", "epochs of this training until the first device wears out"),
        real("epochs_to_percent", "1", "epochs of this training until 1 % of the devices are worn out"),
    ),
    run_table(
        "designs",
        "a layer, of a run whose workload has rules",
        LAYER,
        name("node", "its node"),
        number("rule", "the rule that decides about it, from 0; -1: none"),
        name("algorithm", "what learns its matrix"),
        name("layout", "layout of its arrays; digital: it has none"),
        name("device", "devices of its arrays; empty: it has none"),
        real("out_scaling", "1", "network weight / device weight; not there where nothing is trained", optional=True),
    ),
    run_table(
        "floorplan",
        "a tile",
        name("tile", "its name"),
        number("layer", "the layer of its first block"),
        number("chip", "its chip of a cluster"),
        name("node", "its router; empty without a network"),
        real("x_mm", "mm", "left edge, from the left"),
        real("y_mm", "mm", "upper edge, from the top"),
        real("width_mm", "mm", "width"),
        real("height_mm", "mm", "height"),
        count("rows_used", "output lines in use", optional=True),
        count("cols_used", "input lines in use", optional=True),
        real("utilisation", "1", "share of the crosspoints in use"),
    ),
    run_table(
        "nodes",
        "a node of a network that has digital nodes, in the order of its description",
        name("node", "its name"),
        name("kind", "kind of node"),
        name("inputs", "the nodes that it takes, separated by spaces; input: the sample"),
        name("shape", "of its output, the batch left out"),
        count("parameters", "weights, or digital parameters", "parameters"),
        count("uses", "uses of its matrix a sample; 0: no matrix", "mat-vecs"),
        number("layer", "layer that it is, is part of or is worked out beside; -1: it moves the sample as it is"),
    ),
    run_table(
        "links",
        "a link of a network that carried something",
        name("link", "its name, FROM>TO"),
        name("kind", "network (on a chip) or cluster (between chips)"),
        count("bytes", "bytes that it carried", "B"),
        count("served", "visits", optional=True),
        count("busy_ps", "time in service", "ps"),
        real("utilisation", "1", "time in service over the makespan"),
        count("wait_ps", "waiting of all visits", "ps"),
    ),
    run_table(
        "schedule",
        "a service of one of the first 600 operations after the set-up",
        number("sample", "the operation's sample; -2: not known"),
        KIND,
        LAYER,
        MATRIX,
        name("server", "its name"),
        name("part", "kind of server"),
        count("start_ps", "its begin", "ps"),
        count("end_ps", "its end", "ps"),
    ),
    run_table(
        "channels",
        "all channels of a path",
        name("path", "what bytes travel over"),
        count("count", "channels"),
        real("peak_Bps", "B/s", "what all of them can carry"),
    ),
    run_table(
        "diagnostics",
        "something found in a run",
        LAYER,
        MATRIX,
        name("what", "what was found"),
        Column(name="value", dtype="float64", unit="", meaning="how much, in the unit beside it"),
        name("unit", "unit of the value"),
    ),
    run_table(
        "sources",
        "a constant of the chip, the device, the algorithm or the training",
        name("key", "dotted key"),
        name("value", "its value, in the unit beside it"),
        name("unit", "unit of the value"),
        name(
            "status",
            "S (primary source read), S2 (secondary), L (measured with the twin), D (derived), M (from memory) "
            "or assumption",
        ),
        name("source", "citation"),
        name("origin", "file and line, preset or command line that set the value"),
    ),
    run_table(
        "columns",
        "a column of a table of the folder",
        name("table", "the table"),
        name("column", "the column"),
        name("unit", 'its unit; "1": a number, empty: a name'),
        name("type", "its type"),
    ),
    run_table(
        "pulses",
        "the pulses of a device in an operation (of a window of samples, on request)",
        number("sample", "sample"),
        KIND,
        LAYER,
        MATRIX,
        number("use", "use of the matrix: position of a convolution, time step; of a transfer the last before it"),
        number("read", "which of the lines that are transferred after the same update"),
        number("output", "output line"),
        number("input", "input line; that of the bias is the last"),
        count("pulses", "pulses; below 0: that make the weight smaller"),
    ),
    Table(
        name="events",
        file="runs/*/events.parquet",
        meaning="an operation, in the order in which servers were reserved",
        columns=(
            number("operation", "number in that order"),
            number("sample", "sample; -1: set-up or calibration; beyond the run's samples: reads of an extraction"),
            KIND,
            LAYER,
            MATRIX,
            count("ready_ps", "when all that it waits for by data was complete", "ps"),
            count("start_ps", "when the last of its servers was free", "ps"),
            count("done_ps", "its completion", "ps"),
            count("latency_ps", "from the last server free to completion", "ps"),
            Column(name="servers", dtype="list of str", unit="", meaning="servers that it kept from its start on"),
            Column(name="server_busy_ps", dtype="list of int64", unit="ps", meaning="how long it kept each of them"),
            name("ready_after", "what it waited for until it was ready: a hazard, or admission of its sample"),
            number("released_by", "operation whose completion made it ready", nullable=True),
            Column(
                name="waited_for", dtype="str", unit="", meaning="server that was busy when it was ready", nullable=True
            ),
            number("blocked_by", "operation that held that server", nullable=True),
            name("stream", "what it moves; empty: nothing"),
            count("bytes", "bytes that it moves, counted once whatever the number of paths", "B"),
            real("energy_J", "J", "energy without leakage"),
            *(real(one.name.lower(), "1", f"{text}; null without an effect") for one, text in COUNTS.items()),
        ),
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _RUN}
"""Tables of a run's folder by name."""

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


def tables_schema(tables: dict[str, dict[str, Table]]) -> dict[str, Any]:
    """Return the JSON Schema of groups of tables: an object of groups, of tables, of rows."""
    groups = {
        group: {
            "type": "object",
            "properties": {table: one.json_schema() for table, one in found.items()},
            "additionalProperties": False,
        }
        for group, found in tables.items()
    }
    return {
        "$schema": DIALECT,
        "title": "twin tables",
        "description": "Tables that twin writes, as arrays of rows; empty cells of CSV files are null.",
        "type": "object",
        "properties": groups,
        "additionalProperties": False,
    }
