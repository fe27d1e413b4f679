"""Random models of operations that move axes: what ONNX Runtime computes, or a refusal in one line."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_kit import Sketch, by_runtime, by_twin, saved
from pydantic import ValidationError

from twin.errors import TwinError

OPS = ("Relu", "Softmax", "Reshape", "Transpose", "Flatten", "MatMul", "LayerNormalization", "Add", "Concat", "Conv")


class Drawn:
    """A sketch that grows node by node; it knows the axes of its last tensor behind the batch."""

    def __init__(self, draw, dims):
        self.draw, self.sketch, self.dims, self.last = draw, Sketch(*dims), list(dims), "x"

    def chosen(self, options):
        return self.draw(st.sampled_from(list(options)))

    def grow(self, op):
        getattr(self, f"_{op.lower()}")()

    def _relu(self):
        self.last = self.sketch.node("Relu", self.last)

    def _softmax(self):
        self.last = self.sketch.node("Softmax", self.last, axis=-1)

    def _reshape(self):
        count = int(np.prod(self.dims))
        first = self.chosen([n for n in range(1, count + 1) if count % n == 0])
        target = self.chosen([[count], [first, count // first]])
        self.last, self.dims = self.sketch.node("Reshape", self.last, self.sketch.fixed(np.array([0, *target]))), target

    def _transpose(self):
        order = self.draw(st.permutations(range(len(self.dims))))
        perm = [0, *(axis + 1 for axis in order)]
        self.last, self.dims = self.sketch.node("Transpose", self.last, perm=perm), [self.dims[axis] for axis in order]

    def _flatten(self):
        self.last, self.dims = self.sketch.node("Flatten", self.last), [int(np.prod(self.dims))]

    def _matmul(self):
        outputs = self.chosen([2, 3, 5])
        weight = self.sketch.weight(f"w{len(self.sketch.nodes)}.weight", self.dims[-1], outputs)
        self.last, self.dims = self.sketch.node("MatMul", self.last, weight), [*self.dims[:-1], outputs]

    def _layernormalization(self):
        names = [self.sketch.weight(f"n{len(self.sketch.nodes)}.{part}", self.dims[-1]) for part in ("weight", "bias")]
        self.last = self.sketch.node("LayerNormalization", self.last, *names, axis=-1)

    def _add(self):
        self.last = self.sketch.node("Add", self.last, self.sketch.node("Relu", self.last))

    def _concat(self):
        self.last = self.sketch.node("Concat", self.last, self.sketch.node("Relu", self.last), axis=-1)
        self.dims = [*self.dims[:-1], 2 * self.dims[-1]]

    def _conv(self):
        if len(self.dims) != 3:
            return
        weight = self.sketch.weight(f"c{len(self.sketch.nodes)}.weight", 3, self.dims[0], 1, 1)
        self.last, self.dims = self.sketch.node("Conv", self.last, weight), [3, *self.dims[1:]]


@st.composite
def models(draw):
    """Return a model with a last dense layer, and the shape of its input."""
    dims = draw(st.sampled_from([(2, 3, 4), (3, 2, 2), (1, 4, 3), (5, 4), (6,)]))
    drawn = Drawn(draw, dims)
    for op in draw(st.lists(st.sampled_from(OPS), min_size=1, max_size=6)):
        drawn.grow(op)
    drawn.grow("Flatten")
    drawn.grow("MatMul")
    return drawn.sketch.model(drawn.last), dims


def refusal(path, inputs, expected):
    """Return why the twin refuses a model; nothing where it computes what ONNX Runtime does."""
    try:
        found = by_twin(path, inputs)
    except TwinError as error:
        return str(error)
    except ValidationError as error:
        return error.errors()[0]["msg"]
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-4)
    return ""


def compare(folder, count):
    refused = []

    @given(models())
    @settings(max_examples=count, deadline=None)
    def each(drawn):
        model, dims = drawn
        path = saved(model, folder / "random.onnx")
        inputs = np.random.default_rng(5).uniform(-1, 1, (3, *dims)).astype(np.float32)
        refused.append(refusal(path, inputs, by_runtime(path, inputs)))
        assert "\n" not in refused[-1]

    each()
    assert sum(not one for one in refused) > len(refused) / 4


def test_random_models_are_computed_as_by_onnx_runtime_or_refused(tmp_path):
    compare(tmp_path, 150)


@pytest.mark.slow
def test_a_thousand_random_models_are_computed_as_by_onnx_runtime_or_refused(tmp_path):
    compare(tmp_path, 1000)
