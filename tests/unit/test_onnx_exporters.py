"""Do networks as exporters write them (attention, recurrent cells, GELU, norms) compute what ONNX Runtime does?"""

import numpy as np
import pytest
from onnx_kit import NEWEST, PARTS, Sketch, by_runtime, by_twin, residual, saved
from reference_networks import softmax

from twin.errors import TwinError
from twin.networks.onnx.export import write_model
from twin.networks.onnx.read import read_model
from twin.networks.onnx.reading import PLAIN, Reading

T, D, H, V = 5, 8, 2, 7
W = D // H
LATER = np.triu(np.full((T, T), -np.inf, np.float32), 1)


def alike(path, inputs, *, symbols=0, tolerance=1e-5):
    expected = by_runtime(path, inputs)
    expected = softmax(expected) if symbols else expected
    found = by_twin(path, inputs, symbols=symbols)
    assert found.reshape(expected.shape) == pytest.approx(expected, rel=tolerance, abs=tolerance)


def round_trip(path, tmp_path, inputs, *, symbols=0):
    """Hold a copy with other weights against them, and ONNX Runtime on the copy against the twin."""
    alike(path, inputs, symbols=symbols)
    before, draw = read_model(path), np.random.default_rng(2)
    tensors = {name: (one + draw.uniform(0.01, 0.1, one.shape)).astype(np.float32) for name, one in
               before.tensors().items()}  # fmt: skip
    write_model(path, tensors, tmp_path / "trained.onnx", PLAIN)
    after = read_model(tmp_path / "trained.onnx")
    assert after.layers == before.layers
    for name, one in after.tensors().items():
        assert one == pytest.approx(tensors[name], abs=1e-6), name
    alike(tmp_path / "trained.onnx", inputs, symbols=symbols)


def floats(*shape):
    return np.random.default_rng(5).uniform(-1, 1, (3, *shape)).astype(np.float32)


# -- attention -----------------------------------------------------------------------------------------------


def ints(*values):
    return np.array(values, np.int64)


def packed(s, x):
    """nanoGPT: one product for queries, keys and values, a Split, heads by Reshape and Transpose."""
    whole = s.node("Add", s.node("MatMul", x, s.weight("w_qkv", D, 3 * D)), s.weight("attn.bias", 3 * D))
    q, k, v = s.several("Split", 3, whole, s.fixed(ints(D, D, D)), axis=2)
    heads = s.fixed(ints(0, 0, H, W))
    q, k, v = (s.node("Transpose", s.node("Reshape", one, heads), perm=[0, 2, 1, 3]) for one in (q, k, v))
    k = s.node("Transpose", k, perm=[0, 1, 3, 2])
    root = s.fixed(np.float32(W**-0.25))
    scores = s.node("Add", s.node("MatMul", s.node("Mul", q, root), s.node("Mul", k, root)), s.fixed(LATER))
    mixed = s.node("MatMul", s.node("Softmax", scores, axis=-1), v)
    return s.node("Reshape", s.node("Transpose", mixed, perm=[0, 2, 1, 3]), s.fixed(ints(0, 0, D)))


def multi_head(s, x):
    """nn.MultiheadAttention: positions first, heads merged with the batch, taken apart by a Gather each."""
    turned = s.node("Transpose", x, perm=[1, 0, 2])
    whole = s.node("Add", s.node("MatMul", turned, s.weight("w_in", D, 3 * D)), s.weight("attn.in_proj_bias", 3 * D))
    apart = s.node("Unsqueeze", s.node("Reshape", whole, s.fixed(ints(T, -1, 3, D))), s.fixed(ints(0)))
    apart = s.node("Squeeze", s.node("Transpose", apart, perm=[3, 1, 2, 0, 4]), s.fixed(ints(-2)))
    taken = [s.node("Gather", apart, s.fixed(np.array(k))) for k in range(3)]
    merged = s.fixed(ints(T, -1, W))
    q, k, v = (s.node("Transpose", s.node("Reshape", one, merged), perm=[1, 0, 2]) for one in taken)
    scores = s.node("Div", s.node("MatMul", q, s.node("Transpose", k, perm=[0, 2, 1])), s.fixed(np.float32(W**0.5)))
    mixed = s.node("MatMul", s.node("Softmax", scores, axis=-1), v)
    mixed = s.node("Reshape", s.node("Transpose", mixed, perm=[1, 0, 2]), s.fixed(ints(-1, D)))
    out = s.node("Gemm", mixed, s.weight("attn.out.weight", D, D), s.weight("attn.out.bias", D), transB=1)
    return s.node("Transpose", s.node("Reshape", out, s.fixed(ints(T, -1, D))), perm=[1, 0, 2])


