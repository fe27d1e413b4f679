"""The network of `gru-wp` in PyTorch, for the page docs/validation/gru-wp.md.

Needs PyTorch, not twin. The cell is that of ONNX's `linear_before_reset = 0`, which `torch.nn.GRU` is not, so it is
written out. It reads the same characters in the same order, carries the state over and steps by the plain gradient of
the cross-entropies added over the steps of a sequence, as docs/networks.md has it::

    python benchmarks/gru_torch.py war-and-peace.txt --init w.npz
    twin run gru-wp --algorithm digital --samples 5000 --set data.test_samples=500 --set 'init={file="w.npz"}'

`--init` writes the first weights, unless the file is there: then it starts with them.
"""

import argparse
from pathlib import Path

import numpy as np
import torch


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--init", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--test-samples", type=int, default=500)
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def sequences(path: Path, steps: int) -> tuple[int, list[torch.Tensor]]:
    """Return the number of symbols, and training and test codes, (sequences, steps + 1)."""
    raw = path.read_bytes().replace(b"\r\n", b"\n")
    symbols, codes = np.unique(np.frombuffer(raw, np.uint8), return_inverse=True)
    tested = -(-len(codes) // 10)
    found = []
    for part in (codes[: len(codes) - tested], codes[len(codes) - tested :]):
        count = (len(part) - 1) // steps
        rows = [part[k * steps : (k + 1) * steps + 1] for k in range(count)]
        found.append(torch.tensor(np.array(rows)))
    return len(symbols), found


def first_weights(path: Path, symbols: int, hidden: int, seed: int) -> dict[str, torch.Tensor]:
    """Return the weights of a file, which is written where it is not there: uniform in +-1 / sqrt(hidden)."""
    if not path.exists():
        draw, reach = np.random.default_rng(seed), 1 / np.sqrt(hidden)
        shapes = {"gru.weight": (3 * hidden, symbols + hidden), "gru.bias": (3 * hidden,)}
        shapes |= {"head.weight": (symbols, hidden), "head.bias": (symbols,)}
        np.savez(path, **{name: draw.uniform(-reach, reach, one).astype(np.float32) for name, one in shapes.items()})
    return {name: torch.tensor(values, requires_grad=True) for name, values in np.load(path).items()}


def loss_of(w: dict[str, torch.Tensor], codes: torch.Tensor, h: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the cross-entropies of a sequence, added, and the last state."""
    n, logits = h.numel(), []
    symbols = w["head.bias"].numel()
    for code in codes[:-1].tolist():
        gates = torch.sigmoid(
            w["gru.weight"][: 2 * n, code] + w["gru.weight"][: 2 * n, symbols:] @ h + w["gru.bias"][: 2 * n]
        )
        z, r = gates[:n], gates[n:]
        g = torch.tanh(
            w["gru.weight"][2 * n :, code] + w["gru.weight"][2 * n :, symbols:] @ (r * h) + w["gru.bias"][2 * n :]
        )
        h = (1 - z) * g + z * h
        logits.append(w["head.weight"] @ h + w["head.bias"])
    return torch.nn.functional.cross_entropy(torch.stack(logits), codes[1:], reduction="sum"), h


def main() -> None:
    """Train once through the text, test, and print mean losses in nats a character."""
    asked = arguments()
    torch.set_num_threads(1)
    symbols, (train, test) = sequences(asked.text, asked.steps)
    w = first_weights(asked.init, symbols, asked.hidden, asked.seed)
    optimiser = torch.optim.SGD(w.values(), asked.rate)
    h, total = torch.zeros(asked.hidden), 0.0
    for codes in train[: asked.samples]:
        optimiser.zero_grad()
        loss, h = loss_of(w, codes, h.detach())
        loss.backward()
        optimiser.step()
        total += loss.item() / asked.steps
    print(f"training {total / min(asked.samples, len(train)):.4f}")
    h, total = torch.zeros(asked.hidden), 0.0
    with torch.no_grad():
        for codes in test[: asked.test_samples]:
            loss, h = loss_of(w, codes, h)
            total += loss.item() / asked.steps
    print(f"test {total / min(asked.test_samples, len(test)):.4f}")


if __name__ == "__main__":
    main()
