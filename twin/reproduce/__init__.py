"""Published figures, computed again on the twin's own machine, with the paper's claims checked.

A figure is a module with ``reproduce(seed, progress) -> Reproduction``; one line in `FIGURES` adds it.
"""

from importlib import import_module
from pathlib import Path

from twin.config.resources import suggestion
from twin.errors import TwinError

FIGURES = {
    "gokmen-2021-fig6": "twin.reproduce.gokmen_2021_fig6",
    "onen-2021-fig1": "twin.reproduce.onen_2021_fig1",
    "onen-2021-fig2": "twin.reproduce.onen_2021_fig2",
}


def reproduce_figure(figure: str, out: Path, seed: int) -> None:
    """Compute a published figure; write ``FIGURE.svg``, ``.csv`` and ``.md`` to `out`; print the claims.

    Parameters
    ----------
    figure : str
        A name of `FIGURES`.
    out : Path
        Folder, made if need be; files of the same figure in it are replaced.
    seed : int
        The first of the seeds that are averaged over.

    Raises
    ------
    TwinError
        For an unknown figure, or when the folder cannot be written to.
    SystemExit
        With code 1, after everything is written and printed, when a claim does not hold.
    """
    if figure not in FIGURES:
        raise TwinError(f"{figure!r}: no figure of this name{suggestion(figure, FIGURES)}")
    from twin.reproduce.output import show, with_progress, write  # noqa: PLC0415 - pandas, matplotlib

    done = with_progress(figure, lambda progress: import_module(FIGURES[figure]).reproduce(seed, progress))
    files = write(done, out, seed)
    show(done, files)
    if not all(claim.holds for claim in done.claims):
        raise SystemExit(1)
