"""Rows of a reproduced figure's table."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from papers.experiment import Trajectory

Array = npt.NDArray[np.float64]


def mean_and_error(values: Array) -> tuple[Array, Array]:
    """Return mean and standard error over the last axis (seeds)."""
    return values.mean(axis=-1), values.std(axis=-1, ddof=1) / np.sqrt(values.shape[-1])


def trajectory_rows(
    panel: str,
    algorithm: str,
    device: str,
    quantity: str,
    target: float,
    seed: int,
    done: Trajectory,
    matrix: str,
    closed_form: float | Array,
) -> Iterator[dict[str, object]]:
    """Yield one recorded weight of one run, with its closed form (a limit, or a value a recording)."""
    expected = np.broadcast_to(closed_form, done.samples.shape)
    for sample, value, limit in zip(done.samples, done.weights[matrix], expected, strict=True):
        yield {
            "panel": panel,
            "algorithm": algorithm,
            "device": device,
            "quantity": quantity,
            "unit": "half range",
            "G0": target,
            "seeds": str(seed),
            "sample": sample,
            "value": value,
            "closed_form": limit,
            "standard_error": np.nan,
        }
