"""What TTv2 costs beside SGD: digital work, bytes and bandwidth over ns, H's place and width, and layouts.

``python reports/ttv2-overhead/run.py`` rewrites the tables, the figures and the numbers of README.md, in about
five minutes on one core. Nothing is trained: shapes and statistics suffice.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from twin.report.figures.axes import LOGARITHMIC, log_axis
from twin.report.figures.svg import figure, render, styled
from twin.results.text import si
from twin.runs.plan import Plan
from twin.runs.planning import plan_run
from twin.runs.timed import TimedParts, build_timed

HERE = Path(__file__).parent
BIG_BUFFER_MIB = 160
GROWN = {  # as much SRAM as H of GPT-2 takes on a chip; beyond the tables, so area and leakage grow from those of 1 MiB
    "buffer.size": f'"{BIG_BUFFER_MIB} MiB"',
    "buffer.bandwidth": '"1134.73 GB/s"',
    "buffer.latency": '"752.895 ps"',
    "buffer.energy": '"0.185884 pJ/bit"',
    "buffer.area": f'"{0.565086 * BIG_BUFFER_MIB:.3f} mm^2"',
    "buffer.leakage": f'"{0.0291528 * BIG_BUFFER_MIB:.4f} W"',
}
OFF_CHIP = {"placement.activations": "memory", "placement.errors": "memory"}  # of GPT-2 no buffer holds them
EQUAL = {"forward_mvms": "1.0", "backward_mvms": "1.0", "pulses": "1.0"}
"""The same mat-vecs a use and pulses an update for all, so that what differs is the transfers."""


class Case(NamedTuple):
    """A network of the study: its file, the values of ns, that of the comparison of layouts, the columns' title."""

    workload: str
    every: tuple[int, ...]
    chosen: int
    title: str


CASES = {
    "lenet": Case("mnist-lenet", (1, 4, 8, 64, 576), 64, "LeNet"),
    "lstm": Case("lstm-wp", (1, 2, 5, 10, 50, 100), 5, "LSTM2-64-WP"),
    "gpt2-small": Case("gpt2-small", (4, 16, 64, 256, 1024), 64, "GPT-2 small"),
}
PLACES = (("memory", 4), ("memory", 2), ("memory", 1), ("buffer", 4), ("buffer", 1))
LAYOUTS = (("sgd", "two-array"), ("shd", "three-array"), ("ttv2", "three-array"), ("ttv2", "four-array"))


@cache
def uses(workload: str) -> list[int]:
    """Return how often each layer is used, in order."""
    return [layer.uses for layer in build_timed(timed_plan(workload, "sgd", "two-array")).network.layers]


def timed_plan(
    workload: str,
    algorithm: str,
    layout: str,
    own: Mapping[str, str] | None = None,
    chip: Mapping[str, str] | None = None,
) -> Plan:
    """Plan a run that is only timed, of the work that two samples in flight are."""
    overrides = {"training.in_flight": "2", "timing.samples": "4"} | dict(own or {})
    if workload == "gpt2-small":
        overrides |= {"training.in_flight": "1", "timing.samples": "1"}
    return plan_run(
        workload,
        "aimc-512",
        layout,
        algorithm,
        workload_overrides=overrides,
        chip_overrides=chip or {},
        timing_only=True,
    )


def run(
    case: Case, algorithm: str, layout: str, ns: int, *, place: str = "memory", width: int = 4
) -> tuple[TimedParts, dict[str, float]]:
    """Time one setting; ns is at most a layer's uses, so that every layer transfers in every sample."""
    chip = {"placement.h": place, "placement.h_word": f'"{width} B"'}
    if case.workload == "gpt2-small":
        chip |= OFF_CHIP | (GROWN if place == "buffer" else {})
    workload = {f"statistics.{algorithm}.{key}": value for key, value in EQUAL.items()}
    if algorithm != "sgd":
        workload[f"algorithms.{algorithm}.transfer_axis"] = '"row"'
        own = uses(case.workload)
        if len(set(own)) == 1:  # one number for all, so that equal blocks are simulated once
            workload[f"algorithms.{algorithm}.transfer_every"] = str(min(ns, own[0]))
        else:
            workload[f"algorithms.{algorithm}.transfer_every_per_layer"] = str([min(ns, n) for n in own])
    parts = build_timed(timed_plan(case.workload, algorithm, layout, workload, chip))
    samples = parts.steps
    for sample in range(samples):
        parts.advance(sample)
    return parts, measured(parts, samples)


