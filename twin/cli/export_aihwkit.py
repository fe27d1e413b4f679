"""`twin export aihwkit`: a workload in, a script that makes a configuration of aihwkit out."""

from pathlib import Path
from typing import Annotated

import typer

from twin.cli.options import asking
from twin.config.options import Algorithm, Chip, Options, Overrides, Workload
from twin.errors import TwinError, counted


@asking()
def aihwkit(
    *,
    workload: Workload,
    algorithm: Algorithm = "sgd",
    chip: Chip = "aimc-512",
    overrides: Overrides = (),
    out: Annotated[Path | None, typer.Option(help="A Python file (default: the standard output).")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a workload with a setting that aihwkit does not have.")
    ] = False,
) -> None:
    """Write the RPU configuration of aihwkit that a workload has; list what aihwkit does not have, with its value."""
    from twin.descriptions.load import load_chip, load_workload
    from twin.files import check_outputs, check_suffix, write_text
    from twin.imports.aihwkit.back import configuration
    from twin.imports.aihwkit.python import script
    from twin.imports.aihwkit.returned import imported, left_out

    if out is not None:
        check_suffix("--out", out, ".py")
        check_outputs({"--out": out}, {"workload": Path(workload), "chip": Path(chip)})
    asked = Options(workload=workload, chip=chip, overrides=overrides)
    model = load_workload(workload, asked.workload_overrides).model
    on = load_chip(chip, asked.chip_overrides).model
    made = configuration(model, on, algorithm)
    found = imported(made, model.training.batch)
    left = left_out(made, found, model, on)
    lost = list(dict.fromkeys(f"{one.key} = {_shown(one.value)}; aihwkit: {_shown(one.there)}" for one in left))
    if strict and lost:
        more = f" (and {len(lost) - 1} more; without --strict all are listed)" if len(lost) > 1 else ""
        raise TwinError(f"{workload}: aihwkit cannot express {lost[0]}{more}")
    text = script(made.config, made.learning_rate)
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_text(out, text)
    said = f"not in aihwkit: {counted(len(lost), 'setting')}" if lost else "all as here"
    lines = [said, *(f"  {line}" for line in lost)]
    rules = found.report.differing
    if rules:
        lines.append(f"by another rule: {counted(len(rules), 'setting')}")
        lines += dict.fromkeys(f"  {one.place} = {one.value}; here: {one.instead}" for one in rules)
    for line in lines:
        typer.echo(line, err=True)


def _shown(value: object) -> str:
    from twin.descriptions.resolved import toml_text

    return toml_text(value).strip('"')
