"""The picture of a network: is every node there by its name, clear of others, and does its shade say the energy?"""

import re
from itertools import combinations, pairwise
from pathlib import Path

import pandas as pd
import pytest
from examples_kit import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from report_kit import make_run

from twin.data import load
from twin.descriptions.load import load_workload
from twin.errors import TwinError
from twin.report.figures.graph import MOST_NODES, graph_panels
from twin.report.figures.layered import Item, layered
from twin.report.write import load_report, write_report
from twin.results.store import load_run, save_run
from twin.runs.networks import nodes_of

NODES = pd.DataFrame(
    [
        ("stem", "conv", "input", "8 x 8 x 4", 36, 64, 0),
        ("norm", "batch-norm", "stem", "8 x 8 x 4", 8, 0, 0),
        ("conv", "conv", "norm", "8 x 8 x 4", 144, 64, 1),
        ("sum", "add", "conv norm", "8 x 8 x 4", 0, 0, 1),
        ("classes", "dense", "sum", "10", 2570, 1, 2),
    ],
    columns=["node", "kind", "inputs", "shape", "parameters", "uses", "layer"],
)


def run_with(nodes=NODES, **changes):
    run = make_run(**changes)
    energy = pd.DataFrame({"component": "digital", "layer": [0, 1, 2, -1], "kind": "forward", "energy_J": [4, 2, 1, 9]})
    return make_run(tables=run.tables | {"nodes": nodes, "energy": energy}, samples=1000, **changes)


def laid_out(inputs, columns=1):
    return layered({"input": (), **inputs}, columns, 1.0, 0.2)


def test_the_table_has_every_node_with_the_layer_beside_which_it_works():
    workload = load_workload("digits-cnn").model
    table = nodes_of(workload, load(workload.data, 1))
    assert table is not None
    rows = {row.node: (row.inputs, row.shape, row.parameters, row.uses, row.layer) for row in table.itertuples()}
    assert rows["stem"] == ("input", "8 x 8 x 8", 72, 64, 0)
    assert rows["stem-norm"] == ("stem", "8 x 8 x 8", 16, 0, 0)
    assert rows["residual"] == ("norm stem-relu", "8 x 8 x 8", 0, 0, 1)
    assert rows["pool"] == ("relu", "4 x 4 x 8", 0, 0, 1)
    assert rows["classes"] == ("pool", "10", 1290, 1, 2)


@pytest.mark.parametrize("name", ["digits-mlp", "linear"])
def test_a_chain_of_layers_has_no_table_of_nodes_and_no_picture(name):
    workload = load_workload(name).model
    assert nodes_of(workload, load(workload.data, 1)) is None
    assert graph_panels([make_run()]) == []


@pytest.mark.usefixtures("figures_drawn")
def test_every_node_stands_in_the_picture_by_its_name_shaded_by_the_energy_of_its_layer():
    (drawing,) = graph_panels([run_with()])
    assert all(f">{name}<" in drawing.svg for name in (*NODES["node"], "input"))
    assert ">batch-norm  8 x 8 x 4<" in drawing.svg
    shades = set(re.findall(r"(?<=opacity: )0\.\d+", drawing.svg))
    assert shades >= {"0.6", "0.3", "0.18"}  # of 4, 2 and 1 J, in tenths rounded up
    assert all(f">{text}<" in drawing.svg for text in ("0.800 mJ", "2.00 mJ", "4.00 mJ"))
    assert "stem 4.00 mJ, conv 2.00 mJ, classes 1.00 mJ" in drawing.description


def test_the_report_has_a_picture_for_each_run_with_nodes_and_finds_its_table_again(tmp_path: Path):
    write_report([run_with(), make_run("digital", "digital")], tmp_path, "twin compare")
    page = (tmp_path / "report.html").read_text()
    assert '<section id="network">' in page
    assert (tmp_path / "figures" / "graph-0.svg").is_file()
    assert not (tmp_path / "figures" / "graph-1.svg").exists()
    (loaded, other), _ = load_report(tmp_path)
    pd.testing.assert_frame_equal(loaded.tables["nodes"], NODES)
    assert "nodes" not in other.tables


