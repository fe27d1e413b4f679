"""Does every kind of node keep the contract of kinds? One joins by existing and needs an example (`node_examples`)."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from graph_kit import check, description, engine_of, trained, values_of
from node_examples import EXAMPLES, Example
from onnx_examples import ELSEWHERE, MODELS, WITHOUT, model_of
from onnx_kit import by_runtime, by_twin, saved
from reference_networks import softmax
from touched_kit import Places

from twin.errors import TwinError
from twin.kernels.nodes.digital import NODES
from twin.kernels.records import LOSSES
from twin.machine.describe import bias_lines
from twin.machine.replay import Replayed
from twin.networks.graph import Graph
from twin.networks.kinds import kinds
from twin.networks.kinds.matrices import matrix_of
from twin.networks.kinds.node import Shapes
from twin.networks.lowering import COPY, FAN_OUT, VIEWS
from twin.networks.onnx.export import write_model
from twin.networks.onnx.read import read_model
from twin.networks.onnx.reading import Reading
from twin.networks.work import OPTIMISER_FLOPS
from twin.operation import N_COUNTS, Kind, Opcode
from twin.runs import checkpoint

CASES = [pytest.param(kind, k, id=f"{kind} {k}") for kind in kinds() for k in range(len(EXAMPLES.get(kind, [0])))]
ARRAYS = ("dense", "conv", "lstm", "gru", "rnn")
"""Kinds with an analog matrix, whose mat-vecs have kernels of their own."""
every_kind = pytest.mark.parametrize(("kind", "number"), CASES)


def example(kind, number):
    found = EXAMPLES.get(kind)
    assert found, f"kind {kind} has no example; add a network in which it stands to tests/kits/node_examples.py"
    return Example(*found[number])


def made_of(kind, number, **options):
    """Build a machine for an example of a kind."""
    layers, shape, symbols = example(kind, number)
    steps = shape[0] if symbols else 0
    return trained(description(*layers, steps=steps), shape, symbols=symbols, **options)


def listed(made, kind):
    """Yield the nodes of a kind, each with its shapes."""
    found = [one for one in made.graph.nodes if one.node.kind == kind]
    assert found, f"the example of kind {kind} has no such node"
    for one in found:
        given = tuple(made.graph.shapes[name] for name in one.inputs)
        yield one, Shapes(given, made.graph.shapes[one.name])


def test_every_kind_has_kernels_and_every_kernel_a_kind():
    digital = {kind for kind, node in kinds().items() if kind not in ARRAYS and node not in VIEWS}
    assert digital == set(NODES) - {COPY, FAN_OUT, *LOSSES}


def test_every_example_is_of_a_kind():
    assert set(EXAMPLES) <= set(kinds())


@every_kind
def test_its_shape_is_that_of_its_values(kind, number):
    made = made_of(kind, number)
    values = values_of(made.graph, made.weights(), made.learnt(), [made.sample(0)[0]])
    for one, shapes in listed(made, kind):
        assert values[one.name][0].shape == shapes.output


@every_kind
def test_a_step_follows_the_gradient_of_its_formula(kind, number):
    check(made_of(kind, number))


@every_kind
def test_a_second_sample_in_flight_does_not_disturb_it(kind, number):
    alone, beside = (made_of(kind, number, in_flight=n) for n in (1, 2))
    for made in (alone, beside):
        made.ideal.train(0, 4)
    for one, other in zip([*alone.weights(), *alone.learnt()], [*beside.weights(), *beside.learnt()], strict=True):
        np.testing.assert_array_equal(one, other)


# -- hazards ---------------------------------------------------------------------------------------------------


def perform(machine, places, operation, instruction, constant):
    """Perform an operation with everything poisoned that it does not say it reads, and then as it is.

    It must find the same, and write nothing but what it says.
    """
    before = machine.f.copy()
    matrices = [one for one in operation.writes if one.name.endswith((".W", ".new"))]  # changed, not replaced
    reads, writes = places.mask([*operation.reads, *matrices]), places.mask(operation.writes)
    machine.f[~(reads | constant)] = np.nan
    poisoned = machine.f.copy()
    machine.execute(instruction, np.zeros((1, N_COUNTS)))
    found = machine.f.copy()
    machine.f[:] = before
    machine.execute(instruction, np.zeros((1, N_COUNTS)))
    clean = machine.f
    untouched = found.view(np.int32) == poisoned.view(np.int32)
    name = f"{operation.kind} of layer {operation.layer}, node {operation.node}"
    assert untouched[~writes].all(), f"{name} writes what it does not name"
    same = (found == clean) | (np.isnan(found) & untouched & (clean == before))
    assert same[writes].all(), f"{name} reads what it does not name"


def effects(made):
    """Yield the operations of a sample that do something, each with its instruction."""
    instructions, _ = made.ideal.encoder.encode(0, 1)
    found = [one for one in made.ideal.encoder.program.operations(0) if one.opcode is not Opcode.NONE]
    assert len(found) == len(instructions)
    for k, operation in enumerate(found):
        yield operation, instructions[k : k + 1].copy()


def constants(machine):
    found = np.zeros(machine.f.size, bool)
    found[bias_lines(machine.layers, 1)] = True
    return found


@pytest.mark.parametrize("algorithm", ["digital", "sgd"])
@every_kind
def test_operations_name_all_that_its_kernels_touch(kind, number, algorithm):
    made = made_of(kind, number, algorithm=algorithm)
    machine = made.ideal.machine
    if machine.network.flow is None:
        pytest.skip("layers that follow each other share vectors; test_modes_networks.py holds their hazards")
    places, constant = Places(machine), constants(machine)
    for operation, instruction in effects(made):
        if operation.opcode is Opcode.INPUT:
            machine.execute(instruction, np.zeros((1, N_COUNTS)))
        else:
            perform(machine, places, operation, instruction, constant)


@pytest.mark.parametrize("kind", ["gelu", "max-pool", "layer-norm", "add", "attention", "embedding"])
@pytest.mark.parametrize("what", ["reads", "writes"])
def test_the_contract_sees_what_is_not_named(kind, what):
    made = made_of(kind, 0)
    machine, node = made.ideal.machine, next(one for one in made.network.flow.nodes if one.kind == kind)
    places, constant = Places(machine), constants(machine)
    for operation, instruction in effects(made):
        if operation.node == node.index and operation.opcode is Opcode.NODE_BACKWARD and kind != "add":
            hidden = replace(operation, **{what: getattr(operation, what)[:-1]})
        elif operation.node == node.index and operation.opcode is Opcode.NODE_FORWARD and kind == "add":
            hidden = replace(operation, **{what: getattr(operation, what)[1:]})
        else:
            machine.execute(instruction, np.zeros((1, N_COUNTS)))
            continue
        with pytest.raises(AssertionError, match="does not name"):
            perform(machine, places, replace(hidden, **{what: ()}), instruction, constant)
        return


# -- work ------------------------------------------------------------------------------------------------------


@every_kind
def test_its_work_is_positive_and_that_of_its_operations(kind, number):
    made = made_of(kind, number)
    for one, shapes in listed(made, kind):
        work, starts = one.node.cost(shapes), one.node.parameters(shapes)
        assert min(work) >= 0
        assert work.parameters == sum(start.size for start in starts)
        assert work.backward >= OPTIMISER_FLOPS * work.parameters
        weights, uses = matrix_of(one.node, shapes)
        if kind in ARRAYS:
            assert weights > 0
            assert uses > 0
            continue
        assert (weights, uses) == (0, 0)
        nodes = [node for node in made.network.flow.nodes if node.name == one.name] if made.network.flow else []
        if isinstance(one.node, VIEWS) or not nodes:
            assert work == (0, 0, 0, 0) or kind in {"relu", "sigmoid", "tanh"}  # a layer's own
            continue
        (node,) = nodes
        found = [
            each
            for each in made.ideal.encoder.program.operations(0)
            if each.node == node.index and each.opcode in {Opcode.NODE_FORWARD, Opcode.NODE_BACKWARD, Opcode.NODE_STEP}
        ]
        backward = work.backward if node.returns else 0  # nothing that learns lies below
        assert sum(each.flops for each in found) == work.forward + backward
        stored = [each.words for each in made.ideal.encoder.program.operations(0) if writes(each, f"n{node.index}.t")]
        assert stored == [node.size]


def writes(operation, name):
    return operation.kind is Kind.STORE and name in {one.name for one in operation.writes}


@every_kind
def test_its_work_grows_with_its_input(kind, number):
    layers, shape, symbols = example(kind, number)
    steps = 2 * shape[0] if symbols else 0
    made = made_of(kind, number)
    doubled = description(*layers, steps=steps)
    try:
        graph = Graph.of(doubled, (2 * shape[0], *shape[1:]), symbols)
    except TwinError:
        assert any(one["kind"] == "reshape" for one in layers)  # which names its shape
        return
    for one, shapes in listed(made, kind):
        larger = Shapes(tuple(graph.shapes[name] for name in one.inputs), graph.shapes[one.name])
        if larger == shapes:  # its input comes from a dense layer
            assert number == 0
            continue
        small, large = one.node.cost(shapes), one.node.cost(larger)
        assert large.forward >= small.forward
        assert small.forward == 0 or 1.5 * small.forward < large.forward <= 4 * small.forward
        assert large.kept >= small.kept
        if kind in ARRAYS:
            (weights, uses), (more, often) = (matrix_of(one.node, each) for each in (shapes, larger))
            assert more * often > weights * uses


# -- checkpoint ------------------------------------------------------------------------------------------------


class Nothing:
    """What a run keeps beside machine and engine: no calibration."""

    def state(self):
        return {}

    def restore(self, state):
        assert not state


def run_parts(kind, number, algorithm):
    """Return what a checkpoint keeps of a run of an example, with its engine."""
    made = made_of(kind, number, algorithm=algorithm, samples=6)
    engine = engine_of(made, Replayed, 1)
    parts = SimpleNamespace(
        machine=made.ideal.machine, engine=engine, calibration=Nothing(), reads=None, retention=None
    )
    return made, parts


@every_kind
def test_a_checkpoint_goes_on_to_the_same_bits(kind, number, tmp_path):
    whole, parts = run_parts(kind, number, "digital")
    parts.engine.run(0, 3)
    checkpoint.save(tmp_path, "me", parts, 3, [], [])
    parts.engine.run(3, 6)
    later, others = run_parts(kind, number, "digital")
    assert checkpoint.restore(tmp_path, "me", others) == (3, [], [])
    others.engine.run(3, 6)
    assert parts.machine.f.tobytes() == others.machine.f.tobytes()
    assert parts.engine.now_ps == others.engine.now_ps
    assert any(
        (one != other).any() for one, other in zip(whole.weights(), made_of(kind, number).weights(), strict=True)
    )
    assert later.ideal is not whole.ideal


# -- ONNX ------------------------------------------------------------------------------------------------------


def test_every_kind_has_a_model_or_none_can_have_one():
    assert set(kinds()) - set(MODELS) - ELSEWHERE <= WITHOUT, "add a model of the kind to tests/kits/onnx_examples.py"


@pytest.mark.parametrize("kind", MODELS)
def test_a_model_with_it_comes_in_and_goes_back_with_other_weights(kind, tmp_path):
    model, dims, symbols = model_of(kind)
    path = saved(model, tmp_path / "model.onnx")
    read = read_model(path)
    assert kind in {one["kind"] for one in read.layers} or kind == read.layers[0].get("activation"), read.layers
    draw = np.random.default_rng(3)
    tensors = {name: one + draw.uniform(0, 0.1, one.shape).astype(np.float32) for name, one in read.tensors().items()}
    assert tensors
    write_model(path, tensors, tmp_path / "out.onnx", Reading())
    found = read_model(tmp_path / "out.onnx").tensors()
    assert all(np.array_equal(found[name], one) for name, one in tensors.items())
    x = draw.integers(0, symbols, (2, *dims)) if symbols else draw.uniform(-1, 1, (2, *dims)).astype(np.float32)
    wanted = by_runtime(tmp_path / "out.onnx", x)
    wanted = softmax(wanted) if symbols else wanted
    got = by_twin(tmp_path / "out.onnx", x, symbols=symbols)
    assert got.reshape(wanted.shape) == pytest.approx(wanted, rel=1e-5, abs=1e-5)
