"""What a run found beside its result: pulses, saturation, bounds, crossings, coverage, and what never moved."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from twin.descriptions.measured import SHAPE
from twin.networks.layers import Layer
from twin.results.overlap import mean_staleness, reads_of
from twin.results.result import COVERAGE, PULSED, UNITS
from twin.runs.banks import memory_rows
from twin.runs.build import Parts

if TYPE_CHECKING:
    import pandas as pd

Row = tuple[int, str, str, float, str]
SHARES = (0, 1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9, 100)  # percent of the devices
CHOSEN = "out_scaling, chosen from the given weights"
MEAN_STALENESS = "mean staleness of forward mat-vecs"
MOST_STALENESS = "largest staleness of forward mat-vecs"
COLUMNS = ["layer", "matrix", "what", "value", "unit"]


def diverged(curve: "pd.DataFrame") -> list[str]:
    """Say of a learning curve from which epoch on its training loss is no number."""
    lost = curve.loc[~np.isfinite(curve["train_loss"]), "epoch"]
    if lost.empty:
        return []
    loss, epoch = curve["train_loss"].loc[lost.index[0]], lost.iloc[0]
    rule = "the accuracies mean nothing; lower the learning rate, or choose a device with bounds"
    return [f"diverged: the training loss is {loss} from epoch {epoch} on, so {rule}"]


def coverage(parts: Parts) -> list[tuple[int, float, float]]:
    """Return (layer, farthest a weight can move in the whole run, nominal weight range) with H.

    An element of C gets at most one pulse per read of its line (`transfer_update.desired_bl` where that is more), so in
    n samples it moves at most n / (ns lines) dw_min: the coverage law.
    """
    samples = parts.workload.training.epochs * len(parts.data.inputs)
    rows = []
    for layer, design in zip(parts.network.layers, parts.designs, strict=True):
        if not design.settings.filtered:
            continue
        device = design.devices[design.algorithm.main]
        record = parts.machine.layers[layer.index]
        lines = samples * layer.uses * int(record["events"] * record["n_reads"]) / int(record["transfer_every"])
        pulses = lines / int(record["lines"]) * design.settings.crossing_bl
        rows.append((layer.index, pulses * device.dw_min, device.states * device.dw_min))
    return rows


def collect(
    parts: Parts, tables: Mapping[str, "pd.DataFrame"], initial: list[npt.NDArray[np.float32]]
) -> tuple["pd.DataFrame", list[str]]:
    """Return the diagnostics table and the warnings of a finished run.

    `tables` are the ledger's, `initial` the main weights before training.
    """
    import pandas as pd  # noqa: PLC0415

    rows: list[Row] = []
    warnings: list[str] = []
    operations, smaller = tables["operations"], "" if parts.machine.given else " or lower init.scale"
    for layer in parts.network.layers:
        own = operations[operations["layer"] == layer.index]
        rows += [(layer.index, "", what, float(n), "lines") for what, n in zip(SHAPE, layer_shape(layer), strict=True)]
        rows += _updates(parts, layer.index, own)
        rows += _saturation(parts, layer.index, own)
        main = parts.machine.main(layer.index)
        beyond = 100 * parts.machine.clipped.get((layer.index, main), 0.0)
        rows.append((layer.index, main, "initial weights clipped to the devices' range", beyond, "%"))
        if beyond > 0:
            warnings.append(
                f"layer {layer.index}: {beyond:.3g} % of the initial weights of {main} lay beyond "
                f"their devices' range and were clipped; raise mapping.out_scaling{smaller}"
            )
        moved = float(np.mean(parts.machine.weights(layer.index, main) != initial[layer.index]))
        rows.append((layer.index, main, "devices that moved", 100 * moved, "%"))
        if moved == 0.0:
            warnings.append(
                f"layer {layer.index}: nothing moves: no weight of {main} changed; "
                "raise the learning rate (fast_lr, transfer_lr) or choose a larger dw_min"
            )
        rows += _crossings(parts, layer.index)
        rows += _endurance(parts, layer.index)
    for index, reach, span in coverage(parts):
        rows.append((index, "C", COVERAGE, reach, "weight units"))
        if reach < 0.999 * span:
            warnings.append(
                f"layer {index}: coverage bound {reach:.3g} is below the weight range {span:.3g}: no weight can "
                "cross its range in this run, though it may learn; if few devices moved, lower transfer_every, "
                "transfer along the shorter axis, train longer or raise dw_min"
            )
    rows += _calibration(parts) + _placed(parts) + memory_rows(parts.engine)
    rows += _staleness(tables["staleness"])
    rows += [(index, parts.machine.main(index), CHOSEN, scale, "") for index, scale in _chosen(parts)]
    unasked = [scale for index, scale in _chosen(parts) if not parts.designs[index].spread]
    if unasked:
        shown = ", ".join(f"{scale:.3g}" for scale in unasked)
        warnings.append(
            f"out_scaling was chosen from the given weights, {shown} by layer: it maps the largest weight of each onto "
            "the mean range of its devices; set mapping.out_scaling for another"
        )
    return pd.DataFrame(rows, columns=COLUMNS), warnings


def _chosen(parts: Parts) -> list[tuple[int, float]]:
    """Return the layers whose scale follows from given weights, each with it."""
    machine = parts.machine
    given = machine.given is not None
    return [
        (index, float(record["scale"]))
        for index, (record, one) in enumerate(zip(machine.layers, machine.designs, strict=True))
        if one.analog and (one.spread or (given and one.mapped.out_scaling is None))
    ]


def layer_shape(layer: Layer) -> tuple[int, int]:
    """Return the lines of a layer's matrix, in the order of `SHAPE`."""
    return layer.n_in, layer.n_out


