"""`twin.infer`: given weights on a chip, without training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from twin.api.arguments import in_words_of_python, pairs
from twin.api.progress import shown
from twin.config.options import Options
from twin.errors import TwinError
from twin.runs.inference import HARDWARE, Inferred, Rest, plan_inference
from twin.runs.inference import infer as run_weights

if TYPE_CHECKING:
    from pathlib import Path

    from twin.api.arguments import Overrides

__all__ = ["Inferred", "infer"]
METHODS = ("write-verify", "exact")


def infer(
    workload: str | Path,
    hardware: Literal["digital", "analog"] = "digital",
    *,
    chip: str | Path = "aimc-512",
    device: str = "",
    programming: Literal["write-verify", "exact"] | None = None,
    repeats: int = 1,
    at_rest: str = "",
    drift_compensation: bool = False,
    overrides: Overrides | None = None,
    progress: bool = True,
) -> Inferred:
    """Run given weights on the test set, as ``twin infer WORKLOAD`` does; nothing is trained.

    Parameters
    ----------
    workload : str or Path
        A workload of `twin.available`, or a path to a TOML file, with a file of weights in ``init.file``.
    hardware : "digital" or "analog"
        One matrix a layer in digital memory, or on arrays.
    chip, device, overrides, progress
        As in `compare`.
    programming : "write-verify" or "exact"
        How the weights get into arrays (default: as the workload says, else "write-verify").
    repeats : int
        Passes through the test set with noisy reads.
    at_rest : str
        A time such as ``"1 d"`` after which the test set runs again, on devices that relax or drift.
    drift_compensation : bool
        After it, scale every layer by one factor to what was read of it on average before.

    Returns
    -------
    Inferred
        Loss and error stage by stage, as a fraction; time in simulated s and energy in J a sample.

    Raises
    ------
    TwinError
        In one line: what is wrong, where, and the likely fix.
    """
    with in_words_of_python():
        if hardware not in HARDWARE:
            raise TwinError(f"hardware (= {hardware!r}): must be {' or '.join(map(repr, HARDWARE))}")
        if programming not in {None, *METHODS}:
            raise TwinError(f"programming (= {programming!r}): must be {' or '.join(map(repr, METHODS))}")
        if repeats < 1:
            raise TwinError(f"repeats (= {repeats}): must be at least 1")
        asked = Options(workload=str(workload), chip=str(chip), device=device, overrides=pairs(overrides))
        rest = Rest.of(at_rest, compensation=drift_compensation)
        plan = plan_inference(asked, hardware, programming, rest)
        with shown("twin", on=progress) as report:
            return run_weights(plan, hardware, repeats, rest, progress=lambda done: report("test set", done, repeats))
