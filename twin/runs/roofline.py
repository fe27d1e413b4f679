"""A digital accelerator at its limits: Williams et al. 2009 ("Roofline"), layer by layer and pass by pass.

Each layer goes forward, back and through its update; each of these takes the longer of its arithmetic at the peak
rate and its bytes at the full memory bandwidth, and nothing overlaps from one to the next. For a batch of b samples
and a matrix of w weights used u times a sample::

    forward    2 w u b + digital work                reads w and the inputs, writes outputs and what is kept
    backward   2 w u b + digital work                reads w, errors and what is kept, writes errors of the inputs
    update     2 w u b + 2 w                         reads inputs and errors; gradients and optimiser read and written

The first layer has no backward mat-vecs. Devices share the work without loss where one cannot hold weights,
gradients, optimiser and activations. It is a bound that a real device does not reach (30 to 60 % of peak is usual).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from twin.algorithms.steps import ACTIVATION_FLOPS, DERIVATIVE_FLOPS
from twin.config.loaded import Loaded
from twin.descriptions.baseline import Baseline
from twin.networks.layers import Dense, Layer
from twin.networks.network import Network
from twin.networks.work import OPTIMISER_FLOPS
from twin.operation import Kind
from twin.results.result import RunResult, empty_table, untrained_curve
from twin.runs.constants import constants

if TYPE_CHECKING:
    import pandas as pd

UPDATE_FLOPS = 2


@dataclass(frozen=True, slots=True)
class Load:
    """What a layer asks of a digital accelerator, a sample.

    Attributes
    ----------
    layer : int
    copies : int
        Identical layers it stands for.
    weights, uses : int
    inputs, outputs, kept : int
        Words read, handed on, and stored for the way back.
    forward_flops, backward_flops : float
        Digital work beside the mat-vecs.
    first : bool
        Whether it has no backward mat-vecs.
    """

    layer: int
    copies: int
    weights: int
    uses: int
    inputs: int
    outputs: int
    kept: int
    forward_flops: float
    backward_flops: float
    first: bool


class Pass(NamedTuple):
    """One pass of one layer for a batch: arithmetic and bytes."""

    kind: Kind
    flops: float
    n_bytes: float


def network_load(network: Network, copies: Sequence[int]) -> Iterator[Load]:
    """Give the load of a network, whose layers stand for so many `copies` each."""
    before = network.layers[0].n_inputs
    for layer in network.layers:
        size = layer.size * (layer.uses if network.stepwise(layer) or isinstance(layer, Dense) else 1)
        forward = ACTIVATION_FLOPS[layer.activation] * layer.n_out * layer.positions
        backward, weights, kept, first = _derivative(layer) * size, layer.n_in * layer.n_out, 0, layer.index == 0
        if network.flow is not None:
            before, first = network.flow.words[layer.index], not network.flow.wanted[layer.index]
            for node in network.flow.beside(layer.index):
                forward += node.cost.forward
                backward += node.cost.backward + OPTIMISER_FLOPS * node.parameters
                kept += node.cost.kept
        yield Load(
            layer.index, copies[layer.index], weights, layer.positions, before, size, kept, forward, backward, first
        )
        before = size


def _derivative(layer: Layer) -> float:
    return DERIVATIVE_FLOPS.get(layer.activation, 0)  # softmax with the loss has none of its own


def passes(load: Load, baseline: Baseline) -> list[Pass]:
    """Return the passes of one layer for one step."""
    words, batch = baseline.words, baseline.batch
    flops = 2.0 * load.weights * load.uses * batch
    weights = load.weights * words.weight
    inputs, outputs, kept = (n * batch * words.activation for n in (load.inputs, load.outputs, load.kept))
    ahead = Pass(Kind.FORWARD, flops + load.forward_flops * batch, weights + inputs + outputs + kept)
    back = Pass(Kind.BACKWARD, load.backward_flops * batch, outputs + kept)
    if not load.first:
        back = Pass(Kind.BACKWARD, flops + back.flops, weights + back.n_bytes + outputs + inputs)
    stored = load.weights * 2 * (words.weight + words.gradient + words.optimiser)
    return [ahead, back, Pass(Kind.UPDATE, flops + UPDATE_FLOPS * load.weights, inputs + outputs + stored)]


def devices(loads: list[Load], baseline: Baseline) -> int:
    """Return how many accelerators hold weights, gradients, optimiser and activations."""
    words = baseline.words
    each = words.weight + words.gradient + words.optimiser
    resident = sum(
        load.copies * (load.weights * each + baseline.batch * words.activation * (load.outputs + load.kept))
        for load in loads
    )
    return max(1, math.ceil(resident / baseline.memory.size))


def roofline(loaded: Loaded[Baseline], workload: str, loads: list[Load], samples: int) -> RunResult:
    """Return a baseline's time, energy and traffic for `samples` samples, as a run beside others."""
    import pandas as pd  # noqa: PLC0415

    baseline = loaded.model
    number = devices(loads, baseline)
    steps = samples / baseline.batch
    rate, bandwidth = baseline.rate_FLOPs * number, baseline.memory.bandwidth * number
    rows: list[dict[str, Any]] = []
    for load in loads:
        for one in passes(load, baseline):
            arithmetic_s, memory_s = one.flops / rate, one.n_bytes / bandwidth
            rows.append(
                {
                    "kind": str(one.kind),
                    "layer": load.layer,
                    "what": "arithmetic" if arithmetic_s >= memory_s else "memory",
                    "count": round(load.copies * samples),
                    "time_s": max(arithmetic_s, memory_s) * load.copies * steps,
                    "arithmetic_s": arithmetic_s * load.copies * steps,
                    "memory_s": memory_s * load.copies * steps,
                    "bytes": one.n_bytes * load.copies * steps,
                }
            )
    frame = pd.DataFrame(rows)
    makespan_s = float(frame["time_s"].sum())
    frame["energy_J"] = frame["time_s"] * baseline.power * number
    return RunResult(
        name=baseline.name,
        algorithm="roofline",
        layout="",
        chip=baseline.name,
        workload=workload,
        device="",
        seed=0,
        samples=samples,
        epochs=1,
        test_error=float("nan"),
        curve=untrained_curve(samples, makespan_s),
        makespan_s=makespan_s,
        energy_J=float(frame["energy_J"].sum()),
        area_m2=number * baseline.area,
        leakage_W=0.0,
        tables=_tables(frame, makespan_s, number, baseline),
        bound=_bound(frame, makespan_s),
        diagnostics=pd.DataFrame(
            [(-1, "", "batch", float(baseline.batch), "samples"), (-1, "", "devices", float(number), "devices")],
            columns=["layer", "matrix", "what", "value", "unit"],
        ),
        warnings=[],
        config="",
        command="",
        sources=constants(loaded),
        chips=number,
    )


