"""Lee 2022, Fig. 2: learning curves of SGD and of Tiki-Taka for devices of several asymmetry factors.

Runs are points of two sweeps over the workload of the maps, kept whole for their curves in the folder in which
`twin sweep` keeps runs, so that an interrupted figure goes on where it was.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from papers.asymmetry import Array
from papers.lee_2022_line import SOURCE
from papers.lee_2022_map import AF_A, AF_C, FOLDER, JOBS
from papers.lee_2022_map import SWEEP as MAP
from papers.lee_2022_map_draw import draw_curves
from papers.output import Advance, Claim, Reproduction
from twin.descriptions.load import load_sweep
from twin.descriptions.sweep import Sweep
from twin.errors import TwinError
from twin.results.intervals import INTERVALS
from twin.results.store import load_run
from twin.results.totals import LATE
from twin.sweep.local import LocalProcesses
from twin.sweep.measure import measure
from twin.sweep.point import Point, points_of

RATES = (0.01, 0.02, 0.04)
ASYMMETRIC = (1.0, 1.78, 3.16, 10.0)
PAIRS = (0.0, 1.0, 10.0)
COLUMNS = ("case", "epoch", "quantity", "unit", "runs", "value", "standard_deviation")
BASELINE, SGD = "SGD, AF 0 (baseline)", "SGD, AF > 0"
INTERVAL = "standard-deviation"
Curves = Mapping[str, Array]

__all__ = ["claims", "reproduce"]


def _sweep(seed: int, algorithm: str, axes: Mapping[str, Sequence[float]], *, paired: bool = False) -> Sweep:
    """Describe a sweep over the workload of the maps; `paired` axes all take their k-th values together."""
    return Sweep.model_validate(
        {
            "schema": 1,
            "kind": "sweep",
            "name": f"lee-2022-fig2-{algorithm}",
            "description": "learning curves of Lee 2022, Fig. 2",
            "workload": load_sweep(MAP).model.workload,
            "algorithm": algorithm,
            "seeds": (seed,),
            "axes": tuple({"key": key, "values": tuple(values)} for key, values in axes.items()),
            "design": {"kind": "list" if paired else "grid"},
        }
    )


def cases(seed: int, rates: Sequence[float] = RATES) -> dict[str, list[Point]]:
    """Return the points of every case, by its name."""
    sgd = {
        factor: points_of(
            _sweep(seed, "sgd", {"device.matrices.W.asymmetry_factor": (factor,), "algorithm.learning_rate": rates})
        )
        for factor in (0.0, *ASYMMETRIC)
    }
    nine = np.array([(factor, fast, slow) for factor in PAIRS for fast in rates for slow in rates])
    axes = {AF_A: nine[:, 0], AF_C: nine[:, 0], "algorithm.fast_lr": nine[:, 1], "algorithm.transfer_lr": nine[:, 2]}
    found = points_of(_sweep(seed, "shd", {key: values.tolist() for key, values in axes.items()}, paired=True))
    each = len(rates) ** 2
    return {
        BASELINE: sgd.pop(0.0),
        SGD: [point for points in sgd.values() for point in points],
        **{f"Tiki-Taka, AF_A = AF_C = {af:g}": found[k * each : (k + 1) * each] for k, af in enumerate(PAIRS)},
    }


def curves(points: Mapping[str, Sequence[Point]], advance: Advance) -> dict[str, dict[str, Array]]:
    """Run what is missing; return training loss and test error by case, shape (runs, epochs) each.

    Raises
    ------
    TwinError
        Where a run ended without a result.
    """
    from twin.machine.compiled import ensure_compiled  # noqa: PLC0415

    ensure_compiled()
    every = [point for own in points.values() for point in own]
    folder = (FOLDER / "lee-2022-fig2").resolve()
    work = partial(measure, folder=folder, stop=None, keep=True)
    for number, (point, row) in enumerate(LocalProcesses(JOBS).run(every, work)):
        if row["status"] != "done":
            raise TwinError(f"{point.axes}: {row['status']}: {row['reason']}")
        advance(number + 1, len(every))
    found = {name: [load_run(folder / point.id).curve for point in own] for name, own in points.items()}
    return {
        name: {key: np.array([curve[key] for curve in own], float) for key in ("train_loss", "test_error")}
        for name, own in found.items()
    }


def claims(found: Mapping[str, Mapping[str, Array]]) -> tuple[Claim, ...]:
    """Hold the last epochs against what the paper says."""
    late = {name: own["test_error"][:, -LATE:].mean(axis=1) for name, own in found.items()}
    mean = {name: float(error.mean()) for name, error in late.items()}
    best = {name: float(error.min()) for name, error in late.items()}
    zero, one, ten = (f"Tiki-Taka, AF_A = AF_C = {af:g}" for af in PAIRS)

    def both(name: str) -> str:
        return f"{100 * mean[name]:.1f} % (best rates {100 * best[name]:.1f} %)"

    return (
        Claim(
            "SGD with asymmetric devices is far worse than with the symmetric device",
            f"test error {both(SGD)} against {both(BASELINE)}",
            mean[SGD] > mean[BASELINE] + 0.02,
        ),
        Claim(
            "Tiki-Taka with AF_A = AF_C = 1 reaches the baseline",
            f"{both(one)} against {both(BASELINE)}; 2 points allowed at the best rates",
            best[one] <= best[BASELINE] + 0.02,
        ),
        Claim(
            "Tiki-Taka with AF = 0 or AF = 10 does not",
            f"{both(zero)} at 0, {both(ten)} at 10",
            min(mean[zero], mean[ten]) > mean[one] + 0.01,
        ),
        Claim(
            "AF_A = AF_C = 0 is worse than SGD with asymmetric devices",
            f"{both(zero)} against {both(SGD)}",
            mean[zero] > mean[SGD],
        ),
    )


def _rows(found: Mapping[str, Mapping[str, Array]]) -> Iterator[dict[str, object]]:
    for name, own in found.items():
        for quantity, unit in (("train_loss", "nat"), ("test_error", "1")):
            runs = own[quantity]
            for epoch in range(runs.shape[1]):
                yield {
                    "case": name,
                    "epoch": epoch + 1,
                    "quantity": quantity,
                    "unit": unit,
                    "runs": len(runs),
                    "value": runs[:, epoch].mean(),
                    "standard_deviation": runs[:, epoch].std(ddof=1),
                }


def reproduce(seed: int, advance: Advance, interval: str = INTERVAL) -> Reproduction:
    """Compute Fig. 2, with an interval over the rates about every curve."""
    found = curves(cases(seed), advance)
    return Reproduction(
        f"{SOURCE}, Fig. 2",
        draw_curves(found, BASELINE, interval),
        claims(found),
        pd.DataFrame(_rows(found)),
        {
            "network, data": "the workload lee-2022 (`twin show lee-2022`)",
            "SGD": f"rates {RATES}; AF 0 (baseline) or {ASYMMETRIC}",
            "Tiki-Taka": "mean over the nine pairs of these rates for A and the transfer",
            "panel A": "training loss; the paper has training error there",
            "drawn": f"mean over the rates (SGD: and AF), {INTERVALS[interval]}; baseline: its last three epochs",
            "seed": str(seed),
        },
        COLUMNS,
    )
