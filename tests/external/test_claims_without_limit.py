"""What cannot end in reasonable time or memory is refused with the estimate, before anything is built."""

import pytest

from twin.config.calibration import Calibration
from twin.descriptions.load import load_chip, load_layout, load_sweep
from twin.errors import TwinError
from twin.runs import estimate
from twin.sweep.design import MOST_POINTS, values_of

DENSE = '{{kind="dense", outputs={outputs}, activation="relu", bias=true}}'

MESH = ("--chip", "aimc-512-mesh", "--set")


def layers(*outputs):
    rows = [DENSE.format(outputs=n) for n in outputs[:-1]]
    last = DENSE.format(outputs=outputs[-1]).replace("relu", "softmax")
    return f"network.layers=[{', '.join([*rows, last])}]"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--chip", "aimc-512-mesh", "--set", "chip.network.rows=1000", "--set", "chip.network.cols=1000"),
            "1000 x 1000",
        ),
        (("--chip", "aimc-512-mesh", "--set", "chip.network.rows=300", "--set", "chip.network.cols=300"), "10,000"),
        (("--set", layers(1_000_000, 1_000_000, 10)), "GB of memory"),
        (("--set", layers(5_000, 10), "--set", "chip.tile.rows=1", "--set", "chip.tile.cols=1"), "tiles"),
        (("--set", 'calibration={method="pulses", pairs=10000000}'), "before training begins"),
        (("--set", "extraction={reads=1000000000000, amplitude=1.0}"), "extraction.reads"),
        (("--",), "--: nothing follows it"),
    ],
)
def test_a_run_without_an_end_is_refused(twin, tmp_path, arguments, said):
    code, out, err = twin("run", *(() if arguments == ("--",) else ("digits-mlp", "--algorithm", "sgd")), *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("command", "option"), [("infer", "--repeats"), ("extract", "--reads")])
@pytest.mark.parametrize("count", ["1000000000", "1000000000000", "0"])
def test_counts_of_commands_have_an_end(twin, command, option, count):
    code, out, err = twin(command, "model.npz", *(["run"] if command == "infer" else []), option, count)
    assert (code, out) == (2, "")
    assert option in err


SWEEP = """
schema = 1
kind = "sweep"
name = "large"
description = ""
workload = "digits-mlp"
seeds = {seeds}
[[axes]]
key = "device.dw_min"
values = {values}
[[axes]]
key = "training.epochs"
values = {values}
"""


@pytest.mark.parametrize(("values", "seeds"), [(400, 1), (2, 25_001), (20, 300)])
def test_a_design_that_nobody_runs_is_refused_before_its_points_are_made(twin, tmp_path, values, seeds):
    path = tmp_path / "large.toml"
    path.write_text(SWEEP.format(values=list(range(1, values + 1)), seeds=list(range(seeds))))
    points = values**2 * seeds
    assert points > MOST_POINTS
    code, out, err = twin("sweep", "./large.toml", "--max-points", "1")
    assert (code, out) == (2, "")
    assert f"sweep large: has {points:,} points with all seeds" in err


def test_designs_of_shipped_sweeps_are_possible():
    assert len(values_of(load_sweep("lee-2022-full-map").model)) > 100


def test_the_estimates_grow_with_what_they_are_of(monkeypatch):
    layout, chip = load_layout("four-array").model, load_chip("aimc-512").model
    monkeypatch.setattr(estimate, "memory_B", lambda: 1e9)
    estimate.check_memory([(1000, 1000)], layout)
    with pytest.raises(TwinError, match=r"about 2 GB of memory, and this machine has 1;"):
        estimate.check_memory([(4000, 4000)], layout)
    estimate.check_memory([(4000, 4000)], load_layout("digital").model)
    estimate.check_tiles([(12_288, 49_152)] * 10, layout, chip)
    estimate.check_tiles([(12_288, 49_152)] * 100, layout, chip, estimate.MOST_TIMED_TILES)
    with pytest.raises(TwinError, match="takes 1,179,648 tiles"):
        estimate.check_tiles([(12_288, 49_152)] * 256, layout, chip)
    pulses = Calibration(method="pulses", pairs=100)
    estimate.check_calibration([(784, 256)], layout, pulses)
    with pytest.raises(TwinError, match=r"takes about \d+ min for"):
        estimate.check_calibration([(784, 256)], layout, Calibration(method="pulses", pairs=60_000))


def test_a_timed_network_of_far_too_many_tiles_is_refused_before_they_are_placed(twin):
    small = ("--set", "chip.tile.rows=4", "--set", "chip.tile.cols=4")
    code, out, err = twin("run", "gpt3-175b", "--algorithm", "ttv2", *small)
    assert (code, out) == (2, "")
    assert "the network takes 530,294,784 tiles, and at most 1,000,000 are simulated" in err