def measured(parts: TimedParts, samples: int) -> dict[str, float]:
    """Return what a sample takes: digital operations, bytes by place, time, energy."""
    tables = parts.clock.tables()
    traffic, energy = tables["traffic"], tables["energy"]
    stored = traffic[traffic["path"].isin(["memory", "buffer"])]
    seconds = parts.clock.now_ps * 1e-12 / samples
    digital_J = energy.loc[(energy["component"] == "digital"), "energy_J"].sum() / samples
    flops = digital_J / parts.chip.digital.energy
    h = stored.loc[stored["stream"] == "H", "bytes"].sum() / samples
    memory = traffic.loc[traffic["path"] == "memory", "bytes"].sum() / samples
    return {
        "flops": flops,
        "bytes": stored["bytes"].sum() / samples,
        "h_bytes": h,
        "memory_bytes": memory,
        "seconds": seconds,
        "joules": energy["energy_J"].sum() / samples,
        "area_mm2": 1e6 * sum(row.area_m2 for row in parts.costs.area()),
        "chips": parts.chips,
    }


def overheads() -> Iterator[dict[str, object]]:
    """Compare TTv2 on three-array (where it adds H and nothing else that moves) with SGD on two-array."""
    for name, case in CASES.items():
        _, sgd = run(case, "sgd", "two-array", 1)
        for place, width in PLACES:
            for ns in case.every:
                _, own = run(case, "ttv2", "three-array", ns, place=place, width=width)
                yield {
                    "network": name,
                    "h_in": place,
                    "h_word_B": width,
                    "ns": ns,
                    "sgd_MFLOP": sgd["flops"] * 1e-6,
                    "flops_more_percent": 100 * (own["flops"] / sgd["flops"] - 1),
                    "sgd_kB": sgd["bytes"] * 1e-3,
                    "bytes_more_percent": 100 * (own["bytes"] / sgd["bytes"] - 1),
                    "h_kB": own["h_bytes"] * 1e-3,
                    "h_GB_per_s_and_chip": own["h_bytes"] / own["seconds"] / own["chips"] * 1e-9,
                    "memory_GB_per_s_and_chip": own["memory_bytes"] / own["seconds"] / own["chips"] * 1e-9,
                    "time_more_percent": 100 * (own["seconds"] / sgd["seconds"] - 1),
                    "energy_more_percent": 100 * (own["joules"] / sgd["joules"] - 1),
                }


def layouts() -> Iterator[dict[str, object]]:
    """Compare layouts as they are, and at the area of SGD on two-array."""
    for name, case in CASES.items():
        base: dict[str, float] = {}
        for algorithm, layout in LAYOUTS:
            _, own = run(case, algorithm, layout, case.chosen)
            base = base or own
            speed = base["seconds"] / own["seconds"]
            yield {
                "network": name,
                "algorithm": algorithm,
                "layout": layout,
                "ns": 0 if algorithm == "sgd" else case.chosen,
                "chips": own["chips"],
                "area_mm2": own["area_mm2"],
                "samples_per_s": 1 / own["seconds"],
                "energy_uJ": own["joules"] * 1e6,
                "speed_vs_sgd": speed,
                "speed_at_equal_area_vs_sgd": speed * base["area_mm2"] / own["area_mm2"],
            }


