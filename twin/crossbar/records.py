"""Records that describe arrays to the kernels; every offset counts float32 words of the machine's arena.

A physical array (`PART`) holds, for n_in x n_out devices in input-major order (all outputs of one input
line are neighbours): the weights ``w``, eight coefficients a device in ``cell``, and the sums of w over
each line, from which the conduction energy follows.
"""

import numpy as np

# Columns of a device's cell: a pulse changes w by up_a - up_b w or by -(down_a + down_b w).
UP_A, UP_B, DOWN_A, DOWN_B = range(4)
CELL = 4  # words a device: 16 bytes, so that no device straddles a cache line
# Columns of a device's limits, kept apart because most devices cannot reach them by a pulse.
W_MIN, W_MAX, DW_MIN = range(3)
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
        ("noise_management", "i8"),
        ("bm_repeats", "i8"),  # most halvings of the input; 0: bound management off
        ("conductance_slope", "f4"),  # (g / mean g - 1) per unit of weight
        ("dw_min", "f4"),  # mean step, the granularity of the n_pulse rule
        ("noise_mult", "f4"),  # cycle noise relative to the step
        ("noise_add", "f4"),  # cycle noise relative to the device's dw_min
        ("desired_bl", "i8"),
        ("update_management", "i8"),
        ("update_bl_management", "i8"),
        ("transfer_bl", "i8"),  # most pulses of a transfer's update (SHD)
        # steps that are not affine, or keep a state beside the weight (twin.crossbar.nonlinear); 0: all affine
        ("step_kind", "i8"),
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