def _updates(parts: Parts, layer: int, own: "pd.DataFrame") -> list[Row]:
    rows: list[Row] = []
    algorithm = parts.designs[layer].algorithm
    for kind, matrix in (("update", algorithm.fast), ("transfer", algorithm.main)):
        table = own[(own["kind"] == kind) & (own["matrix"] == matrix)]
        count = float(table["count"].sum())
        if count == 0:
            continue
        rows.append((layer, matrix, f"pulses per {kind}", _total(table, "pulses") / count, "pulses"))
        rows.append((layer, matrix, f"coincidences per {kind}", _total(table, "coincidences") / count, "coincidences"))
        clipped = 100 * _total(table, "clipped") / max(_total(table, "uses"), 1.0)
        rows.append((layer, matrix, f"clipped {kind}s (more pulses wanted than desired_bl)", clipped, "%"))
    return rows


def _saturation(parts: Parts, layer: int, own: "pd.DataFrame") -> list[Row]:
    rows: list[Row] = []
    algorithm = parts.designs[layer].algorithm
    main = algorithm.main
    for kind in ("forward", "backward"):
        table = own[(own["kind"] == kind) & (own["matrix"] == main)]
        uses = _total(table, "uses")
        if uses == 0 or _total(table, "mvms") == 0:
            continue
        repeats = _total(table, "mvms") / uses - 1
        rows.append((layer, main, f"bound-management repeats per {kind}", repeats, "mat-vecs"))
        rows.append((layer, main, f"clipped outputs per {kind}", _total(table, "clipped") / uses, "outputs"))
    matrices = dict.fromkeys((main, algorithm.fast))
    return rows + [(layer, m, "devices at a bound", 100 * parts.machine.at_bounds(layer, m)[0], "%") for m in matrices]


def _crossings(parts: Parts, layer: int) -> list[Row]:
    if not parts.designs[layer].settings.filtered:
        return []
    record = parts.machine.layers[layer]
    n = int(record["lines"] * record["line_length"])
    crossed = parts.machine.f[record["crossed"] : record["crossed"] + n]
    return [
        (layer, "H", "elements that ever crossed", 100 * float(np.mean(crossed > 0)), "%"),
        (layer, "H", "crossings per element, most", float(crossed.max()), "crossings"),
    ]


def _endurance(parts: Parts, layer: int) -> list[Row]:
    """Return quantiles over the devices of the pulses a training sample brought."""
    if not parts.workload.training.endurance or not parts.designs[layer].analog:
        return []
    samples = parts.workload.training.epochs * len(parts.data.inputs)
    rows: list[Row] = []
    for matrix in parts.designs[layer].algorithm.matrices:
        pulses = parts.machine.pulses(layer, matrix) / samples
        values = np.quantile(pulses, [share / 100 for share in SHARES])
        rows += [
            (layer, matrix, f"{PULSED} {share} %", float(value), "pulses")
            for share, value in zip(SHARES, values, strict=True)
        ]
    return rows


def endurance_table(parts: Parts) -> "pd.DataFrame | None":
    """Return when the devices of every analog matrix wear out; None where pulses were not counted."""
    import pandas as pd  # noqa: PLC0415

    if not parts.workload.training.endurance or not parts.machine.analog:
        return None
    epoch = len(parts.data.inputs)
    rows = []
    for layer, design in enumerate(parts.designs):
        for matrix in design.algorithm.matrices if design.analog else ():
            pulses = parts.machine.pulses(layer, matrix) / (parts.workload.training.epochs * epoch)
            often, most = float(np.quantile(pulses, 0.99)), float(pulses.max())
            limit = design.devices[matrix].endurance
            ends = [limit / (rate * epoch) if rate else math.inf for rate in (most, often)]
            rows.append((layer, matrix, pulses.size, float(pulses.mean(dtype=float)), often, most, limit, *ends))
    return pd.DataFrame(rows, columns=list(UNITS["endurance"]))


def _calibration(parts: Parts) -> list[Row]:
    if parts.workload.calibration.method != "pulses":
        return []
    rows: list[Row] = []
    for (layer, matrix, k), done in sorted(parts.machine.calibrated.items()):
        place = f"{matrix}[{k}]"
        rows.append((layer, place, "calibration pulses", float(done.pulses), "pulses"))
        rows.append((layer, place, "calibration residual, mean", done.residual_mean, "weight units"))
        rows.append((layer, place, "calibration residual, std", done.residual_std, "weight units"))
    return rows


def _placed(parts: Parts) -> list[Row]:
    """Return how many bytes of which stream are kept where, and how full that is."""
    placed = parts.placed
    rows: list[Row] = [
        (-1, str(stream), f"kept in {place}", float(placed.n_bytes[stream]), "B")
        for stream, place in placed.places.items()
    ]
    if placed.used["registers"]:
        rows.append((-1, "", "registers of the fullest tile in use", float(placed.used["registers"]), "B"))
    return rows


def _staleness(table: "pd.DataFrame") -> list[Row]:
    """Return how old the weights were that forward mat-vecs read, where any were not those of program order."""
    reads = reads_of(table)
    if not any(reads):
        return []
    most = float(max(map(abs, reads)))
    return [(-1, "", MEAN_STALENESS, mean_staleness(reads), "samples"), (-1, "", MOST_STALENESS, most, "samples")]


def _total(table: "pd.DataFrame", column: str) -> float:
    total: Any = table[column].sum()
    return float(total)
