"""The network of `digits-snn` in PyTorch: the same images, initial distribution, rate, schedule and surrogate.

Run ``python benchmarks/snn_against_pytorch.py [--seeds 1 2 3] [--rate 0.1]``; needs torch. Random
numbers are PyTorch's own. docs/validation/digits-snn.md has what it prints beside the twin's digital runs.
"""

import argparse
import math
import tomllib
from pathlib import Path
from typing import Any

import torch
from sklearn.datasets import load_digits

WORKLOAD = Path(__file__).parent.parent / "workloads" / "digits-snn.toml"


class Spike(torch.autograd.Function):
    """A step whose slope is that of a fast sigmoid."""

    @staticmethod
    def forward(context: Any, over: torch.Tensor, slope: float) -> torch.Tensor:
        """Return 1 where the membrane is at the threshold or over it."""
        context.save_for_backward(over)
        context.slope = slope
        return (over >= 0).to(over.dtype)

    @staticmethod
    def backward(context: Any, error: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Return the error times 1 / (1 + slope |over|)^2."""
        (over,) = context.saved_tensors
        return error / (1 + context.slope * over.abs()) ** 2, None


class Spiking(torch.nn.Module):
    """Constant currents, one hidden layer of neurons, and the mean of the readout over the steps."""

    def __init__(self, nodes: dict[str, dict[str, Any]]) -> None:
        super().__init__()
        self.steps, self.neurons = nodes["image"]["steps"], nodes["spikes"]
        self.hidden = torch.nn.Linear(64, nodes["hidden"]["outputs"])
        self.readout = torch.nn.Linear(nodes["hidden"]["outputs"], nodes["readout"]["outputs"])
        for layer in (self.hidden, self.readout):
            edge = 1 / math.sqrt(layer.in_features)
            torch.nn.init.uniform_(layer.weight, -edge, edge)
            torch.nn.init.uniform_(layer.bias, -edge, edge)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the mean readout of images (n, 64)."""
        own, rest, total = self.neurons, torch.zeros(()), torch.zeros(())
        current = self.hidden(x)
        for _ in range(self.steps):
            u = own["decay"] * rest + current
            spike = Spike.apply(u - own["threshold"], own["slope"])
            fired = spike.detach()  # a reset has no slope
            rest = u - own["threshold"] * fired if own["reset"] == "subtract" else u * (1 - fired)
            total = total + self.readout(spike)
        return total / self.steps


def error_of(seed: int, rate: float | None) -> float:
    """Train by single images; return the test error in percent."""
    described = tomllib.loads(WORKLOAD.read_text(encoding="utf-8"))
    training = described["training"]
    torch.manual_seed(seed)
    raw = load_digits()
    images, labels = torch.tensor(raw.data / 16, dtype=torch.float32), torch.tensor(raw.target)
    test = torch.arange(len(images)) % 5 == 0
    x, y = images[~test], labels[~test]
    model = Spiking({node["name"]: node for node in described["network"]["layers"]})
    rate = rate or described["algorithms"]["digital"]["learning_rate"]
    optimiser = torch.optim.SGD(model.parameters(), lr=rate)
    milestones = [round(at * training["epochs"]) for at in training["decay_at"]]
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, milestones, training["decay_factor"])
    for _ in range(training["epochs"]):
        for k in torch.randperm(len(x)):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(model(x[k : k + 1]), y[k : k + 1]).backward()
            optimiser.step()
        schedule.step()
    with torch.no_grad():
        wrong = model(images[test]).argmax(dim=1) != labels[test]
    return 100 * float(wrong.float().mean())


def main() -> None:
    """Print the test error of every seed, and the mean."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--rate", type=float, help="learning rate in place of the workload's")
    torch.set_num_threads(1)
    given = parser.parse_args()
    found = [error_of(seed, given.rate) for seed in given.seeds]
    print("test error / %:", *(f"{one:.2f}" for one in found), f"mean {sum(found) / len(found):.2f}")


if __name__ == "__main__":
    main()
