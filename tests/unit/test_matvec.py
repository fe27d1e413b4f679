"""Does one array's mat-vec do what its formulas say, and count what it did?"""

import numpy as np
import pytest

from twin.descriptions.load import load_chip
from twin.errors import TwinError
from twin.operation import Counts, Opcode

IO = {"tile.io.inp_res": "126", "tile.io.out_res": "510", "tile.io.out_bound": "12.0"}
RNG = np.random.default_rng(11)
X8 = RNG.uniform(-1, 1, 8).astype(np.float32)


def quantised(x, scale, inp_res):
    """In float32: with the input halved its largest element is a tie of the rounding."""
    half = np.float32(inp_res / 2)
    q = np.clip(np.asarray(x, np.float32) * (np.float32(1) / np.float32(scale)), -1, 1)
    return np.floor(q * half + np.float32(0.5)).astype(np.float64) / float(half) if inp_res else q


def reference(w, x, io, most=10):
    """The formulas of the docstring in float64 without noise: y, repeats, lines driven, clipped outputs."""
    inp_res, out_res, bound, managed, repeated = io
    scale = np.abs(x).max() if managed else 1.0
    driven = repeats = 0
    while True:
        q = quantised(x, scale, inp_res)
        driven += np.count_nonzero(q)
        v = w.astype(np.float64) @ q
        clipped = np.sum(np.abs(v) >= bound) if bound else 0
        repeats += 1
        if not clipped or not repeated or repeats > most:
            break
        scale *= 2
    if bound:
        v = np.clip(v, -bound, bound)
    if bound and out_res:
        step = 2 * bound / out_res
        v = step * np.floor(v / step + 0.5)
    return v * scale, repeats, driven, clipped


def weighted(rig, w, chip, **more):
    made = rig("sgd", layers=((w.shape[0], "identity", False),), n_inputs=w.shape[1], chip=chip, **more)
    made.machine.set_weights(0, "W", w)
    return made


def both_ways(made, w, x, *, forward, sample=0):
    """Run one mat-vec; return (matrix seen from the input, output, counts)."""
    made.vector("x" if forward else "d")[:] = x
    counts = made.perform(Opcode.FORWARD if forward else Opcode.BACKWARD, sample=sample)
    return (w if forward else w.T), made.vector("z" if forward else "e").copy(), counts


def inputs(forward, scale=1.0):
    return (scale * RNG.uniform(-1, 1, 20 if forward else 12)).astype(np.float32)


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize(
    ("noise_management", "scale"), [("abs_max", 1.0), ("abs_max", 0.01), ("none", 1.0), ("none", 2.5)]
)
@pytest.mark.parametrize("weight", [0.5, 6.0])
@pytest.mark.parametrize("backward", ["none", "iterative"])
def test_converters_and_management_follow_the_formulas(rig, forward, noise_management, scale, weight, backward):
    w = (weight * RNG.uniform(-1, 1, (12, 20))).astype(np.float32)
    chip = {**IO, "tile.io.noise_management": f'"{noise_management}"'}
    made = weighted(rig, w, {**chip, "tile.io.bound_management_backward": f'"{backward}"'})
    repeated = forward or backward == "iterative"
    for _ in range(20):
        x = inputs(forward, scale)
        seen, y, counts = both_ways(made, w, x, forward=forward)
        io = (126, 510, 12.0, noise_management == "abs_max", repeated)
        expected, repeats, driven, clipped = reference(seen, x, io)
        one_step = 24 / 510 * 2 ** (repeats - 1) * (np.abs(x).max() if noise_management == "abs_max" else 1)
        off = np.abs(y - expected)
        assert (off < 1e-4 * np.abs(expected).max()).mean() > 0.95  # rounding at a tie may differ
        assert off.max() < 1.01 * one_step
        assert counts[Counts.MVMS] == counts[Counts.PART_MVMS] == repeats
        assert counts[Counts.DRIVEN] == driven
        assert counts[Counts.CLIPPED] == clipped
        assert counts[Counts.CONVERTED] == repeats * len(y)


@pytest.mark.parametrize("forward", [True, False])
def test_without_converters_and_noise_a_mat_vec_is_gemv(rig, forward):
    w = RNG.uniform(-1, 1, (12, 20)).astype(np.float32)
    made = weighted(rig, w, {})
    x = inputs(forward, 30.0)
    seen, y, counts = both_ways(made, w, x, forward=forward)
    np.testing.assert_allclose(y, seen.astype(np.float64) @ x, atol=3e-5)
    assert counts[Counts.MVMS] == 1
    assert counts[Counts.CLIPPED] == 0


