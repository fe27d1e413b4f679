"""CSV files as the rows that a JSON Schema speaks of."""

import csv


def rows_of(path, table):
    """Read a CSV file: empty cells are null unless texts are expected; a number that is none raises."""
    properties, further = table["items"]["properties"], table["items"]["additionalProperties"]
    with path.open(newline="", encoding="utf-8") as file:
        return [
            {column: cell(text, properties.get(column, further or {"type": "string"})) for column, text in row.items()}
            for row in csv.DictReader(file)
        ]


def cell(text, schema):
    """Return the value of a cell."""
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if text == "" and "string" not in types:
        return None
    if "integer" in types:
        return int(text)
    if types[0] == "number":
        return float(text)
    return text
