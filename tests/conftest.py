"""Small machines for the numerical tests."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as the command line does, before NumPy is there

from dataclasses import dataclass

import numpy as np
import pytest
from examples_kit import EVERYTHING
from figure_kit import drawing, undrawn

from twin.algorithms.program import Program
from twin.algorithms.registry import make_algorithm, settings_table
from twin.algorithms.steps import LayerSteps
from twin.config.calibration import Calibration
from twin.config.weights import Initial, WeightMapping
from twin.data import Dataset
from twin.descriptions.algorithms import Algorithms
from twin.descriptions.load import load_chip, load_layout
from twin.devices import device_preset
from twin.kernels.records import INSTRUCTION
from twin.machine.compiled import ensure_compiled, ensure_loaded
from twin.machine.design import Design
from twin.machine.machine import Machine
from twin.machine.replay import Encoder
from twin.machine.words import Word
from twin.mapping import map_layers
from twin.networks.layers import Dense
from twin.networks.network import Network
from twin.operation import N_COUNTS

QUIET = {f"tile.io.{key}": "0" for key in ("inp_res", "out_res", "out_bound", "out_noise")}
LAYOUTS = {
    "digital": "digital",
    "sgd": "two-array",
    "shd": "four-array",
    "ttv2": "four-array",
    "cttv2": "four-array",
    "agad": "three-array-c",
    "mixed-precision": "two-array",
    "digital-shd": "digital-shd",
}


@dataclass
class Rig:
    """A machine, its program, and single effects at hand."""

    machine: Machine
    program: Program
    encoder: Encoder
    chip: object
    device: object

    def vector(self, name, layer=0, slot=0, size=None):
        """View of a layer's vector (or of H) in the arena."""
        record = self.machine.layers[layer]
        sizes = {"x": "n_in", "e": "n_in", "u": "lines", "v": "line_length", "s": "line_length"}
        private = name in {"x", "z", "y", "d", "e"}
        start = int(record[name]) + (slot * int(record["stride"]) if private else 0)
        return self.machine.f[start : start + int(size or record[sizes.get(name, "n_out")])]

    def perform(self, opcode, layer=0, sample=0, slot=0, row=0, read=0):
        """Perform one effect; return its counts."""
        one = np.zeros(1, INSTRUCTION)
        one[0] = (int(opcode), layer, slot, sample, row, 0, 1, read)
        counts = np.zeros((1, N_COUNTS))
        self.machine.execute(one, counts)
        return counts[0]

    def run(self, first, last):
        """Train on samples first..last-1 in program order; return instructions and counts."""
        program, _ = self.encoder.encode(first, last)
        counts = np.zeros((program.size, N_COUNTS))
        self.machine.execute(program, counts)
        return program, counts


def make_rig(
    algorithm="sgd",
    *,
    layers=((6, "identity", False),),
    n_inputs=8,
    loss="squared-error",
    data=None,
    settings=None,
    device="ideal",
    device_overrides=None,
    layout=None,
    chip=None,
    calibration="exact",
    scale=1.0,
    seed=3,
    in_flight=1,
):
    """Build a machine; converters and noise are off unless `chip` turns them on."""
    loaded = load_chip("aimc-512", QUIET | (chip or {})).model
    plan = load_layout(layout or LAYOUTS[algorithm]).model
    if data is None:
        zeros = np.zeros((1, n_inputs), np.float32)
        data = Dataset(zeros, np.zeros((1, layers[-1][0]), np.float32), zeros, zeros)
    dense, width = [], data.inputs.shape[1]
    for index, (outputs, activation, bias) in enumerate(layers):
        dense.append(Dense(index, width, outputs, bias, activation))
        width = outputs
    network = Network(tuple(dense), loss)
    algorithms = Algorithms.model_validate({algorithm: settings or {}})
    rules = make_algorithm(algorithm, algorithms)
    config = settings_table(algorithm, algorithms).settings()
    mapping = map_layers(network.shapes, plan, loaded)
    devices = dict.fromkeys(plan.matrices, device_preset(device, device_overrides or {}))
    machine = Machine(
        network,
        data,
        mapping,
        [Design(rules, config, plan, devices, loaded.tile, WeightMapping())] * len(dense),
        Calibration(method=calibration, pairs=30 if calibration == "pulses" else 0),
        Initial(distribution="uniform", scale=scale),
        seed,
        in_flight,
        word=Word.of(loaded.placement),
    )
    machine.set_rates(1.0)
    ahead, stored = loaded.placement.prefetch_h, loaded.placement.pulses != "drivers"
    steps = [
        LayerSteps(
            one,
            mapping,
            config.cadence(one, 1)[0],
            config.transfer_axis,
            prefetch=ahead,
            stored_pulses=stored,
            events=config.cadence(one, 1)[1],
            n_reads=config.n_reads_per_transfer,
        )
        for one in dense
    ]
    program = Program([rules] * len(steps), steps)
    examples = len(data.inputs)
    encoder = Encoder(program, in_flight, lambda sample: sample % examples)
    return Rig(machine, program, encoder, loaded, device_preset(device, device_overrides or {}))


@pytest.fixture(autouse=True)
def nothing_is_left_at_the_root(pytestconfig):
    """Fail the test that leaves a file where the repository begins: sooner or later it is committed."""
    before = {path.name for path in pytestconfig.rootpath.iterdir()}
    yield
    left = {path.name for path in pytestconfig.rootpath.iterdir()} - before
    assert not {name for name in left if not name.startswith(".")}  # caches of tools begin with a dot


def pytest_sessionstart():
    """Compile the kernels before pytest-xdist starts workers, which would all compile them."""
    ensure_compiled()


@pytest.fixture(scope="session", autouse=True)
def _executor_first():
    """Load the executor before tests call single kernels, as `ensure_loaded` explains."""
    ensure_loaded()


@pytest.fixture(scope="session", autouse=True)
def _figures_are_empty():
    """Draw no figure where a test does not ask for `figures_drawn`, but all of them in `make test-slow`."""
    with drawing() if EVERYTHING else undrawn():
        yield


@pytest.fixture
def figures_drawn():
    """Draw the figures of this test."""
    with drawing():
        yield


@pytest.fixture
def rig():
    """Return the builder of small machines."""
    return make_rig
