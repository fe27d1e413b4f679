"""Routes: as many links as the formula of each topology says, always the same ones."""

from itertools import pairwise, product

import networkx as nx
import pytest
from chip_kit import network_chip
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.chip.topology import build, square
from twin.errors import TwinError

EDGES = '[["a", "b"], ["b", "c"], ["c", "d"], ["d", "a"], ["c", "e"]]'
PLACES = {"network__buffer": "a", "network__memory": "b", "network__host": "e"}


def topology(name, places, **more):
    chip = network_chip(name, **(PLACES if name == "edges" else {}), **more)
    return build(chip.network, "network", places, chip.network.concentration)


def cell(node):
    return tuple(int(text) for text in node[1:].split("c"))


def is_path(found, route, source, target):
    assert all(edge in found.graph.edges for edge in route)
    assert all(one[1] == other[0] for one, other in pairwise(route))
    assert (route[0][0], route[-1][1]) == (source, target) if route else source == target


@pytest.mark.parametrize("routing", ["dimension-ordered", "shortest-path"])
@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (1, 5), (3, 4), (4, 4), (2, 2)])
@pytest.mark.parametrize("name", ["mesh", "torus"])
def test_hops_of_mesh_and_torus_are_the_distances_along_both_axes(name, rows, cols, routing):
    more = {"network__rows": str(rows), "network__cols": str(cols), "network__routing": routing}
    found = topology(name, rows * cols, **more)
    for source, target in product(found.graph, repeat=2):
        route = found.route(source, target)
        is_path(found, route, source, target)
        apart = [abs(a - b) for a, b in zip(cell(source), cell(target), strict=True)]
        if name == "torus":
            apart = [min(d, n - d) for d, n in zip(apart, (rows, cols), strict=True)]
        assert len(route) == sum(apart)


def test_dimension_order_goes_along_the_row_first():
    found = topology("mesh", 9)
    assert found.route("r0c0", "r2c1") == (("r0c0", "r0c1"), ("r0c1", "r1c1"), ("r1c1", "r2c1"))
    assert found.route("r2c1", "r0c0") == (("r2c1", "r2c0"), ("r2c0", "r1c0"), ("r1c0", "r0c0"))


def test_a_torus_takes_the_shorter_way_and_goes_up_where_both_are_as_long():
    found = topology("torus", 16)
    assert found.route("r0c0", "r0c3") == (("r0c0", "r0c3"),)
    assert [one for _, one in found.route("r3c1", "r1c1")] == ["r0c1", "r1c1"]


@pytest.mark.parametrize("places", [1, 2, 3, 8])
def test_hops_of_a_ring_are_the_shorter_way_round(places):
    found = topology("ring", places)
    for a, b in product(range(places), repeat=2):
        route = found.route(f"n{a}", f"n{b}")
        is_path(found, route, f"n{a}", f"n{b}")
        assert len(route) == min((a - b) % places, (b - a) % places)


@pytest.mark.parametrize(("name", "branching"), [("tree", 3), ("tree", 4), ("h-tree", 2)])
def test_hops_between_leaves_of_a_tree_are_twice_the_height_of_their_common_ancestor(name, branching):
    places = branching**3
    more = {"network__branching": str(branching)} if name == "tree" else {}
    found = topology(name, places, **more)
    leaves = sorted(found.sites, key=lambda node: int(node[1:]))
    assert len(leaves) == places
    for a, b in product(range(places), repeat=2):
        height = next(h for h in range(4) if a // branching**h == b // branching**h)
        assert len(found.route(leaves[a], leaves[b])) == 2 * height
    assert {len(found.route("n0", leaf)) for leaf in leaves} == {3}


def test_an_h_tree_fills_a_square_and_halves_it_in_turn():
    found = topology("h-tree", 16)
    assert sorted(found.cells) == list(product(range(4), repeat=2))
    at = dict(zip(found.cells, found.sites, strict=True))
    assert len(found.route(at[0, 0], at[1, 0])) == 2  # siblings are neighbours
    assert len(found.route(at[0, 1], at[0, 2])) == 8  # neighbours across the first cut meet at the root
    assert list(found.cells) == sorted(found.cells)


def test_a_crossbar_is_one_switch_away():
    found = topology("crossbar", 5)
    assert found.route("n0", "n4") == (("n0", "switch"), ("switch", "n4"))
    assert len(found.route("memory", "n3")) == 2


def test_of_several_shortest_paths_the_one_through_the_neighbour_listed_first_is_taken():
    found = topology("edges", 5, network__edges=EDGES)
    assert found.route("a", "c") == (("a", "b"), ("b", "c"))
    assert found.route("c", "a") == (("c", "b"), ("b", "a"))
    assert len(found.route("e", "a")) == 3


@given(st.integers(2, 9), st.data())
@settings(max_examples=40, deadline=None)
def test_routes_on_random_graphs_are_shortest_and_always_the_same(nodes, data):
    names = [f"n{k}" for k in range(nodes)]
    joined = [(names[k], data.draw(st.sampled_from(names[:k]))) for k in range(1, nodes)]
    more = data.draw(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=8))
    edges = [edge for edge in joined + more if edge[0] != edge[1]]
    text = str([list(edge) for edge in edges]).replace("'", '"')
    first, second = (topology("edges", nodes, network__edges=text) for _ in range(2))
    length = dict(nx.all_pairs_shortest_path_length(nx.Graph(edges)))
    for a, b in product(names, repeat=2):
        route = first.route(a, b)
        is_path(first, route, a, b)
        assert len(route) == length[a][b]
        assert second.route(a, b) == route


@pytest.mark.parametrize("places", range(1, 30))
@pytest.mark.parametrize("name", ["mesh", "torus", "ring", "tree", "h-tree", "crossbar"])
def test_there_are_places_enough_and_no_two_lie_on_one_spot(name, places):
    found = topology(name, places, network__concentration="2")
    assert len(found.sites) == len(found.cells) >= places
    assert len(set(found.cells)) == len(found.cells)
    assert all(found.sites.count(node) == 2 for node in found.sites)


def test_squares_are_wider_than_high():
    assert [square(n) for n in (1, 2, 3, 4, 5, 9, 10, 13)] == [
        (1, 1), (1, 2), (2, 2), (2, 2), (2, 3), (3, 3), (3, 4), (4, 4)
    ]  # fmt: skip


def test_an_edge_list_that_falls_apart_is_refused_in_one_line():
    with pytest.raises(TwinError) as error:
        topology("edges", 4, network__edges='[["a", "b"], ["c", "d"]]')
    assert str(error.value) == "network.edges: no path from a to c; add an edge that joins them"


@pytest.mark.parametrize(
    ("name", "more", "message"),
    [
        ("ring", {"network__routing": "dimension-ordered"}, r'network.routing .*must be "shortest-path" on a ring'),
        ("mesh", {"network__rows": "2"}, r"network.cols: rows and cols are given together"),
        ("ring", {"network__rows": "2", "network__cols": "2"}, r"network.rows .*has no meaning for topology"),
        ("edges", {}, r'network.edges: is missing; topology = "edges" needs it'),
        ("edges", {"network__edges": '[["a", "a"]]'}, r"network.edges.0.*joins a node with itself"),
    ],
)
def test_fields_that_do_not_fit_the_topology_are_named(name, more, message):
    with pytest.raises(TwinError, match=message):
        topology(name, 4, **more)


def test_a_mesh_that_is_too_small_says_how_many_places_are_needed():
    with pytest.raises(TwinError, match=r"network.rows: 4 nodes x 1 places, but 5 are needed"):
        topology("mesh", 5, network__rows="2", network__cols="2")
