"""Are the residual networks for CIFAR He's, and do they train on data of its form?"""

import numpy as np
import pytest

import twin
from twin.data.cifar import CIFAR_10
from twin.descriptions.load import load_workload
from twin.networks.graph import Graph
from twin.networks.kinds.matrices import matrix_of
from twin.networks.kinds.node import Shapes


@pytest.mark.parametrize(("depth", "weights"), [(8, 77_370), (20, 270_906)])
def test_a_network_has_the_layers_and_weights_of_its_paper(depth, weights):
    """6 n + 2 layers, and two shortcuts of option B: 16 x 32 and 32 x 64 weights beyond the paper's 0.27 M.

    Convolutions: 3 x 3 x 3 x 16, then 2 n of 3 x 3 x 16 x 16 in the first stage, and in the others one that doubles the
    channels and 2 n - 1 that keep them.
    """
    described = load_workload(f"cifar-resnet-{depth}").model.network
    graph = Graph.of(described, (32, 32, 3))
    found = []
    for one in graph.nodes:
        size, uses = matrix_of(
            one.node, Shapes(tuple(graph.shapes[name] for name in one.inputs), graph.shapes[one.name])
        )
        if size:
            found.append((one.node.kind, one.name.rsplit(".", 1)[-1], size, uses))
    n = (depth - 2) // 6
    stages = 2 * n * 9 * 16 * 16 + sum(9 * c * c // 2 + (2 * n - 1) * 9 * c * c for c in (32, 64))
    assert weights == 9 * 3 * 16 + stages + 16 * 32 + 32 * 64 + 65 * 10
    assert sum(size for _, _, size, _ in found) == weights
    assert len([name for _, name, *_ in found if name != "shortcut"]) == depth
    assert [uses for *_, uses in found] == sorted((uses for *_, uses in found), reverse=True)
    assert found[-1] == ("dense", "classes", 650, 1)


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    """Write a few images of one colour a class, in the form of CIFAR-10."""
    draw = np.random.default_rng(1)
    folder = tmp_path / CIFAR_10.folder
    folder.mkdir()
    colours = draw.integers(0, 256, (10, 3))
    for file in CIFAR_10.files:
        labels = np.arange(8) % 10
        pixels = np.clip(colours[labels][:, :, None, None] + draw.normal(0, 20, (8, 3, 32, 32)), 0, 255)
        records = np.concatenate([labels[:, None], pixels.reshape(8, -1)], axis=1)
        (folder / file).write_bytes(records.astype(np.uint8).tobytes())
    monkeypatch.setenv("TWIN_DATA_DIR", str(tmp_path))


PLACED = {f"chip.placement.{what}": "memory" for what in ("activations", "errors", "weights")}
"""A batch does not fit the chip's buffer."""


@pytest.mark.usefixtures("made_up")
def test_the_smaller_one_learns_images_of_its_form():
    options = {"training.batch": 8, "training.decay_at": [], **PLACED, "optimiser.learning_rate": 0.05}
    done = twin.simulate("cifar-resnet-8", "digital", epochs=3, samples=16, overrides=options, progress=False)
    losses = done.curve["train_loss"].tolist()
    assert losses[-1] < 0.5 * losses[0]
    assert done.samples == 48
