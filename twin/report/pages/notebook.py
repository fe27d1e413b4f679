"""Results as a notebook shows them: small tables in the notebook's own colours, without scripts."""

from collections.abc import Container, Iterable, Sequence

from markupsafe import Markup

from twin.report.pages.table import headings, moved, rows
from twin.results.derived import facts, grouped_warnings, interval
from twin.results.result import RunResult


def runs_html(runs: Sequence[RunResult]) -> str:
    """Give the table of a comparison, and below it what sampled times and warnings there are."""
    lines = rows(runs)
    shown = moved(lines)
    names = [f"{name} ({unit})" if unit else name for name, unit in (headings(runs)[k] for k in shown)]
    notes = [f"{run.name}: time {interval(run)}" for run in runs if interval(run)]
    notes += [f"{who}: {text}" if who else text for text, who in grouped_warnings(runs)]
    said = ", ".join(f"{name} {value}" for name, value in facts(runs))
    caption = f"{runs[0].workload} on {runs[0].chip}, {said}; simulated time."
    narrow = [[line[k] for k in shown] for line in lines]
    return table_html(names, narrow, (0, len(names) - 1), caption, notes)


def table_html(
    names: Sequence[str], lines: Iterable[Sequence[str]], left: Container[int], caption: str, notes: Sequence[str] = ()
) -> str:
    """Give a table of texts, aligned to the right but for the columns `left`; everything is escaped."""
    cell = Markup('<{0} style="{1}">{2}</{0}>').format
    sides = [f"text-align:{'left' if k in left else 'right'};vertical-align:top" for k in range(len(names))]
    if len(names) - 1 in left:
        sides[-1] += ";min-width:14em"
    head = Markup("").join(cell("th", side, name) for side, name in zip(sides, names, strict=True))
    body = Markup("\n").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(cell("td", side, text) for side, text in zip(sides, line, strict=True))
        )
        for line in lines
    )
    below = Markup("").join(Markup("<li>{}</li>").format(text) for text in notes)
    return str(
        Markup("<table>{}<thead><tr>{}</tr></thead>\n<tbody>{}</tbody></table>{}").format(
            Markup("<caption>{}</caption>").format(caption),
            head,
            body,
            Markup("<ul>{}</ul>").format(below) if notes else "",
        )
    )
