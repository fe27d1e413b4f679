"""Pages on the file formats, written from the models that read them: every table, key, value and default.

They are built below ``docs/formats`` before Sphinx reads its sources; what a page says cannot differ from what is read.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.cli.schema import written_schema
from twin.config.origins import split
from twin.config.part import dimension_of
from twin.config.presets import presets
from twin.config.resources import FOLDERS, shipped
from twin.descriptions.cited import defaults
from twin.descriptions.load import MODELS
from twin.descriptions.schema import json_schema
from twin.devices.presets import describe, preset_names
from twin.devices.registry import family_names, family_of
from twin.results.columns import Table
from twin.results.compared import DIFFERENCE, TIDY
from twin.results.equal import EQUAL
from twin.results.tables import TABLES
from twin.study.columns import STUDIED
from twin.study.reproduced import REPRODUCED
from twin.sweep.columns import SWEEP

if TYPE_CHECKING:
    from sphinx.application import Sphinx

MOST_CHOICES = 12
ABSENT = "–"
Schema = dict[str, Any]
MEMORY = """
A chip with `memory.kind = "dram"` takes the values of a part: a shipped one by name, or a file of your own by path
(`preset = "my-part.toml"`). The file holds the keys below, each with its source; keys beside `preset` in the chip
replace the file's. [Add a memory](../add-a-memory.md) goes through one.
"""
CONVERTER = """
`preset` in `[tile.converter]` names one of these; keys beside it replace the preset's values. `twin show PRESET` has
the source of each.
"""
DEVICE = """
A workload names a device and may replace its parameters: `device = {preset = "gokmen-60", dw_min = 0.01}`. A file that
`twin device fit` writes holds a `family` and its parameters and is named with `file`; what the parameters do is in
[Devices](../devices.md).
"""
SAYS = """
Every parameter has a status, as in a chip: S read in a primary source, S2 in a secondary one, L measured with the twin,
D derived, M from memory, or assumption. `twin show PRESET` and the table of constants in a report have them too.
"""
DEFAULTS = """
A value without an entry in `[sources]` has the source of the default where it is the default's, and is an assumption
otherwise. A key covers the table below it; `any` stands for every algorithm without an entry of its own.
"""
RESULTS = """
`twin schema summary`, `twin schema run`, `twin schema comparison` and `twin schema tables` print the JSON Schemas of
what is written; the last one takes every table as an array of rows, with type, unit and meaning of each column. In a
folder, `columns.csv` has the unit of every column, tables over all runs have a column `unit`, those of a study the unit
behind the heading. The unit `1` is a number, none a name; an empty cell, and null in JSON, is a number that is not
known.
"""
WORDS = {"boolean": "`true` or `false`", "string": "text", "integer": "whole number", "number": "number"}


def description_page(kind: str) -> str:
    """Return the page on a kind of description: its own table first, then those below it in the order of the file."""
    schema = json_schema(kind)
    names = ", ".join(f"`{name}`" for name in shipped(kind))
    lines = [
        f"# {kind[0].upper()}{kind[1:]}",
        "",
        prose(schema["description"]),
        "",
        f'`kind = "{kind}"`. `twin schema {kind}` prints the JSON Schema for editors.',
    ]
    if names:
        lines += [
            "",
            f"Shipped in `{FOLDERS[kind]}/`: {names}. `twin show NAME` prints one with the origin of every value.",
        ]
    lines += ["", *fields(schema, schema)]
    for name, paths in tables(schema).items():
        part = schema["$defs"][name]
        headings = ", ".join(f"`{path}`" for path in paths)
        lines += ["", f"## {name}", "", headings, "", prose(part.get("description", "")), "", *fields(part, schema)]
    if kind == "workload":
        lines += default_sources()
    if kind == "chip":
        lines += converters()
    return "\n".join(lines) + "\n"


def tables(schema: Schema) -> dict[str, list[str]]:
    """Return the tables below a description by the name of their model: how each is headed in TOML."""
    found: dict[str, list[str]] = {}
    rest = [((), schema)]
    while rest:
        path, part = rest.pop(0)
        for key, value in part.get("properties", {}).items():
            for name, steps in references(value):
                here = (*path, key, *steps)
                heading = _heading(here)
                paths = found.setdefault(name, [])
                if heading not in paths:
                    paths.append(heading)
                    rest.append((here, schema["$defs"][name]))
    return found


def references(value: Schema) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the models that a value may be, with what stands between: ``[]`` an element of a list, ``NAME`` a key."""
    if "$ref" in value:
        yield value["$ref"].rpartition("/")[2], ()
    for choice in (*value.get("anyOf", ()), *value.get("oneOf", ())):
        yield from references(choice)
    for key, step in (("items", "[]"), ("additionalProperties", "NAME")):
        if isinstance(value.get(key), dict):
            yield from ((name, (step, *steps)) for name, steps in references(value[key]))


