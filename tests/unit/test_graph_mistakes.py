"""Is each mistake in a graph one line with the node, the value, the rule and what to do?"""

from pathlib import Path

import pytest

import twin
from twin.descriptions.load import load_workload
from twin.errors import TwinError
from twin.runs.networks import graph_of

HEAD, REST = (Path(twin.__file__).parents[1] / "workloads" / "digits-cnn.toml").read_text().split("[network]")
END = '{ kind = "dense", name = "end", outputs = 10, activation = "softmax", bias = true }'
CONV = '{ kind = "conv", name = "a", channels = 3, kernel = 3, activation = "tanh", bias = true }'


def refused(folder, *layers, more=""):
    path = folder / "own.toml"
    nodes = ",\n".join([*layers, END])
    path.write_text(
        f'{HEAD}[network]\nloss = "cross-entropy"\n{more}layers = [\n{nodes},\n]\n{REST[REST.index("[tr") :]}'
    )
    with pytest.raises(TwinError) as error:
        graph_of(load_workload(str(path)).model)
    message = str(error.value).removeprefix(f"{folder}/")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        (
            ['{ kind = "relu", name = "a", inputs = ["b"] }', '{ kind = "relu", name = "b", inputs = ["a"] }'],
            "layers.0.inputs: b is no node above a; a node stands below its inputs, as there are no cycles: move b up",
        ),
        (
            ['{ kind = "relu", name = "a", inputs = ["inptu"] }'],
            "layers.0.inputs: inptu is no node above a (did you mean input?)",
        ),
        (
            [CONV, '{ kind = "relu", name = "b", inputs = ["input"] }'],
            "the output of a goes nowhere; name it among the",
        ),
        (
            [CONV, '{ kind = "add", name = "b", inputs = ["a", "input"] }'],
            (
                "layers.1 (b, of 6 x 6 x 3 and 8 x 8 x 1): its inputs must have one shape, and are 6 x 6 x 3 and "
                "8 x 8 x 1; let a conv or dense node give one the shape of the other"
            ),
        ),
        (
            [CONV, '{ kind = "concat", name = "b", inputs = ["a", "input"] }'],
            (
                "layers.1 (b, of 6 x 6 x 3 and 8 x 8 x 1): its inputs must agree in all axes but the last, and are "
                "6 x 6 x 3 and 8 x 8 x 1; give both maps the same height and width"
            ),
        ),
        (
            [CONV.replace("kernel = 3", "kernel = 30")],
            "layers.0 (a, of 8 x 8 x 1): kernel (= 30): the input map is only",
        ),
        (['{ kind = "rleu", name = "a" }'], "layers.0.kind"),
    ],
)
def test_a_mistake_in_a_graph_is_one_line(tmp_path, layers, words):
    assert words in refused(tmp_path, *layers)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("sizes = { height = 32 }\n", "network.sizes: belongs to the nodes of an ONNX file"),
        ('batch_norm = "folded"\n', "network.batch_norm (= folded): belongs to the nodes of an ONNX file"),
    ],
)
def test_keys_of_files_need_a_file(tmp_path, more, words):
    assert words in refused(tmp_path, CONV, more=more)
