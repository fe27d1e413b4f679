"""The streams of docs/validation/dram.md, which other simulators of DRAM have served too."""

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from dram_kit import description, server

N = 10_000
MAPPING = "RoBaRaCoCh"  # of all simulators; Ramulator's order Row, Bank, BankGroup, Rank, Column, Channel
TABLE = Path(__file__).parents[1] / "golden" / "dram_streams.csv"


class Case(NamedTuple):
    """One stream: which part, in which order, which share of writes, how many clocks apart (0: all at once)."""

    part: str
    stream: str
    writes: float
    gap: float


def fields(made, stream):
    """Return rank, group, bank, row and column of every burst."""
    i, zeros = np.arange(N), np.zeros(N, np.int64)
    groups, columns, banks, rows = made.bank_groups, made.columns, made.banks, made.rows
    if stream == "sequential":  # neighbouring bursts in other bank groups
        return zeros, i % groups, i // groups // columns % banks, i // groups // columns // banks, i // groups % columns
    if stream == "by row":  # one row of one bank after the other
        return (
            zeros,
            i // columns % groups,
            i // columns // groups % banks,
            i // columns // groups // banks,
            i % columns,
        )
    rng = np.random.default_rng(1)
    group, bank, row, column = (rng.integers(0, size, N) for size in (groups, banks, rows, columns))
    return zeros, group, bank, row, column


def requests(case):
    """Return the description, arrivals in clocks, byte addresses, and which requests write."""
    made = description(case.part, address_mapping=f'"{MAPPING}"')
    _, group, bank, row, column = fields(made, case.stream)
    burst = ((row * made.banks + bank) * made.bank_groups + group) * made.columns + column
    writes = np.random.default_rng(5).random(N) < case.writes
    arrival = np.cumsum(np.random.default_rng(7).exponential(case.gap, N)) if case.gap else np.zeros(N)
    return made, np.floor(arrival).astype(np.int64), burst * made.burst_bytes, writes


class Served(NamedTuple):
    """What a stream reaches: GB/s to the last request, and the mean latency of reads and of writes, ns.

    A read ends with its last beat of data, a write with its command.
    """

    bandwidth: float
    read: float
    write: float


def figures(made, arrival, end, writes):
    """Return the figures of times in clocks."""
    clock_ns = made.tCK * 1e9
    latency = (end - arrival) * clock_ns
    read, write = (float(latency[kind].mean()) if kind.any() else float("nan") for kind in (~writes, writes))
    return Served(len(end) * made.burst_bytes / (end.max() * clock_ns), read, write)


@cache
def twin(case):
    """Serve a stream by our model."""
    made, arrival, address, writes = requests(case)
    clock_ps = made.tCK * 1e12
    one = server(case.part, address_mapping=f'"{MAPPING}"')
    done, _ = one.trace(np.rint(arrival * clock_ps).astype(np.int64), address, writes)
    return figures(made, arrival, done / clock_ps - np.where(writes, made.nCWL + made.nBL, 0), writes)


def table():
    """Read what other simulators gave: a list of (case, simulator, Served)."""
    with TABLE.open() as file:
        return [
            (
                Case(row["part"], row["stream"], float(row["writes"]), float(row["gap_clocks"])),
                row["simulator"],
                Served(*(float(row[name] or "nan") for name in ("bandwidth_GBps", "read_ns", "write_ns"))),
            )
            for row in csv.DictReader(file)
        ]
