"""Published figures in a study: is each computed once, from the seed or sweep it names, and are mistakes told first?"""

import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import papers
import pytest
from papers.output import COLUMNS, Claim, Reproduction
from study_kit import Here

from twin.config.resources import find
from twin.report.figures.svg import Drawing, figure

HEAD = 'schema = 1\nkind = "study"\nname = "s"\ntitle = "S"\ndescription = ""\n[[reproductions]]\nfigure = '


@pytest.fixture
def sources(monkeypatch):
    """What the figures made-up-fig1, of a seed, and made-up-fig2, of a sweep, were computed from."""
    calls = []

    def reproduce(name, source, progress):
        calls.append(source)
        progress(1, 2)
        drawing = Drawing(name, "A made-up figure", "nothing", figure(1, 1))
        claims = (Claim("it rises", "it rose by 2", holds=True), Claim("it | falls", "it rose", holds=False))
        table = pd.DataFrame([dict.fromkeys(COLUMNS, 1.5)])
        return Reproduction("Nobody 2026, Fig. 1", drawing, claims, table, {"source": str(source)})

    modules = {
        "made-up-fig1": SimpleNamespace(reproduce=partial(reproduce, "made-up-fig1")),
        "made-up-fig2": SimpleNamespace(reproduce=partial(reproduce, "made-up-fig2"), SWEEP="first-sweep"),
    }
    monkeypatch.setattr(papers, "FIGURES", {name: name for name in modules})
    monkeypatch.setattr(papers, "import_module", modules.__getitem__)
    return calls


def test_a_published_figure_is_computed_once_and_a_claim_that_fails_is_said(study, sources):
    Path("s.toml").write_text(f'{HEAD}"made-up-fig1"\nseed = 7\n')
    for _ in range(2):
        code, _, err = study("s.toml", "--out", "out", executor=Here())
        assert code == 2
        assert "made-up-fig1: does not bear out: it | falls" in err
    assert sources == [7]
    page = Path("out/README.md").read_text()
    assert "| it rises | it rose by 2 | holds |" in page
    assert "| it \\| falls | it rose | does not hold |" in page
    assert {path.suffix for path in Path("out").glob("made-up-fig1.*")} >= {".svg", ".csv", ".md"}
    assert "twin reproduce made-up-fig1 --seed 7" in Path("out/made-up-fig1.md").read_text()


def test_a_figure_is_drawn_from_the_sweep_that_is_named_and_again_when_that_changes(study, sources):
    sweep = Path("own.toml")
    sweep.write_text(find("sweep", "first-sweep").text)
    for named, expected in (("", "first-sweep"), ('sweep = "own.toml"\n', "own.toml")):
        Path("s.toml").write_text(f'{HEAD}"made-up-fig2"\n{named}')
        study("s.toml", "--out", "out", executor=Here())
        assert sources[-1] == expected
    study("s.toml", "--out", "out", executor=Here())
    assert len(sources) == 2
    assert "--sweep own.toml" in Path("out/made-up-fig2.md").read_text()
    sweep.write_text(sweep.read_text() + "\n# another\n")
    study("s.toml", "--out", "out", executor=Here())
    assert sources[2:] == ["own.toml"]


@pytest.mark.parametrize(
    ("figure", "line", "said"),
    [
        ("made-up-fig3", "", r"s.toml:7: reproductions.0.figure \(= made-up-fig3\): .*did you mean made-up-fig"),
        (
            "made-up-fig1",
            'sweep = "x"',
            r"s.toml:8: reproductions.0.sweep \(= x\): made-up-fig1 is drawn from no sweep",
        ),
        (
            "made-up-fig2",
            "seed = 2",
            r"s.toml:8: reproductions.0.seed \(= 2\): made-up-fig2 has the seeds of its sweep",
        ),
        ("made-up-fig2", 'sweep = "x"', "x: no sweep of this name"),
        ("made-up-fig1", 'interval = "t-95"', r"s.toml:8: reproductions.0.interval \(= t-95\): made-up-fig1 draws no"),
    ],
)
def test_what_does_not_fit_a_figure_is_said_before_anything_is_computed(study, sources, figure, line, said):
    Path("s.toml").write_text(f'{HEAD}"{figure}"\n{line}\n')
    code, out, err = study("s.toml", "--out", "out", executor=Here())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert re.match(f"error: {said}", err)
    assert sources == []
