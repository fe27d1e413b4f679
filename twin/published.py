"""JSON Schemas of what the twin writes, by the name that `twin schema` knows them by."""

from typing import Any

from twin.report.columns import DIFFERENCE, TABLES, TIDY, tables_schema
from twin.report.models import summary_schema
from twin.simulation.facts import facts_schema
from twin.sweep.columns import SWEEP

WRITTEN = ("summary", "run", "tables")


def written_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of ``summary.json``, ``run.json``, or of all tables as arrays of rows."""
    match kind:
        case "summary":
            return summary_schema()
        case "run":
            return facts_schema()
    return tables_schema({"run": TABLES, "report": TIDY, "difference": DIFFERENCE, "sweep": SWEEP})
