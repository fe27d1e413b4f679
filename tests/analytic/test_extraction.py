"""Do extracted weights, averages and models equal what lies in the arrays, within the error they state?"""

from dataclasses import replace

import numpy as np
import pytest

from twin.chip import ChipCosts
from twin.config.extraction import Extraction
from twin.descriptions.load import load_chip
from twin.engine import Engine
from twin.errors import TwinError
from twin.extraction.averaging import Averager, Iterates, Schedule
from twin.extraction.disturbance import disturb, disturb_at_random, prune, prune_at_random, signal_to_noise
from twin.extraction.inference import average_model, device_range, extract_model, infer, make_model, program
from twin.extraction.model import load_finals, load_model, save_finals, save_model
from twin.extraction.moments import Moments
from twin.extraction.reader import Reader
from twin.extraction.regression import Regression, extract, quiet_amplitude, random_inputs
from twin.extraction.run import ReadEffects, RunReads, WithReads
from twin.kernels.streams import AVERAGE, FINAL, READ
from twin.machine.replay import Replayed, run_block
from twin.operation import Counts
from twin.runs.build import build
from twin.runs.planning import plan_run

NOISY = ("inp_res", "out_res", "out_bound", "out_noise")


def noisy(**changes):
    """Describe aimc-512's converters and noise, which the small machines leave off."""
    shipped = load_chip("aimc-512").model.tile.io
    return {f"tile.io.{key}": str(getattr(shipped, key)) for key in NOISY} | changes


@pytest.fixture
def made(rig):
    return rig("sgd", layers=((12, "tanh", True), (5, "identity", True)), n_inputs=20, chip=noisy(), scale=3.0)


def test_moments_give_the_least_squares_solution_and_its_error():
    rng = np.random.default_rng(1)
    true, x = rng.standard_normal((4, 6)), rng.uniform(-1, 1, (4000, 6))
    weight = rng.uniform(0.2, 5.0, 4000)
    y = x @ true.T + 0.3 * rng.standard_normal((4000, 4)) / np.sqrt(weight)[:, None]
    moments = Moments(6, 4)
    for block in np.array_split(np.arange(4000), 7):
        moments.add(x[block], y[block], weight[block])
    found = moments.solve()
    root = np.sqrt(weight)[:, None]
    expected = np.linalg.lstsq(root * x, root * y, rcond=None)[0].T
    np.testing.assert_allclose(found.weights, expected, rtol=1e-10)
    assert np.std((found.weights - true) / found.standard_error) == pytest.approx(1.0, abs=0.45)  # 3 sigma of 24 values
    covariance = 0.3**2 * np.linalg.inv((weight[:, None] * x).T @ x).diagonal()
    np.testing.assert_allclose(found.standard_error**2, np.tile(covariance, (4, 1)), rtol=0.1)


def test_too_few_or_degenerate_inputs_are_refused():
    moments = Moments(6, 2)
    moments.add(np.ones((5, 6)), np.ones((5, 2)))
    with pytest.raises(TwinError, match="must be at least 6"):
        moments.solve()
    moments.add(np.ones((5, 6)), np.ones((5, 2)))
    with pytest.raises(TwinError, match="do not span"):
        moments.solve()
    with pytest.raises(ValueError, match="must be"):
        moments.add(np.ones(5), np.ones(2))


def test_without_noise_and_converters_the_weights_come_back_exactly(rig):
    made = rig("sgd", layers=((7, "identity", True),), n_inputs=9, scale=2.0)
    found = extract(made.machine, 0, "W", reads=40)
    np.testing.assert_allclose(found.weights, made.machine.weights(0, "W"), atol=2e-6)


