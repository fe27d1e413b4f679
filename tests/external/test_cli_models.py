"""`twin extract`, `infer`, `device fit` and `verify-sampling` as a user meets them."""

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from twin.cli.app import app
from twin.extraction.model import load_model

RUN = ("run", "digits-mlp", "--samples", "60", "--epochs", "1", "--set", "data.test_samples=40")
READS = ("--reads", "200")


def refused(done, *hints):
    """Hold an end against what a mistake is owed: exit code 2, one line of error, nothing else."""
    code, out, err = done
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    for hint in hints:
        assert hint in err


# -- extract and infer -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Run TTv2 once; return the run's folder and a model that was extracted from it."""
    folder = tmp_path_factory.mktemp("trained")
    run, model = folder / "r" / "runs" / "ttv2-four-array", folder / "model.npz"
    for arguments in ((*RUN, "--out", folder / "r"), ("extract", run, "--out", model, *READS)):
        done = CliRunner().invoke(app, [*map(str, arguments)])
        assert done.exit_code == 0, done.output
    return run, model


def test_extract_writes_a_model_and_prints_its_layers(twin, trained, tmp_path):
    run, model = trained
    code, out, err = twin("extract", run, *READS)
    assert (code, err) == (0, "")
    assert "model.npz" in out
    assert [line.split("│")[2].strip() for line in out.splitlines() if re.match(r"│ \d", line)] == [
        "64 x 65",
        "10 x 65",
    ]
    assert (tmp_path / "model.npz").read_bytes() == model.read_bytes()
    found = load_model(model)
    assert found.metadata.items() >= {"workload": "digits-mlp", "chip": "aimc-512", "reads": 200}.items()
    assert found.metadata["run"] == json.loads((run / "run.json").read_text())["id"]
    exact = np.load(run / "weights.npz")
    for layer, (weights, error) in enumerate(zip(found.weights, found.standard_error, strict=True)):
        assert np.std((weights - exact[f"{layer}.C"]) / error) == pytest.approx(1.0, abs=0.2)


def test_extract_with_amplitude_0_seldom_meets_the_output_bound(twin, trained, tmp_path):
    code, _, _ = twin("extract", trained[0], "--amplitude", "0", "--out", "quiet.npz", *READS)
    assert code == 0
    assert load_model(tmp_path / "quiet.npz").metadata["amplitude"] == 0.0


@pytest.mark.parametrize("hardware", ["digital", "analog", "run"])
def test_infer_prints_loss_and_error_on_each_hardware(twin, trained, hardware):
    run, model = trained
    code, out, err = twin("infer", model, run, "--on", hardware, "--repeats", "2")
    assert (code, err) == (0, "")
    (row,) = [line for line in out.splitlines() if line.startswith(f"│ {hardware}")]
    loss, error, clipped = (cell.strip() for cell in row.split("│")[2:5])
    assert 0 < float(loss) < 3
    assert 0 < float(error.rstrip("%")) <= 95
    assert float(clipped.rstrip("%")) < 5


def test_infer_on_digital_hardware_is_the_same_every_time(twin, trained):
    run, model = trained
    assert twin("infer", model, run) == twin("infer", model, run, "--repeats", "3")


def test_mistakes_of_extract_end_in_one_line(twin, trained, tmp_path):
    run, _ = trained
    refused(twin("extract", "nosuch"), "nosuch: holds no run (no run.json)")
    refused(twin("extract", run, "--reads", "64"), "extraction (= 64 mat-vecs): must be at least 65")
    refused(twin("extract", run.parent), "holds no run")
    refused(twin("extract", run, "--out", "/dev/null/model.npz", *READS), "/dev/null/model.npz: not written")
    stopped = tmp_path / "stopped"
    stopped.mkdir()
    for name in ("run.json", "chip.toml", "layout.toml", "workload.toml"):
        (stopped / name).write_bytes((run / name).read_bytes())
    refused(twin("extract", stopped), "holds no weights.npz; finish the run with `twin resume`")
    (stopped / "weights.npz").write_bytes((run / "weights.npz").read_bytes()[:-100])
    refused(twin("extract", stopped), "weights.npz: cannot be read")
    (stopped / "run.json").write_text("{")
    refused(twin("extract", stopped), "run.json: is not JSON")


def test_a_model_of_two_matrices_cannot_be_extracted(twin):
    arguments = (*RUN, "--algorithm", "shd", "--set", "algorithms.shd.gamma=0.5", "--out", "r")
    assert twin(*arguments)[0] == 0
    refused(twin("extract", "r/runs/shd-four-array"), "gamma (= 0.5): the model is gamma A + C")


