"""Random chips, networks and schedules as overrides of shipped descriptions, so that all of them are built as a user's.

What a chip, network or workload offers anew is drawn by one more line in `chips`, `NETWORKS` or `schedules`.
"""

from chip_kit import CLUSTER, CORNER, NETWORK
from hypothesis import strategies as st

from twin.config.presets import presets

TEXT = "Peace was declared; the war went on, and on. " * 8
LAYOUTS = {
    "digital": ["digital"],
    "sgd": ["two-array"],
    "shd": ["four-array", "three-array"],
    "ttv2": ["four-array", "three-array"],
    "cttv2": ["four-array", "three-array"],
    "agad": ["four-array", "three-array-c"],
    "mixed-precision": ["two-array"],
    "digital-shd": ["digital-shd"],
}
ACTIVATIONS = ["sigmoid", "tanh", "relu", "identity"]


def quantity(unit, *values):
    return st.sampled_from([f'"{value} {unit}"' for value in values])


def word(*values):
    return quantity("B", *(values or (1, 2, 4)))


def table(**values):
    """Return an inline table of TOML; texts are quoted, switches written as TOML does."""
    written = {True: "true", False: "false"}
    parts = (f"{k} = {written[v] if isinstance(v, bool) else repr(v)}" for k, v in values.items())
    return "{ " + ", ".join(parts).replace("'", '"') + " }"