def apart(s, x):
    """Hugging Face: a product each, shapes computed from the input's, the mask as a Where."""
    shape = s.node("Shape", x)
    lead = s.node("Slice", shape, s.fixed(ints(0)), s.fixed(ints(2)))
    heads = s.node("Concat", lead, s.fixed(ints(H, W)), axis=0)
    made = [s.node("Add", s.node("MatMul", x, s.weight(f"w_{one}", D, D)), s.weight(f"{one}.bias", D)) for one in "qkv"]
    q, k, v = (s.node("Transpose", s.node("Reshape", one, heads), perm=[0, 2, 1, 3]) for one in made)
    scores = s.node("MatMul", q, s.node("Transpose", k, perm=[0, 1, 3, 2]))
    scores = s.node("Div", scores, s.node("Sqrt", s.fixed(np.float32(W))))
    seen = s.fixed(np.tril(np.ones((1, 1, T, T), bool)))
    scores = s.node("Where", seen, scores, s.fixed(np.float32(-3e38)))
    mixed = s.node("MatMul", s.node("Dropout", s.node("Softmax", scores, axis=-1)), v)
    whole = s.node("Concat", lead, s.fixed(ints(-1)), axis=0)
    return s.node("Reshape", s.node("Transpose", mixed, perm=[0, 2, 1, 3]), whole)


def one_op(s, x):
    """Attention of opset 23 on positions x features, causal."""
    q, k, v = (s.node("MatMul", x, s.weight(f"{one}.weight", D, D)) for one in "qkv")
    return s.node("Attention", q, k, v, q_num_heads=H, kv_num_heads=H, is_causal=1)


def one_op_of_heads(s, x):
    """Attention of opset 23 on heads, with a mask."""
    made = [s.node("MatMul", x, s.weight(f"{one}.weight", D, D)) for one in "qkv"]
    heads = s.fixed(ints(0, 0, H, W))
    q, k, v = (s.node("Transpose", s.node("Reshape", one, heads), perm=[0, 2, 1, 3]) for one in made)
    mixed = s.node("Attention", q, k, v, s.fixed(LATER))
    return s.node("Reshape", s.node("Transpose", mixed, perm=[0, 2, 1, 3]), s.fixed(ints(0, 0, D)))


def transformer(attention, opset):
    """Return two blocks on symbols, with layer norm before and GELU between, written as this opset has them."""
    s = Sketch(T, integers=True, seed=4)
    x = s.node("Gather", s.weight("wte.weight", V, D), "x")
    x = s.node("Add", x, s.node("Gather", s.weight("wpe", T, D), s.fixed(np.arange(T))))
    for k in range(2):
        s.prefix = f"h.{k}."
        x = s.node("Add", x, attention(s, normed(s, x, "ln1", opset)))
        up = s.node("MatMul", normed(s, x, "ln2", opset), s.weight("w_up", D, 12))
        up = s.node("Add", up, s.weight("up.bias", 12))
        act = s.node("Gelu", up) if opset >= 20 else exact_gelu(s, up)
        x = s.node("Add", x, s.node("Add", s.node("MatMul", act, s.weight("w_down", 12, D)), s.weight("down.bias", D)))
    s.prefix = ""
    return s, s.node("MatMul", normed(s, x, "ln_f", opset), s.weight("head.weight", D, V))


def normed(s, x, name, opset):
    scale, shift = s.weight(f"{name}.weight", D), s.weight(f"{name}.bias", D)
    if opset >= 17:
        return s.node("LayerNormalization", x, scale, shift)
    mean = s.node("ReduceMean", x, axes=[-1])
    moved = s.node("Sub", x, mean)
    variance = s.node("ReduceMean", s.node("Pow", moved, s.fixed(np.float32(2))), axes=[-1])
    spread = s.node("Sqrt", s.node("Add", variance, s.fixed(np.float32(1e-5))))
    return s.node("Add", s.node("Mul", s.node("Div", moved, spread), scale), shift)


def exact_gelu(s, x):
    inner = s.node("Erf", s.node("Div", x, s.fixed(np.float32(np.sqrt(2)))))
    return s.node("Mul", s.node("Mul", x, s.node("Add", inner, s.fixed(np.float32(1)))), s.fixed(np.float32(0.5)))


