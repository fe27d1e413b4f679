"""The report: does it say what the runs say, whole or not at all, and can everybody read it?"""

import errno
import io
import json
import math
import os
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from figure_kit import drawing
from report_kit import make_run, make_runs
from rich.console import Console

from twin.errors import TwinError
from twin.report.figures.floorplan import energy_panels
from twin.report.figures.svg import Drawing
from twin.report.pages.markdown import markdown
from twin.report.pages.table import print_table
from twin.report.write import load_report, write_report
from twin.results.derived import derive_all, facts
from twin.results.result import untrained_curve
from twin.results.store import load_run, save_run
from twin.results.summary import summary, to_json
from twin.results.text import fixed, percent, scale, si
from twin.results.tidy import tidy


def strict(text: str):
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))


def test_a_saved_run_comes_back_with_the_same_bits(tmp_path: Path):
    run = make_run(test_error=math.nan)
    save_run(run, tmp_path)
    loaded = load_run(tmp_path)
    for name, table in run.frames().items():
        pd.testing.assert_frame_equal(loaded.frames()[name], table, check_exact=True, check_dtype=name != "diagnostics")
    scalars = {key: value for key, value in vars(run).items() if isinstance(value, int | float | str | list)}
    assert math.isnan(loaded.test_error)
    assert {key: vars(loaded)[key] for key in scalars if key != "test_error"} == {
        key: value for key, value in scalars.items() if key != "test_error"
    }


def test_a_regression_reports_a_loss_and_not_a_percentage(tmp_path: Path):
    page = write_report([make_run(regression=True, test_error=0.00249)], tmp_path, "twin run linear")
    assert "0.00249" in page.read_text()
    assert "Test loss by epoch" in page.read_text()
    assert "test loss" in (tmp_path / "report.md").read_text()
    (run,), _ = load_report(tmp_path)
    assert run.regression
    assert run.test_error == 0.00249


def test_a_run_that_already_stands_there_is_not_written_again(tmp_path: Path):
    run = make_run()
    folder = tmp_path / "runs" / "ttv2-four-array"
    save_run(run, folder)
    before = (folder / "energy.csv").stat().st_mtime_ns
    write_report([run], tmp_path, "twin run")
    assert (folder / "energy.csv").stat().st_mtime_ns == before
    write_report([make_run(energy_J=1.0)], tmp_path, "twin run")
    assert load_run(folder).energy_J == 1.0


