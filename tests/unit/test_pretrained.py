"""Does a pretrained CNN go from ONNX through an analog chip and back, with every loss on the way accounted for?"""

import os

import pytest
from pretrained_kit import pretrained, runtime_error, sketched

import twin
from twin.runs.weights import write_weights

SLOPPY = {"programming.max_iter": 1, "programming.reads": 1}


def story(folder, name, workload, own):
    """Infer, program, fine-tune and export; return inference on arrays and the fine-tuned run."""
    digital = twin.infer(workload, progress=False)
    assert digital.error == runtime_error(folder / "model.onnx", name)
    analog = twin.infer(workload, "analog", overrides=own, progress=False)
    exact, programmed, read = analog.stages
    assert exact.error == pytest.approx(digital.error, abs=0.002)  # weights are divided by out_scaling and back
    assert exact.loss < programmed.loss != read.loss
    tuned = twin.simulate(workload, "ttv2", overrides=own, out=folder / "tuned", progress=False)
    (run,) = (folder / "tuned" / "runs").iterdir()
    write_weights(run, folder / "tuned.onnx")
    again = twin.infer(workload, overrides={"init.file": str(folder / "tuned.onnx")}, progress=False)
    assert again.error == runtime_error(folder / "tuned.onnx", name)
    return analog, tuned


def test_a_cnn_for_the_digits_is_repaired_after_one_round_of_programming(tmp_path):
    workload = pretrained(tmp_path, sketched(8, [8], 3), epochs=4)
    analog, tuned = story(tmp_path, "digits", workload, SLOPPY)
    assert tuned.test_error < 0.5 * analog.error


@pytest.mark.slow
@pytest.mark.skipif("TWIN_DATA_DIR" not in os.environ, reason="needs TWIN_DATA_DIR with MNIST")
def test_a_cnn_for_mnist_is_better_on_the_chip_after_an_epoch_of_fine_tuning(tmp_path):
    workload = pretrained(tmp_path, sketched(28, [8, 16], 5), data="mnist", every=[72, 8, 1], rate=0.001, epochs=1)
    analog, tuned = story(tmp_path, "mnist", workload, {"timing.mode": "sampled"})
    assert tuned.test_error < analog.error
