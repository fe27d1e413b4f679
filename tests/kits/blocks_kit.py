"""A small network that is only timed: a dense layer, blocks of attention and a dense layer that repeat, and a head."""

from twin.runs.planning import plan_run
from twin.runs.timed import build_timed

TEXT = """
schema = 1
kind = "workload"
name = "small"
description = "a dense layer, {repeat} blocks of attention and a dense layer, a head"

[data]
set = "none"
shape = [30, 100]

[network]
loss = "cross-entropy"
layers = [
  {{ kind = "dense", name = "entry", outputs = 600, activation = "identity", bias = false }},
  {{ kind = "positions", name = "positions" }},
  {{ kind = "block", name = "block", repeat = {repeat}, nodes = [
    {{ kind = "layer-norm", name = "norm" }},
    {{ kind = "dense", name = "q", inputs = ["norm"], outputs = 600, activation = "identity", bias = true }},
    {{ kind = "dense", name = "k", inputs = ["norm"], outputs = 600, activation = "identity", bias = true }},
    {{ kind = "dense", name = "v", inputs = ["norm"], outputs = 600, activation = "identity", bias = true }},
    {{ kind = "attention", name = "attention", inputs = ["q", "k", "v"], heads = 4, causal = true }},
    {{ kind = "dense", name = "out", outputs = 600, activation = "identity", bias = true }},
    {{ kind = "gelu", name = "gelu" }},
    {{ kind = "add", name = "sum", inputs = ["gelu", "input"] }},
  ] }},
  {{ kind = "dense", name = "head", outputs = 900, activation = "softmax", bias = false, tied = true }},
]

[training]
epochs = 1
seed = 1

[timing]
samples = 1

[optimiser]
kind = "sgd"
learning_rate = 0.01

[device]
preset = "gokmen-60"

[calibration]
method = "exact"

[init]
distribution = "uniform"
scale = 1.0

[algorithms.shd]
transfer_every = 7

[algorithms.ttv2]
transfer_every = 7

[algorithms.cttv2]
transfer_every = 70

[algorithms.mixed-precision]
transfer_every = 40

[statistics.sgd]
forward_mvms = 1.37
forward_driven = 0.5
forward_conduction = 0.4
backward_mvms = 1.0
backward_driven = 0.8
backward_conduction = 0.3
pulses = 2.61
fired = 0.1
coincidences = 0.01

[statistics.shd]
forward_mvms = 1.37
forward_driven = 0.5
forward_conduction = 0.4
backward_mvms = 1.0
backward_driven = 0.8
backward_conduction = 0.3
pulses = 1.0
fired = 0.1
coincidences = 0.01
transfer_pulses = 1.4
transfer_coincidences = 0.1

[statistics.ttv2]
forward_mvms = 1.37
forward_driven = 0.5
forward_conduction = 0.4
backward_mvms = 1.13
backward_driven = 0.8
backward_conduction = 0.3
pulses = 1.31
fired = 0.1
coincidences = 0.01
transfer_pulses = 0.7
transfer_coincidences = 0.1

[sources]
network = "assumption: made up for a test"
statistics = "assumption: made up for a test"
"""


AWAKE = {f"power.{part}.gate_after": '"1 s"' for part in ("tile", "digital", "buffer", "memory")}
"""No part of aimc-512 sleeps: blocks that stand for others are not gated."""


def small(folder, repeat=3, text=TEXT):
    """Write the network; return its path."""
    path = folder / f"small-{repeat}.toml"
    path.write_text(text.format(repeat=repeat), encoding="utf-8")
    return str(path)


def timed(workload, algorithm, layout, *, samples=1, chip="aimc-512", chip_overrides=None, **overrides):
    """Time samples; `reuse` is a key of `timing`, the other overrides are below `training`."""
    tables = {"reuse": "timing"}
    values = {f"{tables.get(key, 'training')}.{key}": str(value).lower() for key, value in overrides.items()}
    plan = plan_run(
        workload,
        chip,
        layout,
        algorithm,
        workload_overrides={"timing.samples": str(samples)} | values,
        chip_overrides=AWAKE | {"system.tiles": "7"} | (chip_overrides or {})
        if chip == "aimc-512"
        else chip_overrides or {},
        timing_only=True,
    )
    parts = build_timed(plan)
    for sample in range(samples):
        parts.advance(sample)
    return parts
