"""Does every use of random numbers have a stream of its own, and every matrix too?"""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

from twin.algorithms import registry
from twin.algorithms.algorithm import Algorithm
from twin.algorithms.settings import Update
from twin.config.calibration import Calibration
from twin.descriptions.load import load_chip, load_layout
from twin.devices.presets import device_preset
from twin.kernels import streams
from twin.kernels.streams import EVALUATION, READ, array_stream, matrix_number
from twin.machine.arena import Arena
from twin.machine.arrays import ArrayBuilder, draw_devices
from twin.mapping import Part
from twin.operation import Opcode
from twin.runs.build import build
from twin.runs.planning import plan_run

LAYOUT = """
schema = 1
kind = "layout"
name = "two-and-two"
description = "an algorithm's own matrices, whose names begin alike"
tiles = [{ name = "one", arrays = ["m1", "r1"] }, { name = "two", arrays = ["m2", "r2"] }]
matrices.A1 = { main = "m1", reference = "r1" }
matrices.A2 = { main = "m2", reference = "r2" }
references = { r1 = { symmetry_point_of = "A1" }, r2 = { symmetry_point_of = "A2" } }
"""
PART = Part(0, 8, 0, 6, 0)


def test_no_two_purposes_of_kernels_share_a_number():
    updates = [streams.UPDATE_ROWS, streams.UPDATE_COLUMNS, streams.CYCLE]
    salted = [salt + purpose for salt in (streams.OF_GRADIENTS, streams.OF_TRANSFERS) for purpose in updates]
    others = [
        value for name, value in vars(streams).items() if isinstance(value, np.int64) and not name.startswith("OF_")
    ]
    purposes = [*salted, *(value for value in others if value not in updates)]
    assert len(purposes) == len(set(purposes)) == 17


def test_no_two_purposes_of_building_share_a_number():
    names = ["DEVICES", "CALIBRATION", "INITIAL", "RETENTION", "SHUFFLE", "PARAMETERS", "INPUTS", "WEIGHTS"]
    assert len({getattr(streams, name) for name in names}) == len(names)


@pytest.mark.parametrize("uses", [1, 100, 576])
def test_samples_of_training_reads_and_tests_do_not_meet(uses):
    # a kernel numbers the uses of a sample; ~n is the Hadamard read-out of sample n
    longest = 10**9 * uses
    tests = range(EVALUATION * uses - longest, EVALUATION * uses + uses)
    hadamard, training = range(-longest, 0), range(longest)
    assert tests.stop <= hadamard.start
    assert training.stop <= READ


def test_matrices_of_one_letter_keep_their_bits():
    assert [matrix_number(name) for name in "ACHW"] == [65, 67, 72, 87]
    assert array_stream(3, "C", 2) == (3 << 24) + (67 << 16) + 2


def test_arrays_of_matrices_that_begin_alike_have_streams_of_their_own():
    names = ["A", "A1", "A2", "AB", "BA", "W", "W1", "weights"]
    found = {array_stream(*key) for key in product((0, 1, 2, 255, 256), names, (0, 1, 255, 256))}
    assert len(found) == 5 * len(names) * 4
    assert max(found) < 2**63


def test_devices_of_matrices_that_begin_alike_are_drawn_for_themselves():
    device = device_preset("gokmen-60")
    one, two = (draw_devices(device, 1, 0, name, 0, PART) for name in ("A1", "A2"))
    assert not np.array_equal(one.columns()[0], two.columns()[0])


def test_a_machine_gives_matrices_that_begin_alike_other_devices_references_and_noise():
    layout = load_layout("four-array").model
    matrices = {"A1": layout.matrices["A"], "A2": layout.matrices["C"]}
    references = {
        str(matrix.reference): layout.references[str(matrix.reference)].model_copy(update={"symmetry_point_of": name})
        for name, matrix in matrices.items()
    }
    layout = layout.model_copy(update={"matrices": matrices, "references": references})
    devices = dict.fromkeys(matrices, device_preset("gokmen-60"))
    calibration = Calibration(method="pulses", pairs=5)
    arena = Arena()
    design = SimpleNamespace(layout=layout, devices=devices, tile=load_chip("aimc-512").model.tile)
    builder = ArrayBuilder(arena, design, calibration, 1)
    builder.add_layer(0, dict.fromkeys(matrices, (PART,)), {}, dict.fromkeys(matrices, Update()))
    parts, _ = builder.records()
    f = arena.build()
    cells = [f[part["cell"] :][: 4 * 48] for part in parts]
    assert parts[0]["stream"] != parts[1]["stream"]
    assert not np.array_equal(*cells)
    assert not np.array_equal(*(builder.calibrated[0, name, 0].reference for name in matrices))


class Alike(Algorithm):
    """SHD under other names."""

    name = "alike"
    table = "shd"
    matrices = ("A1", "A2")
    default_layouts = ("two-and-two",)

    def update(self, layer, sample):
        yield from layer.update("A2", main="A1")
        if layer.due(sample):
            parts = layer.line_parts("A2", sample)
            yield layer.read_out("A2", parts)
            yield layer.choose_pulses("A2")
            yield from layer.hand_over("A2", "A1")
            yield layer.transfer("A1", Opcode.TRANSFER_UPDATE, parts)


def test_a_run_with_matrices_that_begin_alike_calibrates_ages_and_names_each(tmp_path, monkeypatch):
    entries = (*registry._entries(), SimpleNamespace(name="alike", load=lambda: Alike))
    monkeypatch.setattr(registry, "_entries", lambda: entries)
    (tmp_path / "layout.toml").write_text(LAYOUT)
    device = '{preset = "gokmen-60", lifetime = "20 us", lifetime_dtod = 0.3}'
    own = {"device": device, "data.samples": "12", "training.epochs": "1", "calibration.method": '"pulses"'}
    own |= {"calibration.pairs": "5", "calibration.every": "5"}
    plan = plan_run("digits-mlp", "aimc-512", str(tmp_path / "layout.toml"), "alike", "coupled", own)
    parts = build(plan)
    parts.calibration.prepare()
    parts.calibration.repeat(5)
    table = parts.calibration.table()
    assert set(table["matrix"]) == {"A1", "A2"}
    arrays = parts.retention.arrays
    one, two = arrays[0, "A1", 0], arrays[0, "A2", 0]
    for name in ("reference", "_cell"):
        assert not np.array_equal(getattr(one, name), getattr(two, name))
    assert not np.array_equal(one._main.lifetime, two._main.lifetime)
