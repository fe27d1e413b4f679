"""Records that describe arrays, layers and instructions to the kernels; offsets count float32 words of the arena.

A physical array (`PART`) holds, for n_in x n_out devices in input-major order (all outputs of one input
line are neighbours): the weights ``w``, four coefficients a device in ``cell``, its bounds and its own step in
``limits``, and the sums of w over each line, from which the conduction energy follows.
"""

import numpy as np

# Columns of a device's cell: a pulse changes w by up_a - up_b w or by -(down_a + down_b w).
UP_A, UP_B, DOWN_A, DOWN_B = range(4)
CELL = 4  # words a device: 16 bytes, so that no device straddles a cache line
# Columns of a device's limits, kept apart because most devices cannot reach them by a pulse.
# HIDDEN is what a device keeps beside its weight: the weight without write noise, or a pair's minus half.
W_MIN, W_MAX, DW_MIN, HIDDEN = range(4)
LIMITS = 4

PART = np.dtype(
    [
        ("in0", "i8"),
        ("in1", "i8"),
        ("out0", "i8"),
        ("out1", "i8"),
        ("w", "i8"),
        ("cell", "i8"),
        ("limits", "i8"),
        ("in_sum", "i8"),  # per input line: sum over its devices of main + reference weights
        ("out_sum", "i8"),  # per output line: the same
        ("in_rest", "i8"),  # what of these sums no pulse changes: twice the reference weights
        ("out_rest", "i8"),
        ("stream", "i8"),  # key of the array's random streams
        ("pulses", "i8"),  # how many pulses each device got (endurance); 0: not counted
    ],
    align=True,
)

MATRIX = np.dtype(
    [
        ("first", "i8"),  # parts[first : first + count]
        ("count", "i8"),
        ("n_in", "i8"),
        ("n_out", "i8"),
        ("exact", "i8"),  # 1: rank-1 updates are exact (ideal device, digital)
        ("clip_below", "f4"),  # clip a pulse to its device's bounds where its noise xi is below this
        ("perfect", "i8"),  # 1: mat-vecs are exact (digital)
        ("inp_half", "f4"),  # input steps per unit: q = round(x inp_half) / inp_half; 0: off
        ("out_step", "f4"),  # one step of the output converter; 0: off
        ("out_bound", "f4"),  # outputs saturate here; 0: off
        ("out_noise", "f4"),  # sigma of the noise on every output line
        ("w_noise", "f4"),  # sigma of the noise of every weight, drawn anew for every mat-vec
        ("inp_noise", "f4"),  # sigma of the noise of every input line behind its converter
        ("noise_management", "i8"),
        ("bm_repeats", "i8"),  # most halvings of the input going forward and in read-outs; 0: bound management off
        ("bm_repeats_backward", "i8"),  # going backward
        ("conductance_slope", "f4"),  # (g / mean g - 1) per unit of weight
        ("dw_min", "f4"),  # mean step, the granularity of the n_pulse rule
        ("noise_mult", "f4"),  # cycle noise relative to the step
        ("noise_add", "f4"),  # cycle noise relative to the device's dw_min
        ("desired_bl", "i8"),
        ("update_management", "i8"),
        ("update_bl_management", "i8"),
        ("transfer_bl", "i8"),  # most pulses of a transfer's update (SHD)
        # steps that are not affine, or keep a state beside the weight (twin.kernels.array.nonlinear); 0: all affine
        ("step_kind", "i8"),  # twin.kernels.array.steps
        ("shape", "i8"),  # where the tables of the step lie: points up, then points down
        ("points", "i8"),
        ("write_noise", "f4"),  # sigma of what is read about the state, weight units
        ("noise_slope", "f4"),  # cycle noise per unit of conductance (pair)
        ("refresh_every", "i8"),  # writes between two refreshes of a pair; 0: never
        ("refresh_bl", "i8"),  # most pulses that programming a pair may take
        ("refresh_upper", "f4"),  # conductances of the larger and the smaller half, above which a pair is reset
        ("refresh_lower", "f4"),
        ("reset", "f4"),  # conductance after a reset, and its spread
        ("reset_std", "f4"),
        ("dense_from", "f4"),  # expected coincidences per device that can get one, from which the dense path is taken
    ],
    align=True,
)

DESCENT, NESTEROV, ADAM, ADAMW = range(4)
OPTIMISERS = {"sgd": DESCENT, "momentum": DESCENT, "nesterov": NESTEROV, "adam": ADAM, "adamw": ADAMW}

