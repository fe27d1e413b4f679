"""A description that is damaged in any way, given to whatever reads it: one line that names it, or a sound plan."""

import warnings

import pytest
from examples_kit import EVERYTHING
from fuzz_kit import at_most, mutated
from rich.console import Console

from twin.cli.tables import description_table
from twin.config.place import Places
from twin.config.resources import find, root
from twin.descriptions.load import load_baseline, load_study, load_sweep
from twin.devices.presets import read_description
from twin.errors import TwinError
from twin.runs.names import load_shown
from twin.runs.planning import check_all, plan_run
from twin.study.plan import plan_study
from twin.sweep.point import points_of

CHIP, LAYOUT, WORKLOAD = "aimc-512", "four-array", "digits-mlp"
SMALL = {"data.samples": "20"}
DEVICE = """
family = "soft-bounds"
dw_min = 0.02
w_max = 0.6
w_min = -0.6
dw_min_std = 0.3
source = "S: measured"
states = 60
"""


def as_chip(path):
    check_all([plan_run(WORKLOAD, path, LAYOUT, "ttv2", "replayed", SMALL)])


def as_layout(path):
    check_all([plan_run(WORKLOAD, CHIP, path, "ttv2", "replayed", SMALL)])


def as_workload(path):
    check_all([plan_run(path, CHIP, LAYOUT, "ttv2")])


def as_memory(path):
    check_all(
        [plan_run(WORKLOAD, "aimc-512-lpddr5", LAYOUT, "ttv2", "replayed", SMALL, {"memory.preset": f'"{path}"'})]
    )


def as_study(path):
    plan_study(load_study(path), Places(find("study", path)))


READERS = {
    "chip": (find("chip", CHIP).text, as_chip),
    "mesh": (find("chip", "aimc-512-mesh").text, as_chip),
    "dram": (find("chip", "aimc-512-lpddr5").text, as_chip),
    "layout": (find("layout", "three-array").text, as_layout),
    "workload": (find("workload", "linear").text, as_workload),
    "timed workload": (find("workload", "bert-base").text, as_workload),
    "baseline": (find("baseline", "a100").text, load_baseline),
    "sweep": (find("sweep", "tuned-states").text, lambda path: points_of(load_sweep(path).model)[:1]),
    "study": (find("study", "compare-digits-mlp").text, as_study),
    "memory": ((root() / "architectures" / "memory" / "lpddr5-6400.toml").read_text(encoding="utf-8"), as_memory),
    "device": (DEVICE, read_description),
}


def shown(path):
    Console(file=open("/dev/null", "w")).print(description_table(load_shown(path)))  # noqa: PTH123, SIM115


def said(read, path):
    """Return what a reader says of a file; nothing where it takes it. Anything but a user's mistake is a fault."""
    try:
        with at_most(20), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read(str(path))
    except TwinError as error:
        return str(error)
    return ""


def check(kind, seed, path):
    text, read = READERS[kind]
    path.write_bytes(mutated(text.encode(), seed))
    printed = kind not in {"memory", "device"} and (EVERYTHING or seed % 3 == 0)  # printing takes long
    for one in (read, shown) if printed else (read,):
        error = said(one, path)
        assert error.isprintable(), f"seed {seed}: {error}"
        assert not error or len(error) < 2000


@pytest.mark.parametrize("kind", READERS)
def test_a_damaged_description_is_one_line_or_a_sound_plan(kind, tmp_path):
    for seed in range(12):
        check(kind, seed, tmp_path / "own.toml")


@pytest.mark.slow
@pytest.mark.parametrize("kind", READERS)
def test_descriptions_damaged_twenty_thousand_times(kind, tmp_path):
    for seed in range(20_000 // len(READERS)):
        check(kind, seed, tmp_path / "own.toml")