@pytest.mark.parametrize(
    ("attention", "opset"),
    [(packed, 17), (multi_head, 20), (apart, 13), (one_op, 23), (one_op_of_heads, 23)],
    ids=lambda one: getattr(one, "__name__", str(one)),
)
def test_a_transformer_computes_what_onnx_runtime_does_and_goes_back_into_its_file(tmp_path, attention, opset):
    sketch, output = transformer(attention, opset)
    path = saved(sketch.model(output, opset), tmp_path / "model.onnx")
    kinds = [one["kind"] for one in read_model(path).layers]
    assert kinds.count("attention") == 2
    assert kinds.count("layer-norm") == 5
    assert kinds.count("gelu") == 2
    causal = {one["causal"] for one in read_model(path).layers if one["kind"] == "attention"}
    assert causal == {attention is not multi_head}
    round_trip(path, tmp_path, np.random.default_rng(3).integers(0, V, (3, T)), symbols=V)


def test_parts_of_one_matrix_are_nodes_of_their_own_and_go_back_to_their_rows(tmp_path):
    sketch, output = transformer(packed, 17)
    path = saved(sketch.model(output, 17), tmp_path / "model.onnx")
    tensors = read_model(path).tensors()
    whole = sketch.weights["h.0.w_qkv"].T
    for k in range(3):
        assert np.array_equal(tensors[f"h-0-attn-{k}.weight"], whole[k * D : (k + 1) * D])
    assert "h-0-attn.weight" not in tensors


# -- recurrent cells -----------------------------------------------------------------------------------------


def cells(op, gates, hot):
    """Return two layers of cells on symbols, and a dense layer a step."""
    s = Sketch(T, integers=True)
    if hot == "OneHot":
        x = s.node("OneHot", "x", s.fixed(np.array(V)), s.fixed(np.array([0, 1], np.float32)), axis=-1)
    else:
        x = s.node("Cast", s.node("Equal", s.node("Unsqueeze", "x", s.fixed(ints(-1))), s.fixed(np.arange(V))), to=1)
    x, width = s.node("Transpose", x, perm=[1, 0, 2]), V
    for k, hidden in enumerate((4, 3)):
        own = [s.weight(f"rnn.{k}.{name}", 1, rows, *rest) for name, rows, *rest in
               (("w", gates * hidden, width), ("r", gates * hidden, hidden), ("b", 2 * gates * hidden))]  # fmt: skip
        batch = s.node("Slice", s.node("Shape", x), s.fixed(ints(1)), s.fixed(ints(2)))
        zeros = s.node("ConstantOfShape", s.node("Concat", s.fixed(ints(1)), batch, s.fixed(ints(hidden)), axis=0))
        states = [zeros, zeros] if op == "LSTM" else [zeros]
        x = s.node(op, x, *own, "", *states, hidden_size=hidden, name=f"/rnn_{k}/{op}")
        x, width = s.node("Squeeze", x, s.fixed(ints(1))), hidden
    x = s.node("Transpose", x, perm=[1, 0, 2])
    return s, s.node("Add", s.node("MatMul", x, s.weight("w", width, V)), s.weight("head.bias", V))


@pytest.mark.parametrize(
    ("op", "gates", "hot"), [("LSTM", 4, "OneHot"), ("LSTM", 4, "Equal"), ("GRU", 3, "OneHot"), ("RNN", 1, "OneHot")]
)
def test_recurrent_cells_compute_what_onnx_runtime_does_and_go_back_into_their_file(tmp_path, op, gates, hot):
    sketch, output = cells(op, gates, hot)
    path = saved(sketch.model(output, 17), tmp_path / "model.onnx")
    assert [one["kind"] for one in read_model(path).layers] == [op.lower()] * 2 + ["dense"]
    round_trip(path, tmp_path, np.random.default_rng(3).integers(0, V, (3, T)), symbols=V)


# -- functions and norms -------------------------------------------------------------------------------------


def tanh_gelu(s, x):
    cube = s.node("Mul", s.fixed(np.float32(0.044715)), s.node("Pow", x, s.fixed(np.float32(3))))
    inner = s.node("Mul", s.node("Add", x, cube), s.fixed(np.float32(np.sqrt(2 / np.pi))))
    half = s.node("Mul", x, s.fixed(np.float32(0.5)))
    return s.node("Mul", half, s.node("Add", s.node("Tanh", inner), s.fixed(np.float32(1))))


