"""Tiles that are shared, or copied, or placed elsewhere change times and joules but no weight."""

import numpy as np
import pytest
from chip_kit import CORNER, NETWORK
from network_kit import ideal

from twin.data import Dataset
from twin.networks.layers import Conv, Dense, Windows
from twin.networks.network import Network

MESH = {**NETWORK, **CORNER, "network.topology": "mesh", "network.routing": "dimension-ordered"}


def lenet():
    """A convolution of 36 positions below a dense layer, and four images."""
    conv = Conv(0, 8, 8, 1, 4, True, "tanh", Windows.square(3), 2)
    network = Network((conv, Dense(1, conv.size, 3, True, "softmax")), "cross-entropy")
    rng = np.random.default_rng(2)
    images, classes = rng.random((4, 64), np.float32), np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    return network, Dataset(images, classes, images, classes)


@pytest.fixture(scope="module")
def plain():
    trained = ideal(*lenet())
    engine, _ = trained.timed(4)
    return trained.weights(), engine


@pytest.mark.parametrize(
    ("chip", "tiles"),
    [({"mapping.pack": "true"}, 1), ({"mapping.replicate": "[3]"}, 4), (MESH, 2), (MESH | {"mapping.pack": "true"}, 1)],
)
def test_weights_are_the_same_bits_wherever_they_lie(plain, chip, tiles):
    trained = ideal(*lenet(), chip=chip)
    engine, _ = trained.timed(4)
    assert len(trained.machine.mapping.tiles) == tiles
    for one, other in zip(trained.weights(), plain[0], strict=True):
        np.testing.assert_array_equal(one, other)
    assert engine.now_ps != plain[1].now_ps


def test_three_copies_take_a_third_of_the_time_of_a_pass_and_as_long_for_an_update():
    _, one = ideal(*lenet()).timed(1)
    _, three = ideal(*lenet(), chip={"mapping.replicate": "[3]"}).timed(1)
    one, three = (table.assign(took=table["done"] - table["start"]) for table in (one, three))

    def took(table, kind):
        return table.loc[(table["kind"] == kind) & (table["layer"] == 0), "took"].sum()

    assert took(one, "forward") == pytest.approx(3 * took(three, "forward"), rel=1e-4)  # rounded up to 1 ps a position
    assert took(one, "update") == took(three, "update") > 0
