"""Does BibTeX name exactly what runs used, each once, and is nothing that was recorded left out?"""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from command_kit import run_main
from report_kit import make_run

from twin.algorithms.registry import algorithm_names
from twin.report.cite import bibtex
from twin.report.write import write_report
from twin.results.result import Source

BIBLIOGRAPHY = tomllib.loads((Path(__file__).parents[2] / "twin" / "report" / "bibliography.toml").read_text())


def run_with(*sources, algorithm="digital", data="linear"):
    """Return a run that recorded (key, status, source)."""
    rows = [Source(key, "1", "", status, text, "x.toml:1") for key, status, text in sources]
    return make_run(algorithm, sources=rows, data=data)


def keys(text):
    return re.findall(r"^@\w+\{([\w]+),$", text, re.MULTILINE)


def entry(text, key):
    return re.search(rf"^@\w+\{{{key},\n.*?^\}}$", text, re.MULTILINE | re.DOTALL)[0]


def test_a_source_names_its_paper_with_what_it_was_used_for():
    text = bibtex([run_with(("tile.rows", "S", "Rasch 2024, Table 1: arrays of 512 x 512"))], "1.0")
    assert keys(text) == ["twin", "rasch2024"]
    assert "doi = {10.1038/s41467-024-51221-z}" in entry(text, "rasch2024")
    assert "note = {used for tile.rows}" in entry(text, "rasch2024")


def test_a_source_of_two_papers_names_both_and_a_paper_of_two_sources_is_one_entry():
    pair = ("tile.mean_resistance", "S2", "Haensch 2019 and Gokmen & Vlasov 2016: 24 MOhm")
    text = bibtex([run_with(pair, ("tile.read_voltage", "D", "2 V (Gokmen & Vlasov 2016, S) / 2"))], "1.0")
    assert keys(text) == ["twin", "gokmen2016", "haensch2019"]
    assert r"used for tile.mean\_resistance, tile.read\_voltage}" in entry(text, "gokmen2016")


def test_what_is_assumed_or_measured_here_cites_nobody():
    text = bibtex(
        [run_with(("a.b", "assumption", "as Rasch 2024"), ("a.c", "L", "twin device fit, Gokmen 2021"))], "1.0"
    )
    assert keys(text) == ["twin"]


def test_algorithm_and_data_are_cited_where_they_were_used():
    assert set(keys(bibtex([run_with(algorithm="ttv2", data="mnist")], "1.0"))) == {"twin", "gokmen2021", "lecun1998"}
    assert set(keys(bibtex([run_with(algorithm="agad", data="digits 1f3a")], "1.0"))) >= {"rasch2024", "alpaydin1998"}
    several = bibtex([run_with(algorithm="ttv2"), run_with(algorithm="agad")], "1.0")
    assert set(keys(several)) == {"twin", "gokmen2021", "rasch2024"}


def test_a_source_without_an_entry_is_one_with_the_recorded_text():
    text = bibtex([run_with(("tile.area", "S", "A & B 2031, {Table} 5 %: 3_4 um^2"))], "1.0")
    assert keys(text) == ["twin", "source1"]
    assert r"title = {{A \& B 2031, Table 5 \%: 3\_4 um 2}}" in entry(text, "source1")


def test_a_word_within_another_is_no_citation():
    assert keys(bibtex([run_with(("a.b", "D", "PUMAS and NewtonADC"))], "1.0")) == ["twin"]


@pytest.mark.parametrize("name", [name for name in algorithm_names() if name != "digital"])
def test_every_algorithm_of_a_paper_has_an_entry(name):
    assert any(name in one.get("algorithms", []) for one in BIBLIOGRAPHY.values())


def test_entries_are_whole_and_can_become_due():
    for key, one in BIBLIOGRAPHY.items():
        assert {"type", "author", "title", "year"} <= one.keys(), key
        assert {"cited", "algorithms", "data"} & one.keys(), key
        assert all(value.count("{") == value.count("}") for value in one.values() if isinstance(value, str)), key
    dois = Counter(one["doi"] for one in BIBLIOGRAPHY.values() if "doi" in one)
    assert max(dois.values()) == 1


def test_the_command_cites_a_report_or_one_of_its_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_report([run_with(("a.b", "S", "Rasch 2024"), algorithm="sgd")], Path("report"), "twin compare")
    code, out, err = run_main(monkeypatch, capsys, "cite", "report")
    assert (code, err, keys(out)) == (0, "", ["twin", "gokmen2016", "rasch2024"])
    (one,) = Path("report", "runs").iterdir()
    assert run_main(monkeypatch, capsys, "cite", one, "--out", "used.bib") == (0, "", "")
    assert Path("used.bib").read_text() == out


@pytest.mark.parametrize("arguments", [("nosuch",), (".",), ("report", "--out", "x.txt")])
def test_what_cannot_be_cited_is_refused_in_one_line(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    code, out, err = run_main(monkeypatch, capsys, "cite", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
