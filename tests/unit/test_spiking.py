"""Do spiking neurons integrate, fire and reset as their formula has it?"""

import numpy as np
import pytest
from graph_kit import description, trained

from twin.errors import TwinError
from twin.networks.graph import Graph

TO_CLASSES = [
    {"kind": "dense", "name": "w", "outputs": 3},
    {"kind": "global-average-pool"},
    {"kind": "softmax"},
]


def built(*layers, shape=(2,), **options):
    return trained(description(*layers, *TO_CLASSES), shape, **options)


def output(made, name):
    """Return the tensor of a digital node, (positions, width)."""
    machine = made.ideal.machine
    node = next(one for one in made.network.flow.nodes if one.name == name)
    at = int(machine.nodes[node.index]["y"])
    return machine.f[at : at + node.size].reshape(node.positions, node.width).copy()


@pytest.mark.parametrize(
    ("reset", "expected"),
    [
        # 0.6, 0.9, 1.05 fires and leaves 0.05 (or 0): 0.625 (0.6), 0.9125 (0.9), 1.05625 (1.05) fires, 0.628125 (0.6)
        ("subtract", [0, 0, 1, 0, 0, 1, 0]),
        ("zero", [0, 0, 1, 0, 0, 1, 0]),
    ],
)
def test_a_constant_current_fires_at_the_steps_worked_out_by_hand(reset, expected):
    lif = {"kind": "lif", "name": "lif", "decay": 0.5, "threshold": 1.0, "reset": reset}
    made = built({"kind": "time-steps", "steps": 7}, lif)
    made.data.inputs[0] = [0.6, -1.0]
    made.ideal.train(0, 1)
    assert output(made, "lif")[:, 0].tolist() == expected
    assert not output(made, "lif")[:, 1].any()


def test_what_is_above_the_threshold_is_kept_or_dropped():
    found = {}
    for reset in ("subtract", "zero"):
        made = built(
            {"kind": "time-steps", "steps": 4},
            {"kind": "lif", "name": "lif", "decay": 1.0, "threshold": 1.0, "reset": reset},
        )
        made.data.inputs[0] = [0.75, 2.5]
        made.ideal.train(0, 1)
        found[reset] = output(made, "lif").T.tolist()
    # 0.75, 1.5 | 0.5 left: 1.25 | 0.25 left: 1.0; to 0: 0.75, 1.5, 0.75, 1.5. What is left over 1 fires at once again
    assert found == {"subtract": [[0, 1, 1, 1], [1, 1, 1, 1]], "zero": [[0, 1, 0, 1], [1, 1, 1, 1]]}


def test_a_neuron_without_leak_fires_as_often_as_its_current_says():
    made = built(
        {"kind": "time-steps", "steps": 1000},
        {"kind": "lif", "name": "lif", "decay": 1.0, "threshold": 1.0},
    )
    made.data.inputs[0] = [0.123, 0.77]
    made.ideal.train(0, 1)
    np.testing.assert_allclose(output(made, "lif").mean(axis=0), [0.123, 0.77], atol=1.5e-3)


RATES = {"kind": "time-steps", "name": "spikes", "steps": 4000, "coding": "rate"}


def test_values_are_the_probabilities_of_spikes():
    made = built(RATES, shape=(4,), samples=2)
    made.data.inputs[:] = [0.2, 0.7, -0.3, 1.4]
    made.ideal.train(0, 1)
    first = output(made, "spikes")
    assert set(np.unique(first)) == {0.0, 1.0}
    np.testing.assert_allclose(first.mean(axis=0), [0.2, 0.7, 0.0, 1.0], atol=4 * 0.5 / 4000**0.5)
    neighbours = np.corrcoef(np.stack([first[:-1, 0], first[1:, 0], first[:-1, 1]]))
    assert np.abs(neighbours - np.eye(3)).max() < 5 / 4000**0.5
    made.ideal.train(1, 2)
    assert (output(made, "spikes") != first).mean() > 0.1
    again = built(RATES, shape=(4,), samples=2)
    again.data.inputs[:] = [0.2, 0.7, -0.3, 1.4]
    again.ideal.train(0, 1)
    assert np.array_equal(output(again, "spikes"), first)


def test_neurons_need_time_steps():
    nodes = description({"kind": "dense", "outputs": 3}, {"kind": "lif", "name": "n", "decay": 0.9}, *TO_CLASSES)
    with pytest.raises(TwinError, match="needs time steps x features"):
        Graph.of(nodes, (4,))