place = st.sampled_from(['"buffer"', '"memory"', '"auto"'])
parts = st.fixed_dictionaries(
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
        "link.bandwidth": quantity("GB/s", 1, 90),
        "link.latency": quantity("ns", 1, 50),
        "host.bandwidth": quantity("GB/s", 0.5, 6.4),
        "host.latency": quantity("ns", 1, 100),
        "registers.size": quantity("KiB", 0.25, 2, 1024),
        "registers.bandwidth": quantity("GB/s", 1, 512),
        "registers.latency": quantity("ns", 0, 20),
        "placement.pulses": st.sampled_from(['"drivers"', '"registers"', '"auto"', '"memory"']),
        "placement.prefetch_h": st.sampled_from(["0", "1", "2"]),
        "placement.h_rounding": st.sampled_from(['"stochastic"', '"nearest"']),
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
channel = st.fixed_dictionaries(
    {"memory.bandwidth": quantity("GB/s", 0.5, 51.2), "memory.latency": quantity("ns", 1, 200)}
)
dram = st.builds(
    table,
    kind=st.just("dram"),
    preset=st.sampled_from(sorted(presets("dram"))),
    channels=st.integers(1, 5),
    ranks=st.integers(1, 2),
    page_policy=st.sampled_from(["open", "closed"]),
    address_mapping=st.sampled_from(["RoRaBaCoBgCh", "RoBaRaCoCh", "ChRaBaBgRoCo"]),
    queue_depth=st.sampled_from([1, 32]),
    area=st.just("0 mm^2"),
)
memories = st.one_of(channel, dram.map(lambda text: {"memory": text}))
gate = {
    "gate_after": st.sampled_from(["0 s", "10 ns", "1 us"]),
    "wake_time": st.sampled_from(["0 s", "1 ns", "100 ns"]),
    "wake_energy": st.just("1 nJ"),
    "gated": st.sampled_from([0.0, 0.3, 1.0]),
}
tiles = {"idle": st.sampled_from([0.0, 0.1, 1.0]), "lines": st.sampled_from(["all", "used"])}
states = st.fixed_dictionaries(
    {},
    optional={
        "power.tile": st.builds(table, **gate, **tiles, clock=st.just("1 mW"), controller=st.just("2 mW")),
        "power.digital": st.builds(table, **gate, clock=st.just("3 mW")),
        "power.registers": st.builds(table, **gate),
        "power.buffer": st.builds(table, **gate, banks=st.integers(1, 20)),
        "power.memory": st.builds(table, **gate, banks=st.integers(1, 3)),
    },
)
chips = st.builds(lambda some, memory, power: some | memory | power, parts, memories, states)


def network(layers, steps=0):
    return {"network": f'{{ loss = "cross-entropy", steps = {steps}, layers = [{", ".join(layers)}] }}'}


hidden = st.builds(
    table,
    kind=st.just("dense"),
    outputs=st.integers(1, 40),
    activation=st.sampled_from(ACTIVATIONS),
    bias=st.booleans(),
)


def convolution(least_padding):
    return st.builds(
        table,
        kind=st.just("conv"),
        channels=st.integers(1, 5),
        kernel=st.integers(1, 3),
        stride=st.integers(1, 2),
        padding=st.integers(least_padding, 1),
        activation=st.sampled_from(ACTIVATIONS),
        bias=st.booleans(),
    )


cell = st.builds(table, kind=st.sampled_from(["lstm", "gru", "rnn"]), hidden=st.integers(1, 8), bias=st.booleans())


def last(outputs):
    return st.builds(
        table, kind=st.just("dense"), outputs=st.just(outputs), activation=st.just("softmax"), bias=st.booleans()
    )


@st.composite
def dense(draw, text):  # noqa: ARG001 - every kind of network is drawn alike
    return {"data.set": '"digits"'} | network([*draw(st.lists(hidden, max_size=2)), draw(last(10))])


@st.composite
def conv(draw, text):  # noqa: ARG001
    layers = [draw(convolution(0))]
    layers += draw(st.sampled_from([[], [table(kind="max-pool", size=2)]]))
    layers += draw(st.lists(convolution(1), max_size=1))  # however small the map is by now, 3 x 3 fit
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
def interconnects(draw, kind):
    """Draw how tiles and chips are joined, and what lies on tiles: blocks alone or packed, copies of convolutions."""
    topology = draw(st.sampled_from(["", "", "mesh", "torus", "ring", "tree", "h-tree", "crossbar"]))
    places = ["row-major", "snake", "traffic"] if topology else ["row-major", "snake"]
    own = {"mapping.pack": draw(st.sampled_from(["true", "false"])), "mapping.placement": draw(st.sampled_from(places))}
    if kind == "conv":
        own["mapping.replicate"] = f"[{draw(st.integers(1, 3))}]"
    if topology:
        own |= NETWORK | {"network.topology": topology}
        own["network.concentration"] = str(draw(st.integers(1, 3)))
        own["network.bandwidth"] = draw(quantity("GB/s", 0.5, 4, 100))
        own["network.flit"] = draw(word(1, 4, 32))
    if topology in ("mesh", "torus"):
        own |= CORNER | {"network.routing": draw(st.sampled_from(["dimension-ordered", "shortest-path"]))}
    if topology == "tree":
        own["network.branching"] = str(draw(st.integers(2, 4)))
    if topology and draw(st.booleans()):
        own |= CLUSTER | {"cluster.chips": str(draw(st.integers(1, 4))), "cluster.tiles": "1"}
        own["cluster.gate"] = own["network.buffer"]
    return own


def joined(chip, links):
    """Join a chip's tiles; with a network or copies of arrays nothing is described in registers."""
    if "network.topology" in links or links.get("mapping.replicate", "[1]") != "[1]":
        chip = {key: '"buffer"' if value in {'"auto"', '"registers"'} else value for key, value in chip.items()}
    return chip | links


@st.composite
def cases(draw, text):
    """Draw everything a run consists of: algorithm, layout, mode, overrides of workload and chip, and samples."""
    algorithm = draw(st.sampled_from(list(LAYOUTS)))
    kind = draw(st.sampled_from(list(NETWORKS)))
    workload, chip = draw(NETWORKS[kind](text)) | draw(schedules(algorithm)), draw(chips)
    if algorithm == "agad" and "ideal" in workload["device"]:
        chip["placement.h_word"] = '"4 B"'  # without bounds there is no range for shorter words
    return (
        algorithm,
        draw(st.sampled_from(LAYOUTS[algorithm])),
        draw(st.sampled_from(["replayed", "coupled"])),
        workload,
        joined(chip, draw(interconnects(kind))),
        draw(st.integers(1, 7)),
    )
