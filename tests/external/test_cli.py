"""The command line as a user meets it: what it prints, where it leaves files, how it fails."""

import contextlib
import errno
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from twin.config.resources import FOLDERS, find, shipped
from twin.devices.presets import preset_names
from twin.simulation import checkpoint

COMMAND = (sys.executable, "-c", "from twin.cli import main; main()")
HEAVY = ("numba", "pandas", "matplotlib", "sklearn", "scipy", "simpy", "networkx", "numpy")
SMALL = ("--samples", "100", "--epochs", "1")
TABLES = (
    "operations",
    "energy",
    "traffic",
    "servers",
    "bins",
    "bound",
    "area",
    "staleness",
    "calibration",
    "curve",
    "diagnostics",
    "sources",
)


# -- start-up ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["--help"], ["compare", "--help"], ["--version"], ["list", "--help"]])
def test_help_imports_nothing_heavy(arguments):
    script = (
        "import sys, contextlib\n"
        f"sys.argv = ['twin', *{arguments}]\n"
        "from twin.cli import main\n"
        "with contextlib.suppress(SystemExit): main()\n"
        f"print('heavy:', [name for name in {HEAVY} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("heavy: []")


def test_a_mistake_is_found_before_the_kernels_are_loaded():
    script = (
        "import sys, contextlib\n"
        "sys.argv = ['twin', 'run', 'digits-mlp', '--set', 'training.epoch=3']\n"
        "from twin.cli import main\n"
        "with contextlib.suppress(SystemExit): main()\n"
        "print('numba' in sys.modules, 'pandas' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


# -- sampled timing -------------------------------------------------------------------------------------------


def test_the_interval_of_a_sampled_time_stands_in_every_report(twin, tmp_path):
    own = ("--algorithm", "sgd", "--sampled", "--set", "timing.period=61", "--samples", "400", "--epochs", "1")
    code, shown, errors = twin("run", "digits-mlp", *own, "--out", tmp_path / "run")
    assert code == 0, errors
    line = re.search(r"sampled, ± [\d.]+ % \(95 %\); energy ± [\d.]+ %", shown + errors).group()
    assert line in (tmp_path / "run" / "report.md").read_text()
    assert line in (tmp_path / "run" / "report.html").read_text()
    summary = json.loads(next((tmp_path / "run").rglob("summary.json")).read_text())
    one = summary.get("runs", [summary])[0]
    half_s, half_J = one["time"]["makespan_interval_95_s"], one["energy"]["total_interval_95_J"]
    assert half_J == pytest.approx(half_s * one["area"]["leakage_W"])
    assert float(line.split()[2]) == pytest.approx(100 * half_s / one["time"]["makespan_s"], abs=0.0051)


# -- mistakes -------------------------------------------------------------------------------------------------

PER_LAYER = "algorithms.ttv2.transfer_every_per_layer"
MISTAKES = [
    (("run", "digits-ml"), "did you mean digits-mlp"),
    (("run", "digits-mlp", "--chip", "aimc-51"), "did you mean aimc-512"),
    (("run", "digits-mlp", "--device", "gokmen-6"), "gokmen-60"),
    (("run", "digits-mlp", "--algorithm", "ttv"), "did you mean ttv2"),
    (("run", "digits-mlp", "--algorithm="), "no such algorithm"),
    (("run", "digits-mlp", "--layout", "four-aray"), "did you mean four-array"),
    (("run", "digits-mlp", "--algorithm", "sgd", "--layout", "four-array"), "two-array"),
    (("compare", "--algorithms", ","), "--algorithms"),
    (("compare", "--algorithms", "digital", "--layouts", "nosuch"), "nosuch"),
    (("run", "digits-mlp", "--set", "nonsense"), "KEY=VALUE"),
    (("run", "digits-mlp", "--set", "=3"), "KEY=VALUE"),
    (("run", "digits-mlp", "--set", "training.epoch=3"), "did you mean epochs"),
    (("run", "digits-mlp", "--set", "training.epochs=-3"), "training.epochs (= -3)"),
    (("run", "digits-mlp", "--set", "training.epochs=["), "training.epochs"),
    (("run", "digits-mlp", "--set", "chip.tile.pulse_time=5"), "5 ns"),
    (("run", "digits-mlp", "--set", "chip.placement.h_word=3 B"), 'must be "4 B" (float32) or whole bits up to "2 B"'),
    (("run", "digits-mlp", "--set", "chip.placement.h=disk"), "placement.h (= disk)"),
    (("run", "digits-mlp", "--set", "chip.nosuch=3"), "command line: chip.nosuch: unknown key"),
    (("run", "digits-mlp", "--set", "chip.tile.rows.x=3"), "chip.tile.rows.x: chip.tile.rows is a value, not a table"),
    (("run", "digits-mlp", "--set", "chip.tile.sign_phases=3"), "command line: chip.tile.sign_phases (= 3): must be"),
    (("run", "digits-mlp", "--mode", "coupled", "--sampled"), "leave --mode coupled out"),
    (("run", "digits-mlp", "--sampled", "--in-flight", "900"), "timing.period (= 1499): must be at least"),
    (("run", "digits-mlp", "--set", f"{PER_LAYER}=[1, 2, 3]"), "must have 2 numbers, one for each layer"),
    (("run", "digits-mlp", "--set", f"{PER_LAYER}=[1]"), "must have 2 numbers, one for each layer"),
    (("run", "digits-mlp", "--set", "extraction.reads=9"), "extraction.reads (= 9): must be at least 65"),
    (("run", "digits-mlp", "--set", 'data={set="war-and-peace"}'), "needs a recurrent layer"),
    (("run", "digits-mlp", "--set", 'chip.memory.capacity="1 KiB"', "--set", 'chip.placement.h="memory"'), "memory"),
    (("verify-sampling", "--in-flight", "900"), "timing.period (= 1499): must be at least"),
    (("verify-sampling", "--algorithms", "ttv"), "did you mean ttv2"),
    (("verify-sampling", "--layouts", "nosuch"), "nosuch"),
    (("verify-sampling", "--out", "/dev/null/x"), "choose another folder"),
    (("run", "digits-mlp", "--set", "device.dw_mn=0.1"), "dw_min"),
    (("run", "digits-mlp", "--set", "device.dw_min=-0.1"), "dw_min (= -0.1)"),
    (("run", "digits-mlp", "--seed", "9" * 30), "training.seed"),
    (("run", "digits-mlp", "--in-flight", "100000"), "training.in_flight"),
    (("run", "digits-mlp", "--out", "/dev/null/x"), "choose another folder"),
    (("run", "aimc-512"), "no workload"),
    (("run", "digits-mlp", "--chip", "digits-mlp"), "no chip"),
    (("run", "four-array.toml"), "no such file"),
    (("show", "nosuch"), "nosuch"),
    (("resume", "nosuch"), "nosuch"),
    (("reproduce", "nosuch"), "onen-2021-fig1"),
]


@pytest.mark.parametrize(("arguments", "hint"), MISTAKES, ids=lambda value: " ".join(value)[-40:])
def test_a_mistake_ends_in_one_line_and_exit_code_2(twin, tmp_path, arguments, hint):
    code, out, err = twin(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert hint in err
    assert not list(tmp_path.rglob("*"))


@pytest.mark.parametrize("workload", ["mnist-mlp", "lstm-wp"])
def test_data_that_are_missing_leave_nothing_behind(twin, tmp_path, monkeypatch, workload):
    def unreachable(*_, **__):
        raise OSError("no network")

    monkeypatch.setenv("TWIN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr("pooch.retrieve", unreachable)
    code, out, err = twin("run", workload)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert str(tmp_path / "data") in err
    assert not list(tmp_path.rglob("*"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("nosuch",),
        ("run", "--nosuch"),
        ("run", "digits-mlp", "--epochs", "0"),
        ("run", "digits-mlp", "--seed", "x"),
        ("compare", "--mode", "both"),
        ("compare", "--jobs", "0"),
        ("schema", "nosuch"),
        ("show",),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_in_one_line_that_names_the_help_and_exit_code_2(twin, arguments):
    code, out, err = twin(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert "--help)" in err


@pytest.mark.parametrize("arguments", [(), ("device",)], ids=str)
def test_a_command_without_arguments_prints_its_help(twin, arguments):
    code, out, err = twin(*arguments)
    assert (code, err) == (2, "")
    assert "Usage" in out


def test_a_mistake_in_an_own_file_names_file_line_and_key(twin, tmp_path):
    code, out, _ = twin("show", "digits-mlp")
    assert code == 0
    assert out
    text = (Path(__file__).parents[2] / "workloads" / "digits-mlp.toml").read_text()
    line = 1 + text[: text.index("epochs =")].count("\n")
    own = tmp_path / "own.toml"
    own.write_text(re.sub(r"epochs = \d+", "epochs = 0", text))
    code, _, err = twin("run", own)
    assert code == 2
    assert err.startswith(f"error: {own}:{line}: training.epochs (= 0)")
    own.write_text(text.replace("epochs =", "epoch ="))
    assert f"{own}:{line}: training.epoch" in twin("run", own)[2]
    own.write_text("schema = 1\nkind = ")
    code, _, err = twin("run", own)
    assert (code, err.count("\n")) == (2, 1)
    assert f"{own}:2" in err


# -- what can be named -----------------------------------------------------------------------------------------


def test_list_names_everything_that_can_be_named(twin):
    code, out, _ = twin("list")
    assert code == 0
    names = [name for kind in FOLDERS for name in shipped(kind)]
    for name in (*names, *preset_names(), "digital", "sgd", "shd", "ttv2"):
        assert name in out


@pytest.mark.parametrize("kind", FOLDERS)
def test_show_prints_every_shipped_description_with_origins(twin, kind):
    for name in shipped(kind):
        code, out, _ = twin("show", name)
        assert code == 0
        assert f"{name}.toml" in out
        assert ("mm²" in out) == (kind == "chip")


def test_show_prints_every_device(twin):
    for name in preset_names():
        code, out, _ = twin("show", name)
        assert code == 0
        assert "dw_min" in out


@pytest.mark.parametrize("kind", ["chip", "layout", "workload"])
def test_schema_is_json_for_editors(twin, kind):
    code, out, _ = twin("schema", kind)
    assert code == 0
    assert json.loads(out)["additionalProperties"] is False


# -- results -----------------------------------------------------------------------------------------------------


def test_a_comparison_leaves_what_is_promised(twin, tmp_path):
    code, out, err = twin("compare", "digits-mlp", *SMALL, "--algorithms", "digital,ttv2", "--jobs", "1")
    assert code == 0
    names = ["digital", "ttv2 four-array", "ttv2 three-array"]
    for name in names:
        assert name in out
    (folder,) = (tmp_path / "runs").iterdir()
    assert f"report: runs/{folder.name}/report.html" in err
    for name in ("report.html", "report.md", "summary.json", "comparison.json"):
        assert (folder / name).stat().st_size > 0
    assert (folder / "report.html").stat().st_size < 2**20
    assert list((folder / "figures").glob("*.svg"))
    assert list((folder / "tables").glob("*.csv"))
    for name in names:
        one = folder / "runs" / name.replace(" ", "-")
        for table in TABLES:
            assert len(pd.read_csv(one / f"{table}.csv").columns) >= 2
        for file in ("run.json", "summary.json", "config.toml", "chip.toml", "layout.toml", "workload.toml"):
            assert (one / file).stat().st_size > 0
        facts = json.loads((one / "run.json").read_text())
        assert facts["command"].startswith("twin compare digits-mlp")
        assert {key: facts["data"][key] for key in ("set", "training samples", "test samples")} == {
            "set": "digits",
            "training samples": 100,
            "test samples": 360,
        }
        assert re.fullmatch("[0-9a-f]{64}", facts["data"]["sha256"])
        assert not (one / checkpoint.NAME).exists()


def test_a_finished_comparison_can_be_resumed_without_harm(twin, tmp_path):
    assert twin("run", "digits-mlp", *SMALL, "--algorithm", "sgd", "--out", "here")[0] == 0
    before = {path: path.read_bytes() for path in (tmp_path / "here").rglob("*") if path.is_file()}
    assert twin("resume", "here")[0] == 0
    assert before == {path: path.read_bytes() for path in (tmp_path / "here").rglob("*") if path.is_file()}
    code, _, err = twin("run", "digits-mlp", "--out", "here")
    assert code == 2
    assert "twin resume here" in err


def test_coupled_and_replayed_print_the_same_table(twin):
    tables = []
    for mode in ("coupled", "replayed"):
        code, out, _ = twin("run", *SMALL, "--in-flight", "3", "--mode", mode)
        assert code == 0
        tables.append(out)
    assert "ttv2 four-array" in tables[0]
    assert tables[0] == tables[1]


def test_settings_without_effect_are_reported(twin):
    settings = {
        "calibration.pairs": "7",  # the method is exact
        "algorithms.shd.gamma": "0.5",  # of an algorithm that does not run
        "training.seed": "5",
        "algorithms.ttv2.transfer_lr": "2.0",  # read by one of the two
        "chip.placement.h": '"buffer"',  # likewise
    }
    pairs = [argument for key, value in settings.items() for argument in ("--set", f"{key}={value}")]
    code, _, err = twin(
        "compare", *SMALL, "--algorithms", "sgd,ttv2", "--layouts", "two-array,three-array", "-j1", *pairs
    )
    assert code == 0
    reported = {line.split(" had no effect")[0].split()[-1] for line in err.splitlines() if "no effect" in line}
    assert reported == {"calibration.pairs", "algorithms.shd.gamma"}


@pytest.mark.parametrize(
    ("setting", "hint"),
    [
        ("prefetch_h=10", "layer 1 has 10 lines of H; fetch at most 9 ahead"),
        ("h=registers", "16640 bytes in the fullest tile's registers with what is placed before"),
    ],
)
def test_what_does_not_fit_the_network_ends_in_one_line(twin, setting, hint):
    code, _, err = twin("run", "digits-mlp", *SMALL, "--set", f"chip.placement.{setting}")
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 2
    assert len(errors) == 1
    assert hint in errors[0]


def test_what_is_spilled_is_said_aloud(twin, tmp_path):
    auto = ("--set", "chip.placement.h=auto", "--set", "chip.buffer.size=17 KiB", "--set", "chip.placement.h_word=4 B")
    code, _, err = twin("run", "digits-mlp", *SMALL, "--layout", "four-array", *auto, "--out", "spilled")
    assert code == 0
    said = (
        "H spilled to memory: needs 16640 bytes in the fullest tile's registers, 16384 left; "
        "needs 19240 bytes in the buffer, 16072 left"
    )
    assert said in err.replace("\n", " ")
    for file in ("report.md", "summary.json"):
        assert said in (tmp_path / "spilled" / file).read_text()
    assert "spilled to memory" in (tmp_path / "spilled" / "report.html").read_text()
    run = tmp_path / "spilled" / "runs" / "ttv2-four-array"
    assert any(text.startswith(said) for text in json.loads((run / "summary.json").read_text())["warnings"])
    rows = pd.read_csv(run / "diagnostics.csv")
    kept = rows[rows["what"].str.startswith("kept in")].set_index("matrix")
    assert (kept.loc["H", "what"], kept.loc["H", "value"]) == ("kept in memory", 19240)
    assert (kept.loc["activations", "what"], kept.loc["activations", "value"]) == ("kept in buffer", 4 * (65 + 65))


def test_calibration_by_pulses_is_a_phase_of_the_run(twin, tmp_path):
    pulses = ("--set", 'calibration.method="pulses"', "--set", "calibration.pairs=20")
    arguments = ("run", "digits-mlp", *SMALL, "--layout", "four-array")
    assert twin(*arguments, *pulses, "--out", "pulses")[0] == 0
    assert twin(*arguments, "--out", "exact")[0] == 0
    one, other = (tmp_path / name / "runs" / "ttv2-four-array" for name in ("pulses", "exact"))
    operations = pd.read_csv(one / "operations.csv")
    found = operations[operations["kind"] == "calibration"]
    assert sorted(zip(found["layer"], found["matrix"], strict=True)) == [(0, "A"), (0, "C"), (1, "A"), (1, "C")]
    assert (found["pulses"] >= 2 * 20).all()
    assert (found["busy_ps"] == found["pulses"] * 5000).all()
    assert (found["coincidences"] > 0).all()
    energy = pd.read_csv(one / "energy.csv")
    assert energy.loc[energy["kind"] == "calibration", "energy_J"].sum() > 0
    diagnostics = pd.read_csv(one / "diagnostics.csv")
    residual = diagnostics[diagnostics["what"] == "calibration residual, std"]
    assert len(residual) == 4
    assert (residual["value"] > 0).all()
    assert "calibration" not in set(pd.read_csv(other / "operations.csv")["kind"])
    spans = [json.loads((run / "summary.json").read_text())["time"]["makespan_s"] for run in (one, other)]
    assert spans[0] > spans[1]


# -- interruption ------------------------------------------------------------------------------------------------


def interrupt(arguments, cwd):
    """Start a run in a group of its own and press Ctrl-C once a checkpoint stands; return code and errors."""
    child = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell without job control starts background jobs deaf to Ctrl-C, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )
    deadline = time.monotonic() + 60
    while not list(cwd.rglob(checkpoint.NAME)) and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGINT)
    _, err = child.communicate(timeout=30)
    return child.returncode, err


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_says_how_to_resume_and_resuming_finishes(twin, tmp_path, jobs):
    long = ("--samples", "200", "--epochs", "3", "--set", "training.checkpoint_every=50")
    arguments = ("compare", "digits-mlp", *long, "--algorithms", "digital,sgd", "--jobs", jobs)
    code, err = interrupt(arguments, tmp_path)
    assert code == 130
    assert "Traceback" not in err
    (hint,) = [line for line in err.splitlines() if "twin resume" in line]
    code, out, _ = twin(*hint[hint.index("twin resume") :].split()[1:], "--jobs", "1")
    assert code == 0
    assert "sgd two-array" in out
    assert not list(tmp_path.rglob(checkpoint.NAME))


@pytest.mark.parametrize("stage", ["twin.machine.compiled.ensure_compiled", "twin.report.write.write_report"])
def test_ctrl_c_before_training_and_while_the_report_is_written_says_how_to_go_on(twin, monkeypatch, stage):
    def pressed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stage, pressed)
        code, out, err = twin("run", *SMALL, "--algorithm", "sgd", "--out", "cut")
    assert (code, out) == (130, "")
    assert err == "interrupted; continue with: twin resume cut\n"
    assert twin("resume", "cut")[0] == 0


# -- a full disk, and company ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def no_file_above(n_bytes):
    """Let no file grow beyond a size: the same failure, at the same call, as a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_ends_in_one_line_and_keeps_finished_runs(twin, tmp_path):
    arguments = ("compare", *SMALL, "--algorithms", "sgd,ttv2", "--layouts", "two-array,three-array")
    twin(*arguments, "-j1", "--out", "warm")  # compiles and caches the kernels
    reference = (tmp_path / "warm" / "summary.json").read_bytes()
    with no_file_above(450_000):  # between the checkpoints of the two
        code, out, err = twin(*arguments, "-j1", "--out", "full")
    assert code == 2
    errors = [line for line in err.splitlines() if line.startswith("error")]
    assert len(errors) == 1
    assert os.strerror(errno.EFBIG) in errors[0]
    assert "twin resume full" in errors[0]
    assert "sgd two-array" in out
    assert (tmp_path / "full" / "runs" / "sgd-two-array" / "summary.json").exists()
    assert not (tmp_path / "full" / "runs" / "ttv2-three-array" / "summary.json").exists()
    assert not list((tmp_path / "full").rglob("*.tmp"))
    assert twin("resume", "full", "-j1")[0] == 0
    found = (tmp_path / "full" / "summary.json").read_bytes()
    assert found.replace(b"--out full", b"--out warm") == reference


def test_two_runs_at_once_get_two_folders(tmp_path):
    arguments = ("run", "digits-mlp", *SMALL, "--algorithm", "sgd")
    children = [
        subprocess.Popen([*COMMAND, *arguments], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    outputs = [child.communicate(timeout=120)[0] for child in children]
    assert [child.returncode for child in children] == [0, 0]
    assert outputs[0] == outputs[1]
    folders = sorted((tmp_path / "runs").iterdir())
    assert len(folders) == 2
    assert folders[1].name == f"{folders[0].name}-2"
    assert all((folder / "report.html").exists() for folder in folders)


# -- network and floor plan ----------------------------------------------------------------------------------------


def test_a_chip_with_a_network_leaves_floor_plan_and_links(twin, tmp_path):
    code, _, _ = twin("run", "digits-mlp", *SMALL, "--chip", "aimc-512-mesh", "--algorithm", "sgd", "--out", "here")
    assert code == 0
    run = tmp_path / "here" / "runs" / "sgd-two-array"
    plan = pd.read_csv(run / "floorplan.csv")
    assert plan["tile"].tolist() == ["0.W", "1.W"]
    assert (plan["width_mm"] > 0).all()
    links = pd.read_csv(run / "links.csv")
    traffic = pd.read_csv(run / "traffic.csv")
    assert links["bytes"].sum() == traffic.loc[traffic["path"] == "network", "bytes"].sum() > 0
    busiest = json.loads((run / "summary.json").read_text())["network"]["busiest_links"]
    assert busiest[0]["link"] == links["link"].iloc[0]
    page = (tmp_path / "here" / "report.html").read_text()
    assert "Where traffic piles up" in page
    assert busiest[0]["link"].replace(">", "&gt;") in page
    assert "## Where traffic piles up" in (tmp_path / "here" / "report.md").read_text()


def test_show_prints_the_floor_plan_of_a_mapped_workload(twin):
    code, out, _ = twin(
        "show", "aimc-512-mesh", "--workload", "digits-mlp", "--algorithm", "sgd", "--set", "chip.mapping.pack=true"
    )
    assert code == 0
    assert "1 tiles" in out
    assert "0.W+1" in out
    code, _, err = twin("show", "aimc-512", "--set", "chip.mapping.pack=true")
    assert (code, err.count("\n")) == (2, 1)


def test_an_edge_list_that_falls_apart_ends_in_one_line(twin):
    text = find("chip", "aimc-512-mesh").text.replace(
        "rows = 4\ncols = 4\n", 'edges = [["r0c0", "r0c1"], ["r1c1", "a"]]\n'
    )
    text = text.replace('"mesh"\nrouting = "dimension-ordered"', '"edges"\nrouting = "shortest-path"')
    own = Path("own.toml")
    own.write_text(text)
    code, _, err = twin("run", "digits-mlp", *SMALL, "--chip", "./own.toml")
    assert (code, err.count("\n")) == (2, 1)
    assert "network.edges: no path from r0c0 to r1c1" in err