def test_of_several_layouts_of_an_algorithm_the_first_is_drawn():
    runs = [run_with(layout=layout) for layout in ("four-array", "three-array")]
    drawings = graph_panels([*runs, run_with(algorithm="sgd", layout="two-array")])
    assert [drawing.title for drawing in drawings] == ["Network, ttv2 four-array", "Network, sgd two-array"]


def test_a_graph_whose_names_could_not_be_read_is_not_drawn():
    rows = [(f"n{k}", "relu", f"n{k - 1}" if k else "input", "4", 0, 0, 0) for k in range(MOST_NODES + 1)]
    assert graph_panels([run_with(pd.DataFrame(rows, columns=NODES.columns))]) == []


@pytest.mark.parametrize("inputs", ["classes", "nowhere", "sum sum2", ""])
def test_a_damaged_table_of_nodes_is_refused_with_its_line(tmp_path: Path, inputs):
    save_run(run_with(NODES.assign(inputs=["input", "stem", "norm", inputs, "sum"])), tmp_path)
    with pytest.raises(TwinError, match=r"nodes\.csv:5: 'sum' takes"):
        load_run(tmp_path)


def test_an_edge_that_passes_ranks_passes_beside_their_nodes():
    plan = laid_out({"a": ["input"], "b": ["a"], "c": ["b"], "sum": ["c", "a"]})
    assert (Item("a"), Item("a", 2), Item("a", 3), Item("sum")) in plan.paths
    for node, passing in (("b", Item("a", 2)), ("c", Item("a", 3))):
        assert abs(plan.spots[Item(node)].x - plan.spots[passing].x) >= 0.6 - 1e-9
    straight = [plan.spots[Item("a", rank)].x for rank in (2, 3)]
    assert straight[0] == pytest.approx(straight[1], abs=0.01)


def test_ranks_wrap_into_columns_where_few_edges_are_cut():
    chain = {f"n{k}": [f"n{k - 1}" if k else "input"] for k in range(11)}
    plan = laid_out(chain, 2)
    assert (plan.columns, plan.ranks) == (2, 6)
    assert plan.spots[Item("n5")][:2] == (1, 0)
    skips = laid_out({**chain, "n7": ["n6", "n4"]}, 2)  # before n4 one edge is cut, before n5 two
    assert skips.spots[Item("n4")][:2] == (1, 0)


@st.composite
def graphs(draw):
    names = [f"n{k}" for k in range(draw(st.integers(1, 14)))]
    before = ["input"]
    inputs = {}
    for name in names:
        inputs[name] = draw(st.lists(st.sampled_from(before), min_size=1, max_size=3, unique=True))
        before.append(name)
    return inputs


@given(graphs(), st.integers(1, 4))
@settings(max_examples=examples(100), deadline=None)
def test_in_any_graph_nothing_overlaps_and_every_edge_goes_down(inputs, columns):
    plan = laid_out(inputs, columns)
    order = {item: (spot.column, spot.rank) for item, spot in plan.spots.items()}
    edges = {(path[0].name, path[-1].name) for path in plan.paths}
    assert edges == {(one, name) for name, given in inputs.items() for one in given}
    assert all(order[above] < order[below] for path in plan.paths for above, below in pairwise(path))
    width = {item: 1.0 if item.rank is None else 0.2 for item in plan.spots}
    for one, other in combinations(plan.spots, 2):
        if order[one] == order[other]:
            apart = abs(plan.spots[one].x - plan.spots[other].x)
            assert apart >= (width[one] + width[other]) / 2 - 1e-6
        assert abs(plan.spots[one].x) <= plan.reach + 1e-9
