"""Studies that ship, that are published and that stand in the documentation."""

import re
from pathlib import Path

import pytest
from study_kit import planned

from twin.config.resources import find, shipped
from twin.descriptions.load import load_study, load_sweep
from twin.errors import TwinError
from twin.runs.kinds import TRAINED
from twin.runs.library import Library
from twin.runs.planning import plan_runs
from twin.study.published import papers
from twin.sweep.point import point_id, points_of

PUBLISHED = sorted((Path(__file__).parents[2] / "reports").glob("**/study.toml"))


@pytest.mark.parametrize(
    "name", [*shipped("study"), *PUBLISHED], ids=lambda name: getattr(name, "parent", Path(name)).name
)
def test_every_study_that_ships_can_be_planned(name):
    plan = planned(name)
    named = re.findall(r"\{\{ *(\S+?) *\}\}", plan.study.text)
    entries = [*plan.study.tables, *plan.study.figures]
    names = {entry.name for entry in entries if entry.inline} | {entry.figure for entry in plan.study.reproductions}
    assert set(named) <= names


def test_the_study_of_the_digits_makes_the_runs_of_twin_compare():
    (group,) = planned("compare-digits-mlp").groups.values()
    plans = plan_runs("digits-mlp", "aimc-512", TRAINED.algorithms, [], Library())
    ids = [point_id([plan.id], None) for plan in plans]
    assert [point.id for point in group.points] == ids


def test_the_studies_of_published_figures_are_those_of_twin_reproduce():
    named = [entry.figure for name in shipped("study") for entry in planned(name).study.reproductions]
    assert {"onen-2021-fig1", "onen-2021-fig2", "gokmen-2021-fig6"} <= set(named) <= set(papers().FIGURES)


def test_a_sweep_in_a_study_has_the_points_of_the_sweep_itself(tmp_path):
    body = find("sweep", "first-sweep").text
    header, _, rest = body.partition("workload")
    nested = (
        ("name = 'first'\nworkload" + rest).replace("[[axes]]", "[[sweeps.axes]]").replace("[fixed]", "[sweeps.fixed]")
    )
    own = tmp_path / "own.toml"
    head = 'schema = 1\nkind = "study"\nname = "own"\ntitle = ""\ndescription = ""\n[[sweeps]]\n'
    own.write_text(head + nested)
    (group,) = planned(own).groups.values()
    assert [point.id for point in group.points] == [point.id for point in points_of(load_sweep("first-sweep").model)]
    assert header


def test_the_study_of_the_page_can_be_planned(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "studies.md").read_text()
    own = tmp_path / "own.toml"
    own.write_text(re.search(r"```toml\n(.*?)```", page, re.DOTALL)[1])
    assert len(planned(own).points) == 3 + 2 * 2 * 3 - 2  # two of the runs are points of the sweep, too


def test_a_study_that_names_nothing_to_do_is_refused(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('schema = 1\nkind = "study"\nname = "own"\ntitle = ""\ndescription = ""\n')
    with pytest.raises(TwinError, match="names neither runs nor sweeps nor reproductions"):
        load_study(str(own))


def test_without_a_checkout_published_figures_say_where_their_scripts_are(twin, monkeypatch, tmp_path):
    monkeypatch.setattr("twin.study.published.root", lambda: tmp_path)
    code, out, err = twin("reproduce", "onen-2021-fig1")
    assert (code, out) == (2, "")
    assert err.startswith("error: published figures: their scripts are not part of the installed package; run this in")
    assert len(err.splitlines()) == 1
