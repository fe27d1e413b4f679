"""Digital accelerators as rooflines: the closed form, and where more than one device is needed."""

import pytest
from blocks_kit import small

from twin.descriptions.load import load_baseline, load_workload
from twin.errors import TwinError
from twin.networks.layers import Dense
from twin.networks.network import Network
from twin.runs.baselines import describe_baselines
from twin.runs.roofline import devices, network_load, passes, roofline
from twin.runs.sections import sectioned


def loads_of(workload):
    laid = sectioned(load_workload(workload).model, folded=True)
    return list(network_load(laid.network(), laid.times))


def test_one_layer_takes_the_longer_of_arithmetic_and_bytes():
    loaded = load_baseline("a100")
    loads = list(network_load(Network((Dense(0, 1000, 10, False, "softmax"),), "cross-entropy"), [1]))
    forward, backward, update = passes(loads[0], loaded.model)
    assert forward.flops == 2 * 10_000 + 6 * 10
    assert forward.n_bytes == 2 * (10_000 + 1000 + 10)
    assert (backward.flops, backward.n_bytes) == (0, 2 * 10)  # the first layer has no backward mat-vecs
    assert update.flops == 2 * 10_000 + 2 * 10_000
    assert update.n_bytes == 2 * 1010 + 10_000 * 2 * (2 + 2 + 4)
    run = roofline(loaded, "x", loads, 7)
    n_bytes = forward.n_bytes + backward.n_bytes + update.n_bytes
    assert run.makespan_s == pytest.approx(7 * n_bytes / 2039e9)
    assert run.energy_J == pytest.approx(run.makespan_s * 400)
    assert run.bound == "memory 100 %"


def test_a_batch_reads_the_weights_once():
    loads = loads_of("gpt2-small")
    times = [roofline(load_baseline("a100", {"batch": str(n)}), "x", loads, 64).makespan_s for n in (1, 8, 64)]
    assert times[0] > times[1] > times[2]


def test_gpt3_needs_as_many_devices_as_hold_weights_gradients_optimiser_and_activations():
    loads = loads_of("gpt3-175b")
    weights = 96 * (12 * 12288**2 + 9 * 12288) + 12288 * 50257  # those of matrices, with the lines of biases
    kept = sum(load.copies * (load.outputs + load.kept) for load in loads)
    expected = -(-(weights * 8 + kept * 2) // 80_000_000_000)
    assert devices(loads, load_baseline("a100").model) == expected
    run = roofline(load_baseline("a100"), "gpt3-175b", loads, 1)
    assert run.chips == expected
    assert run.area_m2 == pytest.approx(expected * 826e-6)


def test_gpt3_at_its_arithmetic_peak_takes_six_operations_a_weight_and_token():
    loads = loads_of("gpt3-175b")
    loaded = load_baseline("a100")
    work = sum(load.copies * one.flops for load in loads for one in passes(load, loaded.model))
    digital = sum(load.copies * (load.forward_flops + load.backward_flops) for load in loads)
    weights = sum(load.copies * load.weights for load in loads)
    assert work - digital == pytest.approx(6 * weights * 2048, rel=0.001)


def test_the_tables_of_a_baseline_add_up(tmp_path):
    loads = loads_of(small(tmp_path, 3))
    run = roofline(load_baseline("h100"), "small", loads, 3)
    assert run.tables["energy"]["energy_J"].sum() == pytest.approx(run.energy_J)
    assert run.tables["bound"]["share"].sum() == pytest.approx(1.0)
    assert run.tables["operations"]["busy_ps"].sum() == pytest.approx(run.makespan_s * 1e12, rel=1e-6)


def test_an_unknown_baseline_gets_its_nearest_and_a_batch_needs_one():
    with pytest.raises(TwinError, match=r"a1000: no baseline of this name \(did you mean a100\?\)"):
        describe_baselines(["a1000"], None)
    with pytest.raises(TwinError, match=r"--batch \(= 4\)"):
        describe_baselines([], 4)
    with pytest.raises(TwinError, match=r"format \(= fp8\): has no rate in \[formats\]"):
        load_baseline("a100", {"format": "fp8"})
