"""How old the weights were that forward mat-vecs read, over all layers of a run."""

from collections.abc import Sequence
from typing import Any

from twin.report.result import RunResult
from twin.report.text import fixed, percent


def forward_reads(run: RunResult) -> dict[int, int]:
    """Give the forward reads of weights by staleness in samples, ascending; negative: newer than in program order."""
    table = run.tables["staleness"]
    own = table[table["kind"] == "forward"].groupby("staleness_samples", as_index=False)["reads"].sum()
    return dict(zip(own["staleness_samples"].tolist(), own["reads"].tolist(), strict=True))


def staleness_summary(run: RunResult) -> dict[str, Any]:
    """Give the histogram, its mean and its largest magnitude, for ``summary.json``."""
    reads = forward_reads(run)
    return {
        "forward_reads_by_samples": {str(samples): n for samples, n in reads.items()},
        "mean_samples": _mean(reads),
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
            found.append((run.name, fixed(_mean(reads)), shares))
    return found


def _mean(reads: dict[int, int]) -> float:
    whole = sum(reads.values())
    return sum(samples * n for samples, n in reads.items()) / whole if whole else 0.0


STALENESS = ("run", "mean staleness (samples)", "forward reads by staleness (samples)")
"""Headings of `staleness_rows`."""
