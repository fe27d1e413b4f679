"""Training programs on random networks, topologies and mappings keep every invariant and come to their end."""

from chip_kit import CLUSTER, CORNER, NETWORK
from engine_kit import Effects
from examples_kit import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.algorithms.program import Program
from twin.algorithms.registry import make_algorithm
from twin.algorithms.steps import LayerSteps
from twin.chip import ChipCosts
from twin.chip.placement import byte_hops, fewest_byte_hops, flows
from twin.descriptions.algorithms import Algorithms
from twin.descriptions.load import load_chip, load_layout
from twin.engine import Engine
from twin.mapping import map_layers
from twin.networks.layers import Conv, Dense, Windows
from twin.operation import N_COUNTS, Counts

LAYOUTS = {"sgd": ["two-array"], "shd": ["three-array", "four-array"], "ttv2": ["three-array", "four-array"]}
TOPOLOGIES = ["mesh", "torus", "ring", "tree", "h-tree", "crossbar", "edges"]


class Some(Effects):
    """One mat-vec a position, and now and then no pulse."""

    def counts(self, sample, position):
        row = [1.0] * N_COUNTS
        row[Counts.MVMS] = 1 + (sample + position) % 5
        row[Counts.PULSES] = row[Counts.FIRED] = (7 * sample + 3 * position) % 4
        return row


@st.composite
def topologies(draw, key, places):
    """Settings of a random topology with `places` nodes at least, and its nodes."""
    name = draw(st.sampled_from(TOPOLOGIES))
    grid = name in ("mesh", "torus")
    routing = draw(st.sampled_from(["dimension-ordered", "shortest-path"])) if grid else "shortest-path"
    found = {f"{key}.topology": name, f"{key}.routing": routing}
    if name == "tree":
        found[f"{key}.branching"] = str(draw(st.integers(2, 5)))
    if name == "edges":
        nodes = max(places, 2)
        before = [draw(st.integers(0, k - 1)) for k in range(1, nodes)]
        more = [(a, b) for a, b in draw(st.lists(st.tuples(*[st.integers(0, nodes - 1)] * 2), max_size=6)) if a != b]
        edges = [[f"n{a}", f"n{b}"] for a, b in [*enumerate(before, 1), *more]]
        found[f"{key}.edges"] = str(edges).replace("'", '"')
    return found, name


@st.composite
def chips(draw, tiles):
    """A chip with room for `tiles` tiles, alone or in a cluster, as settings of aimc-512."""
    chips = draw(st.sampled_from([1, 1, 2, 3]))
    per_chip = -(-tiles // chips)
    network, name = draw(topologies("network", tiles if chips == 1 else per_chip))
    corner = CORNER if name in ("mesh", "torus") else {}
    settings = {**NETWORK, **corner, **network, "mapping.placement": draw(st.sampled_from(["row-major", "snake"]))}
    if chips > 1:
        gate = {"cluster.gate": "r0c0"} if corner else {}
        cluster, _ = draw(topologies("cluster", chips))
        settings |= {**CLUSTER, **gate, **cluster, "cluster.chips": str(chips), "cluster.tiles": str(per_chip)}
    return settings | {
        "network.concentration": "1" if name == "edges" else draw(st.sampled_from(["1", "2"])),
        "mapping.pack": draw(st.sampled_from(["true", "false"])),
        "placement.h": draw(st.sampled_from(["buffer", "memory"])),
    }


@st.composite
def systems(draw):
    """A chip's costs and a training program on it, and how many samples are in flight."""
    algorithm = draw(st.sampled_from(sorted(LAYOUTS)))
    layout = load_layout(draw(st.sampled_from(LAYOUTS[algorithm]))).model
    layers = []
    if draw(st.booleans()):
        layers.append(Conv(0, 8, 8, 1, 3, True, "tanh", Windows.square(3), 2))
    width = layers[0].size if layers else draw(st.sampled_from([5, 40, 600]))
    for outputs in draw(st.lists(st.sampled_from([3, 50, 700]), min_size=1, max_size=3)):
        layers.append(Dense(len(layers), width, outputs, True, "sigmoid"))
        width = outputs
    shapes, uses = [(layer.n_in, layer.n_out) for layer in layers], [layer.uses for layer in layers]
    copies = {"mapping.replicate": f"[{draw(st.integers(1, 3))}]" if uses[0] > 1 else "[]"}
    most = len(map_layers(shapes, layout, load_chip("aimc-512", copies).model).tiles)
    chip = load_chip("aimc-512", draw(chips(most)) | copies).model
    mapping = map_layers(shapes, layout, chip, uses)
    steps = [LayerSteps(layer, mapping, draw(st.sampled_from([0, 1, 3])), "column") for layer in layers]
    program = Program([make_algorithm(algorithm, Algorithms())] * len(steps), steps)
    return ChipCosts(chip, mapping), program, draw(st.integers(1, 4))


@given(systems(), st.integers(1, 6))
@settings(max_examples=examples(60), deadline=None)
def test_random_systems_keep_every_invariant_and_end(system, samples):
    costs, program, in_flight = system
    engine = Engine(program, Some(), costs, in_flight)
    engine.run(0, samples)  # checks the invariants, bytes on every link among them
    tables = engine.tables()
    if "links" in tables:
        by_component = tables["energy"].groupby("component")["energy_J"].sum()
        carried = tables["links"].groupby("kind")["bytes"].sum()
        moved = tables["traffic"].groupby("path")["bytes"].sum()
        assert {kind: moved[kind] for kind in carried.index} == carried.to_dict()
        assert all(by_component[kind] > 0 for kind in carried.index)


@given(systems())
@settings(max_examples=examples(40), deadline=None)
def test_placement_by_traffic_is_never_worse_than_by_rows(system):
    costs, program, _ = system
    found = flows(costs, program.operations(0))
    sites = fewest_byte_hops(costs, found)
    assert len(set(sites)) == len(sites)
    assert byte_hops(costs.network, sites, found) <= byte_hops(costs.network, costs.floorplan.sites, found)
    per_chip = costs.floorplan.per_chip
    assert [site // per_chip for site in sites] == [site // per_chip for site in costs.floorplan.sites]
