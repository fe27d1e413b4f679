"""What runs write is what `twin schema` says, by a validator that knows nothing of the twin."""

import csv
import json
from pathlib import Path

import pytest
from blocks_kit import small
from jsonschema import Draft202012Validator
from schema_kit import rows_of

from twin.cli.schema import WRITTEN, groups, written_schema
from twin.operation import Counts, Stream
from twin.report.write import write_report
from twin.results.compared import DIFFERENCE, TIDY
from twin.results.difference import tidy_difference
from twin.results.equal import EQUAL, equal_tables
from twin.results.store import load_run, write_csv
from twin.results.tables import TABLES
from twin.runs.comparison import begin
from twin.runs.finished import compared, finished
from twin.runs.folder import prepare
from twin.runs.planning import plan_run
from twin.runs.run import run
from twin.sweep.columns import SWEEP
from twin.sweep.run import Settings, run_sweep

REPORTS = Path(__file__).parents[2] / "reports"
SHORT = {"training.epochs": "1", "data.samples": "40"}
SAMPLED = {"training.epochs": "1", "data.samples": "150", "timing.mode": '"sampled"', "timing.period": "53"}
PULSED = SHORT | {"calibration.method": '"pulses"', "calibration.pairs": "3", "training.endurance": "true"}
RULES, LARGE = {"rules": '[{nodes = ["head"], algorithm = "digital"}]'}, {"system.tiles": "100"}
MIXED = SHORT | {
    "rules": '[{nodes = ["dense-1"], algorithm = "digital"}]',
    "programming.method": '"write-verify"',
    "programming.max_iter": "2",
}
NAMED = ("digits-mlp", "aimc-512")
PLANS = {
    "digital": plan_run(*NAMED, "digital", "digital", "replayed", SHORT),
    "analog": plan_run(*NAMED, "four-array", "ttv2", "replayed", PULSED),
    "sampled": plan_run(*NAMED, "two-array", "sgd", "replayed", SAMPLED),
    "mesh": plan_run("digits-mlp", "aimc-512-mesh", "two-array", "sgd", "replayed", SHORT),
    "graph": plan_run("digits-cnn", "aimc-512", "two-array", "sgd", "replayed", SHORT),
    "mixed": plan_run(*NAMED, "four-array", "shd", "replayed", MIXED),
    "regression": plan_run("linear", "aimc-512", "two-array", "sgd", "replayed", {"training.epochs": "1"}),
}
HEADER = """schema = 1
kind = "sweep"
name = "small"
description = "two points, one of which is refused"
workload = "digits-mlp"
algorithm = "sgd"
seeds = [1]

[[axes]]
key = "layout"
values = ["two-array", "digital"]

[fixed]
"training.epochs" = 1
"data.samples" = 20
"""
SWEEPS = {
    "grid": """
[[axes]]
key = "algorithm.learning_rate"
values = [0.1]
""",
    "search": """
[search]
objective = "test_error"
trials = 2
seeds = [2]

[[search.axes]]
key = "algorithm.learning_rate"
values = [0.1, 0.3]
""",
}


