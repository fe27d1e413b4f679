"""LAYER records: what the executor knows of a layer, and where its vectors lie in the arena."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from twin.algorithms.settings import Settings
from twin.kernels.records import ACTIVATIONS, AXES, KINDS, LOSSES
from twin.machine.arena import Arena
from twin.networks.layers import Conv, Layer, Recurrent

Record = np.void
Records = npt.NDArray[np.void]


def describe_layer(record: Record, layer: Layer, loss: str, s: Settings, scale: float, batch: int) -> None:
    """Enter shape, activation and rates of a layer: network weight = `scale` x device weight.

    A step of the training has `batch` samples.
    """
    record["n_in"], record["n_out"], record["bias"] = layer.n_in, layer.n_out, layer.bias
    record["uses"], record["scale"] = layer.uses, scale
    record["kind"] = KINDS[layer.cell if isinstance(layer, Recurrent) else layer.kind]
    record["activation"] = ACTIVATIONS.get(layer.activation, -1)
    record["loss"], record["learner"] = LOSSES[loss], -1
    record["gamma"], record["auto_scale"], record["auto_momentum"] = s.gamma, s.auto_scale, s.auto_momentum
    every, record["events"] = s.cadence(layer, batch)
    record["transfer_every"], record["n_reads"] = max(every, 1), s.n_reads_per_transfer
    if isinstance(layer, Conv):
        _describe_windows(record, layer)
    if isinstance(layer, Recurrent):
        record["features"], record["hidden"], record["one_hot"] = layer.features, layer.hidden, layer.one_hot
        record["back"] = layer.n_inputs - layer.returned
        record["partner"] = layer.index + {"gru-gates": 1, "gru": -1}.get(layer.cell, 0)
    if every:
        row = s.transfer_axis == "row"
        record["transfer_axis"], record["hadamard"] = AXES[s.transfer_axis], s.hadamard
        record["lines"], record["line_length"] = (layer.n_out, layer.n_in) if row else (layer.n_in, layer.n_out)
        record["threshold"], record["reset"], record["kept"] = s.threshold, s.reset, s.kept
        record["crossing_bl"], record["h_most"] = s.crossing_bl, s.buffer_cap * s.crossing_bl * s.threshold


def _describe_windows(record: Record, layer: Conv) -> None:
    for name in ("height", "width", "channels", "out_height", "out_width", "pool", "groups"):
        record[name] = getattr(layer, name)
    windows = layer.windows
    for name, (down, right) in (("kernel", windows.kernel), ("hop", windows.stride), ("dilation", windows.dilation)):
        record[name], record[f"{name}_columns"] = down, right
    record["top"], _, record["left"], _ = windows.padding
    record["padded"] = any(windows.padding)
    record["group"] = layer.channels // layer.groups
    record["apart"] = layer.groups > 1 or windows.dilation[1] > 1


def place_transfer(record: Record, arena: Arena, s: Settings) -> None:
    """Reserve what a layer's transfers keep."""
    record["means"] = arena.take(2)
    if not s.transfer_every:
        return
    lines, length = int(record["lines"]), int(record["line_length"])
    record["u"], record["v"], record["s"] = arena.take(lines), arena.take(length), arena.take(length)


def enter_choppers(layers: Records, matrices: Records, settings: Settings, first: int) -> None:
    """Enter how often choppers flip and AGAD's weight of a reading; set the threshold in H's units.

    `first` is the number of the first of these layers.
    """
    if not settings.chopped:
        return
    for index, record in enumerate(layers, first):
        lines = int(record["lines"])
        record["in_chop_prob"], record["in_chop_period"] = settings.in_chop_prob, settings.in_chop_period
        record["out_chop_prob"] = settings.out_chop_prob
        record["tail"] = settings.tail
        if settings.auto_granularity > 0:
            dw_min = float(matrices[record["fast"]]["dw_min"])
            record["threshold"] *= settings.auto_granularity * dw_min / (lines * settings.spacing(index))
        record["reset"] *= record["threshold"]
        record["h_most"] = settings.buffer_cap * settings.crossing_bl * record["threshold"]


