"""Random chips, networks and schedules as overrides of shipped descriptions, so that all of them are built as a user's.

What a chip, network or workload offers anew is drawn by one more line in `chips`, `NETWORKS` or `schedules`.
"""

from hypothesis import strategies as st

TEXT = "Peace was declared; the war went on, and on. " * 8
LAYOUTS = {
    "digital": ["digital"],
    "sgd": ["two-array"],
    "shd": ["four-array", "three-array"],
    "ttv2": ["four-array", "three-array"],
    "cttv2": ["four-array", "three-array"],
    "agad": ["four-array", "three-array-c"],
    "mixed-precision": ["two-array"],
}
ACTIVATIONS = ["sigmoid", "tanh", "relu", "identity"]


def quantity(unit, *values):
    return st.sampled_from([f'"{value} {unit}"' for value in values])


def word(*values):
    return quantity("B", *(values or (1, 2, 4)))


place = st.sampled_from(['"buffer"', '"memory"'])
chips = st.fixed_dictionaries(
    {
        "tile.rows": st.integers(5, 80).map(str),
        "tile.cols": st.integers(5, 80).map(str),
        "tile.integration_time": quantity("ns", 1, 40, 130),
        "tile.conversion_overlap": st.sampled_from(["true", "false"]),
        "tile.pulse_time": quantity("ns", 1, 5),
        "tile.sign_phases": st.sampled_from(["1", "2"]),
        "tile.converter.count": st.integers(1, 100).map(str),
        "tile.converter.rate": quantity("MS/s", 10, 125, 3000),
        "tile.io.out_bound": st.sampled_from(["0.5", "12.0"]),  # the first is clipped and repeated often
        "digital.rate": quantity("GFLOP/s", 1, 700),
        "digital.tiles": st.integers(1, 9).map(str),
        "buffer.bandwidth": quantity("GB/s", 1, 474),
        "buffer.latency": quantity("ns", 1, 30),
        "memory.bandwidth": quantity("GB/s", 0.5, 51.2),
        "memory.latency": quantity("ns", 1, 200),
        "link.bandwidth": quantity("GB/s", 1, 90),
        "link.latency": quantity("ns", 1, 50),
        "host.bandwidth": quantity("GB/s", 0.5, 6.4),
        "host.latency": quantity("ns", 1, 100),
        "placement.h": place,
        "placement.activations": place,
        "placement.errors": place,
        "placement.weights": place,
        "placement.h_word": word(),
        "placement.activation_word": word(),
        "placement.error_word": word(),
        "placement.weight_word": word(),
        "placement.input_word": word(1, 4),
    }
)


def table(**values):
    """Return an inline table of TOML; texts are quoted, switches written as TOML does."""
    written = {True: "true", False: "false"}
    parts = (f"{k} = {written[v] if isinstance(v, bool) else repr(v)}" for k, v in values.items())
    return "{ " + ", ".join(parts).replace("'", '"') + " }"


def network(layers, steps=0):
    return {"network": f'{{ loss = "cross-entropy", steps = {steps}, layers = [{", ".join(layers)}] }}'}


hidden = st.builds(
    table,
    kind=st.just("dense"),
    outputs=st.integers(1, 40),
    activation=st.sampled_from(ACTIVATIONS),
    bias=st.booleans(),
)


def convolution(padding):
    return st.builds(
        table,
        kind=st.just("conv"),
        channels=st.integers(1, 5),
        kernel=st.integers(1, 3),
        stride=st.integers(1, 2),
        padding=padding,
        activation=st.sampled_from(ACTIVATIONS),
        bias=st.booleans(),
    )


cell = st.builds(table, kind=st.sampled_from(["lstm", "rnn"]), hidden=st.integers(1, 8), bias=st.booleans())


def last(outputs):
    return st.builds(
        table, kind=st.just("dense"), outputs=st.just(outputs), activation=st.just("softmax"), bias=st.booleans()
    )


@st.composite
def dense(draw, text):  # noqa: ARG001 - every kind of network is drawn alike
    return {"data.set": '"digits"'} | network([*draw(st.lists(hidden, max_size=2)), draw(last(10))])


@st.composite
def conv(draw, text):  # noqa: ARG001
    layers = [draw(convolution(st.integers(0, 1)))]
    layers += draw(st.sampled_from([[], [table(kind="max-pool", size=2)]]))
    layers += draw(st.lists(convolution(st.just(1)), max_size=1))  # the map may be of one pixel by now
    return {"data.set": '"digits"'} | network([*layers, table(kind="flatten"), draw(last(10))])


@st.composite
def recurrent(draw, text):
    layers = [*draw(st.lists(cell, min_size=1, max_size=2)), *draw(st.lists(hidden, max_size=1)), draw(last(0))]
    return {"data": table(set="text", file=str(text))} | network(layers, draw(st.integers(1, 6)))


NETWORKS = {"dense": dense, "conv": conv, "recurrent": recurrent}


@st.composite
def schedules(draw, algorithm):
    """Draw how a network is trained: places in flight, calibration, device, and when lines are transferred."""
    own = {
        "training.in_flight": str(draw(st.integers(1, 5))),
        "training.seed": str(draw(st.integers(0, 2**63 - 1))),
        "device": table(preset=draw(st.sampled_from(["gokmen-60", "symmetric-1200", "ideal"]))),
        "calibration": draw(
            st.one_of(
                st.sampled_from([table(method="exact"), table(method="none")]),
                st.integers(1, 20).map(lambda pairs: table(method="pulses", pairs=pairs)),
            )
        ),
    }
    if algorithm not in {"digital", "sgd"}:
        own[f"algorithms.{algorithm}.transfer_every"] = str(draw(st.integers(1, 9)))
        own[f"algorithms.{algorithm}.transfer_axis"] = draw(st.sampled_from(['"row"', '"column"']))
    return own


@st.composite
def cases(draw, text):
    """Draw everything a run consists of: algorithm, layout, mode, overrides of workload and chip, and samples."""
    algorithm = draw(st.sampled_from(list(LAYOUTS)))
    kind = draw(st.sampled_from(list(NETWORKS)))
    workload = draw(NETWORKS[kind](text)) | draw(schedules(algorithm))
    return (
        algorithm,
        draw(st.sampled_from(LAYOUTS[algorithm])),
        draw(st.sampled_from(["replayed", "coupled"])),
        workload,
        draw(chips),
        draw(st.integers(1, 7)),
    )
