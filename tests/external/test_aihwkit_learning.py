"""Do small networks learn alike in aihwkit and here, at the configuration that aihwkit prints?

Five seeds on both sides; of each epoch the mean loss in training, the loss and the error of the test are held against
each other. Skips where aihwkit cannot be imported; docs/validation/aihwkit.md has the curves.
"""

import sys

import numpy as np
import pytest
from scipy.stats import ttest_ind
from versus_kit import imported, torch

import twin
from twin.config.data import Data
from twin.data import load
from twin.imports.aihwkit.found import Base

configs = pytest.importorskip("aihwkit.simulator.configs")
parameters = pytest.importorskip("aihwkit.simulator.parameters")
devices = pytest.importorskip("aihwkit.simulator.configs.devices")
compounds = pytest.importorskip("aihwkit.simulator.configs.compounds")
nn = pytest.importorskip("aihwkit.nn")
optim = pytest.importorskip("aihwkit.optim")
pytestmark = pytest.mark.slow

SEEDS, EPOCHS, HIDDEN, RATE = range(1, 6), 4, 24, 0.05
LEAST = 1e-3  # probability of the scatter at which a difference counts: 12 comparisons by algorithm, 4 algorithms
WORKLOAD = f"""
schema = 1
kind = "workload"
name = "digits"
description = "a small network on digits"
data.set = "digits"
device.preset = "ideal"
calibration.method = "none"
init = {{ distribution = "uniform", scale = 1.0 }}
training = {{ epochs = {EPOCHS}, seed = 1, in_flight = 1 }}
algorithms.sgd.learning_rate = 0.1
[network]
loss = "cross-entropy"
layers = [
  {{ kind = "dense", outputs = {HIDDEN}, activation = "tanh", bias = true }},
  {{ kind = "dense", outputs = 10, activation = "softmax", bias = true }},
]
"""


def referenced(dw_min):
    return devices.SoftBoundsReferenceDevice(dw_min=dw_min, subtract_symmetry_point=True)


def transfer(kind, **more):
    cells = {"unit_cell_devices": [referenced(0.02), referenced(0.02)], "units_in_mbatch": False, "transfer_every": 2}
    return configs.UnitCellRPUConfig(device=getattr(compounds, kind)(**cells, **more))


CONFIGURATIONS = {
    "SGD": configs.SingleRPUConfig(device=devices.SoftBoundsDevice(dw_min=0.002)),
    "Tiki-Taka": transfer("TransferCompound", fast_lr=0.05, transfer_lr=1.0, scale_transfer_lr=True),
    "TTv2": transfer("BufferedTransferCompound", fast_lr=0.05, transfer_lr=2.0),
    "mixed precision": configs.DigitalRankUpdateRPUConfig(
        device=compounds.MixedPrecisionCompound(device=devices.SoftBoundsDevice(dw_min=0.005))
    ),
}


def their_curves(config, data, seed):
    """Train in aihwkit; return loss in training, loss and error of the test by epoch, (epochs, 3)."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    layers = [nn.AnalogLinear(64, HIDDEN, rpu_config=config), nn.AnalogLinear(HIDDEN, 10, rpu_config=config)]
    for layer in layers:
        shape = (layer.out_features, layer.in_features)
        start = rng.uniform(-1, 1, shape) / np.sqrt(shape[1])
        layer.set_weights(torch.tensor(start, dtype=torch.float32), torch.zeros(shape[0]))
    model = nn.AnalogSequential(layers[0], torch.nn.Tanh(), layers[1])
    optimiser = optim.AnalogSGD(model.parameters(), lr=RATE)
    optimiser.regroup_param_groups(model)
    inputs, tests = torch.from_numpy(data.inputs), torch.from_numpy(data.test_inputs)
    targets, answers = (torch.from_numpy(y[:, 0].astype(np.int64)) for y in (data.targets, data.test_targets))
    loss, curve = torch.nn.CrossEntropyLoss(), []
    for _ in range(EPOCHS):
        model.train()
        total = 0.0
        for k in rng.permutation(len(inputs)).tolist():
            optimiser.zero_grad()
            found = loss(model(inputs[k : k + 1]), targets[k : k + 1])
            found.backward()
            optimiser.step()
            total += found.item()
        model.eval()
        with torch.no_grad():
            said = model(tests)
        wrong = (said.argmax(dim=1) != answers).double().mean()
        curve.append((total / len(inputs), loss(said, answers).item(), wrong.item()))
    return np.array(curve)


def our_curves(workload, chip, algorithm, seed):
    """Train here; return the same."""
    curves = twin.simulate(workload, algorithm, chip=chip, seed=seed, progress=False).curve
    return curves[["train_loss", "test_loss", "test_error"]].to_numpy(float)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_learning_curves_agree_within_the_scatter_of_seeds(tmp_path, name):
    """Welch's t-test of each figure of each epoch."""
    base = tmp_path / "digits.toml"
    base.write_text(WORKLOAD)
    found, workload, chip = imported(CONFIGURATIONS[name], base, tmp_path, Base(RATE, biased=True))
    assert found.report.lost == []
    data = load(Data(set="digits"), 1)
    theirs = np.array([their_curves(CONFIGURATIONS[name], data, seed) for seed in SEEDS])
    ours = np.array([our_curves(workload, chip, found.algorithm, seed) for seed in SEEDS])
    chance = ttest_ind(theirs, ours, equal_var=False).pvalue
    for epoch in range(EPOCHS):
        for side, made in (("aihwkit", theirs), ("twin", ours)):
            shown = (
                f"{m:.4f} +- {s:.4f}" for m, s in zip(made.mean(0)[epoch], made.std(0, ddof=1)[epoch], strict=True)
            )
            sys.stdout.write(f"{name}, epoch {epoch + 1}, {side}: {', '.join(shown)}\n")
    sys.stdout.write(f"{name}: least p = {chance.min():.3f}\n")
    assert chance.min() > LEAST
    for made in (theirs, ours):
        assert made[:, -1, 2].mean() < 0.4  # it was learnt; guessing errs by 0.9
