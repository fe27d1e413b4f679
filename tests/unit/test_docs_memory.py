"""Does the made-up part of docs/add-a-memory.md work as it stands there?"""

import re
from pathlib import Path

import numpy as np
import pytest
from dram_kit import Rules, description, server, violations

from twin.descriptions.load import load_chip
from twin.descriptions.resolved import resolved_toml
from twin.errors import TwinError
from twin.runs import build as building
from twin.runs.planning import plan_run

PAGE = (Path(__file__).parents[2] / "docs" / "add-a-memory.md").read_text(encoding="utf-8")


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Write the page's part and return its path."""
    text = re.search(r"```toml\n(schema = 1\n.*?)```", PAGE, re.DOTALL)
    assert text
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy-1600.toml").write_text(text[1], encoding="utf-8")
    return "toy-1600.toml"


def test_the_part_follows_its_own_data_sheet(toy):
    made, rules = description(toy), Rules(description(toy))
    rng = np.random.default_rng(0)
    done, (log,) = server(toy).trace(np.array([0]), np.array([0]), np.array([False]), commands=10)
    assert done[0] == rules.nRCD + rules.nCL + rules.nBL == 32_500
    assert made.peak_Bps == pytest.approx(6.4e9)
    trace = np.sort(rng.integers(0, 4 * 10**6, 80)), rng.integers(0, int(made.size_B), 80), rng.random(80) < 0.5
    _, (log,) = server(toy).trace(*trace, commands=10_000)
    assert violations(made, log) == []


def test_the_command_line_of_the_page_trains_with_h_in_the_part(toy):
    value = re.search(r"--set 'chip\.memory=(\{.*?\})'", PAGE)
    assert value
    overrides = {"data.samples": "20", "training.epochs": "1"}
    plan = plan_run("digits-mlp", "aimc-512", "four-array", "ttv2", "replayed", overrides, {"memory": value[1]})
    parts = building.build(plan)
    parts.machine.set_rates(1.0)
    parts.effects.segment(0, 20)
    parts.engine.run(0, 20)
    assert parts.engine.ledger.activations.sum() > 0
    assert load_chip("aimc-512", {"memory": value[1]}).origins["memory.nRP"] == f"preset {toy}"


def test_a_resolved_chip_needs_the_file_no_longer(toy):
    value = re.search(r"--set 'chip\.memory=(\{.*?\})'", PAGE)
    loaded = load_chip("aimc-512", {"memory": value[1]})
    Path("resolved.toml").write_text(resolved_toml(loaded), encoding="utf-8")
    Path(toy).unlink()
    again = load_chip("./resolved.toml")
    assert again.model == loaded.model
    assert again.sources == loaded.sources


def test_the_errors_of_the_page_are_those_of_the_program(toy):
    first, second = re.search(r"```text\n(.*?)\n(.*?)\n```", PAGE).groups()
    with pytest.raises(TwinError, match=re.escape(second)):
        description(toy, nRC=27)
    path = Path(toy)
    path.write_text(path.read_text().replace('nRP = "assumption: made up"\n', ""))
    with pytest.raises(TwinError, match=re.escape(first)):
        description(toy)
    with pytest.raises(TwinError, match="no such file"):
        description("toy-1601.toml")
    path.write_text("[[[")
    with pytest.raises(TwinError, match=r"toy-1600\.toml:1: not valid TOML"):
        description(toy)
