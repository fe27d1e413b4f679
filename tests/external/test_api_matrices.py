"""Python's side of a finished run: its matrices, taken out and put in again, models, figures, a word every epoch."""

import json

import numpy as np
import pytest

import twin
from twin.data import load
from twin.descriptions.load import load_workload

SMALL = {"epochs": 2, "samples": 60, "progress": False}
STILL = {"algorithms.ttv2.fast_lr": 1e-30, "algorithms.ttv2.transfer_lr": 1e-30}


@pytest.fixture(scope="module")
def trained():
    """A run whose folder is gone, and what it said of its epochs."""
    said = []
    run = twin.simulate("digits-mlp", "ttv2", on_epoch=lambda *told: said.append(told), **SMALL)
    return run, said


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A digital run whose folder is there."""
    folder = tmp_path_factory.mktemp("kept") / "run"
    return twin.simulate("digits-mlp", "digital", out=folder, **SMALL), folder


# -- matrices by node ------------------------------------------------------------------------------------------


def test_the_weights_by_node_are_those_whose_error_the_run_says(kept):
    run, folder = kept
    digits = load(load_workload("digits-mlp").model.data, 1, 0)
    first, second = (run.state[name]["W"] for name in ("dense-0", "dense-1"))
    bias = np.ones((len(digits.test_inputs), 1))
    hidden = np.tanh(np.hstack([digits.test_inputs, bias]) @ first.T)
    found = (np.hstack([hidden, bias]) @ second.T).argmax(axis=1)
    assert np.mean(found != digits.test_targets.ravel()) == pytest.approx(run.test_error, abs=1e-9)
    again = twin.load(folder)[0].state
    assert np.array_equal(again["dense-0"]["W"], first)


def test_a_run_with_h_has_all_that_it_learns_and_the_references_that_it_stands_on(trained):
    run, _ = trained
    own = run.state["dense-1"]
    assert set(own) == {"A", "C", "H", "crossed", "A.reference", "C.reference"}
    assert {one.shape for one in own.values()} == {(10, 65)}
    assert 0 < np.abs(own["H"]).max() <= 1  # of its threshold
    assert own["A.reference"].std() > 0  # devices differ in their symmetry points
    assert not np.array_equal(own["A.reference"], own["C.reference"])


def test_a_state_that_is_set_again_is_what_training_begins_with(trained, tmp_path):
    run, _ = trained
    file = tmp_path / "state.npz"
    run.state.save(file)
    same = {"init.state": str(file), **STILL}
    folder = tmp_path / "again"
    again = twin.simulate("digits-mlp", "ttv2", epochs=1, samples=5, progress=False, overrides=same, out=folder)
    for node, own in run.state.items():
        for name in set(own) - {"crossed"}:
            np.testing.assert_allclose(again.state[node][name], own[name], rtol=0, atol=1e-20, err_msg=f"{node} {name}")
    facts = json.loads(next(folder.rglob("run.json")).read_text())
    assert len(facts["data"]["initial state sha256"]) == 64
    other = twin.simulate("digits-mlp", "ttv2", epochs=1, samples=5, progress=False, overrides=STILL)
    assert not np.array_equal(other.state["dense-0"]["C"], run.state["dense-0"]["C"])


def test_a_line_of_agad_without_a_reference_comes_out_and_goes_in_as_it_is(tmp_path):
    run = twin.simulate("digits-mlp", "agad", epochs=1, samples=12, progress=False)
    reference = run.state["dense-0"]["reference"]
    assert np.isnan(reference).any()
    run.state.save(tmp_path / "state.npz")
    own = {"init.state": str(tmp_path / "state.npz"), "algorithms.agad.transfer_every": 100}
    again = twin.simulate("digits-mlp", "agad", epochs=1, samples=2, progress=False, overrides=own)
    np.testing.assert_array_equal(again.state["dense-0"]["reference"], reference)


def test_only_what_a_file_names_is_set(tmp_path):
    h = np.full((64, 65), 0.25, np.float32)
    np.savez(tmp_path / "h.npz", **{"dense-0.H": h})
    own = STILL | {"init.state": str(tmp_path / "h.npz")}
    found = twin.simulate("digits-mlp", "ttv2", epochs=1, samples=4, progress=False, overrides=own).state
    np.testing.assert_allclose(found["dense-0"]["H"], h)
    assert np.abs(found["dense-1"]["H"]).max() < 1e-20


@pytest.mark.parametrize(
    ("arrays", "rule"),
    [
        ({"dense-0.B": np.zeros((64, 65))}, "dense-0.B: is nothing that this run has"),
        ({"dense-0.C": np.zeros((3, 3))}, "must have (64, 65)"),
        ({"dense-0.C": np.full((64, 65), np.nan)}, "must be finite numbers"),
        ({"dense-0.C": np.full((64, 65), 9.0)}, "lie beyond their devices' range"),
        (None, "no such file"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_in_one_line(tmp_path, arrays, rule):
    file = tmp_path / "state.npz"
    if arrays is not None:
        np.savez(file, **arrays)
    with pytest.raises(twin.TwinError) as found:
        twin.simulate("digits-mlp", "ttv2", overrides={"init.state": str(file)}, **SMALL)
    assert rule in str(found.value)
    assert "\n" not in str(found.value)


def test_what_was_only_timed_has_no_matrices():
    run = twin.simulate("digits-mlp", "sgd", timing_only=True, samples=4, progress=False)
    with pytest.raises(twin.TwinError, match="nothing was trained"):
        run.state  # noqa: B018
    with pytest.raises(twin.TwinError, match="there is no curve"):
        run.plot.learning()


# -- a word every epoch ---------------------------------------------------------------------------------------


def test_every_epoch_is_told_as_the_curve_has_it(trained):
    run, said = trained
    assert [name for name, _ in said] == [run.name] * 2
    assert [tuple(row) for _, row in said] == [tuple(row) for row in run.curve.itertuples(index=False)]


def test_what_is_raised_ends_the_run():
    said = []

    def stop(_, row):
        said.append(row.epoch)
        raise StopAsyncIteration

    with pytest.raises(StopAsyncIteration):
        twin.simulate("digits-mlp", "digital", on_epoch=stop, **SMALL)
    assert said == [1]
    with pytest.raises(twin.TwinError, match="on_epoch is called in this process"):
        twin.compare("digits-mlp", jobs=2, on_epoch=stop)


# -- models and figures -----------------------------------------------------------------------------------------


def test_an_extracted_model_lies_about_the_weights_as_its_errors_say(trained, tmp_path):
    run, _ = trained
    model = twin.extract(run, reads=400)
    exact = [run.state[name]["C"] for name in ("dense-0", "dense-1")]
    for weights, error, own in zip(model.weights, model.standard_error, exact, strict=True):
        assert np.mean(((weights - own) / error) ** 2) == pytest.approx(1, abs=0.3)
    model.save(tmp_path / "model.npz")
    assert (tmp_path / "model.npz").stat().st_size > 0
    assert model.metadata["reads"] == 400
    with pytest.raises(twin.TwinError, match=r"reads .= 0.: must be from 1"):
        twin.extract(run, reads=0)


def test_the_figures_of_the_report_are_axes_with_its_numbers(trained):
    from matplotlib.figure import Figure  # noqa: PLC0415

    run, _ = trained
    (line,) = run.plot.learning().get_lines()
    assert line.get_ydata() == pytest.approx(100 * run.curve["test_error"])
    own = Figure().add_subplot()
    assert run.plot.learning("time", ax=own) is own
    assert own.get_lines()[0].get_xdata()[-1] == pytest.approx(run.curve["time_s"].iloc[-1] * 1e6)
    assert own.get_xlabel() == "simulated time (µs)"
    assert run.plot.energy("component").get_xlabel().endswith("J per sample")
    assert len(run.plot.layers()) == 2
    with pytest.raises(twin.TwinError, match="endurance=True"):
        run.plot.endurance()
    with pytest.raises(twin.TwinError, match="must be 'epoch' or 'time'"):
        run.plot.learning("samples")


def test_a_measured_device_is_fitted_drawn_and_written(tmp_path):
    rng, w, rows = np.random.default_rng(1), 0.0, []
    for cycle in range(6):
        for name, sign in (("up", 1), ("down", -1)):
            for pulse in range(101):
                w += sign * 0.02 * (1 - sign * w) * (1 + 0.2 * rng.standard_normal()) * (pulse > 0)
                rows.append(f"0,{cycle},{name},{pulse},{w:.8g}")
    (tmp_path / "a.csv").write_text("\n".join(["device,cycle,direction,pulse,conductance", *rows]))
    found = twin.fit_device(tmp_path / "a.csv", family="soft-bounds", progress=False)
    noise = found.parameters.set_index("parameter").loc["dw_min_std"]
    assert noise["low"] < 0.2 < noise["high"]
    assert found.families.set_index("family")["taken"].sum() == 1
    assert len(found.plot()) == 4
    found.save(tmp_path / "mine.toml")
    device = {"preset": "measured", "file": str(tmp_path / "mine.toml")}
    run = twin.simulate("digits-mlp", "sgd", epochs=1, samples=5, progress=False, overrides={"device": device})
    assert run.device == "measured (mine.toml)"
    with pytest.raises(twin.TwinError, match=r"family .= soft.: is none that is fitted"):
        twin.fit_device([tmp_path / "a.csv"], family="soft")