def _heading(path: tuple[str, ...]) -> str:
    dotted = ".".join(path).replace(".[]", "")
    return f"[[{dotted}]]" if path[-1] == "[]" else f"[{dotted}]"


def fields(part: Schema, schema: Schema) -> list[str]:
    """Return the Markdown table of a model's keys; tables below it have tables of their own."""
    required = set(part.get("required", ()))
    by_preset = {key for choice in part.get("anyOf", ()) for key in choice.get("required", ())}
    rows = []
    for key, value in part.get("properties", {}).items():
        meaning = cell(value.get("description", ""))
        if key == "sources" and part is schema:
            rows.append(("`sources`", "table", "required" if key in required else "none: assumptions", meaning))
            continue
        default = "required" if key in required else _default(value.get("default"))
        if default == ABSENT and key in by_preset and key != "preset":
            default = "the preset's"
        rows.append((f"`{key}`", kind_of(value), default, meaning))
    head = [("key", "value", "default", "meaning"), ("---", "---", "---", "---")]
    return [f"| {' | '.join(row)} |" for row in (*head, *rows)] if rows else []


def cell(text: str) -> str:
    """Write a line of prose for a cell of a Markdown table."""
    return prose(text).replace("|", "\\|")


def _default(value: Any) -> str:
    return ABSENT if value in (None, [], {}) else f"`{_toml(value)}`" if not isinstance(value, dict) else "as below"


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)


def kind_of(value: Schema) -> str:
    """Say what a value is, in words: a quantity with an example, a choice, a number with its range, a table."""
    if "examples" in value:
        return f'{value["$comment"].rstrip(".")}, e.g. `"{value["examples"][0]}"`'
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"table [{name}](#{name.lower()})"
    choices = [one for one in (*value.get("anyOf", ()), *value.get("oneOf", ())) if one.get("type") != "null"]
    if choices:
        return " or ".join(dict.fromkeys(map(kind_of, choices)))
    if "const" in value:
        return f"`{_toml(value['const'])}`"
    if "enum" in value:
        shown = ", ".join(f"`{_toml(one)}`" for one in value["enum"][:MOST_CHOICES])
        return shown + (", …" if len(value["enum"]) > MOST_CHOICES else "")
    return _plain(value)


def _plain(value: Schema) -> str:
    match value.get("type"):
        case "array" if "prefixItems" in value:
            return f"list of {len(value['prefixItems'])}: {', '.join(map(kind_of, value['prefixItems']))}"
        case "array":
            return f"list of {kind_of(value.get('items', {}))}"
        case "object":
            below = value.get("additionalProperties")
            return f"table: name to {kind_of(below)}" if isinstance(below, dict) else "table"
        case name:
            return WORDS.get(str(name), "any value") + _range(value)


def _range(value: Schema) -> str:
    if "minimum" in value and "maximum" in value:
        return f", {_number(value['minimum'])} to {_number(value['maximum'])}"
    signs = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    bounds = [f"{sign} {_number(value[key])}" for key, sign in signs.items() if key in value]
    return f", {' and '.join(bounds)}" if bounds else ""


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) and abs(value) < 1e13 else f"{value:g}"


def prose(text: str) -> str:
    """Turn a docstring into Markdown: reStructuredText's double backticks become single ones, sections bold."""
    text = re.sub(r"^(\w[\w ]*)\n-{3,}$", r"**\1**\n", text, flags=re.MULTILINE)
    text = re.sub(r"::\n\n((?:    .*\n?|\n)+)", lambda found: f":\n\n```text\n{_dedent(found[1])}\n```\n", text)
    return re.sub(r"``([^`]+)``", r"`\1`", text)


def _dedent(block: str) -> str:
    return "\n".join(line[4:] for line in block.rstrip().splitlines())


def converters() -> list[str]:
    """Return the section of the page on chips that lists the presets of converters."""
    rows = [("preset", "what it is", "values"), ("---", "---", "---")]
    for name, preset in presets("converter").items():
        rows.append(
            (f"`{name}`", preset.description, ", ".join(f"`{key}` {one}" for key, one in preset.values.items()))
        )
    return ["", "## Presets of converters", "", CONVERTER, "", *(f"| {' | '.join(row)} |" for row in rows)]


def memory_page() -> str:
    """Return the page on files of memories: the shipped parts, and what a file may hold."""
    schema = json_schema("chip")
    part = schema["$defs"]["Dram"]
    lines = [
        "# Memory",
        "",
        MEMORY,
        "",
        "| part | what it is |",
        "| --- | --- |",
        *(f"| `{name}` | {preset.description} |" for name, preset in presets("dram").items()),
        "",
        prose(part["description"]),
        "",
        *fields(part, schema),
    ]
    return "\n".join(lines) + "\n"


