"""Devices of their own for A and C: who gets which, and what cannot be."""

import math

import numpy as np
import pytest

from twin.descriptions.load import load_sweep, load_workload
from twin.descriptions.resolved import resolved_toml
from twin.errors import TwinError
from twin.machine.arrays import draw_devices
from twin.machine.calibration import shift
from twin.runs.build import build, check
from twin.runs.library import Library
from twin.runs.planning import plan_request, plan_run
from twin.sweep.point import request_of

OWN = 'A = {preset = "lee-af1", asymmetry_factor = 2.0}, C = {preset = "gokmen-60", dw_min = 0.01}'
A_AND_C = f'{{preset = "lee-af1", matrices = {{{OWN}}}}}'
MS = 10**9  # ps


def plan(device=A_AND_C, layout="four-array", algorithm="shd", mode="replayed", **more):
    return plan_run("digits-mlp", "aimc-512", layout, algorithm, mode, {"device": device, "data.samples": "20"} | more)


@pytest.mark.parametrize("layout", ["four-array", "three-array"])
def test_every_matrix_is_drawn_from_its_own_device_about_its_reference(layout):
    parts = build(plan(layout=layout))
    assert (parts.designs[0].devices["A"].asymmetry_factor, parts.designs[0].devices["A"].dw_min) == (2.0, 0.0016)
    assert (parts.designs[0].devices["C"].slope, parts.designs[0].devices["C"].dw_min) == (1.66, 0.01)
    for matrix in "AC":
        part, record = parts.machine.array_records(0, matrix, 0)
        raw = draw_devices(parts.designs[0].devices[matrix], 1, 0, matrix, 0, parts.mapping.parts(0, matrix)[0])
        source = matrix if layout == "four-array" else "A"
        expected = shift(raw, parts.machine.calibrated[0, source, 0].reference)
        shape = *expected.w_max.T.shape, -1
        cells = parts.machine.f[part["cell"] :][: 4 * expected.w_max.size].reshape(shape)
        np.testing.assert_array_equal(cells[..., 0].T, expected.up_a)
        np.testing.assert_array_equal(cells[..., 3].T, expected.down_b)
        assert record["dw_min"] == np.float32(parts.designs[0].devices[matrix].dw_min)


def test_the_same_device_said_twice_gives_the_same_bits():
    one = build(plan('{preset = "lee-af1", asymmetry_factor = 2.0}')).machine
    two = build(plan('{preset = "lee-af1", matrices = {A = {asymmetry_factor = 2.0}, C = {asymmetry_factor = 2.0}}}'))
    assert one.f.tobytes() == two.machine.f.tobytes()
    assert one.matrices.tobytes() == two.machine.matrices.tobytes()


