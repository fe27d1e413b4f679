"""The figures of a finished sweep."""

from pathlib import Path

from twin.errors import TwinError
from twin.report.figures.scatter import tradeoffs
from twin.report.figures.svg import write_drawing

MEANS = "means.csv"
"""What `twin sweep` leaves: a row a point, its axes in front of the number of seeds ``n``."""


def is_sweep(folder: Path) -> bool:
    """Return whether a folder is that of a sweep."""
    return (folder / "sweep.toml").is_file()


def write_tradeoffs(folder: Path, out: Path) -> list[Path]:
    """Draw energy, time, area and test error of a sweep's points against each other, as SVG and PDF.

    Parameters
    ----------
    folder : Path
        Of the sweep.
    out : Path
        Where the figures go.

    Raises
    ------
    TwinError
        When the sweep has no table yet, or its points do not differ in two of the quantities.
    """
    import pandas as pd  # noqa: PLC0415

    path = folder / MEANS
    try:
        table = pd.read_csv(path)
        keys = [str(name) for name in table.columns[: table.columns.get_loc("n")]]
        table = table.rename(columns=lambda name: str(name).removesuffix("_mean"))
        drawing = tradeoffs(table, keys)
    except (OSError, ValueError, KeyError) as error:
        raise TwinError(f"{path}: is no table of a sweep ({error}); run `twin sweep` again") from error
    if drawing is None:
        raise TwinError(f"{path}: fewer than two of energy, time, area and test error differ between its points")
    write_drawing(drawing, out)
    return [out / f"{drawing.name}.svg", out / f"{drawing.name}.pdf"]
