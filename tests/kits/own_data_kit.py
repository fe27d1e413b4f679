"""Workloads on data of one's own, written into files for the command line."""

HEADER = """
schema = 1
kind = "workload"
name = "own"
description = "a network on data of its own"

[data]
{data}

[network]
loss = "{loss}"
layers = [
{layers}
]

[training]
epochs = 2
seed = 1

[device]
preset = "gokmen-60"

[calibration]
method = "exact"

[init]
distribution = "uniform"
scale = 1.0

[algorithms.digital]
learning_rate = {rate}

[algorithms.sgd]
learning_rate = 0.05
update = {{ pulse_type = "stochastic", desired_bl = 31, update_management = true, update_bl_management = true }}
"""


def write_workload(path, data, *layers, loss="cross-entropy", rate=0.1):
    """Write a workload of these lines below [data] and of these layers; return its path."""
    rows = "\n".join(f"  {{ {layer} }}," for layer in layers)
    path.write_text(HEADER.format(data="\n".join(data), loss=loss, layers=rows, rate=rate))
    return path


def dense(outputs, activation="softmax"):
    """Return a dense layer as it is written in TOML."""
    return f'kind = "dense", outputs = {outputs}, activation = "{activation}", bias = true'
