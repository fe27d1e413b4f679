"""Does the worked example of docs/add-an-algorithm.md run as it stands there?"""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from twin.algorithms import registry
from twin.runs import build as building
from twin.runs.planning import plan_run

PAGE = Path(__file__).parents[2] / "docs" / "add-an-algorithm.md"


@pytest.fixture
def eager_shd(monkeypatch: pytest.MonkeyPatch) -> type:
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert code
    names: dict[str, object] = {}
    exec(code[1], names)  # noqa: S102 - our own page
    example = names["EagerSHD"]
    assert isinstance(example, type)
    entries = (*registry._entries(), SimpleNamespace(name="eager-shd", load=lambda: example))
    monkeypatch.setattr(registry, "_entries", lambda: entries)
    return example


def test_the_worked_example_trains_and_reads_out_twice_per_transfer(eager_shd: type) -> None:
    overrides = {"data.samples": "40", "training.epochs": "1"}
    plan = plan_run("digits-mlp", "aimc-512", "four-array", "eager-shd", "replayed", overrides, {})
    parts = building.build(plan)
    assert type(parts.algorithm) is eager_shd
    parts.machine.set_rates(1.0)
    parts.effects.segment(0, 40)
    parts.engine.run(0, 40)
    table = parts.engine.tables()["operations"]
    counts = table.groupby("kind")["count"].sum()
    assert counts["read_out"] == counts["transfer"] == 2 * 2 * 20  # two reads, two layers, every second sample