SIGMOID, TANH, RELU, IDENTITY, SOFTMAX = range(5)
ACTIVATIONS = {"sigmoid": SIGMOID, "tanh": TANH, "relu": RELU, "identity": IDENTITY, "softmax": SOFTMAX}
CROSS_ENTROPY, SQUARED_ERROR = range(2)
LOSSES = {"cross-entropy": CROSS_ENTROPY, "squared-error": SQUARED_ERROR}
DENSE, CONV, LSTM, RNN, GRU_GATES, GRU = range(6)
KINDS = {"dense": DENSE, "conv": CONV, "lstm": LSTM, "rnn": RNN, "gru-gates": GRU_GATES, "gru": GRU}
ROW, COLUMN = range(2)
AXES = {"row": ROW, "column": COLUMN}
N_OWN = 8

LAYER = np.dtype(
    [
        ("n_in", "i8"),  # input lines, the bias line included
        ("n_out", "i8"),
        ("bias", "i8"),
        ("kind", "i8"),
        ("uses", "i8"),  # mat-vecs a sample: positions of a convolution, time steps
        ("activation", "i8"),
        ("loss", "i8"),
        ("scale", "f4"),  # network weight = scale x device weight
        # vectors; sample-private ones have one copy a slot, `stride` words apart
        ("stride", "i8"),
        ("x", "i8"),  # input (uses x n_in), bias line last and always 1
        ("z", "i8"),  # weighted sums (uses x n_out), of a convolution (positions x n_out)
        ("y", "i8"),  # output (uses x y_step): the next layer's x; activated gates of recurrent cells
        ("y_step", "i8"),
        ("d", "i8"),  # negative gradient of the loss by z (uses x n_out)
        ("e", "i8"),  # W^T d (uses x n_in); of a convolution the error of the input map
        ("error", "i8"),  # where the error of what is handed on lies: the next layer's e
        ("error_step", "i8"),
        ("sample", "i8"),  # of the first layer: where a sample is put
        ("learner", "i8"),  # the node whose gradients are those of the main matrix or chi; -1: no optimiser learns it
        ("source", "i8"),  # from where a dense layer's input is copied to x (uses x n_inputs); -1: it is there
        ("back", "i8"),  # first input line whose error is wanted
        ("handed", "i8"),  # where the output goes: the next layer's x or image
        ("handed_step", "i8"),
        # convolution; maps are (height, width, channels)
        ("image", "i8"),  # input map
        ("height", "i8"),
        ("width", "i8"),
        ("channels", "i8"),
        ("kernel", "i8"),  # rows of a window, columns
        ("kernel_columns", "i8"),
        ("hop", "i8"),  # stride of the windows, down and right
        ("hop_columns", "i8"),
        ("dilation", "i8"),
        ("dilation_columns", "i8"),
        ("top", "i8"),  # zeros above the map and left of it
        ("left", "i8"),
        ("padded", "i8"),  # whether there are any, on any side
        ("groups", "i8"),
        ("group", "i8"),  # input channels of a group
        ("apart", "i8"),  # whether the words of a window's row do not follow each other in the map
        ("out_height", "i8"),
        ("out_width", "i8"),
        ("pool", "i8"),
        ("chosen", "i8"),  # which output each pooled value came from
        ("window", "i8"),  # error of one window (n_in)
        ("sums", "i8"),  # of one mat-vec where there are groups (n_out), of which one group's go to z
        # recurrent
        ("features", "i8"),  # input lines before those of the state
        ("hidden", "i8"),
        ("one_hot", "i8"),
        ("c", "i8"),  # cell state (uses + 1 x hidden), that of the sequence before first
        ("tanh_c", "i8"),  # (uses x hidden)
        ("carry", "i8"),  # error of the cell state from the step after (hidden); of GRU gates what passes them (n_in)
        ("state", "i8"),  # h and c that a sequence leaves to the next of its stream (streams x 2 x hidden)
        ("streams", "i8"),  # sequences at once, each going on where its stream stood; 0: all begin with zeros
        ("stream_rows", "i8"),  # examples of a stream
        ("partner", "i8"),  # of a GRU's gates the layer of its candidate, and the other way round
        # matrices
        ("main", "i8"),  # forward and backward use this
        ("fast", "i8"),  # A; -1: none
        ("main_back", "i8"),  # the same matrices with the io of backward mat-vecs, and A with that of read-outs
        ("fast_back", "i8"),
        ("fast_read", "i8"),
        ("update", "i8"),  # gradient updates go here
        ("gamma", "f4"),  # forward and backward use gamma A + C
        # learning rates
        ("lr", "f4"),
        ("auto_scale", "i8"),
        ("auto_momentum", "f4"),
        ("means", "i8"),  # running means of max|x| and max|d| (2)
        # transfer
        ("transfer_every", "i8"),
        ("events", "i8"),  # transfers spread over so many updates, and lines of each
        ("n_reads", "i8"),
        ("transfer_axis", "i8"),
        ("hadamard", "i8"),
        ("lines", "i8"),  # lines along the axis
        ("line_length", "i8"),
        ("transfer_lr", "f4"),
        ("threshold", "f4"),  # SHD: f(v) zeroes |v| below; TTv2: threshold of H
        ("reset", "f4"),  # TTv2: |H| after a crossing
        ("kept", "f4"),  # share of H itself that stays as well
        ("crossing_bl", "i8"),  # most pulses of a crossing
        ("h_most", "f4"),  # |H| that stays at most after a crossing; 0: any
        ("u", "i8"),  # transfer vector (lines)
        ("v", "i8"),  # what was read (line_length)
        ("s", "i8"),  # signs of the elements that crossed, or f(v)
        ("h", "i8"),  # H (lines x line_length)
        ("crossed", "i8"),  # how often each element of H crossed
        # choppers (c-TTv2, AGAD), signs +1 or -1
        ("in_chop", "i8"),  # of the lines along the axis (lines)
        ("out_chop", "i8"),  # of the elements of a line (line_length)
        ("in_chop_prob", "f4"),
        ("in_chop_period", "i8"),  # reads of a line between its flips; 0: at random, in_chop_prob a read
        ("out_chop_prob", "f4"),
        ("chopped_x", "i8"),  # x and d with their signs (n_in), (n_out)
        ("chopped_d", "i8"),
        ("read", "i8"),  # sign under which v was read, and 1 where its chopper flipped (2)
        # AGAD's reference
        ("mean", "i8"),  # P (lines x line_length)
        ("reference", "i8"),  # P_ref (lines x line_length)
        ("tail", "f4"),  # beta, weight of a reading in P
        # mixed precision: chi is H
        ("granularity", "f4"),  # of chi: what one pulse stands for
        # what an algorithm of its own kind keeps, and the numbers of its effects, in the order of declaration
        ("own", "i8", (N_OWN,)),
        ("own_numbers", "f4", (N_OWN,)),
        # words of H, P, P_ref and chi; steps are 0 for float32
        ("h_step", "f4"),  # of H or chi
        ("mean_step", "f4"),  # of P and P_ref
        ("word_top", "f4"),  # most steps from 0
        ("word_nearest", "i8"),  # round to nearest instead of stochastically
    ],
    align=True,
)