@pytest.mark.parametrize("layout_chip", [{}, {"tile.rows": "8", "tile.cols": "9"}])
@pytest.mark.parametrize("amplitude", [1.0, 0.5])
def test_the_error_is_what_the_regression_says(rig, layout_chip, amplitude):
    made = rig("sgd", layers=((20, "identity", False),), n_inputs=20, chip=noisy(**layout_chip), scale=4.0)
    assert len(made.machine.mapping.parts(0, "W")) == (9 if layout_chip else 1)
    found = extract(made.machine, 0, "W", reads=3000, amplitude=amplitude)
    z = (found.weights - made.machine.weights(0, "W")) / found.standard_error
    assert z.std() == pytest.approx(1.0, abs=0.15)  # 400 values: 4 sigma is 0.14
    assert abs(z.mean()) < 0.2


def test_bound_management_is_undone_and_clipped_mat_vecs_are_left_out(rig):
    big = {"layers": ((6, "identity", False),), "n_inputs": 40, "scale": 40.0}
    repeating = rig("sgd", **big, chip=noisy())
    reader = Reader(repeating.machine, 0, "W")
    found = Regression(reader)
    found.add_random(FINAL, 2000)
    z = (found.solve().weights - repeating.machine.weights(0, "W")) / found.solve().standard_error
    assert reader.matvecs > 1.5 * reader.reads == 3000
    assert z.std() == pytest.approx(1.0, abs=0.2)
    clipping = rig("sgd", **big, chip=noisy(**{"tile.io.bound_management": '"none"'}))
    clipped = Reader(clipping.machine, 0, "W")
    lost = clipped.read(random_inputs(clipped, FINAL, 50), FINAL)[0]
    assert clipped.counts[Counts.CLIPPED] > 0
    assert 0 < np.count_nonzero(lost.weight == 0) <= 50
    amplitude = quiet_amplitude(reader)
    before = reader.matvecs
    reader.read(random_inputs(reader, FINAL, 200, amplitude), FINAL)
    assert reader.matvecs - before < 270


def test_one_hot_reads_are_the_mean_of_repeated_reads(made):
    one_hot = Regression(Reader(made.machine, 0, "W"))
    one_hot.add_one_hot(FINAL, 21 * 20)
    gap = one_hot.solve().weights - made.machine.weights(0, "W")
    step = 24 / 510
    assert gap.std() == pytest.approx(np.sqrt(0.06**2 + step**2 / 12) / np.sqrt(20), rel=0.2)
    random = extract(made.machine, 0, "W", reads=21 * 20)
    assert np.std(random.weights - made.machine.weights(0, "W")) < 0.75 * gap.std()


def test_reading_leaves_the_machine_as_it_was(made):
    machine = made.machine
    state, layers, matrices = machine.f.copy(), machine.layers.copy(), machine.matrices.copy()
    first = extract(machine, 1, "W", reads=50)
    assert np.array_equal(machine.f, state)
    assert np.array_equal(machine.layers, layers)
    assert np.array_equal(machine.matrices, matrices)
    again = extract(machine, 1, "W", reads=50)
    assert np.array_equal(first.weights, again.weights)


def test_averages_follow_moving_weights_and_sigma_their_motion():
    rng = np.random.default_rng(2)
    start, drift = rng.standard_normal((3, 5)), rng.uniform(-0.4, 0.4, (3, 5))
    averager, exact = Averager([(5, 3)]), Iterates((3, 5))
    for period in range(8):
        w = start + drift * (period - 3.5)
        for _ in range(400):
            x = rng.uniform(-1, 1, 5)
            averager.add(0, x, w @ x + 0.05 * rng.standard_normal(3))
        averager.end_period()
        exact.add(w)
    found = averager.solve()[0]
    assert np.all(np.abs(found.mean - start) < 5 * found.standard_error)
    np.testing.assert_allclose(found.sigma, exact.sigma, atol=0.02)
    np.testing.assert_allclose(exact.sigma, np.abs(drift) * np.sqrt(6.0), rtol=1e-9)  # variance of 0..7 is 6
    assert (found.reads, found.periods) == (3200, 8)


