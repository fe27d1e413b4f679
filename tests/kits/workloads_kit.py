"""Small workloads with recurrent and convolutional networks, as files."""

TEXT = "Peace was declared; the war went on, and on. " * 12  # 486 characters to train on
NETWORKS = {
    "lstm": [
        '{ kind = "lstm", hidden = 6, bias = true }',
        '{ kind = "lstm", hidden = 5, bias = true }',
        '{ kind = "dense", activation = "softmax", bias = true }',
    ],
    "rnn": [
        '{ kind = "rnn", hidden = 7, bias = true }',
        '{ kind = "dense", outputs = 9, activation = "tanh", bias = false }',
        '{ kind = "dense", activation = "softmax", bias = true }',
    ],
    "conv": [
        '{ kind = "conv", channels = 3, kernel = 3, activation = "tanh", bias = true }',
        '{ kind = "max-pool", size = 2 }',
        '{ kind = "conv", channels = 4, kernel = 2, padding = 1, activation = "tanh", bias = true }',
        '{ kind = "flatten" }',
        '{ kind = "dense", outputs = 10, activation = "softmax", bias = true }',
    ],
    "graph": [
        (
            '{ kind = "conv", name = "a", channels = 3, kernel = 3, stride = 2, padding = 1, activation = "identity", '
            "bias = false }"
        ),
        '{ kind = "batch-norm", name = "b" }',
        '{ kind = "conv", name = "c", channels = 3, kernel = 3, padding = 1, activation = "tanh", bias = true }',
        '{ kind = "add", inputs = ["b", "c"] }',
        '{ kind = "dropout", probability = 0.2 }',
        '{ kind = "max-pool", size = 3, stride = 1 }',
        '{ kind = "dense", outputs = 10, activation = "softmax", bias = true }',
    ],
}
WORKLOAD = """
schema = 1
kind = "workload"
name = "{name}"
description = "a small network for tests"
data = {data}
device.preset = "gokmen-60"
calibration.method = "exact"
init = {{ distribution = "uniform", scale = 1.0 }}
training = {{ epochs = 1, seed = 1, in_flight = 1 }}
mapping.out_scaling = 2.5

[network]
loss = "cross-entropy"
steps = {steps}
layers = [{layers}]

[optimiser]
kind = "adam"
learning_rate = 0.01

[algorithms]
ttv2.transfer_lr = 40.0
cttv2.transfer_lr = 40.0
agad.transfer_lr = 40.0
mixed-precision.learning_rate = 0.5
"""


def written(folder):
    """Write the workloads into a folder; return their paths by name."""
    (folder / "text.txt").write_text(TEXT)
    made = {}
    for name, layers in NETWORKS.items():
        timed = name not in {"conv", "graph"}
        data = f'{{ set = "text", file = "{folder / "text.txt"}" }}' if timed else '{ set = "digits" }'
        text = WORKLOAD.format(name=name, data=data, steps=5 * timed, layers=", ".join(layers))
        made[name] = str(folder / f"{name}.toml")
        (folder / f"{name}.toml").write_text(text)
    return made