@pytest.mark.parametrize("failing", ["operations.csv", "config.toml", "summary.json"])
def test_a_full_disk_names_the_file_and_leaves_nothing_half_written(tmp_path: Path, monkeypatch, failing):
    save_run(make_run(), tmp_path)
    written = []

    def fsync(descriptor: int) -> None:
        written.append(descriptor)
        if any(name.name.startswith(f".{failing}") for name in tmp_path.iterdir()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(TwinError, match=f"{re.escape(str(tmp_path / failing))}: not written .*No space left"):
        save_run(make_run(seed=2), tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".tmp"]
    with pytest.raises(TwinError, match=r"summary\.json"):  # a mixture of two runs is not a run
        load_run(tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [("summary.json", "{"), ("summary.json", "[]"), ("columns.csv", "a,b\n"), ("energy.csv", "x\n1\n")],
)
def test_a_damaged_directory_is_a_one_line_error(tmp_path: Path, name: str, text: str):
    save_run(make_run(), tmp_path)
    (tmp_path / name).write_text(text)
    with pytest.raises(TwinError) as caught:
        load_run(tmp_path)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_run_without_a_ledger_table_or_column_is_refused():
    run = make_run()
    with pytest.raises(ValueError, match="'bins' is missing"):
        make_run(tables={name: table for name, table in run.tables.items() if name != "bins"})
    with pytest.raises(ValueError, match=r"lacks columns \['share'\]"):
        make_run(tables=run.tables | {"bound": run.tables["bound"][["what"]]})


@pytest.mark.parametrize(
    ("name", "more"),
    [("curve", "; that one is run.curve"), ("diagnostics", "; that one is run.diagnostics"), ("x", "")],
)
def test_a_table_that_is_not_there_is_answered_with_those_that_are(name, more):
    run = make_run()
    with pytest.raises(TwinError) as caught:
        run.tables[name]
    assert str(caught.value) == f"table (= {name!r}): is not one of this run; it has {', '.join(run.tables)}{more}"
    with pytest.raises(TwinError, match=r"it has operations, .*, curve, diagnostics$"):
        run.frames()["curves"]
    assert run.tables.get(name) is None
    assert name not in run.tables


def test_a_header_says_of_runs_what_is_so_of_them_and_nothing_else():
    trained = make_run(device="measured (mine.toml)", data="mnist")
    untrained = untrained_curve(1, 1e-3)
    timed = make_run("sgd", device="", test_error=math.nan, curve=untrained, samples=1, epochs=1, seed=0)
    digital = make_run("digital", device="", data="mnist")
    assert facts([trained, digital]) == [
        ("device", "measured (mine.toml)"), ("data", "mnist"), ("seed", "1"), ("epochs", "10"),
        ("samples a run", "14,370"),
    ]  # fmt: skip
    assert facts([timed]) == [("training", "none, timed only"), ("samples a run", "1")]
    assert facts([digital])[:2] == [("data", "mnist"), ("seed", "1")]
    assert "twin 0.1.0, training none, timed only, samples a run 1. All" in markdown([timed], "twin compare x")


def test_rates_follow_from_the_totals():
    runs = make_runs()
    digital, ttv2 = derive_all(runs)[0], derive_all(runs)[4]
    assert digital.speed == 1.0
    assert ttv2.speed == pytest.approx(65, rel=1e-6)
    assert ttv2.samples_per_s == pytest.approx(1.3 / 2.5e-7, rel=1e-6)
    assert ttv2.bytes_per_sample["memory", "H"] == 3 * 8192
    assert ttv2.bytes_per_sample["link", "other"] == 3 * 1024
    assert digital.bytes_per_sample["memory", "H"] == 0
    assert math.isnan(digital.tile_utilisation_mean)


def test_two_runs_of_one_name_or_folder_and_no_runs_are_refused(tmp_path: Path):
    with pytest.raises(TwinError, match="two runs are called 'ttv2 four-array'"):
        derive_all([make_run(), make_run()])
    with pytest.raises(TwinError, match="no finished run"):
        derive_all([])
    with pytest.raises(TwinError, match="would share the folder 'a-b'"):
        write_report([make_run(name="a b"), make_run(name="a/b")], tmp_path, "twin compare")


def test_the_plain_table_fits_120_columns_and_shows_every_run_and_unit():
    out = io.StringIO()
    print_table(make_runs(), Console(file=out, width=300))
    lines = out.getvalue().splitlines()
    assert max(len(line) for line in lines) <= 120
    for word in ("ttv2", "three-array", "%", "samples/s", "µJ/sample", "B/sample", "mm²", "critical"):
        assert word in out.getvalue()


def test_tidy_tables_have_one_fact_a_row_with_its_unit_and_sum_to_the_totals():
    runs = make_runs()
    tables = tidy(runs)
    assert {"curve", "energy", "time", "traffic", "tiles", "layers", "area", "bound"} <= set(tables)
    for table in tables.values():
        assert table.columns[0] == "run"
        assert {"quantity", "value", "unit"} <= set(table.columns)
        assert (table["unit"] != "").all()
    for run in runs:
        for name in ("energy", "layers"):
            rows = tables[name][(tables[name]["run"] == run.name) & (tables[name]["quantity"] == "energy")]
            assert float(rows["value"].sum()) == pytest.approx(run.energy_J, rel=1e-12)
    busy = tables["time"].query("quantity == 'busy'")["value"]
    assert all(isinstance(value, int) for value in busy)  # picoseconds stay integers


def test_the_summary_is_strict_json_with_null_for_what_is_not_a_number():
    content = strict(to_json(summary([make_run(test_error=math.nan), make_run("sgd", "two-array")])))
    assert content["schema"] == 1
    assert content["runs"][0]["accuracy"]["test_error_fraction"] is None
    energy = content["runs"][1]["energy"]
    assert energy["total_J"] == pytest.approx(sum(energy["by_component_J"].values()), rel=1e-12)


class Page(HTMLParser):
    """Collects what the accessibility and offline tests ask for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        if "id" in given:
            self.ids.append(given["id"])


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    runs = [run for run in make_runs() if run.name in {"digital", "sgd two-array", "ttv2 four-array"}]
    with drawing():
        return write_report(runs, folder, "twin compare digits-mlp --seed 1")


def test_the_page_is_one_small_offline_file(report: Path):
    text = report.read_text()
    assert len(text.encode()) < 1_000_000
    page = Page(text)
    assert not [tag for tag, _ in page.tags if tag in {"link", "img", "iframe", "object"}]
    assert [attributes for tag, attributes in page.tags if tag == "script"] == [{}]  # its own, inside the page
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#")
    assert not re.search(r"url\((?!#)|@import", text)


def test_the_page_is_accessible(report: Path):
    page = Page(report.read_text())
    assert len(page.ids) == len(set(page.ids))
    assert ("html", {"lang": "en"}) in page.tags
    headings = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")
    drawings = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(drawings) == 7 + 4 * 3  # layers, bandwidth, schedule and utilisation of every run
    for attributes in drawings:
        assert attributes["role"] == "img"
        assert {attributes["aria-labelledby"], attributes["aria-describedby"]} <= set(page.ids)


def test_every_reference_inside_the_page_has_a_target(report: Path):
    text = report.read_text()
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', text)) <= set(Page(text).ids)


@pytest.mark.usefixtures("figures_drawn")
def test_a_report_made_again_from_its_directory_has_the_same_bytes(report: Path, tmp_path: Path):
    runs, command = load_report(report.parent)
    again = write_report(runs, tmp_path, command).parent
    files = sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert files == sorted(p.relative_to(report.parent) for p in report.parent.rglob("*") if p.is_file())
    for name in files:
        assert (again / name).read_bytes() == (report.parent / name).read_bytes(), name


def test_names_from_strangers_are_text_and_not_markup(tmp_path: Path):
    name = '<script>alert("$x$")</script> & 訓練'
    page = write_report([make_run(name=name, epochs=2)], tmp_path, "twin run").read_text()
    assert page.count("<script") == 1
    assert "&lt;script&gt;" in page


def test_runs_without_test_error_tiles_traffic_or_bins_still_have_a_report(tmp_path: Path):
    run = make_run("digital", "digital", test_error=math.nan, makespan_s=0.0)
    tables = {name: table.iloc[:0] for name, table in run.tables.items()}
    curve = run.curve.assign(test_error=math.nan)
    bare = make_run("digital", "digital", test_error=math.nan, makespan_s=0.0, tables=tables, curve=curve)
    assert "nothing moved" in write_report([bare], tmp_path, "twin run").read_text()


def test_the_markdown_report_holds_table_bound_warnings_and_command(report: Path):
    text = (report.parent / "report.md").read_text()
    for words in (
        "| ttv2 four-array |",
        "## What bound the time",
        "\\<at>",
        "twin compare digits-mlp --seed 1",
    ):
        assert words in text
    assert "| sgd two-array | 0.500 | 0: 75.0 %, 2: 25.0 % |" in text
    assert "400 | 8.00 µs | 600 nJ | -0.0100 ± 0.0200 |" in text
    rows = [line for line in text.partition("##")[0].splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1


def test_inline_figures_take_the_colours_of_the_page():
    drawing = Drawing(
        "a",
        "<T>",
        "d",
        '<?xml?>\n<svg\n width="3pt" height="4pt" viewBox="0 0 3 4">\n'
        '<g id="x" fill="#0072b2"/><g id="y"/><use xlink:href="#x"/></svg>',
    )
    assert drawing.inline.startswith(
        '<svg viewBox="0 0 3 4" role="img" aria-labelledby="a-title" aria-describedby="a-desc">'
    )
    assert '<g id="a-x" fill="var(--blue)"/>' in drawing.inline
    assert '<g/><use xlink:href="#a-x"/>' in drawing.inline
    assert "&lt;T&gt;" in drawing.inline


def test_numbers_read_well():
    assert [si(1.234e-3, "s"), si(0, "s"), si(math.nan), si(5.2e6)] == ["1.23 ms", "0", "–", "5.20M"]
    assert [fixed(12345.6), fixed(0.01234), fixed(2.85e-6, 1e-6), fixed(math.inf)] == [
        "12,346",
        "0.0123",
        "2.85",
        "–",
    ]
    assert [fixed(0.99964), fixed(9.996), fixed(99.96), fixed(0.00099996)] == ["1.00", "10.0", "100", "0.00100"]
    assert [percent(0.0251), percent(0.9), percent(math.nan)] == ["2.51", "90.0", "–"]
    assert [scale(0.5, "s"), scale(2e-6, "s"), scale(5e9, "B/s")] == [
        (1e3, "ms"),
        (1e6, "µs"),
        (1e-9, "GB/s"),
    ]


def test_a_run_with_a_network_shows_its_floor_plan_and_where_traffic_piles_up(tmp_path: Path):
    run = make_run()
    plan = pd.DataFrame(
        [("0.A", 0, 0, "r0c0", 0.0, 0.0, 0.9, 0.9, 0.25), ("0.C", 0, 0, "r0c1", 0.9, 0.0, 0.9, 0.9, 1.0)],
        columns=["tile", "layer", "chip", "node", "x_mm", "y_mm", "width_mm", "height_mm", "utilisation"],
    )
    links = pd.DataFrame(
        [("link r0c0>r0c1", "network", 28_740, 7, 0.125, 3), ("link r0c1>r0c0", "network", 14_370, 9, 0.5, 4)],
        columns=["link", "kind", "bytes", "busy_ps", "utilisation", "wait_ps"],
    )
    run = make_run(tables=run.tables | {"floorplan": plan, "links": links})
    write_report([run, make_run("digital", "digital")], tmp_path, "twin compare")
    (loaded, _), _ = load_report(tmp_path)
    pd.testing.assert_frame_equal(loaded.tables["floorplan"], plan)
    pd.testing.assert_frame_equal(loaded.tables["links"], links)
    text = (tmp_path / "report.md").read_text()
    assert text.index("link r0c1>r0c0 | 50.0 | 1.00") < text.index("link r0c0>r0c1 | 12.5 | 2.00")
    page = (tmp_path / "report.html").read_text()
    assert 'id="floorplan"' in page
    assert "floorplan-energy" not in page  # servers of an older version, which did not say
    facts = pd.read_csv(tmp_path / "tables" / "floorplan.csv")
    assert set(zip(facts["quantity"], facts["unit"], strict=True)) >= {("x", "mm"), ("utilisation", "1")}
    busiest = json.loads((tmp_path / "summary.json").read_text())["runs"][0]["network"]["busiest_links"][0]
    assert busiest == {"link": "link r0c1>r0c0", "utilisation_fraction": 0.5, "per_sample_B": 1.0}


@pytest.mark.usefixtures("figures_drawn")
def test_the_floor_plan_of_energy_sums_what_stands_on_a_tile_and_has_one_scale_for_all_runs():
    run = make_run()
    plan = pd.DataFrame(
        [("0.A", 0, 0, "", 0.0, 0.0, 0.9, 0.9, 0.25), ("0.C", 0, 0, "", 0.9, 0.0, 0.9, 0.9, 1.0)],
        columns=["tile", "layer", "chip", "node", "x_mm", "y_mm", "width_mm", "height_mm", "utilisation"],
    )
    spent = {"tile 0.A": 2e-6, "digital 0.A": 1e-6, "link 0.A": 1e-6, "tile 0.C": 1e-6, "memory": 5e-6}
    servers = pd.DataFrame({"server": spent.keys(), "kind": "tile", "energy_J": spent.values()})
    servers[["served", "busy_ps", "wait_ps", "mean_queue", "utilisation"]] = 1
    tables = run.tables | {"floorplan": plan, "servers": servers}
    runs = [
        make_run(tables=tables, samples=1000),
        make_run(tables=tables, samples=2000),
        make_run("digital", "digital"),
    ]
    first, second = energy_panels(runs)
    assert "together 5.00 nJ a sample without leakage, 0.A the most with 4.00 nJ" in first.description
    assert "together 2.50 nJ" in second.description
    for one in (first, second):
        assert all(f">{text}<" in one.svg for text in ("0.800 nJ", "2.00 nJ", "4.00 nJ"))
    assert set(re.findall(r"(?<=opacity: )0\.\d+", first.inline)) >= {"0.6", "0.18"}  # of 4 and of 1 nJ
