"""Do pulses bring weights where they belong, at the cost that the ledger shows, and is what is left reported?"""

import numpy as np
import pytest
from modes_kit import Stopped, contents, quiet, stop_at

import twin
from twin.config.programming import Programming
from twin.errors import TwinError
from twin.machine.first import mean_range
from twin.machine.programming import Bench, program_arrays, tolerance_of
from twin.machine.resting import drift
from twin.networks.given.files import write_tensors
from twin.networks.given.names import wanted
from twin.operation import Counts
from twin.runs.build import build
from twin.runs.folder import prepare
from twin.runs.networks import graph_of
from twin.runs.planning import plan_run
from twin.runs.programming import programming_table
from twin.runs.run import run
from twin.runs.weights import write_weights

STEADY = {"dw_min": 0.01, "dw_min_dtod": 0.0, "dw_min_std": 0.0, "up_down_dtod": 0.0, "w_max_dtod": 0.0,
          "w_min_dtod": 0.0, "w_max": 0.6, "w_min": -0.6}  # fmt: skip


def targets_of(made, most=0.5, seed=1):
    draw = np.random.default_rng(seed)
    shapes = [(int(one["n_out"]), int(one["n_in"])) for one in made.machine.layers]
    return [draw.uniform(-most, most, shape).astype(np.float32) for shape in shapes]


def test_devices_with_equal_steps_get_the_pulses_that_one_counts_by_hand(rig):
    made = rig("sgd", device="gokmen-vlasov", device_overrides=STEADY, layers=((2, "identity", False),), n_inputs=3)
    target = np.array([[0.102, -0.031, 0.004], [0.0, 0.02, -0.2]], np.float32)
    (done,) = program_arrays(made.machine, [target], Programming(desired_bl=4, reads=2)).values()
    steps = np.array([[10, -3, 0], [0, 2, -20]])  # 0.004 lies within a step of 0
    assert made.machine.weights(0, "W") == pytest.approx(0.01 * steps, abs=1e-6)
    assert done.pulses[Counts.COINCIDENCES] == np.abs(steps).sum()
    # 20 pulses at 4 a round are 5 rounds, after which the sixth verification finds it there
    assert (done.rounds, done.done) == (6, 1.0)
    # line 0 needs 4 + 4 + 2 slots, line 1 3, line 2 five times 4; a line that is done is read no more
    assert done.pulses[Counts.PULSES] == 10 + 3 + 20
    assert done.reads[Counts.MVMS] == 2 * ((1 + 3) + (1 + 1) + (1 + 5))


@pytest.mark.parametrize("device", ["gokmen-60", "gokmen-1200", "ecram", "reram-array-om", "pcm-pair", "ideal"])
def test_every_device_that_reads_as_done_is_within_the_tolerance_where_reads_are_exact(rig, device):
    made = rig("sgd", device=device, layers=((5, "identity", True), (4, "identity", True)), n_inputs=7)
    targets = targets_of(made, 0.2)
    config = Programming(max_iter=60)
    found = program_arrays(made.machine, targets, config)
    for layer, target in enumerate(targets):
        left = np.abs(made.machine.weights(layer, "W") - target)
        within = tolerance_of(config, made.machine.matrices[layer])
        done = found[layer, "W", 0]
        assert (left <= within * 1.0001).mean() >= done.done - 1e-9
        assert done.done > 0.5
        residual = made.machine.weights(layer, "W") - target
        assert (done.residual_mean, done.residual_std) == pytest.approx((residual.mean(), residual.std()), abs=1e-6)
        _, beyond = made.machine.at_bounds(layer, "W")
        assert beyond == 0


def test_arrays_of_a_split_matrix_are_programmed_each_for_itself(rig):
    chip = {"tile.rows": "4", "tile.cols": "4"}
    made = rig("sgd", device="gokmen-vlasov", device_overrides=STEADY, layers=((6, "identity", False),), n_inputs=9,
               chip=chip)  # fmt: skip
    (target,) = targets_of(made)
    found = program_arrays(made.machine, [target], Programming())
    assert len(found) == 6
    assert np.abs(made.machine.weights(0, "W") - target).max() <= 0.0101
    whole = rig("sgd", device="gokmen-vlasov", device_overrides=STEADY, layers=((6, "identity", False),), n_inputs=9)
    program_arrays(whole.machine, [target], Programming())
    assert np.array_equal(whole.machine.weights(0, "W"), made.machine.weights(0, "W"))


