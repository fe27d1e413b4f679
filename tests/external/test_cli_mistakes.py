"""Mistakes on the command line and in files: one line that names place, value, rule and likely fix, exit code 2."""

import re
from pathlib import Path

import pytest

from twin.config.resources import find

SMALL = ("--samples", "100", "--epochs", "1")
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
    (("show", "aimc-512", "--set", "tile.rows=3"), "--set (= tile.rows=3): keys of a chip begin with chip."),
    (("show", "digits-mlp", "--set", "chip.tile.rows=3"), "--set (= chip.tile.rows=3): leave keys of a chip out"),
    (("show", "ecram", "--set", "chip.tile.rows=3"), "--set: is for chips and workloads, not for ecram"),
    (("show", "two-array", "--set", "chip.tile.rows=3"), "not for the layout two-array"),
    (("show", "aimc-512", "tile.rows", "--set", "chip.tile.rows=3"), "--set: changes nothing of what a key means"),
    (
        ("compare", "digits-mlp", "--set", "chip.technology.node=5 nm"),
        "command line: chip.technology.node: tile.",
    ),
    (("compare", "--set", "chip.technology.temperature=250 K"), "temperature (= 250 K): must be from 300 to 400 K, wh"),
    (
        ("compare", "--device", "ecram", "--set", "chip.tile.read_voltage=2 V"),
        "above the 1 V at which the",
    ),
    (("compare", "--device", "ecram", "--set", "chip.tile.write_voltage=2 V"), "half of it is not below the 1 V"),
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


def test_a_command_of_commands_without_one_prints_its_help(twin):
    code, out, err = twin("device")
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


def test_a_node_that_cannot_take_its_inputs_is_named_with_its_line(twin, tmp_path):
    text = find("workload", "digits-cnn").text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace('name = "conv", channels = 8', 'name = "conv", channels = 7'))
    line = next(number for number, row in enumerate(path.read_text().splitlines(), 1) if 'name = "residual"' in row)
    code, out, err = twin("run", "./mine.toml", "--algorithm", "digital")
    assert (code, out) == (2, "")
    assert err.startswith(f"error: ./mine.toml:{line}: network.layers.5 (residual, of 8 x 8 x 7 and 8 x 8 x 8): ")
