"""Analog SGD of LSTM2-64 on War and Peace in aihwkit and here, one thread, batch 1, at equal coincidences.

Run ``python benchmarks/lstm_against_aihwkit.py [--sequences N]``; needs aihwkit, torch, TWIN_DATA_DIR. aihwkit counts
no coincidences. Their expected number, lr / dw_min sum|x| sum|d| over the arrays and steps, is computed from what its
tiles keep for their update; its learning rate is then chosen so that it fires as many as the twin did.
"""

import argparse
import time
from typing import Any

import numpy as np
from harness import has_aihwkit, set_rate
from lstm import SEQUENCES, STEPS, Case, prepare

from twin.data import Dataset

DW_MIN = 0.001  # of symmetric-1200
HIDDEN = 64
ROUNDS = 15
SEARCHES = 4  # of the rate: errors change with it


class AihwkitSide:
    """Two LSTM blocks with one array each and a dense layer, trained by aihwkit's analog SGD on symmetric devices."""

    def __init__(self, data: Dataset, symbols: int) -> None:
        import torch  # noqa: PLC0415 - only where it is installed
        from aihwkit.nn import AnalogLinear, AnalogLSTMCellCombinedWeight, AnalogRNN  # noqa: PLC0415
        from aihwkit.optim import AnalogSGD  # noqa: PLC0415
        from aihwkit.simulator.configs import SingleRPUConfig  # noqa: PLC0415
        from aihwkit.simulator.configs.devices import ConstantStepDevice  # noqa: PLC0415
        from aihwkit.simulator.configs.utils import MappingParameter  # noqa: PLC0415
        from aihwkit.simulator.parameters import IOParameters, UpdateParameters  # noqa: PLC0415

        torch.set_num_threads(1)
        torch.manual_seed(1)
        device = ConstantStepDevice(dw_min=DW_MIN, up_down_dtod=0.0, w_max=3.0, w_min=-3.0)
        config = SingleRPUConfig(
            device=device,
            forward=IOParameters(out_noise=0.06),
            backward=IOParameters(out_noise=0.06),
            update=UpdateParameters(desired_bl=31, update_management=True, update_bl_management=True),
            mapping=MappingParameter(digital_bias=False),
        )
        self.torch, self.symbols = torch, symbols
        cell = AnalogLSTMCellCombinedWeight
        self.rnn = AnalogRNN(cell, symbols, HIDDEN, bias=True, rpu_config=config, num_layers=2)
        self.out = AnalogLinear(HIDDEN, symbols, bias=True, rpu_config=config)
        both = torch.nn.ModuleList([self.rnn, self.out])
        self.optimizer = AnalogSGD(both.parameters(), lr=0.01)
        self.optimizer.regroup_param_groups(both)
        self.inputs, self.targets = data.inputs, data.targets
        self.state: Any = None
        self.sequence = 0
        self.sums: list[float] = []  # of |x| times that of |d|, a sequence

    def train(self, sequences: int) -> float:
        """Train on further sequences; return microseconds a character of the wall: aihwkit has threads of its own."""
        torch, start = self.torch, time.perf_counter()
        for row in range(self.sequence, self.sequence + sequences):
            codes = torch.from_numpy(self.inputs[row].astype(np.int64))
            x = torch.nn.functional.one_hot(codes, self.symbols).float()[:, None, :]
            target = torch.from_numpy(self.targets[row].astype(np.int64))
            self.optimizer.zero_grad()
            h, state = self.rnn(x, self.state)
            loss = torch.nn.functional.cross_entropy(self.out(h[:, 0]), target, reduction="sum")
            loss.backward()
            self.sums.append(self._products())
            self.optimizer.step()
            self.state = [tuple(part.detach() for part in layer) for layer in state]
        self.sequence += sequences
        return (time.perf_counter() - start) / sequences / STEPS * 1e6

    def _products(self) -> float:
        """Return the sum over arrays and steps of sum|x| sum|d| of the coming update."""
        total = 0.0
        for group in self.optimizer.param_groups:
            for one in group["params"]:
                for x, d in zip(getattr(one, "analog_input", []), getattr(one, "analog_grad_output", []), strict=True):
                    total += float(((x.abs().sum(-1) + 1.0) * d.abs().sum(-1)).sum())  # 1: the bias line
        return total

    def expected(self, sequences: int) -> float:
        """Train on; return sum|x| sum|d| a character."""
        self.sums.clear()
        self.train(sequences)
        return float(np.mean(self.sums)) / STEPS


def main() -> None:
    """Print both sides."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sequences", type=int, default=20)
    sequences = parser.parse_args().sequences
    if not has_aihwkit():
        return
    ours: Case = prepare("SGD, symmetric")
    other = AihwkitSide(ours.parts.data, symbols=int(ours.parts.machine.layers["features"][0]))
    other.train(2 * sequences)
    for _ in range(ROUNDS):
        ours.advance(SEQUENCES)
    coincidences = float(np.mean(ours.coincidences))
    for _ in range(SEARCHES):
        rate = coincidences * DW_MIN / other.expected(sequences)
        set_rate(other.optimizer, rate)
    times = []
    for _ in range(ROUNDS):
        ours.advance(SEQUENCES)
        times.append(other.train(sequences))
    after = rate / DW_MIN * other.expected(sequences)
    mine, theirs = float(np.median(ours.times[-ROUNDS:])), float(np.median(times))
    print(f"batch 1, one thread, analog SGD on symmetric devices, medians of {ROUNDS} rounds in turn")
    print(f"twin:    {mine:8.1f} us a character, {coincidences:,.0f} coincidences")
    print(f"aihwkit: {theirs:8.1f} us a character, {after:,.0f} coincidences expected, lr = {rate:.4g}")
    print(f"ratio: {theirs / mine:.0f}")


if __name__ == "__main__":
    main()