def test_sums_of_lines_follow_and_pulses_are_counted(rig):
    made = rig("sgd", device="gokmen-60", layers=((5, "identity", False),), n_inputs=6)
    program_arrays(made.machine, targets_of(made), Programming())
    part, _ = made.machine.array_records(0, "W", 0)
    read = made.machine.f[int(part["in_sum"]) : int(part["in_sum"]) + 6].copy()
    made.machine.set_weights(0, "W", made.machine.weights(0, "W"))
    again = made.machine.f[int(part["in_sum"]) : int(part["in_sum"]) + 6]
    assert read == pytest.approx(again, abs=1e-5)


def test_noise_of_verification_leaves_what_its_deviation_says(rig):
    noise, reads = 0.06, 4
    made = rig("sgd", device="gokmen-vlasov", device_overrides=STEADY | {"dw_min": 1e-4, "w_max": 5, "w_min": -5},
               layers=((40, "identity", False),), n_inputs=50, chip={"tile.io.out_noise": str(noise)})  # fmt: skip
    (target,) = targets_of(made)
    config = Programming(reads=reads, desired_bl=10_000, max_iter=1)
    (done,) = program_arrays(made.machine, [target], config).values()
    # one round: the weight lands where one noisy reading of 0 says, and those within the tolerance stay at 0
    moved = np.abs(made.machine.weights(0, "W")) > 0
    residual = (made.machine.weights(0, "W") - target)[moved]
    far = np.abs(target[moved]) > 0.15
    assert residual[far].std() == pytest.approx(noise / np.sqrt(reads), rel=0.1)
    assert done.rounds == 1


def test_the_tolerance_is_a_step_or_the_noise_of_what_is_read(rig):
    made = rig(
        "sgd",
        device="gokmen-60",
        chip={"tile.io.out_noise": "0.6", "tile.io.out_res": "510", "tile.io.out_bound": "12"},
    )
    matrix = made.machine.matrices[0]
    assert tolerance_of(Programming(tolerance=0.3), matrix) == 0.3
    spread = np.hypot(0.6, 24 / 510 / np.sqrt(12)) / 4
    assert tolerance_of(Programming(), matrix) == pytest.approx(spread, rel=1e-5)
    assert tolerance_of(Programming(reads=10_000), matrix) == pytest.approx(float(matrix["dw_min"]))
    assert Bench(made.machine, Programming()).program(0, 0, np.zeros((6, 8), np.float32)).rounds >= 1


# -- runs -------------------------------------------------------------------------------------------------------

