"""What a run says was found in it: are figures per mat-vec really per mat-vec?"""

import pytest

import twin

FEW = {"data.samples": 4, "data.test_samples": 4, "training.epochs": 1}


@pytest.mark.parametrize("workload", ["digits-cnn", "digits-mlp"])
def test_uses_of_a_matrix_are_no_repeats_of_bound_management(workload, tmp_path):
    result = twin.simulate(workload, "digital", overrides=FEW, out=tmp_path / "run", progress=False)
    repeats = result.diagnostics[result.diagnostics["what"].str.startswith("bound-management repeats")]
    assert len(repeats) > 0
    assert set(repeats["value"]) == {0.0}
