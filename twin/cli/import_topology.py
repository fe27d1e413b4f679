"""`twin import scalesim` and `twin import neurosim`: a table of layers in, a workload to be timed out."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from twin.config.resources import Document
from twin.descriptions.load import Parsed
from twin.errors import TwinError
from twin.files import check_outputs, check_suffix, write_text
from twin.imports.topologies.network import Found, network_of
from twin.imports.topologies.rows import Table

NAME = re.compile(r"[^A-Za-z0-9_-]+")
LONGEST = 80
BASE = "resnet-18"
"""The shipped workload whose devices, rates and settings a table of layers gets: it says nothing of them."""
TAKEN = ("training", "timing", "optimiser", "device", "calibration", "init", "mapping", "algorithms")


def import_topology(file: Path, out: Path | None, read: Callable[[Path], Table], tool: str) -> None:
    """Write the workload; say what is not in the table, and how to time it."""
    if out is not None:
        check_suffix("--out", out, ".toml")
    check_outputs({"--out": out}, {"table": file})
    found = network_of(read(file))
    name = NAME.sub("-", (out or file).stem)[:LONGEST].strip("-") or tool
    text = "\n".join(_lines(found, name, f"{file.name}, a table of layers of {tool}")) + "\n"
    try:
        Parsed.made(Document("import", text)).load("workload")
    except TwinError as error:
        raise TwinError(f"{file}: gives no network: {error}") from error
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_text(out, text)
    said = [f"not in the table: {one}" for one in found.said]
    said.append(f"time it: twin compare --timing-only {out or 'WORKLOAD'}")
    for line in said:
        typer.echo(line, err=out is None)


def _lines(found: Found, name: str, description: str) -> Iterator[str]:
    base: Mapping[str, Any] = Parsed.of("workload", BASE).data
    yield "schema = 1"
    for key, value in (("kind", "workload"), ("name", name), ("description", description)):
        yield f"{key} = {json.dumps(value)}"
    if found.said:
        yield f"notes = {json.dumps('Not in the table: ' + '; '.join(found.said))}"
    yield from ("", "[data]", 'set = "none"', f"shape = {list(found.shape)}", "", "[network]")
    yield f"loss = {json.dumps('cross-entropy' if found.nodes[-1]['kind'] == 'dense' else 'squared-error')}"
    yield "layers = ["
    yield from (f"  {_inline(node)}," for node in found.nodes)
    yield "]"
    for key in TAKEN:
        if key in base:
            yield from _table(key, base[key])
    yield from ("", "[sources]", f"network = {json.dumps('S: ' + description)}")
    for key, text in base["sources"].items():
        if key.partition(".")[0] in TAKEN:
            yield f"{json.dumps(key) if '.' in key else key} = {json.dumps(text)}"


def _table(name: str, values: Mapping[str, Any]) -> Iterator[str]:
    """Write a table, with those below it behind it."""
    own = {key: value for key, value in values.items() if not isinstance(value, dict)}
    if own:
        yield from ("", f"[{name}]")
        yield from (f"{key} = {_inline(value)}" for key, value in own.items())
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _table(f"{name}.{key}", value)


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_inline(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)
