"""Can the pages be read in a diff, and are the files and names there that they speak of?"""

import pkgutil
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
FORMATS = ROOT / "docs" / "formats"  # written from the models, all but their index
WRITTEN = [page for page in (ROOT / "docs").rglob("*.md") if page.parent != FORMATS or page.name == "index.md"]
PAGES = sorted([*ROOT.glob("*.md"), *WRITTEN])
LONGEST = 120
ONE_WORD = re.compile(r"\s*([-*] |\d+\. )?(\S+|\[[^]]*\]\([^)]*\)[.,:;]?)")  # a link cannot be broken

FILE = re.compile(r"(?<![\w./-])((?:twin|tests|benchmarks|docs|reports|architectures|workloads)/[\w./-]*\w\.[a-z]+)\b")
NAME = re.compile(r"(?<![\w./-])(twin(?:\.\w+)+)")
WORKED = {
    *("twin.devices.saturating", "twin.devices.logistic_step"),  # what docs/add-a-device.md shows how to write
    *("twin.networks.kinds.threshold", "twin.kernels.nodes.threshold"),  # and docs/add-a-node.md
}
GROUPS = {"twin.links", "twin.memories"}
"""Entry points of plug-ins, which are no modules."""


def too_long(text):
    """Return the numbers of lines of prose that are too long: not those of tables, code and single links."""
    markdown = MarkdownIt("commonmark").enable("table")
    lines = text.splitlines()
    in_table = False
    found = []
    for token in markdown.parse(text):
        in_table = token.type == "table_open" or (in_table and token.type != "table_close")
        if token.type == "inline" and not in_table:
            found += [
                number + 1
                for number in range(*token.map)
                if len(lines[number]) > LONGEST and not ONE_WORD.fullmatch(lines[number])
            ]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_line_of_prose_is_longer_than_120(page):
    numbers = too_long(page.read_text(encoding="utf-8"))
    assert not numbers, f"wrap {page.relative_to(ROOT)}, lines {', '.join(map(str, numbers))}, at {LONGEST} columns"


def test_prose_is_told_from_code_tables_and_links():
    words = "word " * 30
    link = f"[{words}](https://example.org/{'path/' * 30})"
    code = f"```text\n{words}\n```\n\n    {words}\n\n"
    table = f"| a | b |\n|---|---|\n| {words} | {words} |\n\n"
    assert too_long(f"{code}{table}- {link}\n\n{link}.\n") == []
    assert too_long(f"# Title\n\n{words}\n\n{code}- item\n\n  {words}\n\n{table}> {words}\n\nSee {link}\n") == [
        3, 13, 19, 21
    ]  # fmt: skip


def missing(text):
    """Return the files of the checkout and the names of the package that a text speaks of and that are not there."""
    worked = {f"{name.replace('.', '/')}.py" for name in WORKED}
    files = [name for name in FILE.findall(text) if name not in worked and not (ROOT / name).exists()]
    return files + [name for name in sorted(set(NAME.findall(text)) - WORKED) if not resolves(name)]


def resolves(name):
    if name in GROUPS:
        return True
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=lambda page: page.name)
def test_what_a_page_names_is_there(page):
    assert missing(page.read_text(encoding="utf-8")) == []


def test_what_is_not_there_is_found():
    there = "`twin/operation.py`, [tests](../tests/unit), `twin.operation.Operation`, `twin.load` and mytwin/other.py"
    assert missing(there) == []
    assert missing("twin/gone.py and `twin.operation.Gone`") == ["twin/gone.py", "twin.operation.Gone"]