def markdown(table: pd.DataFrame) -> str:
    """Give a table in Markdown, three digits."""
    cells = [[f"{v:.3g}" if isinstance(v, float) else str(v) for v in row] for row in table.itertuples(index=False)]
    lines = [list(table.columns), ["---"] * len(table.columns), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def draw(table: pd.DataFrame) -> None:
    """Draw work and bytes over ns, one figure a network."""
    for name, case in CASES.items():
        own = table[table["network"] == name]
        with styled():
            drawn = figure(5.4, 3.6)
            axes = drawn.add_subplot()
            flops = own[(own["h_in"] == "memory") & (own["h_word_B"] == 4)]
            axes.plot(flops["ns"], flops["flops_more_percent"], "k-o", markersize=4, label="digital work")
            for width, line in ((4, "-"), (2, "--"), (1, ":")):
                one = own[(own["h_in"] == "memory") & (own["h_word_B"] == width)]
                axes.plot(
                    one["ns"], one["bytes_more_percent"], f"C0{line}s", markersize=4, label=f"bytes, H of {width} B"
                )
            axes.axhline(20, color="grey", linewidth=0.8)
            log_axis(axes, "x", case.every, at=case.every)
            log_axis(axes, "y", [value for line in axes.lines for value in line.get_ydata()])
            axes.set_xlabel(f"updates per transfer (ns), {LOGARITHMIC}")
            axes.set_ylabel(f"TTv2 over SGD (%, {LOGARITHMIC})")
            axes.set_title(case.title, loc="left", fontweight="bold")
            drawn.legend(loc="outside lower center", ncols=2)
            (HERE / f"{name}.svg").write_text(render(drawn), encoding="utf-8")


def facts(table: pd.DataFrame, compared: pd.DataFrame) -> dict[str, str]:
    """Return the numbers of README.md by name."""
    found: dict[str, str] = {}
    for row in table.itertuples(index=False):
        key = f"{row.network} {row.h_in} {row.h_word_B} {row.ns}"
        found[f"{key} flops"] = more(row.flops_more_percent)
        found[f"{key} bytes"] = more(row.bytes_more_percent)
        found[f"{key} time"] = more(row.time_more_percent)
        found[f"{key} energy"] = more(row.energy_more_percent)
        found[f"{key} H"] = si(row.h_GB_per_s_and_chip * 1e9, "B/s")
        found[f"{key} memory"] = si(row.memory_GB_per_s_and_chip * 1e9, "B/s")
        found[f"{key} kB"] = si(row.h_kB * 1e3, "B")
    for row in compared.itertuples(index=False):
        key = f"{row.network} {row.algorithm} {row.layout}"
        found[f"{key} speed"] = f"{row.speed_vs_sgd:.2f}"
        found[f"{key} equal"] = f"{row.speed_at_equal_area_vs_sgd:.2f}"
        found[f"{key} area"] = f"{row.area_mm2:.3g} mm²"
        found[f"{key} energy"] = f"{row.energy_uJ:.3g} µJ"
    return found


def more(percent: float) -> str:
    """Give a change in percent with two digits, large ones whole."""
    return f"{percent:+,.0f} %" if abs(percent) >= 10 else f"{percent:+.2g} %"


def fill(text: str, found: dict[str, str]) -> str:
    """Replace every number that stands behind a comment with its name: ``<!-- name -->number<!-- -->``."""
    return re.sub(r"<!-- ([^>]+?) -->.*?<!-- -->", lambda hit: f"<!-- {hit[1]} -->{found[hit[1]]}<!-- -->", text)


def main() -> None:
    """Write tables, figures and the numbers of the page."""
    table, compared = pd.DataFrame(overheads()), pd.DataFrame(layouts())
    table.to_csv(HERE / "overhead.csv", index=False, float_format="%.5g", lineterminator="\n")
    compared.to_csv(HERE / "layouts.csv", index=False, float_format="%.5g", lineterminator="\n")
    text = "# TTv2 over SGD\n\nTTv2 on three-array beside SGD on two-array, a sample; `flops` and `bytes` are digital "
    text += "work and what buffer and memory move.\n\n" + markdown(table)
    text += "\n# Layouts\n\n" + markdown(compared)
    (HERE / "table.md").write_text(text, encoding="utf-8")
    draw(table)
    page = HERE / "README.md"
    page.write_text(fill(page.read_text(encoding="utf-8"), facts(table, compared)), encoding="utf-8")


if __name__ == "__main__":
    main()
