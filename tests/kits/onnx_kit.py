"""ONNX models made by hand, what ONNX Runtime computes with them, and what the twin does."""

import numpy as np
import onnx
import onnxruntime
from graph_kit import trained
from onnx import TensorProto, helper, numpy_helper

from twin.networks.description import Network
from twin.networks.given.fit import fit
from twin.networks.graph import Graph
from twin.networks.onnx.read import read_model

NEWEST = onnx.defs.onnx_opset_version()


class Sketch:
    """A model under construction: `weight` adds an initialiser, `node` a node whose output it returns."""

    def __init__(self, *dims, seed=1, integers=False):
        self.draw, self.nodes, self.weights, self.prefix = np.random.default_rng(seed), [], {}, ""
        kind = TensorProto.INT64 if integers else TensorProto.FLOAT
        self.input = helper.make_tensor_value_info("x", kind, ["N", *dims])

    def weight(self, name, *shape):
        name = f"{self.prefix}{name}"
        low, high = (0.5, 2.0) if name.endswith("running_var") else (-0.6, 0.6)
        self.weights[name] = self.draw.uniform(low, high, shape).astype(np.float32)
        return name

    def fixed(self, values):
        name = f"fixed_{len(self.weights)}"
        self.weights[name] = np.asarray(values)
        return name

    def node(self, op, *inputs, **attributes):
        return self.several(op, 1, *inputs, **attributes)[0]

    def several(self, op, outputs, *inputs, name=None, **attributes):
        number = len(self.nodes)
        made = [f"t{number}_{k}" if k else f"t{number}" for k in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, made, name=name or f"/{op}_{number}", **attributes))
        return made

    def model(self, output, opset=17):
        result = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
        tensors = [numpy_helper.from_array(one, name) for name, one in self.weights.items()]
        graph = helper.make_graph(self.nodes, "sketch", [self.input], [result], tensors)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def saved(model, path):
    onnx.save(model, path)
    return path


def by_runtime(path, inputs):
    """Return what ONNX Runtime computes, without a softmax at the end that is part of the loss."""
    return onnxruntime.InferenceSession(str(path)).run(None, {"x": inputs})[0]


def by_twin(path, inputs, *, symbols=0, **reading):
    """Return what the twin's digital evaluation computes of the nodes and weights of a file.

    `inputs` are as the file has them, channels first. Of a text these are the probabilities of symbols.
    """
    loss = "cross-entropy" if symbols else "squared-error"
    described = Network.model_validate({"loss": loss, "file": str(path), **reading})
    x = inputs.transpose(0, 2, 3, 1) if inputs.ndim == 4 else inputs
    shape = x.shape[1:]
    graph = Graph.of(described, shape, symbols)
    given = fit(graph, read_model(path, described.reading).tensors(), str(path))
    made = trained(described, shape, symbols=symbols, given=given)
    machine, outputs = made.ideal.machine, graph.shapes[graph.nodes[-1].name]
    found = []
    for one in x:
        made.data.test_inputs[0] = one.ravel()
        machine.evaluate(0, 1)
        at = int(machine.layers[-1]["y"])
        found.append(machine.f[at : at + int(np.prod(outputs))].reshape(outputs).copy())
    return np.array(found)


def residual(*, seed=1, side=8, channels=1, classes=10):
    """Return a residual network with batch norm, as exporters write it: shapes computed, MatMul + Add at the end."""
    s = Sketch(channels, side, side, seed=seed)
    stem = s.node("Conv", "x", s.weight("stem.weight", 6, channels, 3, 3), pads=[1, 1, 1, 1])
    norm = s.node("BatchNormalization", stem, *(s.weight(f"norm.{part}", 6) for part in PARTS))
    first = s.node("Relu", norm)
    conv = s.node("Conv", first, s.weight("layer1.0.conv.weight", 6, 6, 3, 3), s.weight("layer1.0.conv.bias", 6),
                  pads=[1, 1, 1, 1], name="/layer1/0/Conv")  # fmt: skip
    joined = s.node("Relu", s.node("Add", conv, first))
    pooled = s.node("MaxPool", joined, kernel_shape=[2, 2], strides=[2, 2])
    batch = s.node("Gather", s.node("Shape", pooled), s.fixed(np.array(0)))
    target = s.node("Concat", s.node("Unsqueeze", batch, s.fixed(np.array([0]))), s.fixed(np.array([-1])), axis=0)
    flat = s.node("Reshape", pooled, target)
    product = s.node("MatMul", flat, s.weight("onnx::MatMul_7", 6 * (side // 2) ** 2, 12))
    hidden = s.node("Tanh", s.node("Add", s.weight("fc.bias", 12), product))
    return s, s.node("Gemm", hidden, s.weight("head.weight", classes, 12), s.weight("head.bias", classes), transB=1)


PARTS = ("weight", "bias", "running_mean", "running_var")