def device_page() -> str:
    """Return the page on devices: the presets, and the parameters of every family."""
    lines = [
        "# Device",
        "",
        DEVICE,
        "",
        "## Presets",
        "",
        "| preset | family | states |",
        "| --- | --- | --- |",
    ]
    lines += [f"| `{name}` | `{describe(name).family}` | {describe(name).states:g} |" for name in preset_names()]
    lines += [
        "",
        "## Who says so",
        "",
        SAYS,
        "",
        "| preset | parameters | status | source |",
        "| --- | --- | --- | --- |",
    ]
    lines += [f"| {' | '.join(row)} |" for name in preset_names() for row in _cited(name)]
    for name in family_names():
        family = family_of(name)
        schema = family.model_json_schema(by_alias=True)
        about = (family.__doc__ or "").partition("\n\n")[0]
        lines += ["", f"## {name}", "", prose(" ".join(about.split())), "", *_family(family, schema)]
    return "\n".join(lines) + "\n"


def _cited(name: str) -> list[tuple[str, ...]]:
    """Return the sources of a preset, with the parameters that each is of."""
    preset = describe(name)
    of_source: dict[tuple[str, str], list[str]] = {}
    for parameter, value in preset.parameters.items():
        shown = "" if isinstance(value, list) else f" {value:g}" if isinstance(value, float) else f" {value}".lower()
        of_source.setdefault(preset.cited(parameter), []).append(f"`{parameter}`{shown}")
    return [(f"`{name}`", ", ".join(parameters), *cited) for cited, parameters in of_source.items()]


def default_sources() -> list[str]:
    """Return the section of the page on workloads that says who says so of every default."""
    rows = [(f"`{key}`", *split(text)) for key, text in defaults().items()]
    head = [("key", "status", "source"), ("---", "---", "---")]
    return [
        "",
        "## Who says so of the defaults",
        "",
        DEFAULTS,
        "",
        *(f"| {' | '.join(row)} |" for row in (*head, *rows)),
    ]


def _family(family: Any, schema: Schema) -> list[str]:
    times = {name for name, field in family.model_fields.items() if dimension_of(field)}
    for name in times:
        default = schema["properties"][name].get("default")
        schema["properties"][name] |= {"default": "inf"} if default == float("inf") else {}
    return fields(schema, schema)


def results_page() -> str:
    """Return the page on what is written: summary.json, run.json, comparison.json, every column of every table."""
    lines = ["# Results", "", RESULTS]
    for kind in ("summary", "run", "comparison"):
        schema = written_schema(kind)
        title = f"{kind}.json"
        lines += ["", f"## {title}", "", prose(schema.get("description", ""))]
        for name, part in schema.get("$defs", {}).items():
            about = part.get("description", "").partition("\n\n")[0]
            lines += ["", f"### {name}", "", prose(about), "", *keys(part)]
        if "properties" in schema:
            lines += ["", f"### Keys of {title}", "", *keys(schema)]
    groups = {
        "Tables of a run": TABLES,
        "Tables of a report": TIDY | EQUAL,
        "Tables of a comparison of finished runs, beside runs, equal_area, equal_accuracy and columns": DIFFERENCE,
        "Tables of a sweep": SWEEP,
        "Tables of a study": STUDIED,
        "Tables of a published figure": REPRODUCED,
    }
    for title, found in groups.items():
        lines += ["", f"## {title}"]
        for table in found.values():
            lines += ["", f"### {table.file}", "", f"A row is {table.meaning}.", "", *columns(table)]
    return "\n".join(lines) + "\n"


def keys(part: Schema) -> list[str]:
    """Return the Markdown table of what a model writes."""
    rows = [("key", "value", "what it is"), ("---", "---", "---")]
    rows += [(f"`{key}`", _written(one), one.get("description", "")) for key, one in part["properties"].items()]
    return [f"| {' | '.join(row)} |" for row in rows]


def _written(value: Schema) -> str:
    return (
        " or ".join(dict.fromkeys(_written(one) for one in value["anyOf"]))
        if "anyOf" in value
        else ("null" if value.get("type") == "null" else kind_of(value))
    )


def columns(table: Table) -> list[str]:
    """Return the Markdown table of a table's columns."""
    rows = [("column", "type", "unit", "what it is"), ("---", "---", "---", "---")]
    for column in table.columns:
        dtype = column.dtype + (", where it applies" if column.optional else "")
        rows.append((f"`{column.name}`", dtype, column.unit, cell(column.meaning)))
    if table.further is not None:
        rows.append(("any other", "text or number", "", table.further.meaning))
    return [f"| {' | '.join(row)} |" for row in rows]


def write_pages(folder: Path) -> None:
    """Write the page of every kind of description, and that of devices; what has not changed keeps its date."""
    pages = {kind: description_page(kind) for kind in MODELS} | {"memory": memory_page(), "device": device_page()}
    pages["results"] = results_page()
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _write(app: "Sphinx") -> None:
    write_pages(Path(app.srcdir) / "formats")


def setup(app: "Sphinx") -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