def rms(s, x):
    mean = s.node("ReduceMean", s.node("Mul", x, x), s.fixed(ints(-1)))
    root = s.node("Reciprocal", s.node("Sqrt", s.node("Add", mean, s.fixed(np.float32(1e-6)))))
    return s.node("Mul", s.node("Mul", x, root), s.weight("rms.weight", D))


FUNCTIONS = {
    "Gelu": (lambda s, x: s.node("Gelu", x), {"kind": "gelu", "approximate": "none"}),
    "Gelu, tanh": (lambda s, x: s.node("Gelu", x, approximate="tanh"), {"kind": "gelu", "approximate": "tanh"}),
    "Erf": (exact_gelu, {"kind": "gelu", "approximate": "none"}),
    "Tanh, decomposed": (tanh_gelu, {"kind": "gelu", "approximate": "tanh"}),
    "SiLU": (lambda s, x: s.node("Mul", x, s.node("Sigmoid", x)), {"kind": "silu"}),
    "gated": (lambda s, x: s.node("Mul", s.node("Tanh", x), s.node("Sigmoid", x)), {"kind": "multiply"}),
    "residual": (lambda s, x: s.node("Add", x, s.node("Relu", x)), {"kind": "add"}),
    "RMS": (rms, {"kind": "rms-norm", "epsilon": 1e-6}),
    "RMSNormalization": (
        lambda s, x: s.node("RMSNormalization", x, s.weight("rms.weight", D), epsilon=1e-3),
        {"kind": "rms-norm", "epsilon": 1e-3},
    ),
    "LayerNormalization without shift": (
        lambda s, x: s.node("LayerNormalization", x, s.weight("ln.weight", D)),
        {"kind": "layer-norm", "epsilon": 1e-5},
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_one_or_many_nodes_is_the_node_that_computes_it(tmp_path, name):
    function, wanted = FUNCTIONS[name]
    s = Sketch(3, D)
    x = s.node("MatMul", "x", s.weight("a.weight", D, D))
    out = s.node("MatMul", function(s, x), s.weight("b.weight", D, 2))
    path = saved(s.model(out, 23), tmp_path / "model.onnx")
    found = read_model(path).layers[-2]
    assert {key: found[key] for key in wanted} == pytest.approx(wanted)
    round_trip(path, tmp_path, floats(3, D))


# -- batch norms and dynamic axes ------------------------------------------------------------------------------


def test_folded_batch_norms_compute_the_same_and_go_back_into_their_file(tmp_path):
    s, x = residual(channels=2)
    hidden = s.node("Gemm", x, s.weight("f.weight", 6, 10), transB=1)  # without a bias of its own
    output = s.node("BatchNormalization", hidden, *(s.weight(f"g.{part}", 6) for part in PARTS))
    path = saved(s.model(output), tmp_path / "model.onnx")
    folded = Reading(folded=True)
    assert "batch-norm" not in {one["kind"] for one in read_model(path, folded).layers}
    inputs = floats(2, 8, 8)
    expected = by_runtime(path, inputs)
    found = by_twin(path, inputs, batch_norm="folded")
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-5)
    before = read_model(path, folded).tensors()
    tensors = {name: (one * 0.9 + 0.01).astype(np.float32) for name, one in before.items()}
    write_model(path, tensors, tmp_path / "out.onnx", folded)
    after = read_model(tmp_path / "out.onnx", folded).tensors()
    assert all(one == pytest.approx(tensors[name], rel=1e-4, abs=1e-5) for name, one in after.items())
    assert by_twin(tmp_path / "out.onnx", inputs, batch_norm="folded") == pytest.approx(
        by_runtime(tmp_path / "out.onnx", inputs), rel=1e-4, abs=1e-4
    )


def dynamic(path):
    """Save a model whose images have a height and a width without a size, the second without a name."""
    s = Sketch(1, 8, 8)
    conv = s.node("Conv", "x", s.weight("c.weight", 3, 1, 3, 3))
    out = s.node("Gemm", s.node("Flatten", s.node("GlobalAveragePool", conv)), s.weight("o.weight", 2, 3), transB=1)
    model = s.model(out)
    axes = model.graph.input[0].type.tensor_type.shape.dim
    axes[2].dim_param = "height"
    axes[3].Clear()
    return saved(model, path)


def test_dynamic_axes_get_the_sizes_that_are_given(tmp_path):
    path = dynamic(tmp_path / "m.onnx")
    inputs = floats(1, 6, 9)
    sizes = {"height": 6, "3": 9}
    assert by_twin(path, inputs, sizes=sizes) == pytest.approx(by_runtime(path, inputs), rel=1e-5, abs=1e-5)
    with pytest.raises(TwinError, match=r"axis 3 \(without a size\) is dynamic; give it a size, sizes = \{ 3 = 64 \}"):
        read_model(path, Reading({"height": 6}))


# -- refused -------------------------------------------------------------------------------------------------


def refused(sketch, output, path, opset=20):
    with pytest.raises(TwinError) as error:
        read_model(saved(sketch.model(output, opset), path))
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{path}: nodes that are not covered: ")


def attends(s, *, mask=None, scale=W**-0.5):
    q, k, v = (s.node("MatMul", "x", s.weight(one, D, D)) for one in "qkv")
    q, k, v = (
        s.node("Transpose", s.node("Reshape", one, s.fixed(ints(0, 0, H, W))), perm=[0, 2, 1, 3]) for one in (q, k, v)
    )
    scores = s.node("MatMul", q, s.node("Transpose", k, perm=[0, 1, 3, 2]))
    scores = s.node("Mul", scores, s.fixed(np.float32(scale)))
    scores = scores if mask is None else s.node("Add", scores, s.fixed(mask), name="/mask")
    return s.node("MatMul", s.node("Softmax", scores, name="/soft"), v)


def test_masks_and_scales_that_the_twin_has_not_are_named(tmp_path):
    s = Sketch(T, D)
    text = refused(s, attends(s, mask=LATER.T), tmp_path / "m.onnx")
    assert text.startswith("/mask (Add: a mask that is not causal)")
    s = Sketch(T, D)
    text = refused(s, attends(s, mask=np.full((T, T), 0.5, np.float32)), tmp_path / "m.onnx")
    assert text.startswith("/mask (Add: a mask that is not causal: only 0 and -infinity")
    s = Sketch(T, D)
    text = refused(s, attends(s, scale=1.0), tmp_path / "m.onnx")
    assert text.startswith("/soft (Softmax: scores times 1, and the attention of the twin has 1 / sqrt(4) = 0.5)")


def test_what_cells_have_not_is_named(tmp_path):
    for change, words in (
        ({"direction": "reverse"}, "direction = reverse"),
        ({"clip": 1.0}, "clip, or activations of its own"),
        ({"input_forget": 1}, "input_forget = 1"),
    ):
        s = Sketch(T, 3)
        x = s.node("Transpose", "x", perm=[1, 0, 2])
        own = [s.weight("w", 1, 8, 3), s.weight("r", 1, 8, 2)]
        text = refused(s, s.node("LSTM", x, *own, hidden_size=2, name="/l", **change), tmp_path / "m.onnx")
        assert text.startswith(f"/l (LSTM: {words})")
    s = Sketch(T, 3)
    own = [s.weight("w", 1, 6, 3), s.weight("r", 1, 6, 2)]
    last = s.node(
        "GRU", s.node("Transpose", "x", perm=[1, 0, 2]), *own, hidden_size=2, name="/g", linear_before_reset=1
    )
    assert refused(s, last, tmp_path / "m.onnx").startswith("/g (GRU: linear_before_reset = 1)")
    s = Sketch(T, 3)
    own = [s.weight("w", 1, 8, 3), s.weight("r", 1, 8, 2)]
    _, last = s.several("LSTM", 2, s.node("Transpose", "x", perm=[1, 0, 2]), *own, hidden_size=2, name="/l")
    assert refused(s, last, tmp_path / "m.onnx").startswith("/l (LSTM: whose output number 2 is taken)")


def test_constants_that_claim_more_than_there_is_are_not_worked_out(tmp_path):
    s = Sketch(T, D)
    huge = s.node("ConstantOfShape", s.fixed(ints(10**6, 10**6)))  # a view that takes no memory
    big = s.node("Trilu", huge, name="/big")
    text = refused(s, s.node("Add", "x", big), tmp_path / "m.onnx")
    assert text.startswith("/big (Trilu: of more than")
    s = Sketch(T, D)
    text = refused(s, s.node("Add", "x", s.node("Range", *(s.fixed(np.int64(k)) for k in (0, 10**15, 1)), name="/r")),
                   tmp_path / "m.onnx")  # fmt: skip
    assert text.startswith("/r (Range: of more than")


def test_the_newest_opset_reads_as_those_before(tmp_path):
    sketch, output = transformer(one_op, 23)
    older, newest = (saved(sketch.model(output, opset), tmp_path / f"{opset}.onnx") for opset in (23, NEWEST))
    assert read_model(newest).layers == read_model(older).layers