def enter_chi(layers: Records, matrices: Records, settings: Settings, batch: int) -> None:
    """Enter the steps of chi of every layer, and after how many updates it is written."""
    if not settings.accumulates:
        return
    for record in layers:
        record["granularity"] = settings.granularity or matrices[record["main"]]["dw_min"]
        if settings.gathers(batch):
            record["transfer_every"] = batch * record["uses"]


def place_states(records: Records, layers: Sequence[Layer], arena: Arena, batch: int, examples: int) -> None:
    """Reserve the state that every recurrent layer carries over from sequence to sequence, for each of `batch` streams.

    The two layers of a GRU have one.
    """
    for record, layer in zip(records, layers, strict=True):
        if not isinstance(layer, Recurrent) or not layer.carried:
            continue
        record["streams"], record["stream_rows"] = batch, examples // batch
        second = layer.cell == "gru"
        record["state"] = records[layer.index - 1]["state"] if second else arena.take(batch * 2 * layer.hidden)


def place_cell(record: Record, layer: Recurrent, arena: Arena) -> None:
    """Reserve what a recurrent layer keeps of a sample beside what all layers do."""
    if layer.cell in {"lstm", "rnn"}:
        record["c"], record["tanh_c"] = (
            arena.take((layer.uses + 1) * layer.hidden),
            arena.take(layer.uses * layer.hidden),
        )
    record["carry"] = arena.take(layer.n_in if layer.joined else layer.hidden)


def place_layer(record: Record, layer: Layer, arena: Arena) -> None:
    """Reserve the vectors of a slot that a layer has for itself, whatever it is wired to."""
    uses, n_in, n_out = layer.uses, layer.n_in, layer.n_out
    record["x"] = arena.take(uses * n_in)
    record["z"], record["d"] = arena.take(layer.positions * n_out), arena.take(uses * n_out)
    if isinstance(layer, Conv):
        record["e"] = arena.take(layer.height * layer.width * layer.channels)
        record["window"], record["chosen"] = arena.take(n_in), arena.take(layer.size)
        record["sums"] = arena.take(n_out if layer.groups > 1 else 0)
        return
    record["e"] = arena.take(uses * n_in)
    if isinstance(layer, Recurrent):
        place_cell(record, layer, arena)


def place_vectors(records: npt.NDArray[np.void], layers: Sequence[Layer], arena: Arena, in_flight: int) -> None:
    """Give every slot one contiguous block with the private vectors of all layers."""
    start = arena.size
    for record, layer in zip(records, layers, strict=True):
        place_layer(record, layer, arena)
        if isinstance(layer, Conv):
            record["image"] = arena.take(layer.height * layer.width * layer.channels)
    records["source"] = -1
    for k, (record, layer) in enumerate(zip(records, layers, strict=True)):
        last = k == len(layers) - 1
        above = records[min(k + 1, len(layers) - 1)]
        record["sample"] = record["image"] if isinstance(layer, Conv) else record["x"]
        record["error"], record["error_step"] = above["e"], above["n_in"]
        if not last:
            record["handed"] = above["image"] if isinstance(layers[k + 1], Conv) else above["x"]
            record["handed_step"] = layers[k + 1].n_in
        if last or layer.kind != "dense":
            record["y"], record["y_step"] = arena.take(layer.positions * layer.n_out), layer.n_out
        else:
            record["y"], record["y_step"] = record["handed"], record["handed_step"]
    stride = arena.size - start
    arena.take(stride * (in_flight - 1))
    records["stride"] = stride


def bias_lines(records: npt.NDArray[np.void], in_flight: int) -> npt.NDArray[np.int64]:
    """Return where the arena holds the inputs that are always 1."""
    at = [
        int(record["x"]) + slot * int(record["stride"]) + use * int(record["n_in"]) + int(record["n_in"]) - 1
        for record in records
        if record["bias"]
        for slot in range(in_flight)
        for use in range(int(record["uses"]))
    ]
    return np.array(at, np.int64)
