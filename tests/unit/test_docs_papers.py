"""Does every row of the papers' table say how it was made, and is its curve there?"""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "validation" / "papers.md"
OPEN = "not run yet"


def rows(heading):
    """Return the rows of the first table behind a heading, a list of cells each."""
    text = PAGE.read_text().split(heading, 1)[1]
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE).group()
    split = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table.splitlines()]
    return [[cell.strip() for cell in line] for line in split[2:]]


def made():
    """Return the cells of how a row was made, by the row's name."""
    found = {}
    for names, *cells in rows("## How each row was made"):
        numbers = re.sub(r"([A-Z])(\d+) to [A-Z](\d+)", lambda m: _all(*m.groups()), names)
        found |= dict.fromkeys(re.findall(r"[A-Z]\d+", numbers), cells)
    return found


def _all(letter, first, last):
    return " ".join(f"{letter}{number}" for number in range(int(first), int(last) + 1))


def test_every_row_that_is_run_has_a_command_a_date_a_commit_a_time_and_a_curve():
    table, how = rows("# The papers"), made()
    assert len(table) > 15
    assert len({name for name, *_ in table}) == len(table)
    for name, *_, verdict in table:
        if verdict.startswith(OPEN):
            continue
        command, seeds, run_on, wall, curve = how[name]
        assert command.count("`") >= 2, name
        assert seeds, name
        assert wall, name
        assert re.search(r"\d{4}-\d{2}-\d{2}, [0-9a-f]{7}", run_on) or run_on == "every run of the tests", name
        links = re.findall(r"\]\((.*?)\)", curve)
        assert links or curve == "closed form", name
        for link in links:
            assert (PAGE.parent / link).exists(), link


def test_no_row_is_made_that_the_table_lacks():
    assert set(made()) <= {name for name, *_ in rows("# The papers")}