FEW = {"training.epochs": "1", "data.samples": "30", "data.test_samples": "60"}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Weights of a perceptron for the digits, as a file."""
    path = tmp_path_factory.mktemp("given") / "w.npz"
    made = twin.simulate("digits-mlp", "digital", epochs=6, samples=400, out=path.parent / "run", progress=False)
    write_weights(path.parent / "run" / "runs" / "digital", path)
    return path, made.test_error


def test_programming_is_a_phase_of_the_ledger_in_which_tiles_work_side_by_side(weights):
    own = FEW | {"init.file": f'"{weights[0]}"', "programming.method": '"write-verify"'}
    parts = build(plan_run("digits-mlp", "aimc-512", "two-array", "sgd", "replayed", own, {}))
    parts.calibration.prepare()
    tables = parts.engine.tables()
    operations, energy = tables["operations"], tables["energy"]
    kinds = operations.groupby("kind")[["count", "busy_ps"]].sum()
    assert set(kinds.index) == {"programming", "verify"}
    assert kinds.loc["verify", "count"] == 2
    tile = parts.chip.tile
    table = programming_table(parts.machine, parts.program.programming, parts.engine.costs)
    assert kinds.loc["verify", "busy_ps"] > 0
    busy = table["busy_s"].sort_values()
    assert busy.iloc[-1] <= parts.engine.setup_ps * 1e-12 < busy.sum() + 1e-5
    assert table["energy_J"].sum() < energy.loc[energy["kind"].isin(["programming", "verify"]), "energy_J"].sum()
    pulses = [one.pulses[Counts.PULSES] for one in parts.machine.programmed.values()]
    slot_s = tile.pulse_time * tile.sign_phases
    assert all(one > n * slot_s for one, n in zip(table["busy_s"], pulses, strict=True))


def test_a_repeated_calibration_programs_nothing_again(weights):
    own = {
        "init.file": str(weights[0]),
        "programming.method": "write-verify",
        "calibration.every": 10,
        "calibration.method": "pulses",
        "calibration.pairs": 20,
        "training.epochs": 1,
        "data.samples": 30,
        "data.test_samples": 20,
    }
    found = twin.simulate("digits-mlp", "sgd", overrides=own, mode="coupled", progress=False)
    operations = found.tables["operations"].groupby("kind")["count"].sum()
    assert operations["calibration"] == 2 * 3
    assert operations["verify"] == 2
    table = found.tables["programming"]
    assert list(table["layer"]) == [0, 1]
    assert (table["pulses"] > table["devices"]).all()


def test_exact_programming_has_the_bits_of_no_programming(weights):
    own = {"init.file": str(weights[0]), "training.epochs": 1, "data.samples": 30, "data.test_samples": 20}
    plain = twin.simulate("digits-mlp", "sgd", overrides=own, progress=False)
    exact = twin.simulate("digits-mlp", "sgd", overrides=own | {"programming.method": "exact"}, progress=False)
    assert plain.curve.equals(exact.curve)
    assert (plain.makespan_s, plain.energy_J) == (exact.makespan_s, exact.energy_J)
    assert "programming" not in exact.tables


def test_a_run_that_was_interrupted_programs_the_same_and_ends_in_the_same_files(weights, tmp_path):
    own = FEW | {
        "init.file": f'"{weights[0]}"',
        "programming.method": '"write-verify"',
        "training.checkpoint_every": "10",
    }
    plan = plan_run("digits-mlp", "aimc-512", "two-array", "sgd", "replayed", own)
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    for folder in (whole, pieces):
        folder.mkdir()
        prepare(plan, folder)
    run(whole, quiet)
    with pytest.raises(Stopped):
        run(pieces, stop_at(17))
    run(pieces, quiet)
    assert contents(pieces) == contents(whole)


# -- inference --------------------------------------------------------------------------------------------------


def test_digital_inference_has_the_error_that_training_ended_with(weights):
    path, error = weights
    found = twin.infer("digits-mlp", overrides={"init.file": str(path)}, progress=False)
    assert found.error == error
    assert len(found.stages) == 1
    assert found.spent.time_s > 0
    assert found.spent.energy_J > 0


def test_analog_inference_tells_what_programming_and_reading_cost(weights):
    path, error = weights
    own = {"init.file": str(path)}
    pulsed = twin.infer("digits-mlp", "analog", overrides=own, repeats=2, progress=False)
    exact = twin.infer("digits-mlp", "analog", overrides=own, programming="exact", progress=False)
    assert pulsed.stages[0].error == exact.stages[0].error == pytest.approx(error, abs=0.003)
    assert exact.stages[1].loss < pulsed.stages[1].loss != pulsed.stages[2].loss
    assert 0.9 < pulsed.done <= 1.0
    assert np.isnan(exact.done)
    assert exact.setup_s == 0 < pulsed.setup_s
    assert exact.spent.time_s == pytest.approx(pulsed.spent.time_s, rel=0.05)


def test_inference_takes_less_than_training(weights):
    own = {"init.file": str(weights[0])} | {"data.samples": 100, "training.epochs": 1, "data.test_samples": 100}
    trained = twin.simulate("digits-mlp", "sgd", overrides=own, progress=False)
    found = twin.infer("digits-mlp", "analog", overrides=own, programming="exact", progress=False)
    assert found.spent.energy_J < 0.7 * trained.energy_J / 100
    assert found.spent.time_s < trained.makespan_s / 100
    assert found.spent.latency_s >= found.spent.time_s


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("digits-mlp",), "init.file: is missing, and inference needs weights"),
        (("model.onnx",), "model.onnx: is a file of weights; name a workload"),
        (("bert-base",), "workload bert-base: is only timed and has no weights"),
        (("digits-mlp", "paper"), "hardware (= 'paper'): must be 'digital' or 'analog'"),
    ],
)
def test_what_cannot_be_inferred_is_said_in_one_line(arguments, words):
    with pytest.raises(TwinError) as error:
        twin.infer(*arguments, progress=False)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_weights_of_another_shape_are_named(tmp_path):
    network = graph_of(plan_run("digits-mlp", "aimc-512", "digital", "digital").trained)
    tensors = {one.name: np.zeros(one.shape, np.float32) for one in wanted(network)}
    name = next(iter(tensors))
    tensors[name] = tensors[name][:, :-1]
    write_tensors(tmp_path / "w.npz", tensors)
    with pytest.raises(TwinError, match="has the shape 64 x 63, and must have 64 x 64"):
        twin.infer("digits-mlp", overrides={"init.file": str(tmp_path / "w.npz")}, progress=False)


# -- at rest ----------------------------------------------------------------------------------------------------

DRIFTING = {"preset": "gokmen-60", "nu": 0.06}


def machine_of(weights, device):
    own = FEW | {"init.file": f'"{weights[0]}"', "device": device, "timing.mode": '"exact"'}
    chip = {"tile.on_off_ratio": "10"}
    return build(plan_run("digits-mlp", "aimc-512", "two-array", "sgd", "coupled", own, chip)).machine


def test_devices_that_drift_alike_shrink_by_the_power_law(weights):
    machine = machine_of(weights, '{preset = "gokmen-60", nu = 0.06, t_0 = "10 s"}')
    before = machine.weights(0, "W")
    drift(machine, 10 * (2**10 - 1))
    assert machine.weights(0, "W") == pytest.approx(before * 2.0**-0.6, abs=1e-6)  # 1 + t / t_0 = 2^10


def test_spread_of_the_exponent_leaves_a_difference_of_conductances(weights):
    machine = machine_of(weights, '{preset = "gokmen-60", nu = 0.05, nu_dtod = 0.2}')
    before = machine.weights(0, "W").astype(np.float64)
    drift(machine, 20 * (np.e**8 - 1))
    found = machine.weights(0, "W")
    assert found.mean() == pytest.approx(before.mean() * np.exp(-0.4), abs=0.01)
    # at weight 0 both devices conduct half the range / swing; e^(-8 nu) differs between them by 8 sigma(nu) e^(-0.4)
    _, record = machine.array_records(0, "W", 0)
    zero = 1 / float(record["conductance_slope"])
    assert zero == pytest.approx(mean_range(machine.designs[0].devices["W"]) * 11 / 9, rel=0.05)
    reference = machine.calibrated[0, "W", 0].reference
    conductances = np.sqrt((zero + before + reference) ** 2 + (zero + reference) ** 2)
    expected = np.sqrt(np.mean(conductances**2)) * 8 * 0.2 * 0.05 * np.exp(-0.4)
    assert (found - before * np.exp(-0.4)).std() == pytest.approx(expected, rel=0.05)


def test_halves_of_a_pair_drift_from_zero(weights):
    machine = machine_of(weights, '{preset = "pcm-pair", nu = 0.05, nu_dtod = 0.0}')
    machine.set_weights(0, "W", np.zeros_like(machine.weights(0, "W")))
    drift(machine, 1e6)
    assert not machine.weights(0, "W").any()


def test_a_network_at_rest_gets_worse_and_a_compensation_helps(weights):
    own = {"init.file": str(weights[0]), "device": DRIFTING}
    found = twin.infer("digits-mlp", "analog", overrides=own, programming="exact", at_rest="30 d",
                       drift_compensation=True, progress=False)  # fmt: skip
    _, _, read, rested, compensated = found.stages
    assert rested.name == "after 30 d at rest, noisy reads"
    assert rested.loss > read.loss + 0.1
    assert compensated.loss == pytest.approx(read.loss, abs=0.03)  # all exponents are alike, so one factor is enough


def test_relaxation_over_a_time_at_rest_is_that_of_the_devices(weights):
    own = {"init.file": str(weights[0]), "device": {"preset": "symmetric-1200", "lifetime": "1000 s"}}
    found = twin.infer("digits-mlp", "analog", overrides=own, programming="exact", at_rest="1 h", progress=False)
    assert found.stages[-1].loss > 2 * found.stages[-2].loss  # e^-3.6 of the weights is left


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"at_rest": "1 d"}, "at_rest: the devices (gokmen-60) neither relax nor drift"),
        ({"at_rest": "1 day"}, "at_rest (= 1 day): must be a time; units that fit: d, s, h"),
        ({"at_rest": "3"}, 'at_rest (= 3): needs a unit, e.g. "3 d"'),
        ({"drift_compensation": True}, "drift_compensation: needs a time at rest"),
        ({"at_rest": "1 d", "hardware": "digital"}, "at_rest: is about devices, and digital memory keeps its words"),
    ],
)
def test_what_cannot_rest_is_said_in_one_line(weights, change, words):
    given = {"hardware": "analog", "progress": False, "overrides": {"init.file": str(weights[0])}}
    with pytest.raises(TwinError) as error:
        twin.infer("digits-mlp", **given | change)
    assert words in str(error.value)
    both = {"device": {"preset": "gokmen-60", "nu": 0.1, "lifetime": "1 s"}}
    with pytest.raises(TwinError, match="leave one out"):
        twin.infer("digits-mlp", "analog", at_rest="1 d", overrides=given["overrides"] | both, progress=False)
