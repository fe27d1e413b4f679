"""The folder of a study: README.md, tables, figures, reports, and the study itself."""

import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from twin.descriptions.resolved import resolved_toml
from twin.descriptions.study import PLACE, Runs
from twin.errors import TwinError, counted
from twin.files import remove, write_bytes, write_text
from twin.report.figures.svg import write_drawing
from twin.report.pages.markdown import escape, line
from twin.report.write import write_pages
from twin.results.store import write_csv
from twin.runs.baselines import BASELINES, describe_baselines, rooflines
from twin.runs.planning import plan_folder
from twin.study.figures import make_figure
from twin.study.plan import StudyPlan
from twin.study.run import Reproduced, Store
from twin.study.tables import make_table
from twin.sweep.measure import Status
from twin.version import __version__

NAME = "study.toml"


@dataclass
class Pages:
    """What goes into the README, by name, and what could not be made."""

    sections: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def check_folder(folder: Path, name: str) -> None:
    """Refuse a folder that holds something else than this study: its files would be replaced.

    Raises
    ------
    TwinError
        When the folder is neither new nor empty nor that of a study of this name.
    """
    try:
        if not folder.exists() or not any(path.name != "cache" for path in folder.iterdir()):
            return
        found = tomllib.loads((folder / NAME).read_text(encoding="utf-8")).get("name")
    except (OSError, ValueError):
        found = None
    if found != name:
        what = f"holds the study {found}" if found else f"is not empty and holds no {NAME}"
        raise TwinError(f"--out (= {folder}): {what}; choose a new folder, or that of the study {name}")


def write_study(plan: StudyPlan, store: Store, reproduced: Sequence[Reproduced], folder: Path) -> list[str]:
    """Write everything that a study shows; return what could not be made, in one line each.

    ::

        folder/README.md          the text, with tables, figures and claims
               study.toml         the study, resolved, unless its own file lies there
               NAME.csv NAME.md   every table
               NAME.svg NAME.pdf  every figure
               NAME/              the report of runs that ask for it

    Raises
    ------
    TwinError
        When a file cannot be written, or the text names what is not there.
    """
    pages = Pages()
    for table in plan.study.tables:
        _attempt(pages, table.name, partial(_table, table, plan, store, folder, pages))
    for shown in plan.study.figures:
        _attempt(pages, shown.name, partial(_figure, shown, plan, store, folder, pages))
    for one in reproduced:
        _attempt(pages, one.name, partial(_reproduction, one, folder, pages))
    for entry in plan.study.runs:
        if entry.report:
            _attempt(pages, entry.name, partial(_report, entry, plan, store, folder, pages))
    pages.failures += [
        f"{one.name}: does not bear out: {paper}" for one in reproduced for paper, _, ok in one.claims if not ok
    ]
    source = Path(plan.loaded.label)
    if not (source.exists() and source.resolve() == (folder / NAME).resolve()):
        write_text(folder / NAME, resolved_toml(plan.loaded))
    write_text(folder / "README.md", _readme(plan, store, pages))
    return pages.failures


def _attempt(pages: Pages, name: str, make: Callable[[], None]) -> None:
    """Make one output; a run of it that failed must not take the others with it."""
    try:
        make()
    except TwinError as error:
        pages.failures.append(f"{name}: {error}")
        pages.sections.setdefault(name, f"*Not made: {escape(str(error))}.*\n")


def _table(table: Any, plan: StudyPlan, store: Store, folder: Path, pages: Pages) -> None:
    made = make_table(table, plan, store)
    text = made.markdown()
    note = f"({made.note[0].upper()}{made.note[1:]}.)" if made.note else ""
    caption = f"{table.caption} {note}".strip()
    write_csv(made.frame(), folder / f"{table.name}.csv")
    write_text(folder / f"{table.name}.md", f"# {table.title}\n\n{_caption(caption)}{text}")
    if table.inline:
        pages.sections[table.name] = f"**{table.title}.** {caption}".rstrip() + f"\n\n{text}"
    pages.files.append((f"{table.name}.csv", table.title))


def _figure(shown: Any, plan: StudyPlan, store: Store, folder: Path, pages: Pages) -> None:
    drawing = make_figure(shown, plan, store)
    write_drawing(drawing, folder)
    words = f"**{shown.title}.** {shown.caption}".rstrip()
    if shown.inline:
        pages.sections[shown.name] = f"![{_alt(drawing.description)}]({shown.name}.svg)\n\n{words}\n"
    pages.files += [(f"{shown.name}.{suffix}", shown.title) for suffix in ("svg", "pdf")]


def _reproduction(one: Reproduced, folder: Path, pages: Pages) -> None:
    for path in sorted(one.folder.glob(f"{one.name}.*")):
        write_bytes(folder / path.name, path.read_bytes())
        pages.files.append((path.name, one.title))
    heads = ["the paper says", "measured", "verdict"]
    rows = [line([paper, measured, "holds" if ok else "does not hold"]) for paper, measured, ok in one.claims]
    table = "\n".join([line(heads), line(["---"] * 3), *rows])
    picture = f"![{_alt(one.title)}]({one.name}.svg)"
    pages.sections[one.name] = f"{picture}\n\n**{one.title}.** {one.source}.\n\n{table}\n"


def _report(entry: Runs, plan: StudyPlan, store: Store, folder: Path, pages: Pages) -> None:
    group = plan.groups[entry.name]
    runs, place = store.runs(group), folder / entry.name
    for stale in sorted((place / BASELINES).glob("*.toml")):
        remove(stale)
    for name, text in describe_baselines(entry.baselines, entry.batch).items():
        write_text(place / BASELINES / f"{name}.toml", text)
    runs += rooflines(place, plan_folder(store.run(group.points[0])), runs[0].samples)
    write_pages(runs, place, store.command)
    pages.files.append((f"{entry.name}/report.html", f"the report of {entry.name}"))


def _readme(plan: StudyPlan, store: Store, pages: Pages) -> str:
    named = PLACE.findall(plan.study.text)
    text = PLACE.sub(lambda found: pages.sections[found[1]].rstrip(), plan.study.text).strip()
    rest = "\n".join(section for name, section in pages.sections.items() if name not in named)
    parts = [
        f"# {plan.study.title}",
        text,
        rest.strip(),
        "## How it was made",
        f"    {store.command}",
        _made_of(plan, store),
    ]
    parts.append("\n".join([line(["file", "what"]), line(["---", "---"]), *map(_file, pages.files)]))
    if pages.failures:
        parts += ["## What failed", "\n".join(f"- {escape(failure)}" for failure in pages.failures)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _made_of(plan: StudyPlan, store: Store) -> str:
    """Say how many runs there are, and how they ended."""
    counts: dict[str, int] = {}
    for row in store.rows(plan).values():
        status = str(row["status"]) if row else "not run"
        counts[status] = counts.get(status, 0) + 1
    ended = ", ".join(f"{count} {status}" for status, count in counts.items() if status != Status.DONE)
    runs = [counted(counts.get(Status.DONE, 0), "run") + (f" ({ended})" if ended else "")] if counts else []
    figures = [counted(len(plan.study.reproductions), "published figure")] if plan.study.reproductions else []
    return f"makes {' and '.join(runs + figures)} with twin {__version__}, or takes from its cache what it made before."


def _file(entry: tuple[str, str]) -> str:
    return line([f"[{entry[0]}]({entry[0]})", entry[1]])


def _caption(text: str) -> str:
    return f"{text}\n\n" if text else ""


def _alt(text: str) -> str:
    return re.sub(r"[\[\]\n]", " ", text)
