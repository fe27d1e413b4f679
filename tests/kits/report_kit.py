"""Runs made up for the tests of the report: their tables agree with their totals."""

import numpy as np
import pandas as pd

from twin.results.result import RunResult, Source

KINDS = ("input", "forward", "activation", "loss", "backward", "derivative", "update", "calibration")
COMPONENTS = (
    "drivers", "converters", "conduction", "periphery", "pulses", "digital", "buffer", "memory", "link",
    "host", "leakage",
)  # fmt: skip


def make_run(algorithm="ttv2", layout="four-array", *, seed=1, pace=1.0, epochs=10, **changes) -> RunResult:
    """Make up a run whose tables agree with its totals."""
    rng = np.random.default_rng(seed)
    digital, layers, samples = algorithm == "digital", 3, 1437 * epochs
    makespan_ps = int(samples * 2.5e5 / pace)
    kinds = KINDS[:-1] if digital else KINDS
    if algorithm == "ttv2":
        kinds += ("read_out", "h_load", "filter", "h_store", "transfer")
    rows = [(kind, layer, "C" if kind == "forward" else "A") for kind in kinds for layer in range(layers)]
    operations = pd.DataFrame(rows, columns=["kind", "layer", "matrix"])
    operations["count"] = samples
    operations["busy_ps"] = rng.integers(10_000, 60_000, len(rows)) * samples
    operations["wait_ps"] = rng.integers(0, 90_000, len(rows)) * samples
    operations["pulses"] = rng.integers(0, 9, len(rows)) * samples
    energy = pd.DataFrame(
        [(part, layer, kind) for part in COMPONENTS for kind, layer, _ in rows if kind != "calibration"],
        columns=["component", "layer", "kind"],
    )
    energy["energy_J"] = rng.exponential(2e-10, len(energy)) * samples * (8 if digital else 1)
    moved = [("host", "input", 256.0), ("link", "activations", 1024.0), ("buffer", "activations", 1024.0)]
    moved += [("memory", "H", 8192.0), ("link", "H", 8192.0)] if algorithm == "ttv2" else []
    traffic = pd.DataFrame(
        [(path, stream, layer, size * samples) for path, stream, size in moved for layer in range(layers)],
        columns=["path", "stream", "layer", "bytes"],
    )
    names = [] if digital else [f"{layer}.{tile}" for layer in range(layers) for tile in layout.split("-")[:2]]
    servers = pd.DataFrame(
        [(name, "tile") for name in names] + [("0.digital", "digital"), ("memory", "memory"), ("host", "host")],
        columns=["server", "kind"],
    )
    servers["served"] = samples
    servers["utilisation"] = rng.uniform(0.05, 0.95, len(servers))
    servers["busy_ps"] = (servers["utilisation"] * makespan_ps).astype("int64")
    servers["wait_ps"] = rng.integers(0, 10**9, len(servers))
    servers["mean_queue"] = rng.uniform(0, 3, len(servers))
    edges = np.linspace(0, makespan_ps, 401).astype("int64")
    bins = pd.DataFrame({"t0_ps": edges[:-1], "t1_ps": edges[1:], "energy_J": energy["energy_J"].sum() / 400})
    for _, stream, size in moved[:4]:
        if f"{stream}_bytes" not in bins:
            bins[f"{stream}_bytes"] = size * samples / 400 * rng.uniform(0.6, 1.4, 400)
    bound = pd.DataFrame(
        [("tile 0.A", 0, "update", "RAW on 0.A", 0.48), ("tile 0.A", 0, "update", "tile 0.A", 0.27),
         ("digital 1.C", 1, "filter", "RAW on h1", 0.15), ("move host", -1, "input", "end", 0.1)],
        columns=["what", "layer", "kind", "cause", "share"],
    )  # fmt: skip
    served = (("forward", f"tile {names[0] if names else 0}", "tile"), ("activation", "digital 0", "digital"),
              ("load", "buffer", "buffer"))  # fmt: skip
    schedule = pd.DataFrame(
        [(sample, kind, 0, "A", server, part, 1000 * sample + 300 * k, 1000 * sample + 300 * k + 250)
         for sample in range(8) for k, (kind, server, part) in enumerate(served)],
        columns=["sample", "kind", "layer", "matrix", "server", "part", "start_ps", "end_ps"],
    )  # fmt: skip
    channels = pd.DataFrame([("memory", 1, 5.12e10), ("host", 1, 6.4e9)], columns=["path", "count", "peak_Bps"])
    area = pd.DataFrame(
        [("array", 6, 2.1e-7, 0.0), ("converters", 384, 4.4e-7, 3e-3), ("digital", 2, 9e-7, 1e-2),
         ("buffer", 1, 1.3e-6, 4e-3)],
        columns=["part", "count", "area_m2", "leakage_W"],
    )  # fmt: skip
    staleness = pd.DataFrame(
        [("forward", 0, "W", 0, 30), ("forward", 0, "W", 2, 10), ("backward", 0, "W", 1, 7)],
        columns=["kind", "layer", "matrix", "staleness_samples", "reads"],
    ).iloc[:3 if algorithm == "sgd" else 1]  # fmt: skip
    calibration = pd.DataFrame(
        [(k, 100 * k, 1e-4 * k, 0, "A", 200, 4e-6, 3e-7, np.nan, np.nan, -0.01, 0.02) for k in range(2)],
        columns=["number", "samples", "time_s", "layer", "matrix", "pulses", "busy_s", "energy_J",
                 "before_mean", "before_std", "residual_mean", "residual_std"],
    )  # fmt: skip
    error = 0.9 * np.exp(-np.arange(epochs + 1) * (0.5 if algorithm != "sgd" else 0.2)) + 0.025
    curve = pd.DataFrame({"epoch": np.arange(epochs + 1), "samples": np.arange(epochs + 1) * 1437})
    curve["time_s"] = curve["epoch"] / epochs * makespan_ps * 1e-12
    curve["train_loss"] = curve["test_loss"] = error * 2
    curve["test_error"] = error
    diagnostics = pd.DataFrame(
        [(str(layer), "A", what, value * (layer + 1), "1") for layer in range(layers) for what, value in
         (("pulses per update", 4.7), ("devices at bounds", 0.013), ("coverage bound", 0.21))],
        columns=["layer", "matrix", "what", "value", "unit"],
    )  # fmt: skip
    given = {
        "name": f"{algorithm} {layout}".replace("digital digital", "digital"), "algorithm": algorithm,
        "layout": layout, "chip": "aimc-512", "workload": "digits-mlp", "device": "gokmen-60", "seed": seed,
        "samples": samples, "epochs": epochs, "test_error": float(error[-1]), "curve": curve,
        "makespan_s": makespan_ps * 1e-12, "energy_J": float(energy["energy_J"].sum()), "area_m2": 2.85e-6,
        "leakage_W": 0.017, "bound": "tile 0.A (update): 48 % of the critical path",
        "tables": {"operations": operations, "energy": energy, "traffic": traffic, "servers": servers,
                   "bins": bins, "bound": bound, "area": area, "staleness": staleness, "calibration": calibration,
                   "schedule": schedule, "channels": channels},
        "diagnostics": diagnostics,
        "warnings": ["layer 0: 12 % of the devices <at> bounds"] if algorithm == "sgd" else [],
        "config": 'schema = 1\nname = "aimc-512"\n',
        "command": f"twin run digits-mlp --algorithm {algorithm}",
        "sources": [
            Source("tile.integration_time", "40 ns", "s", "S", "Rasch 2024, Methods", "aimc-512.toml:24"),
            Source("digital.energy", "1.0 pJ", "J", "assumption", "FP32 at that node", "preset envelope-9b"),
        ],
    }  # fmt: skip
    return RunResult(**(given | changes))


def make_runs() -> list[RunResult]:
    return [
        make_run("digital", "digital", seed=3, pace=0.02),
        make_run("sgd", "two-array", seed=4, pace=0.8),
        make_run("shd", "four-array", seed=5),
        make_run("shd", "three-array", seed=6, pace=0.7),
        make_run("ttv2", "four-array", seed=7, pace=1.3),
        make_run("ttv2", "three-array", seed=8, pace=0.9),
    ]
