"""What is said while a command runs, where there is no terminal."""

import time

import pytest

from twin import console
from twin.cli.sweep import progress_of


def waiting_for(capsys, text, lines):
    """Collect what is said until `text` is; a busy machine may take long."""
    deadline = time.monotonic() + 30
    while text not in "".join(lines) and time.monotonic() < deadline:
        time.sleep(0.01)
        lines.append(capsys.readouterr().err)
    return "".join(lines)


@pytest.fixture
def hasty(monkeypatch):
    """Say something every 20 ms."""
    monkeypatch.setattr(console, "FIRST_S", 0.02)
    monkeypatch.setattr(console, "EVERY_S", 0.02)


@pytest.mark.usefixtures("hasty")
def test_lines_say_what_is_waited_for_and_then_how_far_it_is(capsys):
    with console.progress("waiting for a scheduler", "points") as report:
        assert "waiting for a scheduler" in waiting_for(capsys, "waiting for", [])
        report("one", 300, 1200)
        report("two", 100, 1200)
        said = waiting_for(capsys, "two: 100 of 1,200 points", [])
    assert ", about " in said
    assert said.endswith(" left\n")
    capsys.readouterr()
    time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_what_ends_at_once_says_nothing(capsys):
    with console.progress("preparing", "samples") as report:
        report("one", 5, 5)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("seconds", "text"), [(4.4, "4 s"), (99, "99 s"), (125, "2 min"), (9000, "2.5 h")])
def test_times_are_written_as_people_read_them(seconds, text):
    assert console.duration(seconds) == text


@pytest.mark.usefixtures("hasty")
def test_a_sweep_on_a_scheduler_says_that_it_waits_for_workers(capsys):
    with progress_of("sweep", "points", "tcp://host:8786"):
        said = waiting_for(capsys, "first of the points", [])
    assert "sweep: waiting for workers of --scheduler tcp://host:8786, and the first of the points (" in said
