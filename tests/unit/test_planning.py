"""From names to plans: what is read, how often, and by whom."""

import tomllib
from collections import Counter

import pytest

import twin
from twin.config.resources import find
from twin.descriptions import load as loading
from twin.errors import TwinError
from twin.runs.kinds import TRAINED
from twin.runs.library import Library
from twin.runs.planning import check_all, kind_named, kind_of, plan_run, plan_runs

SHORT = {"data.samples": "20", "training.epochs": "1"}


@pytest.fixture
def parsed(monkeypatch):
    """Count how often each description's file is parsed, and how often a model is made of it."""
    counts = Counter()
    real_parse, real_load = loading._parse, loading._load

    def parse(document):
        counts["parsed", document.label] += 1
        return real_parse(document)

    def load(kind, description, *overrides):
        counts["made", description.document.label] += 1
        return real_load(kind, description, *overrides)

    monkeypatch.setattr(loading, "_parse", parse)
    monkeypatch.setattr(loading, "_load", load)
    return counts


def test_a_comparison_parses_and_makes_each_description_once(parsed):
    twin.compare("digits-mlp", ["digital", "sgd", "ttv2"], overrides={"data.samples": 20, "training.epochs": 1})
    used = ("workloads/digits-mlp", "architectures/aimc-512", "digital", "two-array", "four-array", "three-array")
    labels = {name if "/" in name else f"architectures/{name}" for name in used}
    assert {label for _, label in parsed} == {f"{label}.toml" for label in labels}
    assert set(parsed.values()) == {1}


def test_resuming_parses_each_description_of_a_run_once(parsed, tmp_path):
    twin.compare("digits-mlp", ["sgd"], overrides={"data.samples": 20, "training.epochs": 1}, out=tmp_path / "out")
    (tmp_path / "out" / "runs" / "sgd-two-array" / "summary.json").unlink()
    parsed.clear()
    twin.compare("digits-mlp", ["sgd"], overrides={"data.samples": 20, "training.epochs": 1}, out=tmp_path / "out")
    own = {label: count for (what, label), count in parsed.items() if what == "parsed" and "runs" in label}
    assert sorted(label.rsplit("/", 1)[1] for label in own) == ["chip.toml", "layout.toml", "workload.toml"]
    assert set(own.values()) == {1}


def test_what_one_run_reads_of_a_shared_description_is_not_noted_for_another():
    one, other = plan_runs("digits-mlp", "aimc-512", ["sgd"], ["two-array", "two-array"], Library()) * 2
    assert one is other  # the same layout twice is one run
    plans = plan_runs("digits-mlp", "aimc-512", ["sgd", "ttv2"], [], Library(), chip_overrides={"tile.rows": "300"})
    assert plans[0].chip.without_effect() == plans[1].chip.without_effect()
    plans[0].chip.model.tile.rows  # noqa: B018 - it is read
    assert "tile.rows" not in plans[0].chip.without_effect()
    assert "tile.rows" in plans[1].chip.without_effect()


def test_the_kind_of_a_workload_is_known_from_its_name_and_from_its_plan():
    library = Library()
    assert kind_named("digits-mlp", library) is TRAINED
    assert kind_named("gpt2-small", library) is not TRAINED
    assert kind_of(plan_run("digits-mlp", "aimc-512", "two-array", "sgd", "replayed", SHORT)) is TRAINED
    assert kind_of(plan_run("gpt2-small", "aimc-512", "two-array", "sgd")) is kind_named("gpt2-small", library)


def test_a_chip_given_as_a_workload_is_refused_by_its_kind(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('schema = 1\nkind = "chip"\n')
    with pytest.raises(TwinError, match=r'kind .= chip.: must be "workload"'):
        plan_run(str(path), "aimc-512", "two-array", "sgd")


def test_toml_is_parsed_by_the_loader_alone(monkeypatch):
    """Nobody reads a file again to learn what it is."""
    plan = plan_run("digits-mlp", "aimc-512", "two-array", "sgd", "replayed", SHORT)
    monkeypatch.setattr(tomllib, "loads", lambda _: pytest.fail("parsed again"))
    assert plan.name == "sgd two-array"
    assert kind_of(plan).kernels


def test_what_does_not_fit_a_chip_names_its_file_or_the_command_line(tmp_path):
    small = tmp_path / "small.toml"
    text = find("chip", "aimc-512-mesh").text
    small.write_text(text.replace("\nrows = 512\ncols = 512", "\nrows = 4\ncols = 4"))
    line = text.splitlines().index("rows = 4") + 1
    with pytest.raises(TwinError, match=rf"^{small}:{line}: network\.rows: 16 nodes x 1 places, but \d+ are needed"):
        check_all([plan_run("digits-mlp", str(small), "two-array", "sgd", "replayed", SHORT)])
    own = {"network.rows": "3", "network.cols": "3"}
    with pytest.raises(TwinError, match=r"^command line: chip\.network\.rows: 9 nodes x 1 places, but \d+ are needed"):
        check_all([plan_run("digits-mlp", str(small), "two-array", "sgd", "replayed", SHORT, own)])
