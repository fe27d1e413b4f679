"""A small timing-only network: an embedding, blocks of two layers that repeat, and a head."""

from twin.runs.planning import plan_run
from twin.runs.timed import build_timing_only

TEXT = """
schema = 1
kind = "timing-only"
name = "small"
description = "an embedding, {repeat} blocks of attention and a dense layer, a head"

[network]
input_words = 30

[[network.blocks]]
name = "embedding"
[[network.blocks.layers]]
name = "tokens"
n_in = 900
n_out = 600
uses = 30
one_hot = true
work = [{{ kind = "positions" }}]

[[network.blocks]]
name = "block"
repeat = {repeat}
[[network.blocks.layers]]
name = "qkv"
n_in = 600
n_out = 1800
uses = 30
work = [{{ kind = "bias" }}, {{ kind = "attention", width = 600, heads = 4, causal = true }}]
[[network.blocks.layers]]
name = "dense"
n_in = 600
n_out = 600
uses = 30
work = [{{ kind = "gelu" }}, {{ kind = "layer-norm" }}]

[[network.blocks]]
name = "head"
[[network.blocks.layers]]
name = "logits"
n_in = 600
n_out = 900
uses = 30
tied = true
work = [{{ kind = "softmax-loss" }}]

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


def small(folder, repeat=3, text=TEXT):
    """Write the network; return its path."""
    path = folder / f"small-{repeat}.toml"
    path.write_text(text.format(repeat=repeat), encoding="utf-8")
    return str(path)


def timed(workload, algorithm, layout, *, samples=1, chip="aimc-512", chip_overrides=None, **overrides):
    """Time samples; keys of overrides are below `training`."""
    values = {f"training.{key}": str(value).lower() for key, value in overrides.items()}
    plan = plan_run(
        workload,
        chip,
        layout,
        algorithm,
        workload_overrides={"training.samples": str(samples)} | values,
        chip_overrides={"system.tiles": "7"} | (chip_overrides or {}) if chip == "aimc-512" else chip_overrides or {},
    )
    parts = build_timing_only(plan)
    for sample in range(samples):
        parts.advance(sample)
    return parts
