"""report.html: one offline file, readable without its script, with no resource from elsewhere."""

import re
from collections.abc import Sequence
from typing import Any

from twin.report.figures.standard import all_figures
from twin.report.figures.svg import Drawing
from twin.report.pages.cards import cards
from twin.report.pages.equal import equal_grids
from twin.report.pages.grids import (
    area_grid,
    calibration_grid,
    constants_grids,
    design_grid,
    diagnostics_grids,
    endurance_grid,
    layer_grid,
    links_grid,
    programming_grid,
    share_grids,
    staleness_grid,
    statuses,
)
from twin.report.pages.page import render_page
from twin.report.pages.plausible import card_grid
from twin.results.bound import savings, shares_by
from twin.results.card import doubts
from twin.results.derived import bound_shares, derive_all, facts, grouped_warnings, interval, wait_shares
from twin.results.result import RunResult
from twin.results.text import percent

STATUS = {
    "S": "primary source, read",
    "S2": "secondary source",
    "L": "measured with the twin",
    "D": "derived",
    "M": "from memory",
    "assumption": "chosen here, without a source",
}
MOST_BOUND = 5
MOST_WARNINGS = 12


def html(
    runs: Sequence[RunResult],
    command: str,
    drawings: dict[str, list[Drawing]] | None = None,
    to_error: float | None = None,
) -> str:
    """Give the page; `drawings` are those of `all_figures`, drawn here when not given."""
    content = _content(runs, command, drawings or all_figures(runs))
    return render_page("report.html.j2", content | {"equal": equal_grids(runs, to_error)})


def _content(runs: Sequence[RunResult], command: str, drawings: dict[str, list[Drawing]]) -> dict[str, Any]:
    derive_all(runs)
    return {
        "title": f"{runs[0].workload} on {_list(run.chip for run in runs)}",
        "baseline": runs[0].name,
        "facts": [*facts(runs), ("baseline", runs[0].name)],
        "cards": cards(runs),
        "drawings": drawings,
        "bounds": [_bound(run) for run in runs],
        "shares": share_grids(runs),
        "card": card_grid(runs),
        "doubts": [(run.name, doubt) for run in runs for doubt in doubts(run)],
        "layers": layer_grid(runs),
        "staleness": staleness_grid(runs),
        "calibration": calibration_grid(runs),
        "programming": programming_grid(runs),
        "designs": design_grid(runs),
        "endurance": endurance_grid(runs),
        "links": links_grid(runs),
        "diagnostics": diagnostics_grids(runs),
        "area": area_grid(runs),
        "sampled": [(run.name, interval(run)) for run in runs if interval(run)],
        "warnings": grouped_warnings(runs),
        "most_warnings": MOST_WARNINGS,
        "constants": constants_grids(runs),
        "status": STATUS,
        "statuses": statuses(runs),
        "configs": _configs(runs),
        "command": command,
    }


def _bound(run: RunResult) -> dict[str, Any]:
    table = run.tables["bound"]
    named = [
        ("By part of the chip", shares_by(table, "part")),
        ("By kind of work", shares_by(table, "work")),
        ("By node, copies of a block together", shares_by(table, "node")),
    ]
    lists = named if named[0][1] else [("In service", bound_shares(run))]
    lists = [
        *lists,
        ("Twice as fast, this part saves at most", savings(table)),
        ("The next operation waited for", wait_shares(run)),
    ]
    return {"name": run.name, "line": run.bound, "lists": [(title, _most(shares)) for title, shares in lists if shares]}


def _most(shares: dict[str, float]) -> list[tuple[str, str, str]]:
    """Give the largest shares as name, percent and width of a bar, the rest as one."""
    entries = list(shares.items())
    rest = sum(share for _, share in entries[MOST_BOUND:])
    shown = entries[:MOST_BOUND] + ([(f"{len(entries) - MOST_BOUND} others", rest)] if rest else [])
    return [(name, percent(share), f"{min(1.0, share):.1%}") for name, share in shown]


def _configs(runs: Sequence[RunResult]) -> list[tuple[str, str]]:
    """Give each resolved description once, with its file and the runs that it holds for."""
    found: dict[tuple[str, str], list[str]] = {}
    for run in runs:
        _, *parts = re.split(r"^# (\S+\.toml)\n", f"\n{run.config}", flags=re.MULTILINE)
        named = (
            zip(parts[::2], parts[1::2], strict=True) if parts else [("description", run.config)] if run.config else []
        )
        for name, text in named:
            found.setdefault((name, text.strip()), []).append(run.name)
    return [
        (name if len(names) == len(runs) else f"{name} of {', '.join(names)}", text)
        for (name, text), names in found.items()
    ]


def _list(names: Any) -> str:
    return ", ".join(dict.fromkeys(names))
