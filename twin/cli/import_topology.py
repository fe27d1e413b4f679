"""`twin import scalesim` and `twin import neurosim`: a table of layers in, a workload to be timed out."""

from collections.abc import Callable
from pathlib import Path

import typer

from twin.config.resources import Document
from twin.descriptions.load import Parsed
from twin.descriptions.resolved import toml_text
from twin.descriptions.timed import name_of, timed_workload
from twin.errors import TwinError
from twin.files import check_outputs, check_suffix, write_text
from twin.imports.topologies.network import Found, network_of
from twin.imports.topologies.rows import Table


def import_topology(file: Path, out: Path | None, read: Callable[[Path], Table], tool: str) -> None:
    """Write the workload; say what is not in the table, and how to time it."""
    if out is not None:
        check_suffix("--out", out, ".toml")
    check_outputs({"--out": out}, {"table": file})
    found = network_of(read(file))
    text = _workload(found, name_of(out or file, tool), f"{file.name}, a table of layers of {tool}")
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


def _workload(found: Found, name: str, description: str) -> str:
    loss = toml_text("cross-entropy" if found.nodes[-1]["kind"] == "dense" else "squared-error")
    nodes = (f"  {toml_text(node)}," for node in found.nodes)
    notes = f"Not in the table: {'; '.join(found.said)}" if found.said else ""
    shape = f"shape = {list(found.shape)}"
    return timed_workload(name, description, shape, (f"loss = {loss}", "layers = [", *nodes, "]"), notes)
