"""The program of a training step: forward through all layers, loss, then backward and update from the top."""

from collections.abc import Hashable, Iterator, Sequence
from typing import final

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.operation import Kind, Opcode, Operation, Resource, Stream, Unit
from twin.algorithms.steps import LayerSteps


@final
class Program:
    """Operations of training samples in program order, batch size 1.

    `operations(sample)` depends on the sample only through `key(sample)`: what is the same may be cached.
    """

    def __init__(self, algorithm: Algorithm, layers: Sequence[LayerSteps], calibrated: Sequence[str] = ()) -> None:
        self.algorithm = algorithm
        self.layers = list(layers)
        self.calibrated = tuple(calibrated)

    def key(self, sample: int) -> Hashable:
        """Return which transfers are due and which arrays hold their lines."""
        fast = self.algorithm.fast
        return tuple(
            layer.line_parts(fast, sample) if layer.due(sample) else None
            for layer in self.layers
            if layer.transfer_every
        )

    def setup(self) -> Iterator[Operation]:
        """Calibration of each matrix whose reference is set by pulses, before the first sample."""
        for layer in self.layers:
            for matrix in self.calibrated:
                yield Operation(
                    Kind.CALIBRATION,
                    Unit.TILE,
                    layer.layer.index,
                    writes=(layer.shared(matrix),),
                    matrix=matrix,
                )

    def operations(self, sample: int) -> Iterator[Operation]:
        """Yield the training step of one sample."""
        main = self.algorithm.main
        layers = self.layers
        yield Operation(
            Kind.INPUT,
            Unit.MOVE,
            -1,
            writes=(Resource("x0", private=True),),
            opcode=Opcode.INPUT,
            words=layers[0].layer.n_inputs,
            stream=Stream.INPUT,
        )
        for layer in layers:
            yield from self.algorithm.forward(layer)
            if layer is not layers[-1]:
                yield from layer.activation(main)
        yield from layers[-1].loss(main)
        for layer in reversed(layers):
            if layer is not layers[-1]:
                yield from layer.derivative(main)
            if layer is not layers[0]:
                yield from self.algorithm.backward(layer)
            yield from self.algorithm.update(layer, sample)
