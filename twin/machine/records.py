"""Records of layers and instructions; every offset counts float32 words of the arena."""

import numpy as np

SIGMOID, TANH, RELU, IDENTITY, SOFTMAX = range(5)
ACTIVATIONS = {"sigmoid": SIGMOID, "tanh": TANH, "relu": RELU, "identity": IDENTITY, "softmax": SOFTMAX}
CROSS_ENTROPY, SQUARED_ERROR = range(2)
LOSSES = {"cross-entropy": CROSS_ENTROPY, "squared-error": SQUARED_ERROR}
ROW, COLUMN = range(2)
AXES = {"row": ROW, "column": COLUMN}

LAYER = np.dtype(
    [
        ("n_in", "i8"),  # input lines, the bias line included
        ("n_out", "i8"),
        ("bias", "i8"),
        ("activation", "i8"),
        ("loss", "i8"),
        # vectors; sample-private ones have one copy a slot, `stride` words apart
        ("stride", "i8"),
        ("x", "i8"),  # input (n_in), bias line last and always 1
        ("z", "i8"),  # weighted sums (n_out)
        ("y", "i8"),  # output (n_out): the next layer's x
        ("d", "i8"),  # negative gradient of the loss by z (n_out)
        ("e", "i8"),  # W^T d (n_in)
        # matrices
        ("main", "i8"),  # forward and backward use this
        ("fast", "i8"),  # A; -1: none
        ("update", "i8"),  # gradient updates go here
        ("gamma", "f4"),  # forward and backward use gamma A + C
        # learning rates
        ("lr", "f4"),
        ("auto_scale", "i8"),
        ("auto_momentum", "f4"),
        ("means", "i8"),  # running means of max|x| and max|d| (2)
        # transfer
        ("transfer_every", "i8"),
        ("transfer_axis", "i8"),
        ("hadamard", "i8"),
        ("lines", "i8"),  # lines along the axis
        ("line_length", "i8"),
        ("transfer_lr", "f4"),
        ("threshold", "f4"),  # SHD: f(v) zeroes |v| below; TTv2: threshold of H
        ("reset", "f4"),  # TTv2: |H| after a crossing
        ("u", "i8"),  # transfer vector (lines)
        ("v", "i8"),  # what was read (line_length)
        ("s", "i8"),  # signs of the elements that crossed, or f(v)
        ("h", "i8"),  # H (lines x line_length)
        ("crossed", "i8"),  # how often each element of H crossed
    ],
    align=True,
)

INSTRUCTION = np.dtype([("opcode", "i8"), ("layer", "i8"), ("slot", "i8"), ("sample", "i8"), ("row", "i8")], align=True)
