"""Do weights that leave the twin give elsewhere the accuracy that `twin infer` has for them?"""

import numpy as np
import pytest
from safetensors.numpy import load_file

import twin
from twin.config.data import Data
from twin.data import load
from twin.runs.weights import write_weights


@pytest.mark.parametrize("algorithm", ["digital", "ttv2"])
def test_a_perceptron_read_by_safetensors_errs_as_in_digital_memory(tmp_path, algorithm):
    twin.simulate("digits-mlp", algorithm, epochs=1, samples=300, out=tmp_path / "run", progress=False)
    (run,) = (tmp_path / "run" / "runs").iterdir()
    path = tmp_path / "weights.safetensors"
    write_weights(run, path)
    given = twin.infer("digits-mlp", overrides={"init.file": str(path)}, progress=False)
    w, data = load_file(path), load(Data(set="digits"), 1)
    hidden = np.tanh(data.test_inputs @ w["dense-0.weight"].T + w["dense-0.bias"])
    scores = hidden @ w["dense-1.weight"].T + w["dense-1.bias"]
    target = data.test_targets.ravel().astype(int)
    top = scores.max(axis=1)
    losses = np.log(np.exp(scores - top[:, None]).sum(axis=1)) + top - scores[np.arange(len(scores)), target]
    assert given.error == (scores.argmax(axis=1) != target).mean() < 0.8
    assert given.stages[0].loss == pytest.approx(losses.mean(), rel=1e-5)
