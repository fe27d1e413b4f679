"""How old the weights were that forward mat-vecs read, over all layers of a run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from twin.results.result import RunResult
from twin.results.text import fixed, percent

if TYPE_CHECKING:
    import pandas as pd


def forward_reads(run: RunResult) -> dict[int, int]:
    """Give the forward reads of weights by staleness in samples, ascending; negative: newer than in program order."""
    return reads_of(run.tables["staleness"])


def reads_of(table: "pd.DataFrame") -> dict[int, int]:
    """Give the forward reads in a table of staleness, as `forward_reads`."""
    own = table[table["kind"] == "forward"].groupby("staleness_samples", as_index=False)["reads"].sum()
    return dict(zip(own["staleness_samples"].tolist(), own["reads"].tolist(), strict=True))


def staleness_summary(run: RunResult) -> dict[str, Any]:
    """Give the histogram, its mean and its largest magnitude, for ``summary.json``."""
    reads = forward_reads(run)
    return {
        "forward_reads_by_samples": {str(samples): n for samples, n in reads.items()},
        "mean_samples": mean_staleness(reads),
        "most_samples": max(map(abs, reads), default=0),
    }


def staleness_rows(runs: Sequence[RunResult]) -> list[tuple[str, str, str]]:
    """Give run, mean staleness and histogram as texts, of the runs that read anything but the program's weights."""
    found = []
    for run in runs:
        reads = forward_reads(run)
        if any(reads):
            whole = sum(reads.values())
            shares = ", ".join(f"{samples}: {percent(n / whole)} %" for samples, n in reads.items())
            found.append((run.name, fixed(mean_staleness(reads)), shares))
    return found


def mean_staleness(reads: dict[int, int]) -> float:
    """Give the mean of a histogram of staleness, in samples; 0 where nothing was read."""
    whole = sum(reads.values())
    return sum(samples * n for samples, n in reads.items()) / whole if whole else 0.0


STALENESS = ("run", "mean staleness (samples)", "forward reads by staleness (samples)")
"""Headings of `staleness_rows`."""
