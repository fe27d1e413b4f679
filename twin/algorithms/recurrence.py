"""Operations of recurrent cells: one time step forward, and one back in time, of each matrix of a cell."""

from collections.abc import Iterator

from twin.algorithms.steps import DERIVATIVE_FLOPS, LayerSteps
from twin.operation import Kind, Opcode, Operation, Resource, Stream


def is_last(layer: LayerSteps) -> bool:
    """Return whether the layer stands at the last time step."""
    return layer.first == layer.layer.uses - 1


def cell(layer: LayerSteps, matrix: str) -> Iterator[Operation]:
    """What follows a mat-vec of one step: gates and state from the weighted sums z."""
    steps = {"gru-gates": _gates, "gru": _candidate}.get(layer.layer.activation, _cell)
    yield from steps(layer, matrix)


def _cell(layer: LayerSteps, matrix: str) -> Iterator[Operation]:
    """Gates and state of an LSTM or a plain cell; h goes to the layer above and to the next step.

    Gates and cell state go to the buffer for the way back; the last step leaves the state to the next sequence.
    """
    before: Resource = layer.own("c", -1) if layer.first else layer.state()
    flops = layer.activation_flops(matrix)
    yield layer.digital(Kind.ACTIVATION, Opcode.ACTIVATION, matrix, flops, ("z", before), ("y", "c", _left(layer, "c")))
    hidden = layer.layer.size
    yield from _hand_on(layer, matrix, 0)
    kept = layer.layer.n_out + hidden
    yield layer.move(Stream.ACTIVATIONS, matrix, kept, layer.own("y"), layer.own("kept"), store=True)


def _left(layer: LayerSteps, vector: str) -> Resource:
    """Return what a step leaves: the state that the next sequence begins with, or a vector of its own."""
    left = layer.state()
    return left if is_last(layer) and not left.private else layer.own(vector)


def _hand_on(layer: LayerSteps, matrix: str, home: int) -> Iterator[Operation]:
    """Store h beside the layer `home` further that has it among its inputs, and send it to what takes it."""
    hidden, target = layer.layer.size, layer.named(layer.wiring.target)
    towards = layer.wiring.above - layer.layer.index
    yield layer.move(Stream.ACTIVATIONS, matrix, hidden, layer.own("y"), layer.after(), store=True, towards=home)
    yield layer.move(Stream.ACTIVATIONS, matrix, hidden, layer.after(), target, store=True, towards=towards)


def _gates(layer: LayerSteps, matrix: str) -> Iterator[Operation]:
    """Gates z and r of a GRU; r h goes to the candidate's matrix, both are kept for it and for the way back."""
    flops = layer.activation_flops(matrix)
    yield layer.digital(Kind.ACTIVATION, Opcode.ACTIVATION, matrix, flops, ("z", "x", layer.before()), ("y",))
    towards = layer.wiring.above - layer.layer.index
    target = layer.named(layer.wiring.target)
    yield layer.move(Stream.ACTIVATIONS, matrix, layer.layer.size, layer.own("y"), target, store=True, towards=towards)
    yield layer.move(Stream.ACTIVATIONS, matrix, layer.layer.n_out, layer.own("y"), layer.own("kept"), store=True)


def _candidate(layer: LayerSteps, matrix: str) -> Iterator[Operation]:
    """Candidate n of a GRU and its state, for which z and the state before are loaded; h goes on as in other cells."""
    hidden, gates = layer.layer.size, layer.layer.index - 1
    sources = layer.named(f"kept{gates}"), layer.before()
    yield layer.move(Stream.ACTIVATIONS, matrix, 2 * hidden, sources, layer.own("b"), home=layer.beside(gates, matrix))
    flops = layer.activation_flops(matrix)
    yield layer.digital(Kind.ACTIVATION, Opcode.ACTIVATION, matrix, flops, ("z", "b"), ("y", _left(layer, "y")))
    yield from _hand_on(layer, matrix, -1)
    yield layer.move(Stream.ACTIVATIONS, matrix, hidden, layer.own("y"), layer.own("kept"), store=True)


def cell_derivative(layer: LayerSteps, matrix: str) -> Iterator[Operation]:
    """Negative gradients d of one step, from what took the state and from the step after."""
    if layer.layer.activation == "gru-gates":
        yield from _gates_derivative(layer, matrix)
        return
    candidate = layer.layer.activation == "gru"
    hidden, n_out, index = layer.layer.size, layer.layer.n_out, layer.layer.index
    errors = layer.taken(layer.wiring.error, layer.wiring.error_steps)
    if not is_last(layer):
        errors += (layer.named(f"e{index - candidate}", 1),)
    home = layer.beside(layer.wiring.above, matrix)
    yield layer.move(Stream.ERRORS, matrix, hidden * len(errors), errors, layer.own("r"), home=home)
    kept = (layer.own("kept"), *((layer.named(f"kept{index - 1}"),) if candidate else ()))
    yield layer.move(Stream.ACTIVATIONS, matrix, n_out + hidden, kept, layer.own("b"))
    flops = round(DERIVATIVE_FLOPS[layer.layer.activation] * n_out)
    if candidate:
        yield layer.digital(Kind.DERIVATIVE, Opcode.DERIVATIVE, matrix, flops, ("r", "b"), ("d", "dh"))
        yield layer.move(Stream.ERRORS, matrix, hidden, layer.own("dh"), layer.own("ds"), store=True, towards=-1)
        return
    reads: tuple[str | Resource, ...] = ("r", "b") if is_last(layer) else ("r", "b", layer.own("dc", 1))
    yield layer.digital(Kind.DERIVATIVE, Opcode.DERIVATIVE, matrix, flops, reads, ("d", "dc"))


def _gates_derivative(layer: LayerSteps, matrix: str) -> Iterator[Operation]:
    """Negative gradients d of z and r, and what reaches input and state past the gates, from errors of h and r h."""
    hidden, n_out, above = layer.layer.size, layer.layer.n_out, layer.layer.index + 1
    errors = layer.named(f"e{above}"), layer.named(f"ds{above}")
    words = layer.layer.returned + hidden
    yield layer.move(Stream.ERRORS, matrix, words, errors, layer.own("r"), home=layer.beside(above, matrix))
    kept = layer.own("kept"), layer.named(f"kept{above}"), layer.before()
    yield layer.move(Stream.ACTIVATIONS, matrix, n_out + 2 * hidden, kept, layer.own("b"))
    flops = round(DERIVATIVE_FLOPS[layer.layer.activation] * n_out) + layer.layer.returned - hidden
    yield layer.digital(Kind.DERIVATIVE, Opcode.DERIVATIVE, matrix, flops, ("r", "b"), ("d", "dc"))
