"""`twin import dramsim3`: a configuration of DRAMsim3 in, a memory part out."""

import json
import re
from collections.abc import Iterator
from math import isclose
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, cast

import typer

from twin.config.presets import presets
from twin.config.resources import suggestion
from twin.descriptions.load import load_chip
from twin.errors import TwinError
from twin.files import check_outputs, check_suffix, write_text
from twin.imports.dramsim3.ini import Ini
from twin.imports.dramsim3.part import Part, read_part

if TYPE_CHECKING:
    from twin.chip.dram.memory import Dram

NAME = re.compile(r"[^A-Za-z0-9_-]+")
LONGEST = 80
BASE = "aimc-512-lpddr5"
"""A shipped chip with a DRAM, by whose memory the part is checked."""


def import_part(file: Path, out: Path | None, *, against: str) -> None:
    """Write the part; say what is lost and how a chip takes it; hold it against a shipped one where asked."""
    if out is not None:
        check_suffix("--out", out, ".toml")
    check_outputs({"--out": out}, {"configuration": file})
    if against and against not in presets("dram"):
        raise TwinError(f"--against (= {against}): no DRAM of this name{suggestion(against, presets('dram'))}")
    part = read_part(Ini.read(file), NAME.sub("-", (out or file).stem)[:LONGEST].strip("-") or "dramsim3")
    text = "\n".join(_lines(part)) + "\n"
    with TemporaryDirectory() as folder:
        path = Path(folder) / "part.toml"
        write_text(path, text)
        try:
            memory = _memory(str(path), part)
        except TwinError as error:
            rule = str(error).replace(str(path), file.name)
            raise TwinError(f"{file}: gives no part: {rule}") from error
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_text(out, text)
    for line in _said(part, memory, out):
        typer.echo(line, err=out is None)
    if against:
        for line in _differences(memory, _memory(against, part), against):
            typer.echo(line, err=out is None)


def _memory(preset: str, part: Part) -> "Dram":
    """Return the memory of a chip that has a part under the controller of the file."""
    keys = {"preset": preset, **part.controller}
    chip = load_chip(BASE, {f"memory.{key}": json.dumps(value) for key, value in keys.items()}).model
    return cast("Dram", chip.memory)


def _lines(part: Part) -> Iterator[str]:
    """Write the part as TOML."""
    yield "schema = 1"
    for key, text in (("kind", "dram"), ("name", part.name), ("description", part.description)):
        yield f"{key} = {json.dumps(text)}"
    for heading, table in (("values", part.values), ("sources", part.sources)):
        yield from ("", f"[{heading}]")
        yield from (f"{key} = {json.dumps(value)}" for key, value in table.items())


def _said(part: Part, memory: "Dram", out: Path | None) -> Iterator[str]:
    """Say what is not as in DRAMsim3, what the part does at best, and how a chip takes it."""
    yield from (f"not as in DRAMsim3: {one}" for one in part.lost)
    if not part.lost:
        yield "all clocks and currents that DRAMsim3 uses are taken"
    opened = (memory.nRCD + memory.nCL + memory.nBL) * memory.tCK * 1e9
    yield f"a read of a closed row: {opened:.4g} ns; peak: {memory.peak_Bps / 1e9:.4g} GB/s, all channels"
    settings = {"kind": "dram", "preset": str(out or "FILE"), **part.controller}
    yield "in a chip: memory = { " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in settings.items()) + " }"


def _differences(memory: "Dram", other: "Dram", name: str) -> Iterator[str]:
    """Yield a line for every value that a shipped part has otherwise."""
    yield f"beside {name}:"
    for key in presets("dram")[name].values:
        own, theirs = (float(vars(one)[key]) for one in (memory, other))
        if not isclose(own, theirs, rel_tol=1e-6, abs_tol=0.0):
            yield f"  {key}: {own:g} here, {theirs:g} there" + (
                f" ({100 * (own / theirs - 1):+.1f} %)" if theirs else ""
            )
