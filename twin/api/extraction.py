"""`twin.extract`: the weights of a finished run as its arrays show them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from twin.api.arguments import in_words_of_python
from twin.api.result import RunResult, parts_of
from twin.errors import TwinError

if TYPE_CHECKING:
    from twin.extraction.model import Model

MOST = 1_000_000


def extract(run: RunResult | str | Path, *, reads: int = 10_240, amplitude: float = 1.0) -> Model:
    """Extract trained weights by noisy mat-vecs and linear regression, as ``twin extract`` does.

    Parameters
    ----------
    run : RunResult, str or Path
        A finished run, or the folder of one.
    reads : int
        Random mat-vecs a layer.
    amplitude : float
        Largest input; 0: as large as seldom meets the output bound.

    Returns
    -------
    Model
        Weights of every layer and their standard errors, in units of device weights; ``model.save("model.npz")``.

    Raises
    ------
    TwinError
        Where there is no such run, nothing was trained, or C alone is not the model.
    """
    from twin.runs.finals import extracted, finished_parts  # noqa: PLC0415

    with in_words_of_python():
        if not 1 <= reads <= MOST:
            raise TwinError(f"reads (= {reads}): must be from 1 to {MOST:,}")
        if not 0 <= amplitude <= 1:
            raise TwinError(f"amplitude (= {amplitude}): must be from 0 to 1")
        parts = parts_of(run) if isinstance(run, RunResult) else finished_parts(Path(run))
        return extracted(parts, reads, amplitude)
