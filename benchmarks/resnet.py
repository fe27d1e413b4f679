"""Microseconds a training step of ResNet-8 (He 2016, Section 4.2) at batch 1, digital, beside PyTorch's on one thread.

Run ``python benchmarks/resnet.py [--rounds N]``; without torch the twin is timed alone. Images are random, 32 x 32 x 3;
shortcuts to another shape are 1 x 1 convolutions of stride 2 (option B). Both sides step in turn in every round.
"""

import argparse
import importlib.util
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from harness import Times

from twin.machine.replay import run_block
from twin.runs.build import build
from twin.runs.planning import plan_run

STEPS = 20  # a round
CHANNELS = (16, 32, 64)
WORKLOAD = """
schema = 1
kind = "workload"
name = "resnet-8"
description = "ResNet-8 on random images"

[data]
set = "arrays"
file = "{data}"
channels = "last"

[network]
loss = "cross-entropy"
layers = [
{layers}
]

[training]
epochs = 1
seed = 1

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

[algorithms.digital]
learning_rate = 0.01

[sources]
data = "assumption: random"
network = "S: He 2016, Section 4.2"
training = "assumption: one pass"
optimiser = "assumption: a usual rate"
device = "assumption: not used"
calibration = "assumption: not used"
init = "assumption: uniform in +-scale/sqrt(inputs)"
"algorithms.digital.learning_rate" = "assumption: a usual rate"
"""


def listed() -> str:
    """Return the nodes of ResNet-8 as lines of TOML."""
    lines, last = [*_normed("stem", "input", 16, kernel=3, stride=1), _node("relu", "in", ["stem.n"])], "in"
    for stage, channels in enumerate(CHANNELS):
        stride, name = (1 if stage == 0 else 2), f"s{stage}"
        lines += _normed(f"{name}.a", last, channels, kernel=3, stride=stride)
        lines.append(_node("relu", f"{name}.ar", [f"{name}.a.n"]))
        lines += _normed(f"{name}.b", f"{name}.ar", channels, kernel=3, stride=1)
        if stride > 1:
            lines += _normed(f"{name}.p", last, channels, kernel=1, stride=stride)
            last = f"{name}.p.n"
        lines += [_node("add", f"{name}.add", [f"{name}.b.n", last]), _node("relu", name, [f"{name}.add"])]
        last = name
    lines.append(_node("global-average-pool", "pool", [last]))
    lines.append('{ kind = "dense", name = "classes", outputs = 10, activation = "softmax", bias = true },')
    return "\n".join(lines)


def _node(kind: str, name: str, inputs: list[str], more: str = "") -> str:
    wired = ", ".join(f'"{one}"' for one in inputs)
    return f'{{ kind = "{kind}", name = "{name.replace(".", "-")}", inputs = [{wired.replace(".", "-")}]{more} }},'


def _normed(name: str, source: str, channels: int, *, kernel: int, stride: int) -> list[str]:
    shape = f", channels = {channels}, kernel = {kernel}, stride = {stride}, padding = {kernel // 2}"
    conv = _node("conv", name, [source], shape + ', activation = "identity", bias = false')
    return [conv, _node("batch-norm", f"{name}.n", [name])]


class Twin:
    """The digital baseline, its programs encoded ahead."""

    def __init__(self, folder: Path) -> None:
        rng = np.random.default_rng(1)
        images, labels = rng.standard_normal((256, 32, 32, 3)).astype(np.float32), np.arange(256) % 10
        data, workload = folder / "images.npz", folder / "resnet-8.toml"
        np.savez(data, x_train=images, y_train=labels, x_test=images[:20], y_test=labels[:20])
        workload.write_text(WORKLOAD.format(data=data, layers=listed()), encoding="utf-8")
        roomy = {"buffer.size": "8 MiB"}
        self.parts = build(plan_run(str(workload), "aimc-512", "digital", "digital", chip_overrides=roomy))
        self.parts.machine.set_rates(1.0)
        self.sample = 0

    def block(self, times: Times) -> None:
        """Train on some images; add the time of one."""
        first, self.sample = self.sample, self.sample + STEPS
        program, _ = self.parts.effects.encoder.encode(first, self.sample)
        times.measure(lambda: run_block(self.parts.machine, program))
        times.rounds[-1] /= STEPS


class Torch:
    """The same network in PyTorch, with plain SGD."""

    def __init__(self) -> None:
        import torch  # noqa: PLC0415 - only where it is installed
        from torch import nn  # noqa: PLC0415

        torch.set_num_threads(1)
        torch.manual_seed(1)

        def normed(inside: int, outside: int, kernel: int, stride: int) -> Any:
            conv = nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False)
            return nn.Sequential(conv, nn.BatchNorm2d(outside))

        class Block(nn.Module):
            def __init__(self, inside: int, outside: int) -> None:
                super().__init__()
                stride = 1 if inside == outside else 2
                self.a, self.b = normed(inside, outside, 3, stride), normed(outside, outside, 3, 1)
                self.p = normed(inside, outside, 1, stride) if stride > 1 else nn.Identity()

            def forward(self, x: Any) -> Any:
                return torch.relu(self.b(torch.relu(self.a(x))) + self.p(x))

        blocks = [Block(inside, outside) for inside, outside in zip((16, *CHANNELS), CHANNELS, strict=False)]
        ends = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(CHANNELS[-1], 10)
        self.torch, self.loss = torch, nn.functional.cross_entropy
        self.net = nn.Sequential(normed(3, 16, 3, 1), nn.ReLU(), *blocks, *ends)
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.01)
        self.images, self.labels = torch.randn(64, 1, 3, 32, 32), torch.arange(64) % 10

    def steps(self) -> None:
        """Train on some images."""
        for image, label in zip(self.images[:STEPS], self.labels[:STEPS], strict=True):
            self.optimizer.zero_grad()
            self.loss(self.net(image), label[None]).backward()
            self.optimizer.step()

    def block(self, times: Times) -> None:
        """Train on some images; add the time of one."""
        times.measure(self.steps)
        times.rounds[-1] /= STEPS


def main() -> None:
    """Time both in turn and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        sides: dict[str, Any] = {"twin": Twin(Path(folder))}
    if importlib.util.find_spec("torch") is not None:
        sides["torch"] = Torch()
    times = {name: Times() for name in sides}
    for side in sides.values():
        side.block(Times())
    for _ in range(rounds):
        for name, side in sides.items():
            side.block(times[name])
    for name, one in times.items():
        print(f"{name:<6}{one.least(1e-6):>8.0f} / {one.median(1e-6):.0f} us a step")
    if "torch" in times:
        print(f"twin / torch: {times['twin'].ratio(times['torch']):.2f} (median of the ratios in a round)")


if __name__ == "__main__":
    main()
