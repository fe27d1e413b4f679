"""The first minutes: what to do first, files to start from, what a value influences, what the shell completes."""

import re
import tomllib
from textwrap import shorten

import pytest

import twin as package
from twin.cli.app import FIRST
from twin.config.options import Options
from twin.errors import TwinError
from twin.results.difference import changed
from twin.results.result import Source
from twin.runs.influence import _near, influence
from twin.runs.names import available


def test_without_arguments_five_lines_name_commands_that_there_are(twin):
    code, out, errors = twin()
    assert (code, out, errors) == (0, FIRST, "")
    assert len(out.splitlines()) == 5
    _, listed, _ = twin("--help")
    named = set(re.findall(r"twin ([a-z]+)", out))
    assert named == set(re.findall(r"^│ ([a-z]+) ", listed, re.MULTILINE)) & named
    assert {"compare", "new", "device", "import", "list", "show"} == named


def test_a_new_study_is_described_and_runs_as_it_is(twin, tmp_path):
    code, out, errors = twin("new", "studies/first")
    assert (code, errors) == (0, "")
    assert out.splitlines()[-1] == "next: twin compare studies/first/workload.toml --chip studies/first/chip.toml"
    folder = tmp_path / "studies" / "first"
    for name in ("chip", "sweep", "workload"):
        text = (folder / f"{name}.toml").read_text()
        assert "my-study" not in text
        assert tomllib.loads(text)["name"] == "first"
        code, shown, errors = twin("show", f"studies/first/{name}.toml")
        assert (code, errors) == (0, "")
        assert f"studies/first/{name}.toml:" in shown
    swept = package.run_sweep("studies/first/sweep.toml", progress=False)
    assert list(swept.table["status"]) == ["done"] * 4
    assert set(swept.table["algorithm"]) == {"sgd", "ttv2"}
    assert (swept.table["test_error"] < 0.9).all()


@pytest.mark.parametrize(
    ("name", "rule"), [("there", "is there already"), ("a b", "letters, digits"), ("x/..", "letters, digits")]
)
def test_a_new_study_neither_overwrites_nor_takes_a_name_that_files_may_not_have(twin, tmp_path, name, rule):
    (tmp_path / "there").mkdir()
    code, _, errors = twin("new", name)
    assert code == 2
    assert rule in errors
    assert len(errors.splitlines()) == 1


# -- what a value influences -----------------------------------------------------------------------------------

ASKED = Options(algorithms=("sgd",), layouts=("two-array",))


def ratios(found, what):
    before, after = (vars(one.result)[what] for one in found)
    return after / before


def test_a_slower_pulse_costs_what_follows_from_it_and_nothing_else():
    found = influence("aimc-512", "tile.pulse_time", ASKED, lambda *_: None, "10 ns")
    assert [one.label for one in found] == ["5 ns", "10 ns"]
    keys = {change.key for change in changed(found)}
    assert keys == {"chip.tile.pulse_time", "chip.tile.pulse_energy", "chip.tile.coincidence_energy"}
    assert ratios(found, "makespan_s") > 1
    assert ratios(found, "area_m2") == 1
    busy = [one.result.tables["operations"].set_index(["layer", "kind"])["busy_ps"] for one in found]
    changes = (busy[1] / busy[0]).dropna()
    assert set(changes[changes != 1].index.get_level_values("kind")) == {"update"}


@pytest.mark.parametrize(
    ("value", "unit", "near"),
    [
        ("512", "", ["563.2", "563", "1024"]),
        ("1", "", ["1.1", "2", "2"]),
        ("40", "ns", ["44 ns", "44 ns", "80 ns"]),
        ("-0.5", "", ["-0.55"]),
        ("0", "s", ["1 s", "0 s"]),
        ("true", "", ["false"]),
        ("lstp-hp", "", []),
    ],
)
def test_other_values_are_near(value, unit, near):
    assert list(_near(Source("key", value, unit, "", "", ""))) == near


def test_numbers_switches_words_and_devices_are_varied_without_being_told_how():
    said = {
        ("digits-mlp", "algorithms.sgd.update.update_management"): ["true", "false"],
        ("gokmen-60", "dw_min"): ["0.02", "0.022"],
    }
    for (name, key), values in said.items():
        first, second = influence(name, key, ASKED, lambda *_: None)
        assert first.label == values[0]
        assert second.label == values[1]
        assert first.result.algorithm == "sgd"
        assert key in {change.key.removeprefix("chip.").removeprefix("device.") for change in changed([first, second])}


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("aimc-512", "tile.rows", "--to", "many"), "tile.rows"),
        (("aimc-512", "tile"), "is no value of aimc-512"),
        (("digits-mlp", "init.distribution", "--to", "3"), "init.distribution"),
        (("four-array", "tiles"), "is a layout"),
        (("lpddr5-6400", "channels"), "is a part of chips"),
        (("aimc-512",), "name its KEY"),
    ],
)
def test_what_cannot_be_varied_is_refused_in_one_line(twin, arguments, rule):
    code, _, errors = twin("show", *arguments, "--why")
    assert code == 2
    assert rule in errors.splitlines()[-1]
    assert errors.splitlines()[-1].startswith("error: ")


def test_influence_names_what_had_no_effect():
    with pytest.raises(TwinError, match="no other value was found"):
        influence("digits-mlp", "network.loss", ASKED, lambda *_: None)


# -- completion --------------------------------------------------------------------------------------------------


@pytest.fixture
def completed(twin, monkeypatch):
    """Complete what is typed as fish asks for it; return what it offers, each with its help."""

    def complete(typed):
        monkeypatch.setenv("_TWIN_COMPLETE", "complete_fish")
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", f"twin {typed}")
        _, out, _ = twin()
        return dict(line.partition("\t")[::2] for line in out.splitlines() if line)

    return complete


def test_names_are_completed_with_what_they_are(completed):
    known = available()
    assert completed("run digits-m") == {
        "digits-mlp": shorten(known["workloads"]["digits-mlp"], 60, placeholder=" ...")
    }
    assert completed("run --chip aimc-512-m").keys() == {"aimc-512-mesh"}
    assert completed("compare --device ").keys() == known["devices"].keys()
    assert completed("compare --algorithms sgd,t").keys() == {"sgd,ttv2"}
    assert "sgd,sgd" not in completed("compare --algorithms sgd,s")
    assert completed("show ddr4").keys() == {name for name in known["memories"] if name.startswith("ddr4")}
    assert completed("sweep ").keys() == known["sweeps"].keys()


def test_keys_of_set_are_those_of_the_workload_and_chip_that_are_named(completed):
    assert completed("run mnist-lenet --set training.ep").keys() == {"training.epochs="}
    assert "device.dw_min=" in completed("run digits-mlp --set device.dw")
    assert "chip.tile.rows=" in completed("compare digits-mlp --set chip.tile.ro")
    assert not completed("compare digits-mlp --chip isaac-128 --set chip.network.")
    assert completed("compare digits-mlp --chip aimc-512-mesh --set chip.network.")
    assert completed("show aimc-512 tile.pulse_t").keys() == {"tile.pulse_time"}
    assert completed("show nothing-of-this-name ti") == {}
