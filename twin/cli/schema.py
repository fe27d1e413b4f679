"""JSON Schemas of what the twin writes, by the name that `twin schema` knows them by."""

from typing import Any

from twin.results.columns import DIFFERENCE, TABLES, TIDY, tables_schema
from twin.results.models import summary_schema
from twin.runs.facts import comparison_schema, facts_schema
from twin.study.columns import STUDIED
from twin.study.reproduced import REPRODUCED
from twin.sweep.columns import SWEEP

WRITTEN = ("summary", "run", "comparison", "tables")
GROUPS = {
    "run": TABLES,
    "report": TIDY,
    "difference": DIFFERENCE,
    "sweep": SWEEP,
    "study": STUDIED,
    "reproduction": REPRODUCED,
}
"""Tables by what writes them: a run, a report, a comparison of finished runs, a sweep, a study, a published figure."""


def written_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of ``summary.json``, ``run.json``, ``comparison.json``, or of all tables as rows."""
    match kind:
        case "summary":
            return summary_schema()
        case "run":
            return facts_schema()
        case "comparison":
            return comparison_schema()
    return tables_schema(GROUPS)
