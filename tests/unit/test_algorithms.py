"""Do programs read like their pseudocode: which operations, in which order, reading and writing what?"""

import importlib
import sys

import pytest

from twin.algorithms.registry import algorithm_class, algorithm_names, make_algorithm
from twin.descriptions.algorithms import Algorithms
from twin.errors import TwinError
from twin.operation import Counts, Kind, Opcode, Operation, Stream, Unit

LAYERS = ((9, "sigmoid", True), (5, "softmax", True))
SPLIT = {"tile.rows": "4", "tile.cols": "5"}
CASES = [
    ("digital", {}, None),
    ("sgd", {}, None),
    ("shd", {}, "four-array"),
    ("shd", {"gamma": 0.5, "transfer_axis": "column"}, "three-array"),
    ("shd", {"transfer_vectors": "hadamard", "transfer_every": 2}, "four-array"),
    ("ttv2", {"transfer_every": 3}, "four-array"),
    ("ttv2", {"transfer_axis": "column"}, "three-array"),
    ("cttv2", {"transfer_every": 3}, "four-array"),
    ("agad", {"transfer_axis": "column"}, "three-array-c"),
    ("mixed-precision", {"transfer_every": 2}, None),
    ("digital-shd", {"transfer_every": 3}, None),
]
each_case = pytest.mark.parametrize(("algorithm", "settings", "layout"), CASES)


def program_of(rig, algorithm, settings=None, layout=None, chip=None):
    options = {"settings": settings or {}, "layout": layout, "chip": chip, "n_inputs": 12}
    return rig(algorithm, layers=LAYERS, loss="cross-entropy", **options).program


def effects_of(program, sample, layer=None):
    operations = program.operations(sample)
    return [o.opcode.name for o in operations if o.opcode and layer in (None, o.layer)]


def test_sgd_is_forward_backward_update_and_needs_no_error_below_the_first_layer(rig):
    assert effects_of(program_of(rig, "sgd"), 0) == [
        "INPUT",
        *("FORWARD", "ACTIVATION", "FORWARD", "LOSS"),
        *("BACKWARD", "UPDATE", "DERIVATIVE", "UPDATE"),
    ]
    assert effects_of(program_of(rig, "digital"), 0) == effects_of(program_of(rig, "sgd"), 0)


def test_ttv2_reads_filters_and_pulses_every_ns_updates(rig):
    program = program_of(rig, "ttv2", {"transfer_every": 3})
    transfer = ["READ_OUT", "FILTER", "PULSE"]
    for sample in range(9):
        due = (sample + 1) % 3 == 0
        expected = ["UPDATE", *(transfer if due else [])]
        assert effects_of(program, sample, 0)[-len(expected) :] == expected
        assert ("READ_OUT" in effects_of(program, sample)) == due


def test_shd_transfers_without_h(rig):
    program = program_of(rig, "shd", {"transfer_every": 2})
    assert effects_of(program, 1, 0)[-3:] == ["UPDATE", "READ_OUT", "TRANSFER_UPDATE"]
    assert "READ_OUT" not in effects_of(program, 0)
    kinds = {o.kind for o in program.operations(1)}
    assert not kinds & {Kind.H_LOAD, Kind.H_STORE, Kind.FILTER}


def test_gamma_adds_mat_vecs_of_a(rig):
    plain = effects_of(program_of(rig, "shd"), 0)
    mixed = effects_of(program_of(rig, "shd", {"gamma": 0.5}), 0)
    assert "FORWARD_FAST" not in plain
    assert mixed.count("FORWARD_FAST") == mixed.count("FORWARD") == 2
    assert mixed.count("BACKWARD_FAST") == mixed.count("BACKWARD") == 1


def test_h_moves_one_line_in_and_out_per_transfer(rig):
    for axis, lengths in (("row", (13, 10)), ("column", (9, 5))):
        program = program_of(rig, "ttv2", {"transfer_axis": axis})
        moves = [o for o in program.operations(0) if o.stream is Stream.H]
        assert [(o.kind, o.layer, o.words) for o in moves] == [
            (kind, layer, lengths[layer]) for layer in (1, 0) for kind in (Kind.H_LOAD, Kind.H_STORE)
        ]
        assert [o.store for o in moves] == [False, True] * 2


