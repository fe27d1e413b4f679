"""Operations of recurrent cells: one time step forward, and one back in time."""

from collections.abc import Iterator

from twin.algorithms.steps import DERIVATIVE_FLOPS, LayerSteps
from twin.operation import Kind, Opcode, Operation, Resource, Stream


def is_last(layer: LayerSteps) -> bool:
    """Return whether the layer stands at the last time step."""
    return layer.first == layer.layer.uses - 1


def cell(layer: LayerSteps, matrix: str) -> Iterator[Operation]:
    """Gates and state of one step from the weighted sums z; h goes to the layer above and to the next step.

    Gates and cell state go to the buffer for the way back; the last step leaves the state to the next sequence.
    """
    before: Resource = layer.own("c", -1) if layer.first else layer.shared("state")
    state = layer.shared("state") if is_last(layer) else layer.own("c")
    flops = layer.activation_flops(matrix)
    yield layer.digital(Kind.ACTIVATION, Opcode.ACTIVATION, matrix, flops, ("z", before), ("y", "c", state))
    hidden = layer.layer.size
    yield layer.move(Stream.ACTIVATIONS, matrix, hidden, layer.own("y"), layer.own("h"), store=True)
    yield layer.move(Stream.ACTIVATIONS, matrix, hidden, layer.own("h"), layer.above("x"), store=True, towards=1)
    kept = layer.layer.n_out + hidden
    yield layer.move(Stream.ACTIVATIONS, matrix, kept, layer.own("y"), layer.own("kept"), store=True)


def cell_derivative(layer: LayerSteps, matrix: str) -> Iterator[Operation]:
    """Negative gradients d of all gates, from the layer above and from the step after."""
    hidden, n_out = layer.layer.size, layer.layer.n_out
    errors = (layer.above("e"),) if is_last(layer) else (layer.above("e"), layer.own("e", 1))
    home = (layer.layer.index + 1, matrix)
    yield layer.move(Stream.ERRORS, matrix, hidden * len(errors), errors, layer.own("r"), home=home)
    yield layer.move(Stream.ACTIVATIONS, matrix, n_out + hidden, layer.own("kept"), layer.own("b"))
    flops = round(DERIVATIVE_FLOPS[layer.layer.activation] * n_out)
    reads: tuple[str | Resource, ...] = ("r", "b") if is_last(layer) else ("r", "b", layer.own("dc", 1))
    yield layer.digital(Kind.DERIVATIVE, Opcode.DERIVATIVE, matrix, flops, reads, ("d", "dc"))
