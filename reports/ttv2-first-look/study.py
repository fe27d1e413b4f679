"""TTv2 beside SGD on mnist-mlp: throughput, what it waits for, and H's traffic, from the ledger.

With MNIST under TWIN_DATA_DIR: ``python reports/ttv2-first-look/study.py``, two to four minutes. It rewrites
the tables beside it. Only rates and bytes are of interest here, so a thousand samples do.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from twin.simulation.build import Parts, build
from twin.simulation.plan import RunPlan

HERE = Path(__file__).parent
SAMPLES = 1000
RUNS = (("sgd", "two-array"), ("shd", "four-array"), ("ttv2", "four-array"), ("ttv2", "three-array"))
HOSTS = ("6.4 GB/s", "64 GB/s")
TRANSFER_EVERY = 4
"""Of TTv2; SHD transfers after every sample."""


def ran(
    algorithm: str,
    layout: str,
    *,
    host: str = HOSTS[0],
    phases: int = 1,
    chip: Mapping[str, str] = MappingProxyType({}),
    **settings: object,
) -> Parts:
    """Run mnist-mlp on aimc-512; settings are of the workload, with dots as double underscores."""
    every = {"algorithms.ttv2.transfer_every": str(TRANSFER_EVERY), "algorithms.shd.transfer_every": "1"}
    training = {"training.epochs": "1", "training.in_flight": "4", "data.samples": str(SAMPLES)}
    own = {key.replace("__", "."): str(value) for key, value in settings.items()}
    hardware = {"host.bandwidth": f'"{host}"', "tile.sign_phases": str(phases)} | dict(chip)
    plan = RunPlan(
        "mnist-mlp",
        "aimc-512",
        layout,
        algorithm,
        workload_overrides=training | every | own,
        chip_overrides=hardware,
    )
    parts = build(plan)
    parts.machine.set_rates(1.0)
    parts.effects.segment(0, SAMPLES)
    parts.engine.run(0, SAMPLES)
    return parts


def rate(parts: Parts) -> float:
    """Millions of samples a second."""
    return SAMPLES / parts.engine.now_ps * 1e6


def fixed_pulses(algorithm: str, pulses: int) -> dict[str, object]:
    """Return settings with which every update uses so many pulses."""
    update = f"algorithms__{algorithm}__update__"
    return {
        f"{update}desired_bl": pulses,
        f"{update}update_management": "false",
        f"{update}update_bl_management": "false",
    }


def in_flight() -> pd.DataFrame:
    """Throughput by samples in flight and host link."""
    rows = []
    for host in HOSTS:
        for number in (1, 2, 4, 8):
            for algorithm, layout in RUNS:
                parts = ran(algorithm, layout, host=host, training__in_flight=number)
                rows.append((host, number, algorithm, layout, rate(parts)))
    return pd.DataFrame(rows, columns=["host", "in_flight", "algorithm", "layout", "million_samples_per_s"])


def pulses() -> pd.DataFrame:
    """Throughput by pulses per update and sign phases."""
    rows = []
    for phases in (1, 2):
        for number in (1, 5, 10, 31):
            for algorithm, layout in (RUNS[0], *RUNS[2:]):
                for host in HOSTS:
                    parts = ran(algorithm, layout, host=host, phases=phases, **fixed_pulses(algorithm, number))
                    rows.append((phases, number, host, algorithm, layout, rate(parts)))
    columns = ["sign_phases", "pulses_per_update", "host", "algorithm", "layout", "million_samples_per_s"]
    return pd.DataFrame(rows, columns=columns)


def transfers() -> pd.DataFrame:
    """Throughput by updates per transfer."""
    rows = []
    for every in (1, 2, 4, 10):
        for algorithm, layout in RUNS[2:]:
            parts = ran(algorithm, layout, host=HOSTS[1], algorithms__ttv2__transfer_every=every)
            rows.append((every, algorithm, layout, rate(parts)))
    return pd.DataFrame(rows, columns=["transfer_every", "algorithm", "layout", "million_samples_per_s"])


def waits() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tabulate what the critical path consists of and waits for, and the servers; four in flight."""
    bounds, servers = [], []
    for host in HOSTS:
        for algorithm, layout in RUNS:
            tables = ran(algorithm, layout, host=host).engine.tables()
            for name, found in (("bound", bounds), ("servers", servers)):
                table = tables[name]
                table.insert(0, "layout", layout)
                table.insert(0, "algorithm", algorithm)
                table.insert(0, "host", host)
                found.append(table)
    bound = pd.concat(bounds)
    return bound[bound["share"] >= 0.01], pd.concat(servers)


def moves() -> pd.DataFrame:
    """Throughput with links and buffer as they are, and so fast that moves on the chip take no time."""
    free = {f"{part}.latency": '"0 s"' for part in ("link", "buffer")}
    free |= {f"{part}.bandwidth": '"1e9 GB/s"' for part in ("link", "buffer")}
    rows = []
    for name, chip in (("as it is", {}), ("free", free)):
        for host in HOSTS:
            for algorithm, layout in (RUNS[0], *RUNS[2:]):
                speed = rate(ran(algorithm, layout, host=host, chip=chip))
                rows.append((name, host, algorithm, layout, speed))
    return pd.DataFrame(rows, columns=["moves", "host", "algorithm", "layout", "million_samples_per_s"])


def h_traffic() -> pd.DataFrame:
    """Bytes a sample on the memory path by updates per transfer, beside the closed form."""
    rows = []
    base = ran(*RUNS[0])
    sgd = memory_bytes(base)
    for every in (1, 2, 5, 10, 50):
        parts = ran("ttv2", "four-array", algorithms__ttv2__transfer_every=every)
        lengths = sum(layer.n_in for layer in parts.network.layers)
        word = parts.chip.placement.h_word
        closed = 2 * lengths * word / every
        rows.append((every, memory_bytes(parts) - sgd, closed, 2 * lengths / every))
    columns = [
        "transfer_every",
        "extra_bytes_per_sample",
        "closed_form_bytes_per_sample",
        "at_1_byte_a_word_bytes_per_sample",
    ]
    return pd.DataFrame(rows, columns=columns)


def memory_bytes(parts: Parts) -> float:
    """Bytes a sample over the memory path."""
    table = parts.engine.tables()["traffic"]
    return float(table.loc[table["path"] == "memory", "bytes"].sum()) / SAMPLES


def main() -> None:
    """Write the tables."""
    bound, servers = waits()
    tables = {
        "in-flight": in_flight(),
        "pulses": pulses(),
        "transfer-every": transfers(),
        "moves": moves(),
        "bound": bound,
        "servers": servers,
        "h-traffic": h_traffic(),
    }
    for name, table in tables.items():
        table.to_csv(HERE / f"{name}.csv", index=False, float_format="%.5g", lineterminator="\n")


if __name__ == "__main__":
    main()
