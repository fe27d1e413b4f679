"""Published figures, computed again on the twin's own machine, with the paper's claims checked.

A figure is a module with ``reproduce(seed, progress) -> Reproduction``; one line in `FIGURES` adds it. A module that
has a `SWEEP` is drawn from the results of a sweep, and its function is ``reproduce(sweep, progress)``.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from twin.config.resources import suggestion
from twin.errors import TwinError

if TYPE_CHECKING:
    from papers.output import Reproduction

FIGURES = {
    "gokmen-2021-fig6": "papers.gokmen_2021_fig6",
    **{f"lee-2022-fig{k}": f"papers.lee_2022_fig{k}" for k in range(2, 10)},
    "onen-2021-fig1": "papers.onen_2021_fig1",
    "onen-2021-fig2": "papers.onen_2021_fig2",
}


def reproduce_figure(figure: str, out: Path, seed: int = 1, sweep: str = "", interval: str = "") -> None:
    """Compute a published figure; write ``FIGURE.svg``, ``.csv`` and ``.md`` to `out`; print the claims.

    Parameters
    ----------
    figure : str
        A name of `FIGURES`.
    out : Path
        Folder, made if need be; files of the same figure in it are replaced.
    seed : int
        The first of the seeds that are averaged over; those of a sweep stand in its description.
    sweep : str
        Name or path of the sweep from which to draw a figure of one, instead of the figure's own.
    interval : str
        What a figure with bands about its means draws, a key of `twin.results.intervals.INTERVALS`; the figure's own
        where it is empty.

    Raises
    ------
    TwinError
        For an unknown figure, a sweep for a figure of none, a seed for a figure of one or an interval for a figure
        without, or when the folder cannot be written to.
    SystemExit
        With code 1, after everything is written and printed, when a claim does not hold.
    """
    if figure not in FIGURES:
        raise TwinError(f"{figure!r}: no figure of this name{suggestion(figure, FIGURES)}")
    from papers.output import show, with_progress  # noqa: PLC0415 - pandas, matplotlib

    for key, value, rule in mistakes(figure, seed, sweep, interval):
        raise TwinError(f"--{key} (= {value}): {rule}")
    done = with_progress(figure, lambda progress: made(figure, seed, sweep, interval, progress))
    files = done.write(out, asked(figure, seed, sweep, interval))
    show(done, files)
    if not all(claim.holds for claim in done.claims):
        raise SystemExit(1)


def mistakes(figure: str, seed: int, sweep: str, interval: str) -> Iterator[tuple[str, str | int, str]]:
    """Yield the options that do not fit a figure: name, value, and the rule that it breaks."""
    own = getattr(import_module(FIGURES[figure]), "SWEEP", "")
    if sweep and not own:
        yield "sweep", sweep, f"{figure} is drawn from no sweep; leave it out"
    if own and seed != 1:
        yield "seed", seed, f"{figure} has the seeds of its sweep; change them there and name it as sweep"
    if interval:
        draw = [name for name, module in FIGURES.items() if hasattr(import_module(module), "INTERVAL")]
        if figure not in draw:
            yield "interval", interval, f"{figure} draws no interval; leave it out ({' and '.join(draw)} do)"


def made(figure: str, seed: int, sweep: str, interval: str, progress: Callable[[int, int], None]) -> "Reproduction":
    """Compute a figure."""
    module = import_module(FIGURES[figure])
    return module.reproduce(source(figure, seed, sweep), progress, *((interval,) if interval else ()))


def asked(figure: str, seed: int, sweep: str, interval: str) -> str:
    """Return the options that make a figure again: the sweep it is drawn from, or its first seed, and its interval."""
    name = "seed" if isinstance(made_from := source(figure, seed, sweep), int) else "sweep"
    return f"--{name} {made_from}" + (f" --interval {interval}" if interval else "")


def source(figure: str, seed: int, sweep: str) -> str | int:
    """Return what a figure is made from: the sweep that is named, else its own, else the first seed."""
    return sweep or getattr(import_module(FIGURES[figure]), "SWEEP", "") or seed