def performed(plan, folder):
    folder.mkdir(parents=True)
    prepare(plan, folder)
    run(folder, lambda *_: None)
    return folder


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Return the folder of a report over runs of every kind."""
    base = tmp_path_factory.mktemp("published")
    plans = PLANS | {
        "timed": plan_run(str(small(base, 2)), "aimc-512", "two-array", "sgd", "replayed", {}, {"system.tiles": "7"}),
        "timed-mixed": plan_run(str(small(base, 1)), "aimc-512", "three-array", "ttv2", "replayed", RULES, LARGE),
    }
    folders = {name: performed(plan, base / "runs" / name) for name, plan in plans.items()}
    with pytest.MonkeyPatch.context() as patch:  # tables and summary are what is asked about
        patch.setattr("twin.report.write.all_figures", lambda _: {})
        patch.setattr("twin.report.write.html", lambda *_: "")
        runs = [load_run(folders[name]) for name in ("digital", "analog", "mesh", "mixed", "timed-mixed")]
        write_report(runs, base / "report", "twin compare")
    return base


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """Return the folders of a sweep and of a search."""

    class Here:
        def run(self, points, measure):
            return ((point, measure(point)) for point in points if point is not None)

    base = tmp_path_factory.mktemp("swept")
    folders = []
    for name, text in SWEEPS.items():
        (base / f"{name}.toml").write_text(HEADER + text)
        run_sweep(str(base / f"{name}.toml"), base / name, Here(), Settings(), lambda *_: None)
        folders.append(base / name)
    return folders


def complaints(content, schema):
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(content)]


@pytest.mark.parametrize("kind", WRITTEN)
def test_published_schemas_are_schemas(kind):
    schema = json.loads(json.dumps(written_schema(kind)))
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["title"].startswith("twin ")


def test_every_summary_of_a_run_is_as_published(report):
    schema, facts = written_schema("summary"), written_schema("run")
    summaries = sorted((report / "runs").glob("*/summary.json"))
    assert len(summaries) == len(PLANS) + 2
    for path in summaries:
        assert complaints(json.loads(path.read_text()), schema) == []
        assert complaints(json.loads((path.parent / "run.json").read_text()), facts) == []
    whole = json.loads((report / "report" / "summary.json").read_text())
    assert whole["kind"] == "comparison"
    assert complaints(whole, schema) == []
    assert complaints(whole | {"kind": "run"}, schema)  # the schema is no rubber stamp
    assert complaints(whole | {"more": 1}, schema)
    del whole["runs"][0]["energy"]["total_J"]
    assert complaints(whole, schema)


def checked(folder, group, tables):
    """Validate every CSV file of a folder; return the tables that were there."""
    found = set()
    for path in sorted(folder.glob("*.csv")):
        table = group["properties"][path.stem]
        assert complaints(rows_of(path, table), table) == [], path
        found.add(path.stem)
        with path.open(newline="") as file:
            names = next(csv.reader(file))
        known = [column.name for column in tables[path.stem].columns if column.name in names]
        assert [one for one in names if one in known] == names or tables[path.stem].further, path
    return found


def test_every_table_of_every_run_is_as_published(report):
    group = written_schema("tables")["properties"]["run"]
    found = set()
    for folder in sorted((report / "runs").iterdir()):
        found |= checked(folder, group, TABLES)
    assert found == set(TABLES) - {"events", "pulses"}  # which are asked for


def test_every_table_of_a_report_is_as_published(report):
    group = written_schema("tables")["properties"]["report"]
    folder = report / "report" / "tables"
    assert {path.stem for path in folder.glob("*.csv")} == set(TIDY | EQUAL)
    for path in folder.glob("*.csv"):
        assert complaints(rows_of(path, group["properties"][path.stem]), group["properties"][path.stem]) == [], path


def test_every_table_of_a_comparison_of_finished_runs_is_as_published(report, tmp_path):
    group = written_schema("tables")["properties"]["difference"]
    runs = compared(finished([report / "runs" / name for name in ("digital", "analog")]))
    tables = tidy_difference(runs) | equal_tables([run.named for run in runs])
    assert set(tables) == set(DIFFERENCE | EQUAL) == set(group["properties"])
    for name, frame in tables.items():
        write_csv(frame, tmp_path / f"{name}.csv")
        assert len(frame) > 0
        assert complaints(rows_of(tmp_path / f"{name}.csv", group["properties"][name]), group["properties"][name]) == []


def test_every_table_of_a_sweep_is_as_published(swept):
    group = written_schema("tables")["properties"]["sweep"]
    found = set()
    for folder in swept:
        found |= checked(folder, group, SWEEP)
        for path in (folder / "results").glob("*.csv"):
            assert complaints(rows_of(path, group["properties"]["result"]), group["properties"]["result"]) == [], path
    assert found == set(SWEEP) - {"result"}


def test_what_a_comparison_notes_is_as_published(tmp_path):
    schema = written_schema("comparison")
    plan = plan_run("digits-mlp", "aimc-512", "two-array", "sgd", "replayed", {}, {})
    begin(tmp_path, [plan], {}, "twin compare digits-mlp")
    content = json.loads((tmp_path / "comparison.json").read_text())
    assert complaints(content, schema) == []
    assert content == {"schema": 1, "command": "twin compare digits-mlp", "runs": ["sgd-two-array"], "to_error": None}
    for wrong in ({"schema": 2}, {"runs": []}, {"more": 1}):
        assert complaints(content | wrong, schema)
    assert complaints({key: value for key, value in content.items() if key != "command"}, schema)


@pytest.mark.parametrize("path", sorted(REPORTS.glob("*/*-20??-fig?.csv")), ids=lambda path: path.stem)
def test_tables_of_published_figures_are_as_published(path):
    table = written_schema("tables")["properties"]["reproduction"]["properties"]["figure"]
    rows = rows_of(path, table)
    assert complaints(rows, table) == []
    assert all(row["unit"] and row["quantity"] for row in rows)


def test_tables_of_a_study_are_as_published_with_units_in_their_headings():
    table = written_schema("tables")["properties"]["study"]["properties"]["table"]
    files = sorted((REPORTS / "ttv2-first-look").glob("*.csv"))
    assert len(files) > 5
    headings = set()
    for path in files:
        rows = rows_of(path, table)
        assert complaints(rows, table) == []
        headings |= rows[0].keys()
    assert {"throughput (million samples/s)", "H (B/sample)", "busy (ps)"} <= headings


def test_units_stand_in_every_table(report, swept):
    """Either a column of units beside the values, or the unit of every column in columns.csv of the folder."""
    folders = [*(report / "runs").iterdir(), report / "report" / "tables", *swept]
    seen = 0
    for folder in folders:
        described = {}
        if (folder / "columns.csv").exists():
            with (folder / "columns.csv").open(newline="") as file:
                described = {(row["table"], row["column"]): row["unit"] for row in csv.DictReader(file)}
        for path in folder.glob("*.csv"):
            with path.open(newline="") as file:
                rows = list(csv.DictReader(file))
            names = rows[0].keys() if rows else ()
            if path.stem == "columns" or "unit" in names:
                assert "value" not in names or all(row["unit"] or row["status"] for row in rows), path
                seen += 1
                continue
            tables = SWEEP if folder in swept else TABLES | EQUAL
            for name in names:
                column = tables[path.stem].column(name)
                assert described[path.stem, name] == (column.unit if column else ""), (path, name)
            seen += 1
    assert seen > 60


def test_the_types_beside_the_units_are_those_of_the_schema(report):
    for folder in (report / "runs").iterdir():
        with (folder / "columns.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                column = TABLES[row["table"]].column(row["column"])
                assert row["type"] == column.dtype, (folder.name, row)


def test_every_number_of_a_table_has_a_unit_and_every_column_a_meaning():
    for tables in groups().values():
        for table in tables.values():
            for column in table.columns:
                assert len(column.meaning) > 3
                if column.dtype == "float64" and "in the unit beside it" not in column.meaning:
                    assert column.unit, (table.name, column.name)
    assert {column.name for column in TABLES["operations"].columns} > {one.name.lower() for one in Counts}
    assert {column.name for column in TABLES["bins"].columns} > set(map(str, Stream))


@pytest.mark.parametrize("kind", WRITTEN)
def test_schemas_of_what_runs_write_are_printed(twin, kind):
    code, shown, _ = twin("schema", kind)
    assert code == 0
    assert json.loads(shown) == json.loads(json.dumps(written_schema(kind)))
