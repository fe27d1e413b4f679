"""The tables that a study writes."""

from twin.results.columns import Column, Table

STUDIED: dict[str, Table] = {
    "table": Table(
        name="table",
        file="NAME.csv",
        meaning="what the study's file asks for: a run, a point of a sweep, or a row of a run's own tables",
        columns=(),
        further=Column(
            name="further",
            dtype="scalar",
            unit="",
            meaning="named by the study; the unit stands in parentheses behind the name, and pure numbers have none",
        ),
    )
}
"""Columns are those that the file of the study names."""
