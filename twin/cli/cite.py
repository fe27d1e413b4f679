"""`twin cite`."""

from pathlib import Path
from typing import Annotated

import typer


def cite(
    folder: Annotated[Path, typer.Argument(help="A folder that `twin compare` or `twin run` wrote, or one run in it.")],
    out: Annotated[Path | None, typer.Option(help="A .bib file (default: the standard output).")] = None,
) -> None:
    """Write BibTeX of exactly the papers, parts and data that finished runs used, each with a note of what for."""
    from twin.files import check_outputs, check_suffix, write_text
    from twin.report.cite import bibtex
    from twin.report.write import load_runs
    from twin.version import __version__

    if out is not None:
        check_suffix("--out", out, ".bib")
        check_outputs({"--out": out}, {}, folder)
    text = bibtex(load_runs(folder)[0], __version__)
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_text(out, text)
