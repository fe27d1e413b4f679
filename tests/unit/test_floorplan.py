"""Where tiles lie, how large they are, and what copies cost."""

import math

import numpy as np
import pytest
from chip_kit import cluster_chip, network_chip

from twin.chip import ChipCosts, Component, Path
from twin.chip.placement import byte_hops, fewest_byte_hops, flows
from twin.descriptions.load import load_chip, load_layout
from twin.errors import TwinError
from twin.mapping import map_layers
from twin.operation import Counts, Kind, Operation, Stream, Unit


def costs(chip, shapes, layout="two-array", uses=(), sites=()):
    return ChipCosts(chip, map_layers(shapes, load_layout(layout).model, chip, uses), sites=sites)


def test_tiles_lie_by_rows_and_a_snake_turns():
    plain = costs(load_chip("aimc-512").model, [(4, 4)] * 5).floorplan
    assert plain.sites == (0, 1, 2, 3, 4)
    snake = costs(load_chip("aimc-512", {"mapping.placement": "snake"}).model, [(4, 4)] * 6).floorplan
    assert [snake.cells[site] for site in snake.sites] == [(0, 0), (0, 1), (0, 2), (1, 2), (1, 1), (1, 0)]


def test_the_pitch_is_that_of_the_largest_tile_with_its_share_of_the_rest():
    chip = network_chip("mesh")
    it = costs(chip, [(512, 256), (4, 4)])
    table = it.floorplan.table()
    tile = 2 * chip.tile.array_area + 1024 * chip.tile.line_area + 128 * chip.tile.converter.area
    area = tile + chip.link.area + chip.digital.area / 4 + chip.network.router_area
    assert table["width_mm"].tolist() == table["height_mm"].tolist() == pytest.approx([1e3 * math.sqrt(area)] * 2)
    assert table["x_mm"].tolist() == pytest.approx([0, 1e3 * math.sqrt(area)])
    assert table["utilisation"].tolist() == [0.5, 16 / 512**2]
    assert table["node"].tolist() == ["r0c0", "r0c1"]


def test_chips_of_a_cluster_have_a_floor_plan_each():
    table = costs(cluster_chip("mesh"), [(4, 4)] * 6).floorplan.table()
    assert table["chip"].tolist() == [0, 0, 0, 0, 1, 1]
    assert table["node"].tolist() == ["r0c0", "r0c1", "r1c0", "r1c1", "r0c0", "r0c1"]


def moves(sizes):
    return [
        Operation(Kind.LOAD, Unit.MOVE, layer, matrix="W", words=size, stream=Stream.ACTIVATIONS)
        for layer, size in enumerate(sizes)
    ]


@pytest.mark.parametrize("buffer", ["r0c0", "r1c1", "r2c2"])
def test_placement_by_traffic_puts_what_moves_most_next_to_the_buffer(buffer):
    chip = network_chip("mesh", network__buffer=buffer, mapping__placement="traffic")
    it = costs(chip, [(4, 4)] * 9)
    sizes = [10, 900, 20, 800, 30, 1000, 40, 700, 50]
    found = flows(it, moves(sizes))
    sites = fewest_byte_hops(it, found)
    network = it.network
    hops = [network.distance(network.site(site), network.part("buffer", 0)) for site in sites]
    assert sorted(sites) == list(range(9))
    assert hops[5] == 0
    assert byte_hops(network, sites, found) == sum(size * hop for size, hop in zip(sizes, hops, strict=True))
    # By the rearrangement inequality: the largest flows on the shortest ways.
    best = zip(sorted(sizes, reverse=True), sorted(hops), strict=True)
    assert byte_hops(network, sites, found) == sum(size * hop for size, hop in best)
    assert byte_hops(network, sites, found) <= byte_hops(network, it.floorplan.sites, found)


def test_placement_by_traffic_needs_a_network():
    with pytest.raises(TwinError, match=r"mapping.placement \(= traffic\): needs a \[network\]"):
        costs(load_chip("aimc-512", {"mapping.placement": "traffic"}).model, [(4, 4)])


def replicated(copies, network=False):
    make = network_chip if network else lambda _, **more: load_chip("aimc-512", more).model
    more = {"mapping__replicate" if network else "mapping.replicate": f"[{copies}]"}
    return costs(make("mesh", **more), [(26, 16)], uses=[576])


def tile_operation(kind, uses):
    return Operation(kind, Unit.TILE, 0, matrix="W", uses=uses)


@pytest.mark.parametrize("kind", [Kind.FORWARD, Kind.BACKWARD])
def test_copies_share_out_the_positions_of_a_pass(kind):
    one, four = (replicated(copies).demand(tile_operation(kind, 576)) for copies in (1, 4))
    assert [o.per_count_ps for o in four.occupancy] == [math.ceil(one.occupancy[0].per_count_ps / 4)] * 4
    np.testing.assert_array_equal(four.energy_J, one.energy_J)  # as many mat-vecs in all


def test_an_update_pulses_all_copies_for_its_whole_time():
    one, four = (replicated(copies).demand(tile_operation(Kind.UPDATE, 576)) for copies in (1, 4))
    assert [o.per_count_ps for o in four.occupancy] == [o.per_count_ps for o in one.occupancy] * 4
    np.testing.assert_allclose(four.energy_J, 4 * one.energy_J)
    assert four.energy_J[Component.PULSES, 1 + Counts.FIRED] > 0


def test_a_read_out_asks_one_copy():
    it = replicated(4)
    assert [it.servers[o.server].name for o in it.demand(tile_operation(Kind.READ_OUT, 1)).occupancy] == ["tile 0.W"]


@pytest.mark.parametrize("network", [False, True])
def test_what_an_update_needs_goes_to_every_copy_and_what_a_pass_needs_is_shared_out(network):
    it = replicated(4, network)
    for copied, expected in ((False, 1000), (True, 4000)):
        move = Operation(
            Kind.LOAD, Unit.MOVE, 0, matrix="W", words=1000, stream=Stream.ACTIVATIONS, uses=576, copied=copied
        )
        demand = it.demand(move)
        moved = {path: size for path, _, size in demand.traffic}
        assert (moved[Path.LINK], moved[Path.BUFFER]) == (expected, 1000)
        if network:
            per_tile = expected // 4
            hops = [it.network.distance(it.network.site(k), it.network.part("buffer", 0)) for k in range(4)]
            assert moved[Path.NETWORK] == per_tile * sum(hops)


def test_copies_take_the_area_of_their_tiles():
    one, four = ({row.part: row for row in replicated(copies).area()} for copies in (1, 4))
    for part in ("arrays", "tile periphery", "converters", "links"):
        assert four[part].area_m2 == pytest.approx(4 * one[part].area_m2)