def test_a_dotted_key_and_a_sweep_reach_one_matrix(tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text(
        'schema = 1\nkind = "sweep"\nname = "af"\ndescription = ""\nworkload = "digits-mlp"\nalgorithm = "shd"\n'
        'seeds = [1]\n[[axes]]\nkey = "device.matrices.C.asymmetry_factor"\nvalues = [0.5, 3.0]\n'
        '[fixed]\ndevice = "lee-af1"\n'
    )
    values = {"device.matrices.C.asymmetry_factor": 3.0, "seed": 1}
    made = check(plan_request(request_of(load_sweep(str(path)).model, values), Library()))
    assert [made.designs[0].devices[name].asymmetry_factor for name in "AC"] == [1.0, 3.0]


def test_the_resolved_text_keeps_them_with_their_origins(tmp_path):
    loaded = load_workload("digits-mlp", {"device": A_AND_C, "device.matrices.A.w_max": "0.9"})
    path = tmp_path / "resolved.toml"
    path.write_text(resolved_toml(loaded), encoding="utf-8")
    again = load_workload(str(path))
    assert again.model == loaded.model
    assert again.origins == loaded.origins
    assert again.origins["device.matrices.A.w_max"] == "command line"
    assert again.model.device.label("CA") == (
        "lee-af1, A: lee-af1 (asymmetry_factor 2.0, w_max 0.9), C: gokmen-60 (dw_min 0.01)"
    )


def test_a_file_describes_the_devices_of_one_matrix(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text('family = "soft-bounds"\ndw_min = 0.02\nw_max = 0.7\nw_min = -0.7\n', encoding="utf-8")
    device = load_workload("digits-mlp", {"device.matrices.C.file": str(path)}).model.device
    assert device.of("C") == ("gokmen-60", {"family": "soft-bounds", "dw_min": 0.02, "w_max": 0.7, "w_min": -0.7})
    assert device.of("A") == ("gokmen-60", {})
    assert device.label("AC") == "gokmen-60, C: gokmen-60 (c.toml)"


def test_devices_are_named_by_their_file_also_when_resumed_and_are_the_same_from_another_file(tmp_path):
    ids = []
    for name in ("mine.toml", "yours.toml"):
        path = tmp_path / name
        path.write_text('family = "soft-bounds"\ndw_min = 0.02\nw_max = 0.7\nw_min = -0.7\n', encoding="utf-8")
        device = f'{{preset = "measured", file = "{path}"}}'
        resolved = tmp_path / "resolved.toml"
        resolved.write_text(resolved_toml(load_workload("digits-mlp", {"device": device})), encoding="utf-8")
        ids.append(plan(device=device).id)
        path.unlink()
        again = load_workload(str(resolved))
        assert again.model.device.label("AC") == f"measured ({name})"
        assert not [key for key in again.without_effect() if "described" in key]
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    ("more", "label"),
    [
        ({}, "gokmen-60"),
        ({"device.dw_min": "0.01"}, "gokmen-60 (dw_min 0.01)"),
        (
            {"device.dw_min": "0.01", "device.matrices.C.dw_min": "0.02"},
            "gokmen-60 (dw_min 0.01), C: gokmen-60 (dw_min 0.02)",
        ),
        (
            {f"device.{key}": "0.1" for key in ("dw_min_dtod", "dw_min_std", "up_down_dtod", "dw_min")},
            "gokmen-60 (4 parameters changed)",
        ),
    ],
)
def test_a_device_is_named_with_what_was_changed_of_it(more, label):
    assert load_workload("digits-mlp", more).model.device.label("AC") == label


def test_what_the_algorithm_has_no_matrix_for_is_reported_as_without_effect():
    own = {"device.matrices.C.dw_min": "0.01", "device.matrices.W.dw_min": "0.02"}
    parts = build(plan('{preset = "gokmen-60"}', **own))
    unread = parts.plan.workload.without_effect()
    assert "device.matrices.W.dw_min" in unread
    assert "device.matrices.C.dw_min" not in unread


@pytest.mark.parametrize(
    ("device", "layout", "message"),
    [
        ('{preset = "lee-af1", matrices = {B = {dw_min = 0.1}}}', "four-array", "device.matrices.B: no algorithm has"),
        ('{preset = "lee-af1", matrices = {A = {dw_mni = 0.1}}}', "four-array", "device.matrices.A.dw_mni (= 0.1): "),
        ('{preset = "lee-af1", matrices = {A = {dw_min = -1}}}', "four-array", "device.matrices.A.dw_min (= -1): must"),
        ('{preset = "lee-af1", matrices = {A = {preset = "no"}}}', "four-array", "device.matrices.A.preset (= no): "),
        ('{preset = "lee-af1", matrices = {A = {preset = 3}}}', "four-array", "device.matrices.A.preset (= 3): must"),
        ('{preset = "lee-af1", matrices = {C = {preset = "pcm-pair"}}}', "three-array", "C and A share a reference"),
        (
            '{preset = "lee-af1", matrices = {C = {lifetime = "1 ms"}}}',
            "four-array",
            "device.matrices.C.lifetime (= 0.001 s): needs every effect at its moment",
        ),
        (
            '{preset = "lee-af1", matrices = {C = {reference_drift = true}}}',
            "four-array",
            "device.matrices.C.reference_drift (= True): needs a lifetime",
        ),
    ],
)
def test_a_mistake_is_one_line_with_its_place(device, layout, message):
    with pytest.raises(TwinError, match=r"^[^\n]*$") as caught:
        check(plan(device, layout))
    assert message in str(caught.value)


def test_one_matrix_relaxes_and_the_other_keeps_its_weights():
    device = '{preset = "gokmen-60", matrices = {A = {lifetime = "1 ms"}}}'
    parts = build(plan(device, mode="coupled"))
    arrays = parts.retention.arrays
    for matrix in "AC":
        parts.machine.set_weights(0, matrix, np.full((64, 65), 0.1))
    before = {matrix: arrays[0, matrix, 0].raw().astype(np.float64) for matrix in "AC"}
    parts.retention.settle(MS)
    np.testing.assert_allclose(arrays[0, "A", 0].raw(), before["A"] * math.exp(-1), rtol=2e-6, atol=2e-7)
    np.testing.assert_array_equal(arrays[0, "C", 0].raw(), before["C"])


def test_a_shared_reference_drifts_under_a_matrix_that_does_not_relax():
    device = '{preset = "gokmen-60", matrices = {A = {lifetime = "1 ms", reference_drift = true}}}'
    parts = build(plan(device, "three-array", mode="coupled"))
    array = parts.retention.arrays[0, "C", 0]
    raw, reference = array.raw().astype(np.float64), array.reference.astype(np.float64)
    parts.retention.settle(MS)
    np.testing.assert_allclose(array.reference, reference * math.exp(-1), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(array.raw(), raw, rtol=1e-5, atol=1e-6)
