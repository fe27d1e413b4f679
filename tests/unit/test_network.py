"""What the network takes: zero-load latency, serialisation, contention to the picosecond, energy, area, clusters."""

import pytest
from chip_kit import CLUSTER, cluster_chip, network_chip
from engine_kit import Ahead, Effects, Program

from twin.chip import ChipCosts, Component, Path
from twin.chip.service import picoseconds
from twin.descriptions.load import load_chip, load_layout
from twin.engine import Engine
from twin.engine.sampler import Sampler
from twin.errors import TwinError
from twin.mapping import map_layers
from twin.operation import Kind, Operation, Stream, Unit

HOP, FLIT = 3000, 1000  # ps: a hop, and a flit of 4 B at 4 GB/s
TOPOLOGIES = ["mesh", "torus", "ring", "tree", "h-tree", "crossbar"]


def costs(chip, layers=9, layout="two-array", shape=(4, 4)):
    return ChipCosts(chip, map_layers([shape] * layers, load_layout(layout).model, chip))


def load(layer, n_bytes, *, store=False, towards=0, **more):
    return Operation(
        Kind.STORE if store else Kind.LOAD,
        Unit.MOVE,
        layer,
        matrix="W",
        words=n_bytes,
        stream=Stream.ACTIVATIONS,
        store=store,
        towards=towards,
        **more,
    )


def run(it, operations, samples=1):
    engine = Engine(Program(operations), Effects(), it, samples)
    engine.run(0, samples)
    return engine


def fixed_ps(chip):
    return picoseconds(chip.buffer.latency) + picoseconds(chip.link.latency)