def test_sigma_of_weights_that_stay_is_what_noise_leaves():
    rng = np.random.default_rng(3)
    w, averager = rng.standard_normal((30, 8)), Averager([(8, 30)])
    for _ in range(10):
        x = rng.uniform(-1, 1, (300, 8))
        averager.add(0, x, x @ w.T + 0.1 * rng.standard_normal((300, 30)))
        averager.end_period()
    found = averager.solve()[0]
    raw = 0.1 * np.sqrt(3 / 300)
    assert np.mean(found.sigma**2) < 0.35 * raw**2  # half of the differences are below the error taken off


def test_an_interrupted_average_carries_on_to_the_same_bits():
    rng = np.random.default_rng(4)
    x, y = rng.uniform(-1, 1, (90, 4)), rng.standard_normal((90, 2))
    whole, first, second = (Averager([(4, 2)]) for _ in range(3))
    for k in range(90):
        whole.add(0, x[k], y[k])
        one = first if k < 50 else second
        if k == 50:
            second.restore({name: values.copy() for name, values in first.state().items()})
        one.add(0, x[k], y[k])
        if k % 30 == 29:
            whole.end_period()
            one.end_period()
    assert np.array_equal(whole.solve()[0].mean, second.solve()[0].mean)
    assert np.array_equal(whole.solve()[0].sigma, second.solve()[0].sigma)


@pytest.mark.parametrize("cut", [0, 7, 13, 33, 40])
def test_interleaving_does_not_depend_on_where_it_was_interrupted(cut):
    done = []
    schedule = Schedule(every=10, start=13, total=55, periods=2)
    for first, last in ((0, cut), (cut, 55)):
        schedule.interleave(
            first,
            last,
            lambda a, b: done.extend(range(a, b)),
            lambda k: done.append(f"read {k}"),
            lambda: done.append("end"),
        )
    expected = [*range(23), "read 0", *range(23, 33), "read 1", "end", *range(33, 43), "read 2"]
    assert done == [*expected, *range(43, 53), "read 3", "end", 53, 54]


def test_a_schedule_that_reads_too_seldom_is_refused():
    config = Extraction(average_every=100, average_from=0.5, periods=2)
    assert Schedule.of(config, 20_000, 50) == Schedule(100, 10_000, 20_000, 2)
    assert Schedule.of(Extraction(), 20_000, 50) is None
    with pytest.raises(TwinError, match=r"average_every \(= 100\): gives 50 mat-vecs a period, but 65 input"):
        Schedule.of(config, 20_000, 65)
    with pytest.raises(TwinError, match=r"extraction.reads \(= 64\): must be at least 65"):
        Schedule.of(Extraction(reads=64), 20_000, 65)


def test_a_model_of_two_matrices_is_refused(rig):
    made = rig("shd", settings={"fast_lr": 0.1, "transfer_every": 1, "transfer_lr": 0.1, "gamma": 0.5})
    with pytest.raises(TwinError, match=r"gamma \(= 0.5\)"):
        RunReads(made.machine)


def test_the_engine_enters_reads_in_the_ledger(rig):
    layers = ((12, "tanh", True), (5, "identity", True))

    def ran(every):
        made = rig("ttv2", layers=layers, n_inputs=20, chip=noisy(), in_flight=3, device="gokmen-60",
                   settings={"fast_lr": 0.1, "transfer_every": 2, "transfer_lr": 1.0})  # fmt: skip
        machine, reads = made.machine, RunReads(made.machine)
        effects = Replayed(machine, made.program, made.encoder)
        mapping = machine.mapping
        engine = Engine(
            WithReads(made.program, machine.network.shapes, mapping, ["C"] * len(machine.network.shapes)),
            ReadEffects(effects, reads),
            ChipCosts(made.chip, mapping),
            3,
        )

        def train(first, last):
            effects.segment(first, last)
            engine.run(first, last)

        def read(k):
            engine.run(READ + AVERAGE + k, READ + AVERAGE + k + 1)

        Schedule(every or 100, 0, 60).interleave(0, 60, train, read, lambda: None)
        return engine, reads, machine

    plain, _, before = ran(0)
    engine, reads, machine = ran(2)
    for k in range(2):
        assert np.array_equal(before.weights(k, "C"), machine.weights(k, "C"))
    assert [one.reads for one in reads.solve(reads.average)] == [30, 30]

    def rows(one, kind):
        table = one.tables()["operations"]
        return table[table["kind"] == kind].set_index("layer")

    reading = rows(engine, "extraction")
    assert reading["mvms"].tolist() == [reader.matvecs for reader in reads.readers] == [30, 30]
    assert (reading["busy_ps"] > 0).all()
    assert rows(plain, "extraction").empty
    assert rows(engine, "forward")["busy_ps"].equals(rows(plain, "forward")["busy_ps"])
    sent = [
        one.tables()["traffic"].query("stream == 'input' and path == 'host'")["bytes"].sum() for one in (plain, engine)
    ]
    assert sent[1] > sent[0]