def test_inputs_have_126_and_outputs_510_steps(rig):
    made = weighted(rig, np.eye(8, dtype=np.float32), {**IO, "tile.io.noise_management": '"none"'})
    seen = set()
    for value in np.linspace(-1, 1, 1501):
        made.vector("x")[:] = value
        made.perform(Opcode.FORWARD)
        seen.add(float(made.vector("z")[0]))
    steps = np.array(sorted(seen)) / (24 / 510)
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-4)
    assert len(seen) == len(set(np.floor(np.round(np.arange(-63, 64) / 63 / (24 / 510), 6) + 0.5)))


@pytest.mark.parametrize("forward", [True, False])
def test_noise_has_the_given_sigma_on_every_line_and_scales_with_the_input(rig, forward):
    w = RNG.uniform(-0.3, 0.3, (12, 20)).astype(np.float32)
    made = weighted(rig, w, {"tile.io.out_noise": "0.06"})
    x = inputs(forward, 0.2)
    n = 3000
    ys = []
    for sample in range(n):
        seen, y, _ = both_ways(made, w, x, forward=forward, sample=sample)
        ys.append(y)
    xi = (np.array(ys, np.float64) - seen.astype(np.float64) @ x) / (0.06 * np.abs(x).max())
    assert np.abs(xi.mean(axis=0)).max() < 4.5 / n**0.5
    assert np.abs(xi.var(axis=0) - 1).max() < 4.5 * (2 / n) ** 0.5
    correlation = np.corrcoef(xi.T) - np.eye(xi.shape[1])
    assert np.abs(correlation).max() < 4.5 / n**0.5


def test_a_repeat_draws_fresh_noise_and_saturation_stops_at_the_largest_factor(rig):
    chip = {**IO, "tile.io.out_noise": "0.06", "tile.io.max_bm_factor": "8"}
    w = np.full((12, 20), 300.0, np.float32)
    made = weighted(rig, w, chip)
    made.vector("x")[:] = 1.0
    counts = made.perform(Opcode.FORWARD)
    assert counts[Counts.MVMS] == 1 + 3  # halved three times: a factor of 8
    assert counts[Counts.CLIPPED] == 12
    np.testing.assert_allclose(made.vector("z"), 12.0 * 8)
    off = weighted(rig, w, {**chip, "tile.io.bound_management": '"none"'})
    off.vector("x")[:] = 1.0
    assert off.perform(Opcode.FORWARD)[Counts.MVMS] == 1
    np.testing.assert_allclose(off.vector("z"), 12.0)


@pytest.mark.parametrize("forward", [True, False])
def test_a_zero_input_gives_exactly_zero_and_drives_nothing(rig, forward):
    w = RNG.uniform(-1, 1, (12, 20)).astype(np.float32)
    made = weighted(rig, w, {**IO, "tile.io.out_noise": "0.06"})
    made.vector("z")[:] = made.vector("e")[0] = 7.0
    _, y, counts = both_ways(made, w, np.zeros(20 if forward else 12, np.float32), forward=forward)
    assert (y == 0).all()
    assert counts[Counts.DRIVEN] == counts[Counts.CONDUCTION] == 0


@pytest.mark.parametrize("forward", [True, False])
def test_split_matrices_add_parts_that_are_quantised_each_alone(rig, forward):
    w = RNG.uniform(-1.5, 1.5, (12, 20)).astype(np.float32)
    chip = {**IO, "tile.rows": "5", "tile.cols": "7", "tile.io.out_bound": "3.0"}
    made = weighted(rig, w, chip)
    x = inputs(forward)
    _, y, counts = both_ways(made, w, x, forward=forward)
    expected, repeats, driven, converted = np.zeros(len(y)), [], 0, 0
    for part in made.machine.mapping.parts(0, "W"):
        block = w[part.out0 : part.out1, part.in0 : part.in1]
        source, target = slice(part.in0, part.in1), slice(part.out0, part.out1)
        if not forward:
            block, source, target = block.T, target, source
        partial, times, lines, _ = reference(block, x[source], (126, 510, 3.0, True, forward))
        expected[target] += partial
        repeats.append(times)
        driven += lines
        converted += times * len(partial)
    assert len(repeats) == 9
    np.testing.assert_allclose(y, expected, atol=1e-5)
    assert counts[Counts.MVMS] == max(repeats)
    assert counts[Counts.PART_MVMS] == sum(repeats)
    assert counts[Counts.DRIVEN] == driven
    assert counts[Counts.CONVERTED] == converted


