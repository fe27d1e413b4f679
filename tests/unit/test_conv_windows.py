"""Do convolutions with any windows and groups compute their formula, follow its gradient, and cost what they do?"""

import numpy as np
import pytest
from examples_kit import examples
from graph_kit import check, description, trained
from hypothesis import given, settings
from hypothesis import strategies as st
from network_kit import tiles

from twin.errors import TwinError
from twin.networks.graph import Graph
from twin.networks.layers import Conv, Windows
from twin.networks.network import Network
from twin.operation import Kind

MAP = (6, 7, 4)
END = {"kind": "dense", "outputs": 3, "activation": "softmax"}
KINDS = {
    "neither square nor odd": {"kernel": [2, 3]},
    "taller than wide": {"kernel": [3, 1], "padding": [1, 1, 0, 0]},
    "another stride along each axis": {"kernel": 3, "stride": [1, 2], "padding": 1},
    "zeros on two sides only": {"kernel": 3, "padding": [2, 0, 0, 1]},
    "dilated": {"kernel": [2, 3], "dilation": [3, 2]},
    "dilated and padded": {"kernel": 3, "dilation": [1, 2], "padding": [1, 0, 3, 2], "stride": [2, 1]},
    "two groups": {"kernel": [2, 3], "groups": 2},
    "depthwise": {"kernel": 3, "padding": 1, "groups": 4},
    "depthwise, two outputs a channel, dilated": {"channels": 8, "kernel": 2, "dilation": 2, "groups": 4},
    "groups of a 1 x 1 kernel, without a bias": {"kernel": 1, "groups": 2, "bias": False},
}


def layers(window, **more):
    return [{"kind": "conv", "channels": 4, "activation": "tanh"} | window | more, END]


@pytest.mark.parametrize("algorithm", ["digital", "sgd"])
@pytest.mark.parametrize("name", KINDS)
def test_a_step_follows_the_gradient_of_the_formula(name, algorithm):
    check(trained(description(*layers(KINDS[name])), MAP, algorithm=algorithm))


@pytest.mark.parametrize("name", ["dilated and padded", "two groups", "depthwise"])
def test_a_convolution_behind_another_returns_its_error(name):
    first = {"kind": "conv", "channels": 4, "kernel": 1, "activation": "tanh"}
    check(trained(description(first, *layers(KINDS[name])), MAP))


@pytest.mark.parametrize("name", ["dilated and padded", "depthwise"])
def test_max_pooling_behind_any_windows_is_part_of_the_layer(name):
    made = trained(description(layers(KINDS[name])[0], {"kind": "max-pool", "size": 2}, END), MAP)
    assert made.network.layers[0].pool == 2
    check(made)


@pytest.mark.parametrize("name", ["two groups", "depthwise"])
def test_between_digital_nodes_groups_follow_the_gradient_too(name):
    layer, end = layers(KINDS[name])
    norm = {"kind": "batch-norm"}
    check(trained(description({"kind": "conv", "channels": 4, "kernel": 1}, norm, layer, norm, end), MAP))


@pytest.mark.parametrize("lines", [2, 5])
def test_groups_are_split_over_arrays_as_any_matrix(lines):
    made = trained(description(*layers(KINDS["two groups"])), MAP, algorithm="sgd", chip=tiles(lines))
    assert len(made.ideal.machine.mapping.parts(0, "W")) > 2
    check(made)


@settings(max_examples=examples(40), deadline=None)
@given(
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(*4 * [st.integers(0, 2)]),
    st.sampled_from([1, 2, 4]),
    st.booleans(),
)
def test_any_windows_follow_the_gradient(kernel, stride, dilation, padding, groups, bias):
    window = {"kernel": kernel, "stride": stride, "dilation": dilation, "padding": padding}
    made = description(*layers(window, groups=groups, bias=bias))
    if min(Windows(kernel, stride, padding, dilation).fit(*MAP[:2])) < 1:
        with pytest.raises(TwinError, match=r"kernel \(= "):
            Graph.of(made, MAP)
        return
    check(trained(made, MAP), tolerance=4e-3)


