"""What ONNX's op types are in the twin: functions of a reader, a node and its number.

Each adds a node of the twin, or says that its output is its input in another view, or goes on building a function.
"""

from twin.networks.onnx.attention import attention, is_nan, where
from twin.networks.onnx.functions import unary
from twin.networks.onnx.graph import Take
from twin.networks.onnx.matrices import add, combine, conv, gemm, matmul, multiply
from twin.networks.onnx.merging import concat, dropout, equal, gather, like, one_hot, same, softmax
from twin.networks.onnx.moves import expand, flatten, reshape, slices, split, squeeze, transpose, unsqueeze
from twin.networks.onnx.norms import batch_norm, feature_norm, mean, pool
from twin.networks.onnx.recurrent import cells

OPS: dict[str, Take] = {
    "Add": add,
    "Attention": attention,
    "AveragePool": pool,
    "BatchNormalization": batch_norm,
    "Cast": same,
    "CastLike": like,
    "Concat": concat,
    "Conv": conv,
    "Div": multiply,
    "Dropout": dropout,
    "Equal": equal,
    "Erf": unary,
    "Expand": expand,
    "Flatten": flatten,
    "Gather": gather,
    "Gelu": unary,
    "Gemm": gemm,
    "GlobalAveragePool": mean,
    "Identity": same,
    "IsNaN": is_nan,
    "LSTM": cells,
    "GRU": cells,
    "LayerNormalization": feature_norm,
    "MatMul": matmul,
    "MaxPool": pool,
    "Mul": multiply,
    "Neg": unary,
    "OneHot": one_hot,
    "Pow": combine,
    "RMSNormalization": feature_norm,
    "RNN": cells,
    "Reciprocal": unary,
    "ReduceMean": mean,
    "Relu": unary,
    "Reshape": reshape,
    "Sigmoid": unary,
    "Slice": slices,
    "Softmax": softmax,
    "Split": split,
    "Sqrt": unary,
    "Squeeze": squeeze,
    "Sub": combine,
    "Sum": add,
    "Swish": unary,
    "Tanh": unary,
    "Transpose": transpose,
    "Unsqueeze": unsqueeze,
    "Where": where,
}