def test_a_model_survives_its_file_and_strangers_do_not(made, tmp_path):
    model = extract_model(made.machine, reads=60, workload="none")
    path = tmp_path / "model.npz"
    save_model(model, path)
    back = load_model(path)
    for name in ("weights", "sigma", "standard_error"):
        for one, other in zip(getattr(model, name), getattr(back, name), strict=True):
            np.testing.assert_array_equal(one, other)
    assert (back.bias, back.out_scaling, back.metadata) == (model.bias, model.out_scaling, model.metadata)
    content = path.read_bytes()
    save_model(back, path)
    assert path.read_bytes() == content
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(TwinError, match="cannot be read"):
        load_model(path)
    np.savez(path, format=np.array([1]), evil=np.array([{}], object))
    with pytest.raises(TwinError, match="cannot be read"):
        load_model(path)
    save_finals(made.machine, path)
    with pytest.raises(TwinError, match="is no model"):
        load_model(path)
    with pytest.raises(TwinError, match="does not exist"):
        load_model(tmp_path / "none.npz")


def test_finals_give_the_weights_back(made, rig, tmp_path):
    made.machine.set_weights(0, "W", np.full((12, 21), 0.25))
    save_finals(made.machine, tmp_path / "weights.npz")
    same = rig("sgd", layers=((12, "tanh", True), (5, "identity", True)), n_inputs=20, chip=noisy(), seed=9)
    load_finals(same.machine, tmp_path / "weights.npz")
    for k in range(2):
        assert np.array_equal(same.machine.weights(k, "W"), made.machine.weights(k, "W"))
    with pytest.raises(TwinError, match="holds other matrices"):
        load_finals(rig("sgd", n_inputs=20).machine, tmp_path / "weights.npz")


def test_programming_clips_to_the_range_of_each_device(rig):
    made = rig("sgd", device="gokmen-60", chip={"tile.cols": "5"})
    low, high = device_range(made.machine, 0, "W")
    model = make_model(made.machine, [np.full((6, 8), 0.6)], [np.zeros((6, 8))], [np.zeros((6, 8))], {})
    share = program(made.machine, model)
    np.testing.assert_allclose(made.machine.weights(0, "W"), np.clip(np.float32(0.6), low, high))
    assert share == np.mean(high < np.float32(0.6)) > 0
    assert made.machine.at_bounds(0, "W")[1] == 0
    with pytest.raises(TwinError, match="the matrices of this network"):
        program(rig("sgd", n_inputs=3).machine, model)