def test_groups_of_one_channel_are_filters_of_their_channel():
    made = trained(description(*layers(KINDS["depthwise"])), MAP, samples=1)
    machine, (w, _) = made.ideal.machine, made.weights()
    made.ideal.train(0, 1)
    layer = machine.layers[0]
    y = machine.f[int(layer["y"]) :][: 6 * 7 * 4].reshape(6, 7, 4)
    x = np.pad(made.sample(0)[0], ((1, 1), (1, 1), (0, 0)))
    for i, j, c in np.ndindex(y.shape):
        z = np.sum(w[c, :9].reshape(3, 3) * x[i : i + 3, j : j + 3, c]) + w[c, 9]
        assert y[i, j, c] == pytest.approx(np.tanh(z), abs=1e-6)


def test_one_number_stands_for_both_axes_and_all_sides():
    one, other = (
        Network.from_config(description(*layers(window)), MAP).layers
        for window in (
            {"kernel": 3, "stride": 2, "padding": 1, "dilation": 1},
            {"kernel": [3, 3], "stride": [2, 2], "padding": [1, 1, 1, 1], "dilation": [1, 1]},
        )
    )
    assert one == other


# -- cost ------------------------------------------------------------------------------------------------------


def operations(algorithm, **window):
    made = trained(description(*layers(window)), MAP, algorithm=algorithm)
    found = [one for one in made.ideal.encoder.program.operations(0) if one.layer == 0]
    return made.network.layers[0], found


def test_every_group_of_every_position_is_a_mat_vec_of_its_own_lines():
    layer, found = operations("sgd", kernel=3, padding=1, groups=2)
    assert (layer.n_in, layer.n_out, layer.uses) == (9 * 2 + 1, 4, 6 * 7 * 2)
    (forward,) = [one for one in found if one.kind is Kind.FORWARD]
    assert forward.uses == layer.uses
    loaded = next(one for one in found if one.kind is Kind.LOAD)
    assert loaded.words == layer.uses * layer.n_in


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_digital_arithmetic_multiplies_only_within_groups(groups):
    _, found = operations("digital", kernel=3, padding=1, groups=groups, bias=False)
    for kind in (Kind.FORWARD, Kind.UPDATE):
        (one,) = [one for one in found if one.kind is kind]
        assert one.flops == 2 * 6 * 7 * 9 * 4 * 4 // groups


def test_the_activation_is_worked_out_once_an_output():
    whole, grouped = (operations("sgd", kernel=3, padding=1, groups=groups)[1] for groups in (1, 4))
    (one,), (other,) = ([each.flops for each in found if each.kind is Kind.ACTIVATION] for found in (whole, grouped))
    assert one == other == 8 * 6 * 7 * 4


def test_the_clock_charges_the_turns_of_all_groups():
    spans = []
    for groups in (1, 4):
        made = trained(description(*layers({"kernel": 3, "padding": 1, "groups": groups})), MAP, algorithm="sgd")
        _, table = made.ideal.timed(1)
        (row,) = table[(table["kind"] == "forward") & (table["layer"] == 0)].itertuples()
        spans.append(row.done - row.start)
    assert spans[1] == pytest.approx(4 * spans[0], rel=0.01)


# -- refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "rule"),
    [
        ({"kernel": 3, "groups": 3}, r"groups \(= 3\): must divide the 4 channels"),
        ({"kernel": [3, 9]}, r"kernel \(= 3 x 9\): the input map is only 6 x 7"),
        ({"kernel": 3, "dilation": [1, 4]}, r"kernel \(= 3\): the input map is only 6 x 7"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_rule(window, rule):
    with pytest.raises(TwinError, match=rule):
        Network.from_config(description(*layers(window)), MAP)


@pytest.mark.parametrize("sides", [0, [3], [3, 0], [1, 2, 3], "three", 1.5, True])
def test_sides_are_one_number_or_one_an_axis(sides):
    with pytest.raises(ValueError, match="must be a whole number from 1 to 1000, or 2 of them in brackets"):
        description(*layers({"kernel": sides}))


def test_a_layer_says_what_it_takes_from_its_description():
    (layer, _) = Network.from_config(description(*layers(KINDS["dilated and padded"])), MAP).layers
    assert isinstance(layer, Conv)
    assert layer.windows.reach == (3, 5)
