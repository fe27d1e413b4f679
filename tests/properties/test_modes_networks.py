"""Recurrent and convolutional networks: the same bits coupled or replayed, at once or in pieces."""

import json

import numpy as np
import pytest
from examples_kit import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from modes_kit import RUNS, Stopped, assert_same, contents, quiet, stop_at, trained
from workloads_kit import NETWORKS, written

from twin.errors import TwinError
from twin.runs import checkpoint
from twin.runs.folder import prepare
from twin.runs.planning import plan_run
from twin.runs.run import run

NETWORK_RUNS = [*RUNS, ("cttv2", "three-array"), ("agad", "four-array"), ("mixed-precision", "two-array")]


def cases(networks):
    """Return network, samples in flight, algorithm and layout of every run; those that stand for the rest are fast."""
    return [
        # each network has a third of the runs, each run a third of the networks
        pytest.param(network, in_flight, *run, marks=() if n % 3 == k % 3 else pytest.mark.slow)
        for k, run in enumerate(NETWORK_RUNS)
        for n, (network, in_flight) in enumerate(networks)
    ]


@pytest.fixture(scope="module")
def workloads(tmp_path_factory):
    """Write the workloads; return their paths by name."""
    return written(tmp_path_factory.mktemp("workloads"))


@pytest.mark.parametrize(
    ("network", "in_flight", "algorithm", "layout"), cases([(name, n) for n in (1, 3) for name in NETWORKS])
)
def test_coupled_and_replayed_runs_have_the_same_weights_and_ledgers(workloads, network, algorithm, layout, in_flight):
    own = {"training.in_flight": str(in_flight)}
    one, other = (trained(workloads[network], algorithm, layout, mode, 12, own) for mode in ("coupled", "replayed"))
    start = trained(workloads[network], algorithm, layout, "replayed", 1, own).machine
    for layer in one.network.layers:
        fast = one.algorithm.fast
        assert not np.array_equal(one.machine.weights(layer.index, fast), start.weights(layer.index, fast))
    assert_same(one, other)


@pytest.mark.parametrize(
    ("network", "in_flight", "algorithm", "layout"), cases([("graph", 1), ("graph", 2), ("conv", 2)])
)
def test_coupled_and_replayed_batches_have_the_same_weights_and_ledgers(
    workloads, network, algorithm, layout, in_flight
):
    own = {"training.in_flight": str(in_flight), "training.batch": "3", "data.samples": "11"}
    one, other = (trained(workloads[network], algorithm, layout, mode, 5, own) for mode in ("coupled", "replayed"))
    assert_same(one, other)


@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    network=st.sampled_from(list(NETWORKS)),
    run=st.sampled_from(NETWORK_RUNS[1:]),
    steps=st.integers(1, 7),
    in_flight=st.integers(1, 4),
    every=st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 7)),
    axis=st.sampled_from(["row", "column"]),
    pulses=st.sampled_from([1, 5, 31]),
    vectors=st.sampled_from(["one-hot", "hadamard"]),
    gamma=st.sampled_from([0.0, 0.5]),
    reset=st.sampled_from(["plain", "hysteretic"]),
    seed=st.integers(0, 2**63 - 1),
    lines=st.sampled_from([8, 16, 512]),
    place=st.sampled_from(["registers", "buffer", "memory", "auto"]),
    pulses_at=st.sampled_from(["drivers", "auto", "memory"]),
    word=st.sampled_from(["4 B", "2 B", "1 B"]),
    ahead=st.integers(0, 2),
)
def test_coupled_and_replayed_agree_whatever_the_settings(
    workloads,
    network,
    run,
    steps,
    in_flight,
    every,
    axis,
    pulses,
    vectors,
    gamma,
    reset,
    seed,
    lines,
    place,
    pulses_at,
    word,
    ahead,
):
    algorithm, layout = run
    own = {"training.in_flight": in_flight, "training.seed": seed}
    own |= {"network.steps": steps} if network not in {"conv", "graph"} else {}
    if algorithm != "mixed-precision":
        own |= {f"algorithms.{algorithm}.update.desired_bl": pulses}
    if algorithm != "sgd":
        own |= {f"algorithms.{algorithm}.transfer_every_per_layer": list(every)}
        own |= {f"algorithms.{algorithm}.transfer_axis": f'"{axis}"'}
    if algorithm == "shd":
        own |= {"algorithms.shd.transfer_vectors": f'"{vectors}"', "algorithms.shd.gamma": gamma}
    if algorithm == "ttv2":
        own |= {"algorithms.ttv2.reset": f'"{reset}"'}
    workload = {key: str(value) for key, value in own.items()}
    chip = {"tile.rows": str(lines), "tile.cols": str(lines), "registers.size": "1 MiB"}
    chip |= {"placement.h": place, "placement.errors": place, "placement.activations": place}
    chip |= {"placement.pulses": pulses_at, "placement.h_word": word, "placement.prefetch_h": str(ahead)}
    one, other = (
        trained(workloads[network], algorithm, layout, mode, 6, workload, chip) for mode in ("coupled", "replayed")
    )
    assert_same(one, other)


@pytest.mark.parametrize("network", list(NETWORKS))
@pytest.mark.parametrize("every", [1, 7])
def test_lines_fetched_ahead_change_the_time_and_nothing_else(workloads, network, every):
    own = {"algorithms.ttv2.transfer_every": str(every), "training.in_flight": "2"}
    plain, *others = (
        trained(workloads[network], "ttv2", "four-array", "coupled", 6, own, {"placement.prefetch_h": str(n)})
        for n in (0, 1, 2)
    )
    for other in others:
        assert other.machine.f.tobytes() == plain.machine.f.tobytes()
        traffic = [run.engine.tables()["traffic"].sort_values(["path", "stream", "layer"]) for run in (plain, other)]
        assert traffic[0].to_numpy().tolist() == traffic[1].to_numpy().tolist()
        assert other.engine.now_ps < plain.engine.now_ps


