"""What a table is: its columns, their types and units, and what they mean; and its JSON Schema."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Type = Literal["int64", "float64", "str", "scalar", "list of int64", "list of str"]
JSON = {"int64": ["integer"], "float64": ["number"], "str": ["string"], "scalar": ["string", "number", "boolean"]}


class Column(BaseModel):
    """One column.

    Attributes
    ----------
    name : str
    dtype : Type
    unit : str
        ``"1"`` for a number without unit, ``""`` for a name or the number of something.
    meaning : str
    optional : bool
        True where some runs lack the column.
    nullable : bool
        True where a cell may be empty; a float always may, where it is not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    dtype: Type
    unit: str
    meaning: str
    optional: bool = False
    nullable: bool = False

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a cell; unit and dtype are annotations."""
        base = self.dtype.removeprefix("list of ")
        types = list(JSON[base])
        if self.nullable or base == "float64":
            types.append("null")
        value: dict[str, Any] = {"type": types if len(types) > 1 else types[0]}
        if base != self.dtype:
            value = {"type": "array", "items": value}
        return value | {"dtype": self.dtype, "unit": self.unit, "description": self.meaning}


class Table(BaseModel):
    """One table.

    Attributes
    ----------
    name : str
    file : str
        Where it lies, below the folder of a comparison or a sweep.
    meaning : str
        What a row is.
    columns : tuple of Column
    further : Column or None
        What columns of any other name hold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    file: str
    meaning: str
    columns: tuple[Column, ...]
    further: Column | None = None

    def column(self, name: str) -> Column | None:
        """Return the column of a name, None where the table knows none."""
        return next((column for column in self.columns if column.name == name), None)

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the table as an array of rows."""
        return {
            "description": self.meaning,
            "file": self.file,
            "type": "array",
            "items": {
                "type": "object",
                "properties": {column.name: column.json_schema() for column in self.columns},
                "required": [column.name for column in self.columns if not column.optional],
                "additionalProperties": self.further.json_schema() if self.further else False,
            },
        }


def name(column: str, meaning: str, *, optional: bool = False) -> Column:
    """Return a column of names."""
    return Column(name=column, dtype="str", unit="", meaning=meaning, optional=optional)


def number(column: str, meaning: str, *, optional: bool = False, nullable: bool = False) -> Column:
    """Return a column of whole numbers that name something."""
    return Column(name=column, dtype="int64", unit="", meaning=meaning, optional=optional, nullable=nullable)


def count(column: str, meaning: str, unit: str = "1", *, optional: bool = False) -> Column:
    """Return a column of whole numbers with a unit."""
    return Column(name=column, dtype="int64", unit=unit, meaning=meaning, optional=optional)


def real(column: str, unit: str, meaning: str, *, optional: bool = False) -> Column:
    """Return a column of floats."""
    return Column(name=column, dtype="float64", unit=unit, meaning=meaning, optional=optional)


def tables_schema(tables: dict[str, dict[str, Table]]) -> dict[str, Any]:
    """Return the JSON Schema of groups of tables: an object of groups, of tables, of rows."""
    groups = {
        group: {
            "type": "object",
            "properties": {table: one.json_schema() for table, one in found.items()},
            "additionalProperties": False,
        }
        for group, found in tables.items()
    }
    return {
        "$schema": DIALECT,
        "title": "twin tables",
        "description": "Tables that twin writes, as arrays of rows; empty cells of CSV files are null.",
        "type": "object",
        "properties": groups,
        "additionalProperties": False,
    }
