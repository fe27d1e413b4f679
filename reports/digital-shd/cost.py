"""What a sample costs on the digital unit: SGD, momentum and SHD with simulated asymmetry.

python reports/digital-shd/cost.py writes cost.csv beside this file: operations, words and joules of a sample, from the
program and from a timed run of some samples on the chip aimc-512.
"""

from pathlib import Path

import pandas as pd

from twin.operation import Stream
from twin.runs.build import Parts, build
from twin.runs.planning import plan_run

HERE = Path(__file__).parent
MOMENTUM = {
    "algorithms.digital.optimised": "true",
    "optimiser": '{ kind = "momentum", learning_rate = 0.01 }',
}
ALGORITHMS: dict[str, tuple[str, int, dict[str, str]]] = {  # algorithm, words kept a weight, settings
    "sgd": ("digital", 1, {}),
    "momentum": ("digital", 3, MOMENTUM),
    "digital-shd": ("digital-shd", 2, {}),
}
CHIP = {"placement.weights": '"memory"'}  # the buffer has no room for a second matrix
SAMPLES = {"mnist-mlp": 40, "lstm-wp": 4}


def cost(parts: Parts, samples: int) -> dict[str, float]:
    """Time some samples; return what one of them takes."""
    parts.machine.set_rates(1.0)
    parts.effects.segment(0, samples)
    parts.engine.run(0, samples)
    energy = parts.engine.tables()["energy"]
    steps = [operation for sample in range(samples) for operation in parts.program.operations(sample)]
    return {
        "operations": sum(one.flops for one in steps) / samples,
        "words": sum(one.words for one in steps if one.stream is Stream.WEIGHTS) / samples,
        "time_s": parts.engine.now_ps * 1e-12 / samples,
        "energy_J": energy["energy_J"].sum() / samples,
        "digital_J": energy.loc[energy["component"] == "digital", "energy_J"].sum() / samples,
    }


def main() -> None:
    """Write the table."""
    rows = []
    for workload, samples in SAMPLES.items():
        for name, (algorithm, kept, settings) in ALGORITHMS.items():
            own = {"data.samples": str(samples), "training.epochs": "1", "timing.mode": '"exact"'} | settings
            parts = build(plan_run(workload, "aimc-512", algorithm, algorithm, "replayed", own, CHIP))
            weights = sum(layer.n_in * layer.n_out for layer in parts.network.layers)
            rows.append({"workload": workload, "algorithm": name, "kept_words": kept * weights} | cost(parts, samples))
            pd.DataFrame(rows).to_csv(HERE / "cost.csv", index=False, float_format="%.5g")


if __name__ == "__main__":
    main()