@pytest.mark.parametrize("n_bytes", [1, 4, 5, 1000])
@pytest.mark.parametrize("store", [False, True])
@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_an_unloaded_transfer_takes_its_hops_and_its_flits(topology, n_bytes, store):
    chip = network_chip(topology)
    it = costs(chip)
    network = it.network
    for layer in range(9):
        at = network.site(it.floorplan.sites[layer])
        hops = len(network.on_chip.route(at.node, network.part("buffer", 0).node))
        flits = -(-n_bytes // 4)
        busy = max(
            flits * FLIT if hops else 0, picoseconds(n_bytes / chip.link.bandwidth), picoseconds(n_bytes / 474.074e9)
        )
        assert run(it, [load(layer, n_bytes, store=store)]).now_ps == fixed_ps(chip) + hops * HOP + busy


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_a_saturated_link_carries_its_bandwidth(topology):
    chip = network_chip(topology)
    it = costs(chip)
    layer = max(range(9), key=lambda k: it.network.distance(it.network.site(k), it.network.part("buffer", 0)))
    demand = it.demand(load(layer, 1000))
    engine = run(it, [load(layer, 1000)] * 50)
    assert engine.now_ps - demand.latency_ps == 50 * 250 * FLIT
    links = engine.tables()["links"]
    for _, link in links.iterrows():
        assert link["bytes"] / (link["busy_ps"] * 1e-12) == pytest.approx(4e9)
        assert link["bytes"] == 50_000


def test_the_second_of_two_transfers_over_one_shared_link_waits_for_its_flits_exactly():
    chip = network_chip("mesh", network__rows="1", network__cols="3")
    it = costs(chip, 3)  # the buffer sits at the first tile's router
    near, far = load(1, 400), load(2, 800)
    shared = {o.server for o in it.demand(near).occupancy} & {o.server for o in it.demand(far).occupancy}
    assert {it.servers[server].name for server in shared} == {"buffer", "link r0c0>r0c1"}
    assert run(it, [near]).now_ps == fixed_ps(chip) + HOP + 100 * FLIT
    assert run(it, [far]).now_ps == fixed_ps(chip) + 2 * HOP + 200 * FLIT
    engine = run(it, [near, far])
    assert engine.now_ps == 100 * FLIT + fixed_ps(chip) + 2 * HOP + 200 * FLIT
    waited = engine.tables()["links"].set_index("link")["wait_ps"]
    assert waited["link r0c0>r0c1"] == 100 * FLIT


def test_transfers_in_opposite_directions_do_not_meet():
    chip = network_chip("mesh", network__rows="1", network__cols="2", buffer__bandwidth="1 TB/s")
    it = costs(chip, 2)
    both = [load(1, 400), load(1, 400, store=True)]
    tables = run(it, both).tables()
    assert set(tables["links"]["link"]) == {"link r0c0>r0c1", "link r0c1>r0c0"}
    # Only the buffer's one port and the tile's one link keep the second waiting, not the 100 flits.
    assert tables["links"]["wait_ps"].max() == picoseconds(400 / chip.link.bandwidth)


def test_bytes_and_energy_are_counted_on_every_hop():
    chip = network_chip("ring", mapping__placement="snake")
    it = costs(chip, 9)
    demand = it.demand(load(3, 1000))
    moved = {path: size for path, _, size in demand.traffic}
    assert moved == {Path.LINK: 1000, Path.NETWORK: 3000, Path.BUFFER: 1000}
    assert demand.energy_J[Component.NETWORK, 0] == pytest.approx(3 * 8000 * 0.5e-12)
    assert demand.energy_J[Component.LINK, 0] == pytest.approx(8000 * chip.link.energy)
    assert sum(size for _, size in demand.carried) == 3000


def test_bytes_into_every_router_leave_it():
    it = costs(network_chip("mesh"), 9)
    engine = run(it, [load(k, 100 + k) for k in range(9)] + [load(k, 50 + k, store=True) for k in range(9)])
    balance = dict.fromkeys(it.network.on_chip.graph, 0)
    for name, size in engine.tables()["links"][["link", "bytes"]].itertuples(index=False):
        source, target = name.removeprefix("link ").split(">")
        balance[source] -= size
        balance[target] += size
    for layer in range(9):
        balance[it.network.on_chip.sites[layer]] += 50 - 100
    balance["r0c0"] += 9 * 100 - 9 * 50
    assert set(balance.values()) == {0}


def test_a_split_matrix_shares_out_whole_bytes():
    chip = network_chip("mesh")
    it = costs(chip, 1, shape=(1500, 600))  # 3 input chunks x 2 output chunks
    demand = it.demand(load(0, 1003))
    local = [o for o in demand.occupancy if it.servers[o.server].kind == "link"]
    assert len(local) == 6
    shares = [share for _, share in it.moves._shares(load(0, 1003), 1003)]
    assert shares == [168, 167, 167, 167, 167, 167]
    network, sites = it.network, it.floorplan.sites
    hops = [network.distance(network.site(sites[k]), network.part("buffer", 0)) for k in range(6)]
    assert sum(size for _, size in demand.carried) == sum(h * s for h, s in zip(hops, shares, strict=True))
    assert demand.latency_ps == fixed_ps(chip) + max(hops) * HOP


def test_links_share_the_energy_of_a_transfer_by_their_bytes():
    it = costs(network_chip("mesh"), 1, shape=(1500, 600))
    engine = run(it, [load(0, 1003)])
    servers = engine.tables()["servers"].set_index("server")
    on_chip = servers.loc[servers["kind"] == "network", "energy_J"]
    demand = it.demand(load(0, 1003))
    total_J, total = demand.energy_J[Component.NETWORK, 0], sum(size for _, size in demand.carried)
    assert on_chip.sum() == pytest.approx(total_J)
    for server, size in demand.carried:
        assert on_chip[it.servers[server].name] == pytest.approx(total_J * size / total)
    own = servers.loc[servers["kind"] == "link", "energy_J"]
    assert own.tolist() == pytest.approx([demand.energy_J[Component.LINK, 0] / 6] * 6)


def test_samples_that_are_skipped_or_run_before_a_break_count_on_every_link():
    it = costs(network_chip("mesh"), 4)
    work = Program([load(3, 1000), load(2, 500, store=True)])

    def carried(engine):
        engine.check()
        return engine.tables()["links"].set_index("link")["bytes"].to_dict()

    whole, sampled, first, second = (Engine(work, Ahead(work), it, 1) for _ in range(4))
    whole.run(0, 60)
    sampler = Sampler(sampled, Ahead(work), 1, 1, 2, 20)
    sampler.run(0, 60)
    first.run(0, 25)
    second.restore(first.state())
    second.run(25, 60)
    assert sampled.index < whole.index
    assert carried(sampled) == carried(second) == carried(whole)
    assert carried(whole)["link r0c0>r0c1"] == 60 * 1000


def test_the_input_crosses_from_the_host_to_the_buffer():
    it = costs(network_chip("mesh", network__host="r2c2"))
    demand = it.demand(Operation(Kind.INPUT, Unit.MOVE, -1, words=64, stream=Stream.INPUT))
    names = [it.servers[o.server].name for o in demand.occupancy]
    assert names == ["host", "buffer", "link r2c2>r2c1", "link r2c1>r2c0", "link r2c0>r1c0", "link r1c0>r0c0"]


def test_routers_and_links_between_chips_have_area_and_leak():
    rows = {row.part: row for row in costs(cluster_chip("mesh", cluster__chips="3"), 9).area()}
    assert (rows["routers"].count, rows["links between chips"].count) == (3 * 4, 3)
    assert rows["routers"].area_m2 == pytest.approx(12 * 0.047e-6)
    assert rows["links between chips"].leakage_W == pytest.approx(3e-3)
    assert rows["buffer"].count == rows["memory"].count == 3


def test_layers_fill_chips_in_order_and_use_the_buffer_of_their_own():
    it = costs(cluster_chip("mesh"), 6)
    names = [[it.servers[o.server].name for o in it.demand(load(k, 8)).occupancy] for k in range(6)]
    assert [("buffer 1" in one, "buffer" in one) for one in names] == [(False, True)] * 4 + [(True, False)] * 2
    assert not any(name.startswith("cluster") for one in names for name in one)


def test_what_is_stored_for_the_next_layer_crosses_to_its_chip_at_the_bandwidth_between_chips():
    chip = cluster_chip("mesh")
    it = costs(chip, 6)
    demand = it.demand(load(3, 1000, store=True, towards=1))
    busy = {it.servers[o.server].name: o.fixed_ps for o in demand.occupancy}
    assert busy["cluster n0>n1"] == 1_000_000  # 1000 B at 1 GB/s
    assert busy["link 0:r1c1>r1c0"] == 250 * FLIT
    assert "buffer 1" in busy
    assert demand.latency_ps == fixed_ps(chip) + 2 * HOP + 50_000
    assert demand.energy_J[Component.CLUSTER, 0] == pytest.approx(8000 * 10e-12)
    assert (Path.CLUSTER, Stream.ACTIVATIONS, 1000) in demand.traffic
    assert it.demand(load(0, 8, store=True, towards=-1)).traffic == it.demand(load(0, 8, store=True)).traffic


@pytest.mark.parametrize("topology", ["ring", "mesh", "tree", "crossbar"])
def test_any_topology_joins_chips(topology):
    more = {"cluster__topology": topology, "cluster__chips": "4", "cluster__tiles": "1"}
    more |= {"cluster__branching": "2"} if topology == "tree" else {}
    chip = cluster_chip("crossbar", cluster__gate="switch", **more)
    it = costs(chip, 4)
    for layer in range(3):
        crossings = len(it.network.chips.route(it.network.chips.sites[layer], it.network.chips.sites[layer + 1]))
        demand = it.demand(load(layer, 4, store=True, towards=1))
        # n0 to its switch, between chips, switch to n0 of the next, where the buffer sits
        assert demand.latency_ps == fixed_ps(chip) + 2 * HOP + crossings * 50_000


def test_a_cluster_that_is_too_small_says_so():
    with pytest.raises(TwinError, match=r"cluster.tiles \(= 4\): 2 chips have places for 8 tiles, but 9 are needed"):
        costs(cluster_chip("mesh"), 9)


def test_a_part_on_a_node_that_is_not_there_is_named():
    with pytest.raises(TwinError, match=r"network.buffer \(= r9c9\): is no node of the network; there are r0c0, r0c1"):
        costs(network_chip("mesh", network__buffer="r9c9"))


def test_a_cluster_without_a_network_is_refused():
    with pytest.raises(TwinError, match=r"cluster.*needs a \[network\]"):
        load_chip("aimc-512", CLUSTER)
