"""Whatever the device, the pulses and the split: weights stay inside bounds and line sums stay true."""

import numpy as np
from examples_kit import examples
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from twin.machine.arrays import draw_devices
from twin.machine.calibration import shift
from twin.operation import Opcode

N_IN, N_OUT = 5, 4
share = st.floats(0.0, 1.0)
device = st.fixed_dictionaries(
    {
        "dw_min": st.floats(0.002, 0.3),
        "dw_min_dtod": st.floats(0.0, 0.5),
        "dw_min_std": st.floats(0.0, 3.0),
        "mult_noise": st.booleans(),
        "up_down": st.floats(-0.5, 0.5),
        "up_down_dtod": st.floats(0.0, 0.3),
    }
)
family = st.one_of(
    st.tuples(st.just("gokmen-60"), st.fixed_dictionaries({"slope_dtod": st.floats(0, 0.5)})),
    st.tuples(
        st.just("symmetric-1200"),
        st.fixed_dictionaries({"w_max_dtod": st.floats(0, 0.5), "w_min_dtod": st.floats(0, 0.5)}),
    ),
    # what write noise adds to a weight is not held by its bounds
    st.tuples(
        st.just("reram-sb"), st.fixed_dictionaries({"w_max_dtod": st.floats(0, 0.5), "write_noise_std": st.just(0.0)})
    ),
)
pulses = st.lists(
    st.tuples(
        st.lists(st.floats(-1, 1, width=32), min_size=N_IN, max_size=N_IN),
        st.lists(st.floats(-1, 1, width=32), min_size=N_OUT, max_size=N_OUT),
        st.integers(1, 8),
    ),
    min_size=1,
    max_size=12,
)


def logical(made, matrix, k, seed):
    part = made.machine.mapping.parts(0, matrix)[k]
    raw = draw_devices(made.device, seed, 0, matrix, k, part)
    return part, shift(raw, made.machine.calibrated[0, "A", k].reference)


@settings(
    max_examples=examples(60),
    deadline=None,
    phases=set(Phase) - {Phase.explain},
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    preset=family,
    parameters=device,
    trains=pulses,
    calibration=st.sampled_from(["exact", "pulses", "none"]),
    bl=st.integers(1, 20),
    seed=st.integers(0, 5),
)
@example(
    preset=("gokmen-60", {"slope_dtod": 0.0}),
    parameters={
        "dw_min": 0.25,
        "dw_min_dtod": 0.0,
        "dw_min_std": 1e-80,  # its inverse is beyond float32
        "mult_noise": True,
        "up_down": 0.0,
        "up_down_dtod": 0.0,
    },
    trains=[([0.0] * N_IN, [0.0] * N_OUT, 1)],
    calibration="exact",
    bl=1,
    seed=0,
)
def test_no_sequence_of_updates_and_transfers_leaves_the_bounds(rig, preset, parameters, trains, calibration, bl, seed):
    name, more = preset
    made = rig(
        "ttv2",
        layers=((N_OUT, "identity", False),),
        n_inputs=N_IN,
        settings={
            "fast_lr": 5 * parameters["dw_min"],
            "auto_scale": False,
            "transfer_lr": 20.0,
            "update": {"desired_bl": bl},
        },
        device=name,
        device_overrides=parameters | more,
        layout="three-array",
        chip={"tile.rows": "3", "tile.cols": "3"},
        calibration=calibration,
        seed=seed,
        scale=3.0,
    )
    machine = made.machine
    sample = 0
    for x, d, repeats in trains:
        for _ in range(repeats):
            made.vector("x")[:], made.vector("d")[:] = x, d
            for code in (Opcode.UPDATE, Opcode.READ_OUT, Opcode.FILTER, Opcode.PULSE):
                made.perform(code, sample=sample)
            sample += 1
    made.vector("x")[:] = made.vector("s")[:] = 0.0  # changes nothing, but line sums are refreshed
    for code in (Opcode.UPDATE, Opcode.PULSE):
        made.perform(code, sample=64 * sample)
    assert np.isfinite(machine.f).all()
    for matrix in ("A", "C"):
        weights = machine.weights(0, matrix)
        for k in range(4):
            part, affine = logical(made, matrix, k, seed)
            w = weights[part.out0 : part.out1, part.in0 : part.in1]
            assert (w <= affine.w_max + 1e-6).all()
            assert (w >= affine.w_min - 1e-6).all()
    for part in machine.parts:
        n_in, n_out = int(part["in1"] - part["in0"]), int(part["out1"] - part["out0"])
        w = machine.f[part["w"] : part["w"] + n_in * n_out].reshape(n_in, n_out).astype(np.float64)
        for line, axis, n in (("in", 1, n_in), ("out", 0, n_out)):
            kept, rest = (machine.f[part[f"{line}_{what}"] :][:n] for what in ("sum", "rest"))
            np.testing.assert_allclose(kept - rest, w.sum(axis=axis), atol=2e-4)
