"""Reports in a headless Chromium without network: do they open, sort, fit, and can everybody read them?"""

import contextlib
import os
import sys
from pathlib import Path

import pytest
from browser_kit import Browser, browser, find_axe, find_chromium
from figure_kit import drawing
from page_kit import WIDTHS, laid_out, loaded, sorts, violations

from twin.cli.app import main
from twin.report.write import load_report, write_report

pytestmark = pytest.mark.usefixtures("figures_drawn")
SECTIONS = {
    "learning", "bound", "cost", "bandwidth", "schedule", "utilisation", "floorplan", "diagnostics", "warnings", "area",
    "constants", "regenerate",
}  # fmt: skip
BROKEN = """<!DOCTYPE html><html><head><title>broken</title></head><body>
<p style="color: #bbb; background: #fff">too pale</p><img src="https://example.org/a.png">
<p style="width: 3000px">too wide</p>
<svg aria-labelledby="a"><text x="9" y="30">one</text><text x="12" y="30">two</text></svg>
<table class="sortable" data-last="0"><caption>t</caption><thead><tr><th><button>n</button></th></tr></thead>
<tbody><tr><td data-value="2">2</td></tr><tr><td data-value="1">1</td></tr></tbody></table>
<script>console.error("wrong")</script></body></html>"""


@pytest.fixture(scope="module")
def page():
    """Return a page of a running Chromium."""
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("no Chromium: install one, or name it in TWIN_CHROMIUM")
    with browser(chromium) as opened:
        yield opened


@pytest.fixture
def axe() -> Path:
    """Return the script of axe-core."""
    found = find_axe()
    if found is None:
        pytest.skip("no axe-core: run `npm install axe-core`, or name its axe.min.js in TWIN_AXE")
    return found


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """Return the report of a short comparison."""
    folder = tmp_path_factory.mktemp("short")
    command = ["twin", "compare", "digits-mlp", "--algorithms", "digital,ttv2", "--layouts", "four-array"]
    command += ["--samples", "60", "--epochs", "2", "--jobs", "1", "--out", "short"]
    with pytest.MonkeyPatch.context() as patch, drawing():
        patch.chdir(folder)
        patch.setattr(sys, "argv", command)
        with contextlib.suppress(SystemExit):
            main()
    return folder / "short" / "report.html"


def sections(page: Browser) -> set[str]:
    return set(page.evaluate("[...document.querySelectorAll('section[id] > h2')].map((h) => h.parentElement.id)"))


def check_everything(page: Browser, path: Path) -> None:
    assert path.stat().st_size < 1_000_000
    for width in WIDTHS:
        for dark in (False, True) if width == 400 else (width == 1280,):
            assert loaded(page, path, width, dark=dark) == []
            assert laid_out(page) == [], (width, dark)
    assert sections(page) >= SECTIONS
    pressed, wrong = sorts(page)
    assert pressed > 20
    assert wrong == []
    page.paper()
    assert laid_out(page) == [], "print"
    assert page.pdf().startswith(b"%PDF")


def check_accessible(page: Browser, path: Path, axe: Path) -> None:
    for dark in (False, True):
        loaded(page, path, 1280, dark=dark)
        assert violations(page, axe) == [], dark


def test_a_report_opens_fits_and_sorts_at_every_width(page, report):
    check_everything(page, report)


def test_a_report_has_no_serious_violation_of_accessibility_in_light_and_dark(page, report, axe):
    check_accessible(page, report, axe)


def test_a_broken_page_is_found_out(page, tmp_path):
    path = tmp_path / "broken.html"
    path.write_text(BROKEN)
    found = " ".join(loaded(page, path, 800))
    assert "wrong" in found
    assert "https://example.org/a.png" in found
    wrong = laid_out(page)
    assert "too wide: <p" in " ".join(wrong)
    assert "overlap: one | two" in wrong
    assert sorts(page)[1]
    if (axe := find_axe()) is not None:
        assert {"color-contrast", "html-has-lang", "image-alt"} <= {one.split(":")[0] for one in violations(page, axe)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("digits-mlp",),
        ("mnist-lenet", "--samples", "32", "--epochs", "1"),
        ("lstm-wp", "--samples", "24", "--epochs", "1", "--algorithms", "sgd,ttv2"),
        ("digits-mlp", "--sampled", "--endurance", "--algorithms", "sgd,ttv2", "--chip", "aimc-512-mesh"),
    ],
    ids=["digits", "lenet", "lstm", "sampled"],
)
def test_reports_of_whole_comparisons_open_fit_sort_and_are_accessible(page, twin, tmp_path, axe, arguments):
    if arguments[0] != "digits-mlp" and "TWIN_DATA_DIR" not in os.environ:
        pytest.skip("no data: set TWIN_DATA_DIR")
    code, _, err = twin("compare", *arguments, "--out", "whole")
    assert code == 0, err
    check_everything(page, tmp_path / "whole" / "report.html")
    check_accessible(page, tmp_path / "whole" / "report.html", axe)


@pytest.mark.slow
def test_the_report_of_a_timing_only_network_opens_fits_and_sorts(page, twin, tmp_path, axe):
    code, _, err = twin("compare", "bert-base", "--algorithms", "sgd,ttv2", "--baseline", "a100", "--out", "bert")
    assert code == 0, err
    path = tmp_path / "bert" / "report.html"
    runs, command = load_report(path.parent)
    assert path.read_bytes() == write_report(runs, tmp_path / "again", command).read_bytes()
    for width in WIDTHS:
        assert loaded(page, path, width) == []
        assert laid_out(page) == [], width
    assert sections(page) >= SECTIONS - {"learning", "floorplan"}
    assert sorts(page)[1] == []
    check_accessible(page, path, axe)