INSTRUCTION = np.dtype(
    [(name, "i8") for name in ("opcode", "layer", "slot", "sample", "row", "first", "uses", "read")], align=True
)

NODE = np.dtype(
    [
        ("family", "i8"),  # the file of its kernels
        ("kind", "i8"),  # place in that file's KINDS
        ("stride", "i8"),  # words from one slot's vectors to the next one's
        # tensors: rows of `width` values; a, b and c are inputs, d stands for the negative gradient of the loss
        ("positions", "i8"),
        ("width", "i8"),
        ("a", "i8"),
        ("b", "i8"),
        ("c", "i8"),
        ("y", "i8"),
        ("da", "i8"),  # -1: not wanted
        ("db", "i8"),
        ("dc", "i8"),
        ("dy", "i8"),
        ("dy_step", "i8"),  # words from one row of dy to the next
        ("a_width", "i8"),
        ("b_width", "i8"),
        ("kept", "i8"),  # what the way back needs beside the tensors
        ("p", "i8"),  # parameters, shared by all samples
        ("g", "i8"),  # their summed negative gradients
        ("n_parameters", "i8"),
        ("moments", "i8"),  # of the optimiser (2 x n_parameters)
        ("shared", "i8"),  # of a batch
        ("stream", "i8"),  # key of its random streams
        # windows of a map
        ("rows", "i8"),
        ("columns", "i8"),
        ("out_columns", "i8"),
        ("side", "i8"),
        ("hop", "i8"),
        ("padding", "i8"),
        ("heads", "i8"),
        ("causal", "i8"),
        ("epsilon", "f4"),
        ("momentum", "f4"),
        ("probability", "f4"),
        ("own", "f4", (N_OWN,)),  # what a kind needs beside all these
        # the optimiser
        ("rule", "i8"),
        ("lr", "f4"),
        ("beta1", "f4"),  # also the momentum of gradient descent
        ("beta2", "f4"),
        ("tiny", "f4"),  # Adam's epsilon
        ("weight_decay", "f4"),
        ("share", "f4"),  # 1 / samples of a batch
        ("steps", "i8"),  # how many there were, one word
        ("squares", "i8"),  # sum of squares of the mean gradient, one word
        ("clip", "f4"),  # norm of all gradients beyond which they are scaled down; 0: off
        ("decay", "f4"),  # weight decay of what is not at p but on arrays
    ],
    align=True,
)
