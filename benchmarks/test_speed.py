# ruff: noqa: ANN001, ANN201 - fixtures and parameters of pytest
"""Timings for pytest-benchmark (`make benchmark`), and counts that must hold whatever the machine."""

import numpy as np
import pytest
from harness import BLOCK, LAYOUTS, Bound, Numerics, Times, Whole, build

from twin.operation import N_COUNTS, Counts, Opcode

pytestmark = pytest.mark.benchmark


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_block_of_training_numerics(benchmark, name):
    run, found = Numerics(name), []
    benchmark.pedantic(lambda: found.append(run.block(Times())), rounds=12, warmup_rounds=4)
    benchmark.extra_info["samples"] = BLOCK
    benchmark.extra_info["coincidences a sample"] = found[-1]


@pytest.mark.parametrize("mode", ["replayed", "coupled"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_a_block_through_the_engine(benchmark, name, mode):
    run = Whole(name, mode)
    benchmark.pedantic(lambda: run.block(Times()), rounds=6, warmup_rounds=1)
    benchmark.extra_info["samples"] = BLOCK


@pytest.mark.parametrize("how", ["compiled", "blas"])
def test_three_passes_of_gemv(benchmark, how):
    benchmark(getattr(Bound(), how))


@pytest.mark.parametrize("factor", [0.3, 1.0, 2.0])
def test_coincidences_follow_lr_over_dw_min_times_the_outer_product(factor):
    """Why a benchmark must state them: the learning rate sets the work."""
    parts = build("sgd")
    machine = parts.machine
    machine.layers["lr"] *= factor
    counts = np.zeros((1, N_COUNTS))
    expected = found = 0.0
    for sample in range(300):
        program, _ = parts.effects.encoder.encode(sample, sample + 1)
        for k in range(program.size):
            layer = machine.layers[program["layer"][k]]
            if program["opcode"][k] == Opcode.UPDATE:
                x = machine.f[layer["x"] : layer["x"] + layer["n_in"]]
                d = machine.f[layer["d"] : layer["d"] + layer["n_out"]]
                dw_min = machine.matrices["dw_min"][layer["update"]]
                expected += float(layer["lr"] / dw_min * np.abs(x).sum() * np.abs(d).sum())
            counts[:] = 0
            machine.execute(program[k : k + 1], counts)
            found += counts[0, Counts.COINCIDENCES]
    assert found == pytest.approx(expected, rel=0.05)
