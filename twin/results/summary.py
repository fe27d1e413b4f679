"""summary.json: the totals of runs, nested, with units in the names of the keys."""

import json
from collections.abc import Sequence
from typing import Any

from twin.files import plain
from twin.results.bound import savings, shares_by
from twin.results.calibration import calibration_summary
from twin.results.derived import (
    PATHS,
    bound_shares,
    busiest_links,
    derive,
    derive_all,
    energy_interval_J,
    energy_parts,
    wait_shares,
)
from twin.results.equal import at_equal_area, at_equal_error
from twin.results.models import RunSummary
from twin.results.overlap import staleness_summary
from twin.results.result import SCHEMA, RunResult
from twin.version import __version__


def run_summary(run: RunResult, baseline: RunResult) -> dict[str, Any]:
    """Totals and rates of one run, as `twin.results.models.RunSummary`; `load_run` reads its scalars back from here."""
    derived = derive(run, baseline)
    per_sample = derived.bytes_per_sample
    energy, parts = run.tables["energy"], energy_parts(run)
    by_component = energy.groupby("component", sort=False)["energy_J"].sum()
    by_kind = energy.groupby("kind", sort=False)["energy_J"].sum()
    links = busiest_links(run)
    found = {
        "schema": SCHEMA,
        "kind": "run",
        "twin_version": __version__,
        "run": {
            "name": run.name,
            "algorithm": run.algorithm,
            "layout": run.layout,
            "chip": run.chip,
            "workload": run.workload,
            "device": run.device,
            "data": run.data,
            "seed": run.seed,
            "samples": run.samples,
            "epochs": run.epochs,
            "command": run.command,
        },
        "accuracy": {
            "test_loss" if run.regression else "test_error_fraction": run.test_error,
        },
        "time": {
            "makespan_s": run.makespan_s,
            "makespan_interval_95_s": run.makespan_interval_s,
            "throughput_samples_per_s": derived.samples_per_s,
            "speed_vs_baseline_ratio": derived.speed,
            "baseline": baseline.name,
        },
        "energy": {
            "total_J": run.energy_J,
            "total_interval_95_J": energy_interval_J(run),
            **parts._asdict(),
            "without_static_J": parts.without_static_J,
            "per_sample_J": derived.energy_J_per_sample,
            "samples_per_J": derived.samples_per_J,
            "by_component_J": by_component.to_dict(),
            "by_operation_J": by_kind.to_dict(),
        },
        "traffic": {
            "per_sample_B": {path: {what: per_sample[path, what] for what in ("H", "other")} for path in PATHS}
        },
        "area": {
            "total_m2": run.area_m2,
            "leakage_W": run.leakage_W,
            "chips": run.chips,
            "samples_per_s_per_mm2": derived.samples_per_s_per_mm2,
        },
        "utilisation": {
            "tile_mean_fraction": derived.tile_utilisation_mean,
            "tile_max_fraction": derived.tile_utilisation_max,
            "tile_bubble_fraction": derived.tile_bubble_mean,
        },
        "staleness": staleness_summary(run),
        "calibration": calibration_summary(run),
        "network": {
            "busiest_links": [
                {"link": link, "utilisation_fraction": share, "per_sample_B": size} for link, share, size in links
            ]
        },
        "bound": {
            "line": run.bound,
            "critical_path_fraction": bound_shares(run),
            "part_fraction": shares_by(run.tables["bound"], "part"),
            "work_fraction": shares_by(run.tables["bound"], "work"),
            "node_fraction": shares_by(run.tables["bound"], "node"),
            "twice_as_fast_saves_fraction": savings(run.tables["bound"]),
            "waits_fraction": wait_shares(run),
        },
        "warnings": run.warnings,
    }
    return RunSummary.model_validate(plain(found)).model_dump(by_alias=True)


def summary(runs: Sequence[RunResult], to_error: float | None = None) -> dict[str, Any]:
    """Summaries of all runs, in order, the first of which is the baseline; then of all at equal area and accuracy."""
    derive_all(runs)
    return {
        "schema": SCHEMA,
        "kind": "comparison",
        "twin_version": __version__,
        "baseline": runs[0].name,
        "runs": [run_summary(run, runs[0]) for run in runs],
        "equal_area": [one._asdict() for one in at_equal_area(runs)],
        "equal_accuracy": [one._asdict() for one in at_equal_error(runs, to_error)],
    }


def to_json(content: dict[str, Any]) -> str:
    """Strict JSON (null for what is not a number), with a final newline."""
    return json.dumps(plain(content), indent=2, allow_nan=False, ensure_ascii=False) + "\n"