def _tables(frame: "pd.DataFrame", makespan_s: float, number: int, baseline: Baseline) -> "dict[str, pd.DataFrame]":
    import pandas as pd  # noqa: PLC0415

    end_ps = round(makespan_s * 1e12)
    operations = frame[["kind", "layer", "count"]].assign(matrix="W", wait_ps=0)
    operations["busy_ps"] = (frame["time_s"] * 1e12).round().astype("int64")
    servers = pd.DataFrame(
        [(name, name, float(frame[f"{name}_s"].sum())) for name in ("arithmetic", "memory")],
        columns=["server", "kind", "busy_s"],
    )
    servers["utilisation"] = servers["busy_s"] / (makespan_s or 1.0)
    servers["busy_ps"] = (servers.pop("busy_s") * 1e12).round().astype("int64")
    n_bytes = float(frame["bytes"].sum())
    bins = pd.DataFrame(
        {"t0_ps": [0], "t1_ps": [end_ps], "energy_J": [frame["energy_J"].sum()], "activations": [n_bytes]}
    )
    bound = frame[["what", "layer", "kind"]].assign(cause="end", share=frame["time_s"] / (makespan_s or 1.0))
    traffic = frame[["layer"]].assign(path="memory", stream="activations", bytes=frame["bytes"].round().astype("int64"))
    return {
        "operations": operations,
        "energy": frame[["layer", "kind", "energy_J"]].assign(component="digital"),
        "traffic": traffic.groupby(["path", "stream", "layer"], sort=False, as_index=False).sum(),
        "servers": servers.assign(served=len(frame), wait_ps=0, mean_queue=servers["utilisation"]),
        "bins": bins,
        "bound": bound.sort_values("share", ascending=False, kind="stable"),
        "area": pd.DataFrame(
            [("dies", number, number * baseline.area, 0.0)], columns=["part", "count", "area_m2", "leakage_W"]
        ),
        "channels": pd.DataFrame(
            [("memory", number, number * baseline.memory.bandwidth)], columns=["path", "count", "peak_Bps"]
        ),
        "staleness": empty_table("staleness"),
        "calibration": empty_table("calibration"),
    }


def _bound(frame: "pd.DataFrame", makespan_s: float) -> str:
    shares = frame.groupby("what", sort=True)["time_s"].sum() / (makespan_s or 1.0)
    return ", ".join(f"{what} {100 * share:.0f} %" for what, share in shares.sort_values(ascending=False).items())
