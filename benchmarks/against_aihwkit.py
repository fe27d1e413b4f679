"""The same training step in aihwkit and here, one thread, batch 1, at equal coincidences; needs aihwkit and torch.

Run ``python benchmarks/against_aihwkit.py [--samples N]``. aihwkit reports no coincidences. Their expected number,
lr / dw_min sum|x| sum|d| over the layers, is computed on both sides from the activations and errors that occur; the
learning rate of aihwkit is then chosen so that it fires as many as the twin's run did.
"""

import argparse
import time
from itertools import islice
from typing import Any

import numpy as np
from harness import SHAPES, Numerics, Times, data, has_aihwkit, set_rate

DW_MIN = 0.02  # of gokmen-60, the device of the workload
ROUNDS = 9


def twin_side() -> tuple[float, float]:
    """Return (microseconds per sample, coincidences per sample) of analog SGD here."""
    run, times = Numerics("sgd"), Times()
    for _ in range(4):
        run.block(Times())
    found = [run.block(times) for _ in range(ROUNDS)]
    return times.median(1e-6), float(np.mean(found))


class AihwkitSide:
    """The network of the workload in aihwkit, trained by its analog SGD on soft-bounds devices."""

    def __init__(self) -> None:
        import torch  # noqa: PLC0415 - only where it is installed
        from aihwkit.nn import AnalogLinear, AnalogSequential  # noqa: PLC0415
        from aihwkit.optim import AnalogSGD  # noqa: PLC0415
        from aihwkit.simulator.configs import SingleRPUConfig  # noqa: PLC0415
        from aihwkit.simulator.configs.devices import SoftBoundsDevice  # noqa: PLC0415
        from aihwkit.simulator.configs.utils import MappingParameter  # noqa: PLC0415
        from aihwkit.simulator.parameters import IOParameters, UpdateParameters  # noqa: PLC0415

        torch.set_num_threads(1)
        torch.manual_seed(1)
        config = SingleRPUConfig(
            device=SoftBoundsDevice(
                dw_min=DW_MIN, dw_min_dtod=0.3, dw_min_std=0.3, up_down_dtod=0.01, w_max=0.6, w_min=-0.6
            ),
            forward=IOParameters(out_noise=0.06),
            backward=IOParameters(out_noise=0.06),
            update=UpdateParameters(desired_bl=31, update_management=True, update_bl_management=True),
            mapping=MappingParameter(digital_bias=False),
        )
        layers: list[Any] = []
        for n_in, n_out in SHAPES:
            layers += [AnalogLinear(n_in - 1, n_out, bias=True, rpu_config=config), torch.nn.Sigmoid()]
        self.torch = torch
        self.model = AnalogSequential(*layers[:-1])
        self.loss = torch.nn.CrossEntropyLoss()  # the softmax is part of it
        self.optimizer = AnalogSGD(self.model.parameters(), lr=0.03)
        self.optimizer.regroup_param_groups(self.model)
        inputs, targets = data()[0].inputs, data()[0].targets
        self.inputs = torch.from_numpy(inputs).split(1)
        self.targets = torch.from_numpy(targets[:, 0].astype(np.int64)).split(1)
        self.sums: list[float] = []

    def train(self, first: int, last: int) -> float:
        """Train on samples; return microseconds per sample, wall time since aihwkit has threads of its own."""
        start = time.perf_counter()
        for x, target in islice(zip(self.inputs, self.targets, strict=True), first, last):
            self.optimizer.zero_grad()
            self.loss(self.model(x), target).backward()
            self.optimizer.step()
        return (time.perf_counter() - start) / (last - first) * 1e6

    def expected(self, first: int, last: int) -> float:
        """Return sum|x| sum|d| over the layers, mean of samples; trains on them too."""
        total = [0.0]
        handles = [layer.register_full_backward_hook(self._hook(total)) for layer in list(self.model)[::2]]
        inputs = [layer.register_forward_hook(self._remember) for layer in list(self.model)[::2]]
        self.train(first, last)
        for handle in (*handles, *inputs):
            handle.remove()
        return total[0] / (last - first)

    @staticmethod
    def _remember(layer: Any, inputs: tuple[Any, ...], _: Any) -> None:
        layer.lines_in = float(inputs[0].detach().abs().sum()) + 1.0  # and the bias line

    @staticmethod
    def _hook(total: list[float]) -> Any:
        def add(layer: Any, _: Any, errors: tuple[Any, ...]) -> None:
            total[0] += layer.lines_in * float(errors[0].detach().abs().sum())

        return add


def main() -> None:
    """Print both sides."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=500)
    samples = parser.parse_args().samples
    if not has_aihwkit():
        return
    ours, coincidences = twin_side()
    other = AihwkitSide()
    other.train(0, samples)
    rate = coincidences * DW_MIN / other.expected(samples, 2 * samples)
    set_rate(other.optimizer, rate)
    times = [other.train(2 * samples + k * samples, 3 * samples + k * samples) for k in range(ROUNDS)]
    after = rate / DW_MIN * other.expected(0, samples)
    theirs = float(np.median(times))
    print(f"data: {data()[1]}; batch 1, one thread, analog SGD, medians of {ROUNDS} rounds")
    print(f"twin:    {ours:8.1f} us a sample, {coincidences:,.0f} coincidences")
    print(f"aihwkit: {theirs:8.1f} us a sample, {after:,.0f} coincidences expected, lr = {rate:.4g}")
    print(f"ratio: {theirs / ours:.0f}")


if __name__ == "__main__":
    main()