def conducted(made, x, *, forward):
    """Double loop over the devices of main and reference arrays: sum of |q| g / mean g."""
    machine = made.machine
    slope = float(machine.matrices[0]["conductance_slope"])
    w = machine.weights(0, "W").astype(np.float64)
    r = machine.calibrated[0, "W", 0].reference.astype(np.float64)
    q = np.abs(quantised(x, np.abs(x).max(), 126))
    total = 0.0
    for i in range(w.shape[0]):
        for j in range(w.shape[1]):
            drive = q[j] if forward else q[i]
            total += drive * (1 + slope * (w[i, j] + r[i, j]))  # the main device
            total += drive * (1 + slope * r[i, j])  # the reference device
    return total


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("up_down", [0.0, 0.3])
def test_conduction_counts_the_conductances_of_main_and_reference_devices(rig, forward, up_down):
    """With an imbalance the references sit away from zero, and conduct accordingly."""
    made = rig(
        "sgd",
        layers=((12, "identity", False),),
        n_inputs=20,
        chip=IO,
        device="gokmen-60",
        device_overrides={"up_down": up_down, "up_down_dtod": 0.0},
    )
    x = inputs(forward)
    _, _, counts = both_ways(made, np.zeros((12, 20)), x, forward=forward)
    assert counts[Counts.CONDUCTION] == pytest.approx(conducted(made, x, forward=forward), rel=1e-5)


def test_conduction_follows_updates(rig):
    made = rig(
        "sgd",
        layers=((12, "identity", False),),
        n_inputs=20,
        chip=IO,
        device="gokmen-60",
        device_overrides={"up_down_dtod": 0.0},
        settings={"learning_rate": 1.0},
    )
    for sample in range(64 + 1):  # line sums are refreshed at every 64th sample
        made.vector("x")[:] = inputs(forward=True)
        made.vector("d")[:] = inputs(forward=False)
        made.perform(Opcode.UPDATE, sample=sample)
    x = inputs(forward=True)
    _, _, counts = both_ways(made, np.zeros((12, 20)), x, forward=True)
    assert counts[Counts.CONDUCTION] == pytest.approx(conducted(made, x, forward=True), rel=1e-4)


def test_without_output_noise_nothing_else_changes(rig):
    """Switching the noise off leaves pulse trains as they were."""
    after = []
    for noise in ("0.0", "0.06"):
        made = rig(
            "sgd",
            chip={**IO, "tile.io.out_noise": noise},
            device="gokmen-60",
            settings={"learning_rate": 0.5},
        )
        made.vector("x")[:] = X8
        made.perform(Opcode.FORWARD)
        made.vector("d")[:] = np.linspace(-1, 1, 6)
        made.perform(Opcode.UPDATE, sample=4)
        after.append(made.machine.weights(0, "W"))
    np.testing.assert_array_equal(*after)


# -- grids ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [2, 126, 510])
def test_both_ends_and_zero_are_on_the_grids_and_nothing_is_beyond(rig, steps):
    chip = {"tile.io.inp_res": str(steps), "tile.io.out_res": str(steps), "tile.io.out_bound": "1.0"}
    chip |= {"tile.io.noise_management": '"none"', "tile.io.bound_management": '"none"'}
    made = weighted(rig, np.eye(8, dtype=np.float32), chip)
    found = []
    for value in np.linspace(-1.5, 1.5, 801):
        made.vector("x")[:] = value
        made.perform(Opcode.FORWARD)
        found.append(float(made.vector("z")[0]))
    half = steps // 2
    grid = np.arange(-half, half + 1) / half
    assert (min(found), max(found)) == (-1.0, 1.0)
    assert 0.0 in found
    assert all(np.abs(grid - y).min() < 1e-6 for y in found)


@pytest.mark.parametrize("key", ["inp_res", "out_res"])
@pytest.mark.parametrize(("steps", "use"), [(1, "2$"), (3, "2 or 4"), (127, "126 or 128"), (255, "254 or 256")])
def test_odd_counts_of_steps_are_refused(key, steps, use):
    with pytest.raises(TwinError, match=rf"tile.io.{key} \(= {steps}\): must be even.*use {use}"):
        load_chip("aimc-512", {f"tile.io.{key}": str(steps)})