@pytest.mark.parametrize("network", list(NETWORKS))
@pytest.mark.parametrize(("every", "axis"), [(1, "column"), (4, "row"), (7, "column"), (7, "row")])
def test_lines_take_turns_across_the_ends_of_samples(workloads, network, axis, every):
    own = {"algorithms.ttv2.transfer_every": str(every), "algorithms.ttv2.transfer_axis": f'"{axis}"'}
    chip = {"tile.rows": "8", "tile.cols": "8"}
    samples = 9
    parts = trained(workloads[network], "ttv2", "four-array", "replayed", samples, own, chip)
    for layer in parts.network.layers:
        record = parts.machine.layers[layer.index]
        lines, length = int(record["lines"]), int(record["line_length"])
        h = parts.machine.f[int(record["h"]) :][: lines * length].reshape(lines, length)
        crossed = parts.machine.f[int(record["crossed"]) :][: lines * length].reshape(lines, length)
        transfers = samples * layer.uses // every
        seen = np.any((h != 0) | (crossed > 0), axis=1)
        # A line that has not had its turn is untouched; the first to have it was read, and A was not all zero there.
        assert not seen[transfers:].any()
        operations = parts.engine.tables()["operations"]
        rows = operations[(operations["layer"] == layer.index) & (operations["kind"] == "filter")]
        assert int(rows["count"].sum()) == transfers
        assert seen.any() == (transfers > 0)


# -- testing and interruption ----------------------------------------------------------------------------------


@pytest.mark.parametrize("network", list(NETWORKS))
def test_testing_leaves_the_training_state_untouched(workloads, network):
    found = []
    for tested in (False, True):
        parts = trained(workloads[network], "ttv2", "four-array", "replayed", 12, {"data.samples": "24"})
        if tested:
            assert parts.machine.evaluate(0) == parts.machine.evaluate(0)
        parts.effects.segment(12, 24)
        parts.engine.run(12, 24)
        found.append(parts)
    for layer in found[0].network.layers:
        for matrix in ("A", "C"):
            one, other = (parts.machine.weights(layer.index, matrix) for parts in found)
            np.testing.assert_array_equal(one, other)
    assert found[0].effects.losses == found[1].effects.losses


PIECES = {"training.epochs": "3", "data.samples": "30", "training.checkpoint_every": "8", "data.test_samples": "4"}


@pytest.mark.parametrize(
    ("network", "batch", "mode"),
    [
        ("lstm", 1, "replayed"),
        ("graph", 2, "coupled"),
        *(
            pytest.param(network, batch, mode, marks=pytest.mark.slow)
            for network, batch, mode in [
                ("lstm", 1, "coupled"),
                ("graph", 2, "replayed"),
                *(("conv", batch, mode) for batch in (1, 4) for mode in ("replayed", "coupled")),
            ]
        ),
    ],
)
def test_a_run_interrupted_anywhere_ends_in_the_same_files(workloads, tmp_path, network, batch, mode):
    own = PIECES | {"training.in_flight": "2", "algorithms.ttv2.transfer_every": "3", "training.batch": str(batch)}
    plan = plan_run(workloads[network], "aimc-512", "three-array", "ttv2", mode, own)
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    for folder in (whole, pieces):
        folder.mkdir()
        prepare(plan, folder)
    run(whole, quiet)
    for stop in (5, 19, 30, 47, 83):
        with pytest.raises(Stopped):
            run(pieces, stop_at(stop))
        assert not (pieces / "summary.json").exists()
    run(pieces, quiet)
    assert contents(pieces) == contents(whole)


def test_a_run_begun_with_other_data_is_not_finished(tmp_path):
    path = written(tmp_path)["lstm"]
    folder = tmp_path / "run"
    folder.mkdir()
    prepare(plan_run(path, "aimc-512", "two-array", "sgd", "replayed", PIECES), folder)
    with pytest.raises(Stopped):
        run(folder, stop_at(10))
    begun = json.loads((folder / "run.json").read_text())["data"]
    assert (begun["set"], begun["training samples"]) == ("text", 30)
    text = tmp_path / "text.txt"
    text.write_text(text.read_text().replace("Peace", "Truce"))
    with pytest.raises(
        TwinError, match=r"the data changed since the run began \(.*sha256 is .*, was .*\); start the run"
    ):
        run(folder, quiet)


def test_a_checkpoint_holds_the_state_that_the_text_has_reached(workloads, tmp_path):
    plan = plan_run(workloads["lstm"], "aimc-512", "two-array", "sgd", "replayed", PIECES)
    prepare(plan, tmp_path)
    with pytest.raises(Stopped):
        run(tmp_path, stop_at(20))
    whole = trained(workloads["lstm"], "sgd", "two-array", "replayed", 16, PIECES | {"data.samples": "30"})
    with np.load(tmp_path / checkpoint.NAME) as state:
        assert state["sample"][0] == 16
        for record in whole.machine.layers[:2]:
            at = slice(int(record["state"]), int(record["state"]) + 2 * int(record["hidden"]))
            assert np.abs(whole.machine.f[at]).min() > 0
            np.testing.assert_array_equal(state["arena"][at], whole.machine.f[at])
