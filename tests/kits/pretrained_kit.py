"""A CNN that is trained in digital memory, as an ONNX file, and the workload that starts from it."""

import onnxruntime
from onnx_kit import Sketch, saved

import twin
from twin.config.data import Data
from twin.data import load
from twin.runs.weights import write_weights

WORKLOAD = """
schema = 1
kind = "workload"
name = "pretrained"
description = "a CNN that somebody else trained"
data = {{ set = "{data}", samples = {samples} }}
network = {{ file = "{model}", loss = "cross-entropy" }}
init = {{ file = "{model}" }}
training = {{ epochs = {epochs}, seed = 1 }}
device = {{ preset = "gokmen-60" }}
calibration = {{ method = "exact" }}
programming = {{ method = "write-verify" }}
optimiser = {{ kind = "sgd", learning_rate = 0.01 }}

[algorithms.digital]
learning_rate = 0.02

[algorithms.ttv2]
fast_lr = 1.0
auto_scale = true
transfer_every = 1
transfer_every_per_layer = {every}
transfer_axis = "row"
transfer_lr = {rate}
reset = "plain"
update = {{ pulse_type = "stochastic", desired_bl = 1, update_management = true, update_bl_management = true }}
"""


def sketched(side, channels, kernel):
    """Return a model with a convolution and its pooling for each of `channels`, and a layer of scores."""
    sketch = Sketch(1, side, side)
    at, before = sketch.input.name, 1
    for number, width in enumerate(channels):
        weight = sketch.weight(f"conv{number}.weight", width, before, kernel, kernel)
        sketch.weights[weight] *= (before * kernel * kernel) ** -0.5
        bias = sketch.weight(f"conv{number}.bias", width)
        at = sketch.node("Relu", sketch.node("Conv", at, weight, bias))
        at = sketch.node("MaxPool", at, kernel_shape=[2, 2], strides=[2, 2])
        side, before = (side - kernel + 1) // 2, width
    size = side * side * before
    weight, bias = sketch.weight("head.weight", 10, size), sketch.weight("head.bias", 10)
    sketch.weights[weight] *= size**-0.5
    return sketch.model(sketch.node("Gemm", sketch.node("Flatten", at), weight, bias, transB=1))


def pretrained(folder, model, **fields):
    """Train a model in digital memory; return the workload that starts from the result, a path."""
    saved(model, folder / "first.onnx")
    given = {"data": "digits", "samples": 0, "epochs": 2, "every": [16, 1], "rate": 0.5} | fields
    first = folder / "first.toml"
    first.write_text(WORKLOAD.format(model=folder / "first.onnx", **given))
    twin.simulate(first, "digital", out=folder / "first", progress=False)
    write_weights(folder / "first" / "runs" / "digital", folder / "model.onnx")
    workload = folder / "pretrained.toml"
    workload.write_text(WORKLOAD.format(model=folder / "model.onnx", **given | {"epochs": 1}))
    return workload


def runtime_error(path, name):
    """Return the fraction of the test images that ONNX Runtime gets wrong."""
    data = load(Data(set=name), 1)
    height, width, _ = data.shape
    images = data.test_inputs.reshape(-1, 1, height, width).astype("float32")
    (scores,) = onnxruntime.InferenceSession(str(path)).run(None, {"x": images})
    return float((scores.argmax(axis=1) != data.test_targets.ravel()).mean())
