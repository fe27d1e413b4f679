"""What ONNX's op types are in the twin: functions of a reader, a node and its number.

Each adds a node of the twin, or says that its output is its input.
"""

from twin.networks.onnx.graph import Take
from twin.networks.onnx.matrices import add, conv, gemm, matmul
from twin.networks.onnx.merging import dropout, function, gather, merge, same, softmax
from twin.networks.onnx.moves import flatten, reshape, squeeze, transpose
from twin.networks.onnx.norms import batch_norm, feature_norm, mean, pool

OPS: dict[str, Take] = {
    "Add": add,
    "AveragePool": pool,
    "BatchNormalization": batch_norm,
    "Cast": same,
    "Concat": merge,
    "Conv": conv,
    "Dropout": dropout,
    "Flatten": flatten,
    "Gather": gather,
    "Gelu": function,
    "Gemm": gemm,
    "GlobalAveragePool": mean,
    "Identity": same,
    "LayerNormalization": feature_norm,
    "MatMul": matmul,
    "MaxPool": pool,
    "Mul": merge,
    "RMSNormalization": feature_norm,
    "ReduceMean": mean,
    "Relu": function,
    "Reshape": reshape,
    "Sigmoid": function,
    "Softmax": softmax,
    "Squeeze": squeeze,
    "Sum": merge,
    "Swish": function,
    "Tanh": function,
    "Transpose": transpose,
}
