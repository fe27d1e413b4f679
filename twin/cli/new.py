"""`twin new`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from twin.errors import TwinError

TEMPLATE = "my-study"
"""What the shipped files of a beginning are called, in place of the name that they get."""


def new(
    name: Annotated[Path, typer.Argument(metavar="NAME", help="A new folder; its last part names what is in it.")],
) -> None:
    """Write a small commented workload, chip and sweep to start from."""
    from pydantic import TypeAdapter, ValidationError

    from twin.config.checks import Name
    from twin.config.resources import root
    from twin.descriptions.resolved import toml_text
    from twin.files import write_text

    try:
        TypeAdapter(Name).validate_python(name.name)
    except ValidationError:
        rule = "must end in a name of letters, digits, _, . and - (at most 80), e.g. my-study"
        raise TwinError(f"NAME (= {name}): {rule}") from None
    if name.exists():
        raise TwinError(f"{name}: is there already; name another folder, or remove it")
    console = Console()
    for path in sorted((root() / "workloads" / "new").glob("*.toml")):
        text = path.read_text(encoding="utf-8")
        text = text.replace(f'name = "{TEMPLATE}"', f"name = {toml_text(name.name)}")
        write_text(name / path.name, text.replace(f"{TEMPLATE}/", f"{name.as_posix()}/"))
        console.print(f"written: {name / path.name}", soft_wrap=True, markup=False, highlight=False)
    said = f"next: twin compare {name / 'workload.toml'} --chip {name / 'chip.toml'}"
    console.print(said, soft_wrap=True, markup=False, highlight=False)
