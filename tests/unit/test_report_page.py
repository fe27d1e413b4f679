"""The page of a report: are its parts where a reader, a printer and a screen reader look for them?"""

import math
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from figure_kit import drawing
from report_kit import make_run, make_runs

from twin.errors import TwinError
from twin.report.figures.bandwidth import channel_rates
from twin.report.figures.gantt import MOST_SERVICES, opening_window
from twin.report.figures.layers import layer_operations
from twin.report.figures.standard import time_by_operation
from twin.report.pages.cards import cards
from twin.report.pages.grids import MOST_ROWS, constants_grids, diagnostics_grids, layer_grid, statuses
from twin.report.pages.html import html
from twin.report.pages.page import Cell, Column, Grid, template
from twin.report.write import write_pdf, write_report
from twin.results.result import Source


class Outline(HTMLParser):
    """Nesting of a page: what each table, figure and section holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[str]] = []
        self.figures: list[list[str]] = []
        self.landmarks: list[str] = []
        self.buttons = 0
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, _):
        if tag in {"table", "figure"}:
            (self.tables if tag == "table" else self.figures).append([])
        for room, kept in (("table", self.tables), ("figure", self.figures)):
            if room in self._open:
                kept[-1].append(tag)
        if tag in {"header", "main", "nav"}:
            self.landmarks.append(tag)
        self.buttons += tag == "button"
        if tag not in {"meta", "path", "use", "br"}:
            self._open.append(tag)

    def handle_endtag(self, tag):
        if tag in self._open:
            while self._open.pop() != tag:
                pass


@pytest.fixture(scope="module")
def text() -> str:
    with drawing():
        return html(make_runs()[-2:], "twin compare digits-mlp --seed 1")


def test_every_table_has_a_caption_and_every_figure_a_title_and_a_description(text):
    outline = Outline(text)
    assert len(outline.tables) > 8
    assert all(tags[0] == "caption" for tags in outline.tables)
    assert len(outline.figures) == 7 + 4 * 2
    assert all({"svg", "title", "desc"} <= set(tags) for tags in outline.figures)
    assert not re.search(r"<desc[^>]*></desc>|<title[^>]*></title>", text)


def test_numbers_stand_under_a_heading_or_a_caption_with_their_unit(text):
    for caption, head, body in re.findall(
        r"<caption[^>]*>(.*?)</caption>\s*<thead>(.*?)</thead>(.*?)</table>", text, re.DOTALL
    ):
        units = re.findall(r"\((?:[pnµmkMG]?[sJB]|%|mm²[^)]*|samples|weight units)\)", caption + head)
        own = "unit</th>" in head or re.search(r"<td[^>]*>[^<]* [µnpmk]?[sJWB]</td>", body)
        assert units or own, caption


def test_the_landmarks_are_there_and_everything_can_be_read_without_the_script(text):
    outline = Outline(text)
    assert outline.landmarks == ["header", "main", "nav"]
    assert outline.buttons == 0  # the script makes them: without it they would do nothing
    assert 'href="#content"' in text
    assert "display: none" not in re.sub(r"@media.*", "", text[: text.index("</style>")], flags=re.DOTALL)


def test_a_page_forbids_whatever_is_not_its_own(text):
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert "default-src &#39;none&#39;" in policy
    assert "script-src &#39;sha256-" in policy
    assert not re.search(r"https?://(?!www\.w3\.org/)", text)


def test_figures_of_the_first_screen_stand_beside_the_baseline():
    first, second = cards(
        [make_run("sgd", "two-array", test_error=0.05), make_run(pace=2.0, test_error=0.03, area_m2=5.7e-6)]
    )
    values = {figure.label: figure for figure in second.figures}
    assert values["test error"].more == ["-2.00 points"]
    assert "2.00× speed" in values["time"].more
    assert "2.00×" in values["area"].more
    assert values["memory per sample"].more == ["H 24.6 kB", "baseline: 0"]
    assert values["host per sample"].more == ["1.00×"]
    assert not any("×" in line for figure in first.figures for line in figure.more)


def test_the_first_screen_has_no_figure_that_no_run_can_have():
    timed = make_run("digital", "digital", device="", test_error=math.nan)
    assert "test error" not in [figure.label for figure in cards([timed])[0].figures]
    beside = cards([make_run(), timed])
    assert [card.figures[0].label for card in beside] == ["test error", "test error"]
    assert [figure.more for figure in beside[1].figures if figure.label == "tiles busy"] == [[]]


def test_time_and_energy_by_layer_sum_to_the_totals():
    run = make_run()
    table = layer_operations(run)
    assert table["energy_J"].sum() * run.samples == pytest.approx(run.energy_J, rel=1e-12)
    assert table["busy_s"].sum() * run.samples == pytest.approx(run.tables["operations"]["busy_ps"].sum() * 1e-12)
    grid = layer_grid([run])
    assert len(grid.rows) == len(table)
    shown = [row[6].value for row in grid.rows if isinstance(row[6], Cell)]
    assert sum(shown) * run.samples == pytest.approx(run.energy_J, rel=1e-12)


def test_a_network_of_very_many_layers_shows_its_largest_rows_and_says_how_many_are_left():
    run = make_run()
    many = pd.concat([run.tables["energy"].assign(layer=layer) for layer in range(100)], ignore_index=True)
    run = make_run(tables=run.tables | {"energy": many})
    grid = layer_grid([run])
    assert len(grid.rows) == MOST_ROWS
    left = len(layer_operations(run)) - MOST_ROWS
    assert f"{left} smaller rows" in grid.caption


def test_rates_on_a_channel_are_those_of_its_streams_and_integrate_to_their_bytes():
    run = make_run()
    edges, found = channel_rates(run, 50)
    by_path = {series.path: series for series in found}
    assert set(by_path) == {"memory", "buffer", "host"}
    assert by_path["memory"].names == ["H"]
    assert by_path["memory"].peak_Bps == 5.12e10
    assert math.isnan(by_path["buffer"].peak_Bps)
    moved = run.tables["traffic"].groupby("path")["bytes"].sum()
    for path, series in by_path.items():
        assert float((series.rates_Bps * np.diff(edges)).sum()) == pytest.approx(float(moved[path]), rel=1e-9)


def test_the_chart_of_the_first_samples_shows_whole_samples_and_what_runs_beside_them():
    run = make_run()
    window = opening_window(run)
    assert (window.samples, window.whole) == (5, True)
    assert window.end_ps == 4 * 1000 + 850
    assert window.lanes == ["tile 0.four", "digital 0", "buffer"]
    schedule = run.tables["schedule"]
    crowded = pd.concat([schedule[schedule["sample"] == 0]] * 200, ignore_index=True)
    window = opening_window(make_run(tables=run.tables | {"schedule": crowded}))
    assert (window.samples, window.whole, len(window.rows)) == (1, False, MOST_SERVICES)
    without = {name: table for name, table in run.tables.items() if name != "schedule"}
    assert opening_window(make_run(tables=without)) is None


def test_diagnostics_stand_by_topic():
    captions = [grid.caption for grid in diagnostics_grids([make_run()])]
    assert captions == ["Pulses", "Movement", "Other"]


def test_whole_numbers_of_the_diagnostics_are_whole():
    values = (65.0, 19_240.0, 0.0, 0.998, 43.21, math.nan)
    assert [Cell.whole(value).text for value in values] == ["65", "19,240", "0", "0.998", "43.2", "–"]


@pytest.mark.usefixtures("figures_drawn")
def test_figures_are_written_as_pdf_without_a_date_and_with_the_same_bytes_each_time(tmp_path):
    bare = make_run("digital", "digital", test_error=math.nan)
    write_report([bare], tmp_path / "report", "twin run")
    paths = write_pdf(tmp_path / "report", tmp_path / "a")
    assert {path.stem for path in paths} == {path.stem for path in (tmp_path / "report" / "figures").iterdir()}
    assert all(path.read_bytes().startswith(b"%PDF") and b"CreationDate" not in path.read_bytes() for path in paths)
    drawing = time_by_operation([bare])
    assert drawing.pdf() == drawing.pdf() == (tmp_path / "a" / "time-by-operation.pdf").read_bytes()
    with pytest.raises(TwinError, match=r"summary\.json"):
        write_pdf(tmp_path, tmp_path)


def test_cells_sort_by_their_numbers_and_names_are_text():
    grid = Grid("t & u", [Column("<run>", words=True), Column("time", "ms")], [["<b>", Cell.of(2e-3, 1e-3)]] * 2)
    table = str(template("parts.html.j2").module.table(grid))
    assert '<caption id="table-t-u">t &amp; u</caption>' in table
    assert '<th scope="col" class="name">&lt;run&gt;</th><th scope="col">time (ms)</th>' in table
    assert '<th scope="row" class="name">&lt;b&gt;</th><td data-value="0.002">2.00</td>' in table
    assert 'class="sortable"' in table
    assert 'class="sortable"' not in str(template("parts.html.j2").module.table(grid._replace(rows=grid.rows[:1])))


def test_constants_stand_by_topic_with_the_runs_they_hold_for_and_are_counted_by_status():
    def constant(key, status):
        return Source(key, "1", "", status, "a paper", "default")

    chip, device, rate = (
        constant("tile.rows", "S"),
        constant("device.dw_min", "D"),
        constant("algorithms.sgd.fast_lr", "L"),
    )
    digital = make_run("digital", "digital", sources=[chip])
    analog = [
        make_run("sgd", layout, sources=[chip, device, *more]) for layout, more in (("two-array", [rate]), ("b", []))
    ]
    grids = constants_grids([digital, *analog])
    assert [grid.caption for grid in grids] == ["Chip (1)", "Devices (1)", "Algorithms (1)"]
    assert [grid.rows[0][0] for grid in grids] == ["tile.rows", "device.dw_min", "algorithms.sgd.fast_lr"]
    assert len(grids[0].rows[0]) == 6  # of all runs
    assert [grid.rows[0][-1] for grid in grids[1:]] == ["all but digital", "sgd two-array"]
    assert statuses([digital, *analog]) == {"S": 1, "D": 1, "L": 1}
    page = html([digital, *analog], "twin compare")
    assert "<b>L</b> measured with the twin (1)" in page
    assert "<b>M</b> from memory (0)" in page
