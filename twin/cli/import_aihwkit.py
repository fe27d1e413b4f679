"""`twin import aihwkit`: a printed configuration in, a workload and a chip out."""

from pathlib import Path

import typer

from twin.config.resources import is_path
from twin.descriptions.load import Parsed, load_chip, load_workload
from twin.descriptions.timed import name_of
from twin.errors import TwinError, counted
from twin.files import check_outputs, check_suffix, write_text
from twin.imports.aihwkit.algorithms import ASSUMED
from twin.imports.aihwkit.convert import read_configuration
from twin.imports.aihwkit.found import Base, Found
from twin.imports.aihwkit.written import checked, chip_text, chip_values, workload_text

ONCE = frozenset(
    {
        *("dense", "relu", "gelu", "silu", "sigmoid", "tanh", "identity", "softmax"),
        *("add", "multiply", "concat", "flatten", "reshape", "dropout"),
    }
)
"""Kinds of node that are used once a sample, where nothing repeated stands before them."""


def import_configuration(
    file: Path, out: Path | None, *, base: str, rate: float, chip: str, chip_out: Path | None, strict: bool
) -> None:
    """Write workload and chip; say what is lost."""
    for option, path in (("--out", out), ("--chip-out", chip_out)):
        if path is not None:
            check_suffix(option, path, ".toml")
    read = {"configuration": file, "workload": _path(base), "chip": _path(chip)}
    check_outputs({"--out": out, "--chip-out": chip_out}, read)
    model = load_workload(base).model
    nodes = [one.node for one in model.network.listed()]
    found = read_configuration(
        file,
        Base(
            rate,
            model.training.batch,
            biased=any(vars(node).get("bias", False) for node in nodes),
            repeated=any(node.kind not in ONCE for node in nodes),
            unrolled=model.network.unrolled,
        ),
    )
    if strict and found.report.lost:
        raise TwinError(_refusal(file, found))
    text = workload_text(found, Parsed.of("workload", base), name_of(out or file, "aihwkit"))
    checked(text, "workload", found)
    chip_written = ""
    if chip_out is not None:
        load_chip(chip)
        chip_written = chip_text(found, Parsed.of("chip", chip), name_of(chip_out or file, "aihwkit"))
        checked(chip_written, "chip", found)
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_text(out, text)
    if chip_out is not None:
        write_text(chip_out, chip_written)
    _say(found, out, chip_out)


def _path(name: str) -> Path | None:
    return Path(name) if is_path(name) else None


def _refusal(file: Path, found: Found) -> str:
    first, *others = found.report.lost
    more = f" (and {len(others)} more; without --strict all are listed)" if others else ""
    return f"{file}:{first.line}: {first.place} (= {first.value}): a run cannot express it; here: {first.instead}{more}"


def _assumed_rate(found: Found) -> str:
    """Say which values have the learning rate in them that the text does not have; empty where none has."""
    keys = [key for key in found.values if key.endswith("learning_rate") and key in found.assumed]
    keys += [key for key, said in found.also.items() if ASSUMED in said]
    if not keys:
        return ""
    rate = f"{found.base.learning_rate:g}"
    return f"learning rate: {rate} (--learning-rate), assumed in {', '.join(keys)}"


def _say(found: Found, out: Path | None, chip_out: Path | None) -> None:
    """Say what was lost and how to run what was written; beside a workload on the standard output, not in it."""
    count = len(found.report.lost)
    lines = [f"not as in aihwkit: {counted(count, 'setting')}" if count else "all as in aihwkit"]
    lines += [f"  line {one.line}: {one.place} = {one.value}; here: {one.instead}" for one in found.report.lost]
    if found.report.differing:
        lines.append(f"by another rule: {counted(len(found.report.differing), 'setting')}")
    lines += [f"  line {one.line}: {one.place} = {one.value}; here: {one.instead}" for one in found.report.differing]
    rate = _assumed_rate(found)
    if rate:
        lines.append(rate)
    command = f"run it: twin run {out if out is not None else 'WORKLOAD'} --algorithm {found.algorithm}"
    settings = [f"--set chip.{key}={value}" for key, value in chip_values(found).items()]
    lines.append(" ".join([command, *(settings if chip_out is None else ["--chip", str(chip_out)])]))
    for line in lines:
        typer.echo(line, err=out is None)