def test_mistakes_of_infer_end_in_one_line(twin, trained, tmp_path):
    run, model = trained
    refused(twin("infer", "nosuch.npz", run), "nosuch.npz: does not exist")
    refused(twin("infer", model, "nosuch"), "nosuch: holds no run")
    refused(
        twin("infer", run / "weights.npz", run), "weights.npz: is no model of format 1; write one with `twin extract`"
    )
    (tmp_path / "broken.npz").write_bytes(model.read_bytes()[:-100])
    refused(twin("infer", "broken.npz", run), "broken.npz: cannot be read")
    (tmp_path / "run.json").write_text((run / "run.json").read_text())
    refused(twin("infer", model, tmp_path), "holds no chip.toml; name the folder of a run")
    layers = '[{kind="dense", outputs=10, activation="softmax", bias=true}]'
    assert twin(*RUN, "--algorithm", "digital", "--set", f"network.layers={layers}", "--out", "other")[0] == 0
    refused(twin("infer", model, "other/runs/digital"), "model (= [(64, 65), (10, 65)]): must be [(10, 65)]")


@pytest.mark.parametrize(
    "arguments",
    [("extract",), ("extract", "x", "--reads", "0"), ("extract", "x", "--amplitude", "1.5"), ("infer", "x"),
     ("infer", "x", "y", "--on", "paper"), ("infer", "x", "y", "--repeats", "0"), ("device", "fit"), ("device", "fti"),
     ("verify-sampling", "--jobs", "0")],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_exits_with_2(twin, arguments):
    code, _, err = twin(*arguments)
    assert code == 2
    assert "Traceback" not in err


# -- device fit ------------------------------------------------------------------------------------------------

HEAD = "pulse,conductance,direction"
ROWS = [
    f"{pulse},{0.01 * pulse if way == 'up' else 0.3 - 0.01 * pulse:.6g},{way}"
    for way in ("up", "down")
    for pulse in range(31)
]


@pytest.fixture
def measured(tmp_path):
    """Write a measured CSV; return its path."""

    def write(rows, head=HEAD):
        (tmp_path / "m.csv").write_text("\n".join([head, *rows]) + "\n")
        return "m.csv"

    return write


def test_device_fit_prints_writes_and_draws(twin, measured, tmp_path):
    code, out, err = twin("device", "fit", measured(ROWS), "--plot", "fit.svg", "--out", "device.toml")
    assert (code, err) == (0, "")
    assert "1 device, 60 steps" in out
    assert "rms residual of a step" in " ".join(out.split())
    assert (tmp_path / "fit.svg").read_text().startswith("<?xml")
    assert "use it as device = " in out
    assert 'family = "constant-step"' in (tmp_path / "device.toml").read_text()
    run = (*RUN, "--algorithm", "sgd", "--set", 'device={preset="measured", file="device.toml"}', "--out", "r")
    assert twin(*run)[0] == 0


def test_device_fit_writes_nothing_unasked(twin, measured, tmp_path):
    assert twin("device", "fit", measured(ROWS))[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["m.csv"]


def test_steps_that_are_not_monotone_are_fitted_with_a_stated_residual(twin, measured):
    rows, g = [], 0.0
    for direction, sign in (("up", 1), ("down", -1)):
        for pulse in range(81):
            rows.append(f"{pulse},{g:.9g},{direction}")
            g = min(max(g + sign * (0.005 + 0.03 * np.sin(np.pi * g) ** 2), 0.0), 1.0)
    code, out, err = twin("device", "fit", measured(rows))
    assert (code, err) == (0, "")
    assert re.search(r"up steps are not monotone along the range: .*the curve misses their means by \d+ % of", out)
    assert "misfit of the monotone curve" in out


@pytest.mark.parametrize(
    ("rows", "head", "hint"),
    [
        (ROWS, "pulse,charge,direction", "m.csv: has no form that is known; name its columns"),
        ([*ROWS[:4], "4,nan,up", *ROWS[5:]], HEAD, "m.csv:6: conductance (= nan): must be finite"),
        ([*ROWS[:4], "4,high,up", *ROWS[5:]], HEAD, "m.csv:6: conductance (= 'high'): must be a number"),
        ([*ROWS[:4], "four,0.04,up", *ROWS[5:]], HEAD, "m.csv:6: pulse (= 'four'): must be a number"),
        ([*ROWS[:4], "4,0.04,sideways", *ROWS[5:]], HEAD, "m.csv:6: direction (= 'sideways'): must be up or down"),
        ([*ROWS[:4], *ROWS[5:]], HEAD, "m.csv:6: pulse (= 5): must be 4, one more than the row before"),
        (ROWS[:31], HEAD, "m.csv: has 0 down steps; at least 20"),
        ([row.replace("down", "x").replace("up", "down").replace("x", "up") for row in ROWS], HEAD,
         "up must end higher"),
    ],
)  # fmt: skip
def test_a_bad_file_ends_in_one_line(twin, measured, tmp_path, rows, head, hint):
    refused(twin("device", "fit", measured(rows, head), "--plot", "fit.svg", "--out", "device.toml"), hint)
    assert [path.name for path in tmp_path.iterdir()] == ["m.csv"]


def test_files_that_cannot_be_read_or_written_end_in_one_line(twin, measured, tmp_path):
    refused(twin("device", "fit", "nosuch.csv"), "nosuch.csv: cannot be read")
    refused(twin("device", "fit", tmp_path), "cannot be read")
    for option, name in (("--plot", "/dev/null/x.svg"), ("--out", "/dev/null/x.toml")):
        code, _, err = twin("device", "fit", measured(ROWS), option, name)
        assert (code, err.count("\n")) == (2, 1)
        assert f"{name}: not written" in err


@pytest.mark.usefixtures("figures_drawn")
def test_a_figure_is_what_its_name_says(twin, measured, tmp_path):
    starts = {"a.svg": b"<?xml", "b.pdf": b"%PDF-", "c.PNG": b"\x89PNG\r\n", "d.png": b"\x89PNG\r\n"}
    for name, start in starts.items():
        code, _, err = twin("device", "fit", measured(ROWS), "--plot", name)
        assert code == 0, err
        assert (tmp_path / name).read_bytes().startswith(start)
    assert (tmp_path / "c.PNG").read_bytes() == (tmp_path / "d.png").read_bytes()


@pytest.mark.parametrize(
    ("command", "option", "name", "rule"),
    [
        (("device", "fit", "nosuch.csv"), "--plot", "c.jpg", "must end in .svg, .pdf or .png; name e.g. c.svg"),
        (("device", "fit", "nosuch.csv"), "--plot", "c", "must end in .svg, .pdf or .png; name e.g. c.svg"),
        (("device", "fit", "nosuch.csv"), "--into", "d.json", "must end in .toml; name e.g. d.toml"),
        (("extract", "nosuch"), "--out", "m.csv", "must end in .npz; name e.g. m.npz"),
    ],
)
def test_a_name_that_promises_another_format_is_refused_before_anything_is_read(twin, command, option, name, rule):
    refused(twin(*command, option, name), f"{option} (= {name}): {rule}")


# -- verify-sampling --------------------------------------------------------------------------------------------


def test_verify_sampling_lays_both_timings_side_by_side(twin, tmp_path):
    windows = [f"timing.{key}={value}" for key, value in (("period", 41), ("measured", 6), ("warmup", 2))]
    pairs = [argument for pair in windows for argument in ("--set", pair)]
    size = ("--samples", "200", "--epochs", "1", "--set", "data.test_samples=20", "--out", "v", "-j1")
    code, out, err = twin("verify-sampling", "digits-mlp", "--algorithms", "sgd", *size, *pairs)
    assert (code, err) == (0, "")
    (row,) = [line for line in out.splitlines() if line.startswith("│ sgd two-array")]
    exact_s, sampled_s, difference, half, inside, exact_J, sampled_J = (cell.strip() for cell in row.split("│")[2:9])
    assert exact_s
    assert sampled_s
    assert abs(float(difference)) < 1
    assert 0 < float(half) < 1
    assert inside in {"yes", "no"}
    assert exact_J == sampled_J
    assert "runs: v" in out
    summaries = [tmp_path / "v" / mode / "runs" / "sgd-two-array" / "summary.json" for mode in ("exact", "sampled")]
    exact, sampled = (json.loads(path.read_text()) for path in summaries)
    assert exact["time"]["makespan_interval_95_s"] == 0
    assert sampled["time"]["makespan_interval_95_s"] > 0
    assert exact["energy"]["by_operation_J"]["forward"] == pytest.approx(sampled["energy"]["by_operation_J"]["forward"])


def test_verify_sampling_says_when_one_window_says_nothing(twin):
    size = ("--samples", "60", "--epochs", "1", "--set", "data.test_samples=10", "-j1")
    code, out, _ = twin("verify-sampling", "digits-mlp", "--algorithms", "sgd", *size)
    assert code == 0
    assert "unknown" in out or "yes" in out  # 60 samples are fewer than a period: all of them are timed


def test_verify_sampling_refuses_a_folder_in_use(twin, tmp_path):
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "note.txt").write_text("mine")
    refused(twin("verify-sampling", "--out", "v"), "--out (= v): is not empty")
