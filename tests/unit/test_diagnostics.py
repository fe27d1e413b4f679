"""What a run says was found in it: are figures per mat-vec really per mat-vec?"""

import numpy as np
import pytest

import twin
from twin.kernels.array.pulsed import pulse_plan

F32 = np.float32
FEW = {"data.samples": 4, "data.test_samples": 4, "training.epochs": 1}


@pytest.mark.parametrize("workload", ["digits-cnn", "digits-mlp"])
def test_uses_of_a_matrix_are_no_repeats_of_bound_management(workload, tmp_path):
    result = twin.simulate(workload, "digital", overrides=FEW, out=tmp_path / "run", progress=False)
    repeats = result.diagnostics[result.diagnostics["what"].str.startswith("bound-management repeats")]
    assert len(repeats) > 0
    assert set(repeats["value"]) == {0.0}


PERFECT = {"inp_res": 0, "out_res": 0, "out_bound": 0.0, "out_noise": 0.0, "bound_management": "none"}
UNBOUNDED = {
    "device": {"preset": "ideal", "dw_min": 1e6},
    "algorithms.sgd.learning_rate": 1e4,
    "algorithms.digital.learning_rate": 1e4,
    **{f"chip.tile.io.{key}": value for key, value in PERFECT.items()},
}


def test_a_run_that_diverges_without_current_ends_and_says_so(tmp_path):
    overrides = FEW | UNBOUNDED | {"data.samples": 60}
    result = twin.simulate("digits-cnn", "digital", overrides=overrides, out=tmp_path / "run", progress=False)
    assert np.isnan(result.curve["train_loss"].iloc[-1])
    assert "diverged: the training loss is nan from epoch 1 on" in result.warnings[0]


def test_a_run_that_diverges_with_its_current_is_one_line_beside_others(tmp_path):
    overrides = FEW | UNBOUNDED | {"data.samples": 60}
    with pytest.raises(twin.TwinError, match="diverged: weights grew until the current through them is no number"):
        twin.simulate("digits-cnn", "sgd", overrides=overrides, out=tmp_path / "run", progress=False)


def test_what_is_no_number_fires_no_pulses():
    assert pulse_plan(F32(0.1), F32(np.nan), F32(1), F32(0.001), 31, True, True) == (0, 0, 0, False)
    assert pulse_plan(F32(0.1), F32(1), F32(np.nan), F32(0.001), 31, True, False) == (0, 0, 0, False)
    assert pulse_plan(F32(0.1), F32(1), F32(1), F32(0.001), 31, True, True)[0] == 31
