"""The command line as a user meets it: what it prints and where it leaves files."""

import gzip
import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from examples_kit import EVERYTHING

from twin.config.resources import FOLDERS, shipped
from twin.data.images import MNIST
from twin.devices.presets import preset_names
from twin.results.store import load_run
from twin.results.totals import totals
from twin.runs import checkpoint

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
        "from twin.cli.app import main\n"
        "with contextlib.suppress(SystemExit): main()\n"
        f"print('heavy:', [name for name in {HEAVY} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("heavy: []")


def test_a_mistake_is_found_before_the_kernels_are_loaded():
    script = (
        "import sys, contextlib\n"
        "sys.argv = ['twin', 'run', 'digits-mlp', '--set', 'training.epoch=3']\n"
        "from twin.cli.app import main\n"
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
    assert half_J > half_s * one["area"]["leakage_W"]  # the power of idle parts and clocks is not known better
    assert float(line.split()[-2]) == pytest.approx(100 * half_J / one["energy"]["total_J"], abs=0.0051)
    assert float(line.split()[2]) == pytest.approx(100 * half_s / one["time"]["makespan_s"], abs=0.0051)


# -- what can be named -----------------------------------------------------------------------------------------


def test_list_names_everything_that_can_be_named(twin):
    code, out, _ = twin("list")
    assert code == 0
    names = [name for kind in FOLDERS for name in shipped(kind)]
    for name in (*names, *preset_names(), "digital", "sgd", "shd", "ttv2"):
        assert name in out


@pytest.mark.parametrize("kind", FOLDERS)
def test_show_prints_shipped_descriptions_with_origins(twin, kind):
    for name in list(shipped(kind))[:: 1 if EVERYTHING else 4]:
        code, out, _ = twin("show", name)
        assert code == 0
        assert f"{name}.toml" in out
        assert ("mm²" in out) == (kind == "chip")


def test_show_prints_devices(twin):
    for name in preset_names()[:: 1 if EVERYTHING else 4]:
        code, out, _ = twin("show", name)
        assert code == 0
        assert "dw_min" in out


@pytest.mark.parametrize("kind", ["chip", "layout", "workload"])
def test_schema_is_json_for_editors(twin, kind):
    code, out, _ = twin("schema", kind)
    assert code == 0
    assert json.loads(out)["additionalProperties"] is False


# -- results -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("figures_drawn")
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


def test_files_that_are_not_mnist_are_called_so_wherever_mnist_would_stand(twin, tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_DATA_DIR", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    rng = np.random.default_rng(1)
    for name, n in zip(MNIST.files, (30, 30, 10, 10), strict=True):
        values = rng.integers(0, 10, (n, 28, 28) if "images" in name else n).astype(np.uint8)
        header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">i4").tobytes()
        (tmp_path / "mnist" / name).write_bytes(gzip.compress(header + values.tobytes()))
    code, _, err = twin("run", "mnist-mlp", "--algorithm", "digital", "--epochs", "1", "--out", "here")
    assert code == 0
    (folder,) = (tmp_path / "here" / "runs").iterdir()
    facts = json.loads((folder / "run.json").read_text())["data"]
    name = f"mnist (other files: sha256 {facts['sha256'][:12]})"
    assert (facts["set"], facts["name"]) == ("mnist", name)
    assert f"data: {name} is not what is published" in err
    assert json.loads((folder / "summary.json").read_text())["run"]["data"] == name
    for page in ("report.html", "report.md"):
        assert (tmp_path / "here" / page).read_text().count(name) >= 2  # in the header and as a warning
    run = load_run(folder)
    assert run.data == totals(run)["data_set"] == name


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


def test_show_says_what_a_key_means(twin):
    code, out, _ = twin("show", "aimc-512", "tile.rows")
    assert code == 0
    assert out.splitlines()[:2] == ["tile.rows = 512", "    Output lines of one array."]
    for wrong in (("aimc-512", "tile.rwos"), ("aimc-512", "tile", "--workload", "digits-mlp"), ("nosuch", "tile")):
        code, _, err = twin("show", *wrong)
        assert (code, err.count("\n")) == (2, 1)


def test_show_prints_the_floor_plan_of_a_mapped_workload(twin):
    code, out, _ = twin(
        "show", "aimc-512-mesh", "--workload", "digits-mlp", "--algorithm", "sgd", "--set", "chip.mapping.pack=true"
    )
    assert code == 0
    assert "1 tiles" in out
    assert "0.W+1" in out


def test_show_prints_what_follows_from_what_is_set_and_what_was_overlooked(twin):
    code, out, err = twin(
        "show", "aimc-512", "--set", "chip.tile.rows=2048", "--set", "chip.technology.device=reram-sb"
    )
    assert code == 0
    assert "area of 2048 x 512 weights" in out
    assert re.search(r"tile\.array_area +│ +0\.167772 │ mm\^2", out)  # 2048 x 512 x (400 nm)^2
    assert "warning: chip.tile.rows was set, but tile.integration_time, power.tile.wake_energy keep" in err
    assert "all of the voltage is lost on 2048 x 512 lines" in err
    code, out, _ = twin("show", "digits-mlp", "--set", "training.epochs=7")
    assert code == 0
    assert re.search(r"training\.epochs +│ +7 │", out)