@pytest.fixture(scope="module")
def trained():
    """Train digits-mlp with TTv2; return the average from mat-vecs, the iterates' statistics, and a digital machine."""
    parts = build(plan_run("digits-mlp", "aimc-512", "four-array", "ttv2", "replayed"))
    machine, samples = parts.machine, len(parts.data.inputs)
    reads, iterates = RunReads(machine), [Iterates(machine.weights(k, "C").shape) for k in range(2)]

    def train(first, last):
        for start in range(first, last, 256):
            run_block(machine, parts.effects.encoder.encode(start, min(start + 256, last))[0])

    def read(number):
        for k in range(2):
            reads.read(k, AVERAGE + number)
            iterates[k].add(machine.weights(k, "C"))

    machine.set_rates(1.0)
    train(0, 3 * samples)
    machine.set_rates(0.25)
    schedule = Schedule(12, 3 * samples, 6 * samples, 3)
    schedule.interleave(3 * samples, 6 * samples, train, read, reads.average.end_period)
    digital = build(plan_run("digits-mlp", "aimc-512", "digital", "digital", "replayed")).machine
    return machine, reads.solve(reads.average), iterates, digital


def test_the_average_is_that_of_the_iterates(trained):
    _, averages, iterates, _ = trained
    for found, exact in zip(averages, iterates, strict=True):
        z = (found.mean - exact.mean) / found.standard_error
        assert 0.7 < z.std() < 1.3  # moving weights are no white noise


def test_extraction_keeps_the_accuracy_on_digital_and_on_analog_hardware(trained):
    machine, averages, _, digital = trained
    on_chip = machine.evaluate(0)[1]
    kept = [machine.weights(k, "C") for k in range(2)]
    extracted = infer(digital, extract_model(machine, reads=4000))
    assert extracted.error <= on_chip + 0.015  # five of 360 images
    assert extracted.clipped == 0
    assert infer(digital, average_model(machine, averages)).error <= on_chip + 0.015
    again = infer(machine, extract_model(machine, reads=4000), repeats=3)
    assert again.error == pytest.approx(on_chip, abs=0.015)
    assert again.clipped < 0.02
    for k in range(2):
        machine.set_weights(k, "C", kept[k])


def test_small_signal_to_noise_can_go_and_random_weights_cannot(trained):
    machine, averages, iterates, digital = trained
    exact = make_model(
        machine, [i.mean for i in iterates], [i.sigma for i in iterates], [i.sigma for i in iterates], {}
    )
    rng = np.random.default_rng(5)
    for model in (exact, average_model(machine, averages)):
        whole = infer(digital, model).loss
        for threshold in (2.0, 4.0):
            pruned, removed = prune(model, threshold)
            assert 0.05 < removed < 0.5
            careful = infer(digital, pruned).loss - whole
            lost = [infer(digital, prune_at_random(model, threshold, rng)[0]).loss - whole for _ in range(5)]
            assert careful < 0.5 * np.mean(lost)
        disturbed = np.mean([infer(digital, disturb(model, rng)).loss - whole for _ in range(5)])
        assert disturbed < 0.5 * np.mean(lost)


def test_random_controls_are_of_the_same_strength(trained):
    machine, averages, _, _ = trained
    model = average_model(machine, averages)
    rng = np.random.default_rng(6)
    assert prune(model, 2.0)[1] == prune_at_random(model, 2.0, rng)[1]

    def strength(other):
        return sum(float(((a - b) ** 2).sum()) for a, b in zip(other.weights, model.weights, strict=True))

    expected = sum(float((sigma**2).sum()) for sigma in model.sigma)
    assert strength(disturb(model, rng)) == pytest.approx(expected, rel=0.15)
    assert strength(disturb_at_random(model, rng)) == pytest.approx(expected, rel=0.15)


def test_signal_to_noise_at_its_limits(made):
    shape = [(12, 21), (5, 13)]
    zeros = [np.zeros(one) for one in shape]
    model = make_model(made.machine, zeros, zeros, zeros, {})
    assert all((ratio == 0).all() for ratio in signal_to_noise(model))
    model = replace(model, weights=tuple(np.ones(one, np.float32) for one in shape))
    assert all(np.isinf(ratio).all() for ratio in signal_to_noise(model))
    unknown = replace(model, sigma=tuple(np.full(one, np.nan, np.float32) for one in shape))
    with pytest.raises(TwinError, match="sigma of layer 0"):
        prune(unknown, 1.0)
