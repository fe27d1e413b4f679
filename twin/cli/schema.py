"""`twin schema`."""

import json
from typing import Annotated, Any, Literal, get_args

import typer

Described = Literal["chip", "layout", "workload", "baseline", "sweep", "study"]
Written = Literal["summary", "run", "comparison", "tables"]
WRITTEN = get_args(Written)


def schema(
    kind: Annotated[
        Literal[Described, Written],
        typer.Argument(help="A description, or what is written: summary.json, run.json, comparison.json, all tables."),
    ],
) -> None:
    """Print the JSON Schema of a description, for editors, or of what runs write, with units."""
    from twin.descriptions.schema import json_schema

    if kind in WRITTEN:
        typer.echo(json.dumps(written_schema(kind), indent=2, ensure_ascii=False))
    else:
        typer.echo(json.dumps(json_schema(kind), indent=2))


def written_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of ``summary.json``, ``run.json``, ``comparison.json``, or of all tables as rows."""
    from twin.results.columns import tables_schema
    from twin.results.models import summary_schema
    from twin.runs.facts import comparison_schema, facts_schema

    match kind:
        case "summary":
            return summary_schema()
        case "run":
            return facts_schema()
        case "comparison":
            return comparison_schema()
    return tables_schema(groups())


def groups() -> dict[str, Any]:
    """Return tables by what writes them: a run, a report, finished runs compared, a sweep, a study, a figure."""
    from twin.results.compared import DIFFERENCE, TIDY
    from twin.results.equal import EQUAL
    from twin.results.tables import TABLES
    from twin.study.columns import STUDIED
    from twin.study.reproduced import REPRODUCED
    from twin.sweep.columns import SWEEP

    of_runs = {"run": TABLES, "report": TIDY | EQUAL, "difference": DIFFERENCE | EQUAL}
    return of_runs | {"sweep": SWEEP, "study": STUDIED, "reproduction": REPRODUCED}