def test_a_and_c_on_separate_tiles_exchange_errors_and_lines(rig):
    four = [o for o in program_of(rig, "ttv2", layout="four-array").operations(0) if o.stream is Stream.ERRORS]
    three = [o for o in program_of(rig, "ttv2", layout="three-array").operations(0) if o.stream is Stream.ERRORS]
    assert len(four) - len(three) == 2 * 4  # per layer: d to A's tile, chosen line to C's, a store and a load each
    sgd = [o for o in program_of(rig, "sgd").operations(0) if o.stream is Stream.ERRORS]
    assert len(three) == len(sgd)


def test_only_arrays_that_hold_the_line_take_part(rig):
    program = program_of(rig, "ttv2", {"transfer_axis": "row"}, chip=SPLIT)
    for sample in range(20):
        for operation in program.operations(sample):
            if operation.opcode not in {Opcode.READ_OUT, Opcode.PULSE}:
                continue
            layer = program.layers[operation.layer]
            parts = layer.mapping.parts(operation.layer, operation.matrix)
            line = sample % layer.lines
            assert operation.parts == tuple(k for k, p in enumerate(parts) if p.out0 <= line < p.out1)
            covered = sorted((parts[k].in0, parts[k].in1) for k in operation.parts)
            assert covered[0][0] == 0
            assert covered[-1][1] == layer.line_length


@each_case
def test_operations_depend_on_the_sample_through_its_key_alone(rig, algorithm, settings, layout):
    program = program_of(rig, algorithm, settings, layout, SPLIT)
    seen = {}
    for sample in range(60):
        operations = list(program.operations(sample))
        assert seen.setdefault(program.key(sample), operations) == operations
    transferring = algorithm not in {"digital", "sgd"}
    assert (len(seen) > 1) == transferring


@each_case
def test_what_is_read_was_written_before(rig, algorithm, settings, layout):
    """Private vectors are made by the same sample; of shared ones only matrices and H exist beforehand."""
    program = program_of(rig, algorithm, settings, layout, SPLIT)
    shared = {f"{k}.{name}" for k in range(2) for name in (*program.algorithms[0].matrices, "H", "choppers")}
    same_tile = {f"{k}.t" for k in range(2)}  # nothing is handed over within one tile
    for sample in range(6):
        written = set()
        for operation in program.operations(sample):
            for resource in operation.reads:
                if resource.private:
                    assert resource.name in written, (operation.kind, resource.name)
                else:
                    assert resource.name in shared | same_tile, (operation.kind, resource.name)
            for resource in operation.writes:
                (written if resource.private else shared).add(resource.name)


@each_case
def test_every_matrix_an_effect_changes_is_declared(rig, algorithm, settings, layout):
    program = program_of(rig, algorithm, settings, layout)
    changes = {Opcode.UPDATE, Opcode.PULSE, Opcode.TRANSFER_UPDATE, Opcode.UPDATE_CHOPPED, Opcode.PULSE_LINES}
    for operation in program.operations(5):
        names = {resource.name for resource in operation.writes}
        matrices = {f"{operation.layer}.{name}" for name in program.algorithms[0].matrices}
        if not program.algorithms[0].digital:
            assert bool(names & matrices) == (operation.opcode in changes)
        if operation.unit is Unit.MOVE:
            assert operation.words > 0
            assert operation.stream is not None
        if operation.unit is Unit.TILE:
            assert operation.matrix in program.algorithms[0].matrices
            assert operation.flops == 0


def test_update_management_costs_2n_and_a_filtered_line_2n_operations(rig):
    """Rasch 2024, Table 1, for N inputs and N outputs."""
    program = program_of(rig, "ttv2", {"transfer_axis": "row"})
    flops = {o.kind: o.flops for o in program.operations(0) if o.layer == 0}
    assert flops[Kind.UPDATE_MANAGEMENT] == 13 + 9
    assert flops[Kind.FILTER] == 2 * 13


def test_algorithms_are_found_by_name(rig):
    assert algorithm_names()[:4] == ["digital", "sgd", "shd", "ttv2"]
    for name in algorithm_names():
        made = make_algorithm(name, Algorithms())
        assert made.name == name
        assert made.main == made.matrices[0]
        assert made.default_layouts
    with pytest.raises(TwinError, match="ttv2"):
        algorithm_class("ttv")
    assert program_of(rig, "shd").algorithms[0].used == ("C",)


def test_operations_are_still_found_where_algorithms_of_others_look_for_them(monkeypatch):
    monkeypatch.delitem(sys.modules, "twin.algorithms.operation", raising=False)
    with pytest.warns(DeprecationWarning, match=r"has become twin\.operation"):
        before = importlib.import_module("twin.algorithms.operation")
    assert (before.Operation, before.Opcode, before.Counts) == (Operation, Opcode, Counts)
