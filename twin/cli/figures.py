"""What `twin figures` does."""

from pathlib import Path

from rich.console import Console


def figures(folder: Path, out: Path | None) -> None:
    """Write the figures of a finished report as PDF, by default beside their SVG files; print how many and where.

    Raises
    ------
    TwinError
        When the folder holds no finished report, or a file cannot be written.
    """
    from twin.report.write import write_pdf  # noqa: PLC0415 - pandas and matplotlib

    place = out or folder / "figures"
    paths = write_pdf(folder, place)
    Console().print(f"{len(paths)} figures: {place}", soft_wrap=True, markup=False, highlight=False)
