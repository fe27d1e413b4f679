"""Graphs with recurrent nodes and batches of a text: the same bits coupled or replayed, at once or in pieces."""

import numpy as np
import pytest
from modes_kit import Stopped, assert_same, contents, quiet, stop_at, trained
from workloads_kit import TEXT, WORKLOAD

from twin.runs.folder import prepare
from twin.runs.planning import plan_run
from twin.runs.run import run

NETWORKS = {
    "text": [
        '{ kind = "gru", hidden = 5, bias = true }',
        '{ kind = "lstm", hidden = 4, bias = true }',
        '{ kind = "dense", activation = "softmax", bias = true }',
    ],
    "text-graph": [
        '{ kind = "embedding", width = 4 }',
        '{ kind = "gru", hidden = 5, bias = true }',
        '{ kind = "layer-norm" }',
        '{ kind = "dense", activation = "softmax", bias = true }',
    ],
    "rows": [
        '{ kind = "reshape", to = [8, 8] }',
        '{ kind = "gru", hidden = 5, bias = true }',
        '{ kind = "rnn", hidden = 4, bias = false }',
        '{ kind = "last" }',
        '{ kind = "dense", outputs = 10, activation = "softmax", bias = true }',
    ],
}
FEW = [("ttv2", "four-array", 1), ("ttv2", "four-array", 3), ("mixed-precision", "two-array", 3)]
MORE = [("digital", "digital", 3), ("shd", "three-array", 1), ("shd", "three-array", 3), ("agad", "four-array", 3)]
RUNS = [*FEW, *(pytest.param(*one, marks=pytest.mark.slow) for one in MORE)]


@pytest.fixture(scope="module")
def workloads(tmp_path_factory):
    """Write the workloads; return their paths by name."""
    folder = tmp_path_factory.mktemp("workloads")
    (folder / "text.txt").write_text(TEXT)
    made = {}
    for name, layers in NETWORKS.items():
        text = name != "rows"
        data = f'{{ set = "text", file = "{folder / "text.txt"}" }}' if text else '{ set = "digits" }'
        written = WORKLOAD.format(name=name, data=data, steps=5 * text, layers=", ".join(layers))
        made[name] = str(folder / f"{name}.toml")
        (folder / f"{name}.toml").write_text(written)
    return made


@pytest.mark.parametrize(("algorithm", "layout", "batch"), RUNS)
@pytest.mark.parametrize("network", list(NETWORKS))
def test_coupled_and_replayed_runs_have_the_same_weights_and_ledgers(workloads, network, algorithm, layout, batch):
    own = {"training.in_flight": "2", "training.batch": str(batch), "data.samples": "13"}
    one, other = (trained(workloads[network], algorithm, layout, mode, 4, own) for mode in ("coupled", "replayed"))
    assert_same(one, other)
    assert len(one.effects.losses) == 4 * batch
    one.engine.check()


@pytest.mark.parametrize("network", ["text", pytest.param("rows", marks=pytest.mark.slow)])
def test_a_run_interrupted_anywhere_ends_in_the_same_files(workloads, tmp_path, network):
    own = {"training.epochs": "2", "data.samples": "13", "training.checkpoint_every": "4", "data.test_samples": "2"}
    own |= {"training.in_flight": "2", "training.batch": "3", "algorithms.ttv2.transfer_every": "3"}
    plan = plan_run(workloads[network], "aimc-512", "three-array", "ttv2", "replayed", own)
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    for folder in (whole, pieces):
        folder.mkdir()
        prepare(plan, folder)
    run(whole, quiet)
    for stop in (3, 6):
        with pytest.raises(Stopped):
            run(pieces, stop_at(stop))
    run(pieces, quiet)
    assert contents(pieces) == contents(whole)


def test_sequences_that_fill_no_batch_are_dropped_and_counted(workloads):
    own = {"training.batch": "4", "data.samples": "15"}
    parts = trained(workloads["text"], "sgd", "two-array", "replayed", 3, own)
    assert len(parts.data.inputs) == 12
    facts = parts.data.facts
    assert (facts["training samples"], facts["training samples dropped"]) == (12, 3)
    rows = [parts.effects.encoder.rows(sample) for sample in range(12)]
    assert rows == [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]


def test_tests_of_a_text_do_not_depend_on_the_batch(workloads):
    own = {"algorithms.digital.learning_rate": "1e-30", "data.samples": "12"}
    found = [
        trained(workloads["text"], "digital", "digital", "replayed", 2, own | {"training.batch": batch})
        for batch in ("1", "4")
    ]
    one, other = (parts.machine.evaluate(0) for parts in found)
    np.testing.assert_allclose(one, other, rtol=1e-6)
