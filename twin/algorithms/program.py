"""The program of a training step: forward through all layers, loss, then backward and update from the top."""

from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property
from typing import final

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.batch import batch_operations
from twin.algorithms.batches import Batches
from twin.algorithms.nodes import NodeSteps, tensor
from twin.algorithms.recurrence import cell, cell_derivative
from twin.algorithms.steps import LayerSteps
from twin.networks.flow import INPUT, LAYER, Flow, Producer, turns
from twin.networks.layers import Recurrent
from twin.networks.network import input_words
from twin.operation import Kind, Opcode, Operation, Resource, Stream, Unit

ONE = Batches()


@final
class Program:
    """Operations of training samples in program order, batch size 1.

    `operations(sample)` depends on the sample only through `key(sample)`: what is the same may be cached.
    `algorithms` are by layer what learns it, `calibrated` the matrices whose reference is set by pulses.
    """

    def __init__(
        self,
        algorithms: Sequence[Algorithm],
        layers: Sequence[LayerSteps],
        calibrated: Sequence[Sequence[str]] = (),
        flow: Flow | None = None,
        nodes: Sequence[NodeSteps] = (),
        batches: Batches = ONE,
        programming: Sequence[Operation] = (),
    ) -> None:
        self.algorithms = tuple(algorithms)
        self.layers = list(layers)
        self.calibrated = tuple(calibrated)
        self.programming = tuple(programming)
        self.flow, self.nodes, self.batches = flow, list(nodes), batches
        learners = [layer.learner for layer in self.layers]
        self._clips = any(node.squares for node in self.nodes) or any(one and one.squares for one in learners)

    def of(self, layer: LayerSteps) -> Algorithm:
        """Return what learns a layer's matrix."""
        return self.algorithm_of(layer.layer.index)

    def algorithm_of(self, layer: int) -> Algorithm:
        """Return what learns the matrix of the layer with this number."""
        return self.algorithms[layer]

    def key(self, sample: int) -> Hashable:
        """Return which transfers are due and which arrays hold their lines."""
        moving = [(layer, self.of(layer).fast) for layer in self.layers if layer.transfer_every]
        if self.batches.size == 1:
            return tuple(layer.key(fast, sample) for layer, fast in moving)
        numbers = self.batches.samples(sample)
        due = (layer.key(fast, number) for number in numbers for layer, fast in moving)
        return len(numbers), *due

    def setup(self, *, again: bool = False) -> Iterator[Operation]:
        """Calibration of each matrix whose reference is set by pulses; before the first sample, weights come in too."""
        for layer in self.layers:
            for matrix in self.calibrated[layer.layer.index] if self.calibrated else ():
                yield Operation(
                    Kind.CALIBRATION,
                    Unit.TILE,
                    layer.layer.index,
                    writes=(layer.shared(matrix),),
                    matrix=matrix,
                )
        if not again:
            yield from self.programming

    def operations(self, sample: int) -> Iterator[Operation]:
        """Yield the training step of one sample, or of a batch that has this number."""
        if self.batches.size > 1:
            yield from batch_operations(self, self.batches.samples(sample))
            return
        yield self.input()
        for layer in self.layers:
            yield from self.of(layer).prefetch(layer, sample)
        yield from self._unrolled(sample) if self.timed else self._layered(sample)

    @cached_property
    def turns(self) -> list[tuple[Producer, ...]]:
        """Layers and nodes in the order of the way forward; those together whose time steps take turns."""
        if self.flow is not None:
            return turns(self.flow.order, [one.layer for one in self.layers])
        every = [Producer(LAYER, k) for k in range(len(self.layers))]
        return [tuple(every)] if self.timed else [(made,) for made in every]

    def input(self, layer: LayerSteps | None = None) -> Operation:
        """Return the arrival of a sample; `layer` is the first one of a batch's sample."""
        return Operation(
            Kind.INPUT,
            Unit.MOVE,
            -1,
            writes=self._arrived(layer or self.layers[0]),
            opcode=Opcode.INPUT,
            words=self.words,
            stream=Stream.INPUT,
        )

    def _arrived(self, first: LayerSteps) -> tuple[Resource, ...]:
        if self.flow is not None:
            return (first.private(tensor(Producer(INPUT))),)
        return tuple(first.at(step, 1).own("x") for step in range(first.layer.uses if self.timed else 1))

    @property
    def timed(self) -> bool:
        """Whether all layers go through a sequence together, step by step."""
        return self.flow is None and self.layers[0].timed

    @property
    def words(self) -> int:
        """Words of one sample's input: values of an image, or one symbol a time step."""
        return input_words(self.layers[0].layer, self.flow)

    def forward(self, layer: LayerSteps) -> Iterator[Operation]:
        """Yield one layer's part of the way forward; the last one's ends with the loss."""
        algorithm = self.of(layer)
        main = algorithm.main
        yield from algorithm.forward(layer)
        if self._loses(layer):
            yield from layer.loss(main)
        else:
            yield from cell(layer, main) if self._is_recurrent(layer) else layer.activation(main)

    def unrolled(self, layers: Sequence[LayerSteps]) -> Iterator[Operation]:
        """Yield the way forward of layers that go through a sequence together; of any other one all at once."""
        if not layers[0].timed:
            yield from self.forward(layers[0])
            return
        for step in range(layers[0].layer.uses):
            for layer in layers:
                yield from self.forward(layer.at(step, 1))

    def unrolled_errors(self, layers: Sequence[LayerSteps]) -> Iterator[Operation]:
        """Yield their way back, up to their updates."""
        if not layers[0].timed:
            yield from self.errors(layers[0])
            return
        for step in reversed(range(layers[0].layer.uses)):
            for layer in reversed(layers):
                yield from self.errors(layer.at(step, 1))

    def unrolled_updates(self, layers: Sequence[LayerSteps], sample: int) -> Iterator[Operation]:
        """Yield their updates by one sample, in the order of time."""
        if not self.timed:
            for layer in reversed(layers):
                yield from self.update(layer, sample)
            return
        for step in range(layers[0].layer.uses):
            for layer in layers:
                yield from self.of(layer).update(layer.at(step, 1), sample)

    def way_forward(self) -> Iterator[Operation]:
        """Yield the way of one sample from its input to its loss."""
        for turn in self.turns:
            yield from self.turn_forward(turn)

    def errors(self, layer: LayerSteps) -> Iterator[Operation]:
        """Yield one layer's part of the way back, up to its updates."""
        index, main = layer.layer.index, self.of(layer).main
        if not self._loses(layer):
            yield from cell_derivative(layer, main) if self._is_recurrent(layer) else layer.derivative(main)
        wanted = index > 0 if self.flow is None else self.flow.wanted[index]
        if wanted or (self._is_recurrent(layer) and layer.first > 0):  # which the step before waits for
            yield from self.of(layer).backward(layer)

    def _loses(self, layer: LayerSteps) -> bool:
        """Return whether a layer works out the loss: the last, unless a node does."""
        return layer.layer.index == len(self.layers) - 1 and (self.flow is None or self.flow.loss is None)

    def update(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:
        """Yield the updates of one layer by one sample."""
        for run in layer.runs(sample):
            yield from self.of(layer).update(run, sample)

    def _layered(self, sample: int) -> Iterator[Operation]:
        """Forward in order, back in the other, and digital parameters step with their error at hand."""
        yield from self.way_forward()
        for turn in reversed(self.turns):
            yield from self.turn_backward(turn, sample)
        if self._clips:
            yield from self.finish()

    def turn_forward(self, turn: Sequence[Producer]) -> Iterator[Operation]:
        """Yield the way forward of a layer or a node, or of layers whose time steps take turns."""
        if turn[0].what == LAYER:
            yield from self.unrolled([self.layers[made.number] for made in turn])
        else:
            yield from self.nodes[turn[0].number].forward()

    def turn_backward(self, turn: Sequence[Producer], sample: int) -> Iterator[Operation]:
        """Yield the way back of a layer or a node of a graph, and what it learns."""
        if turn[0].what == LAYER:
            yield from self._back([self.layers[made.number] for made in turn], sample)
        elif self.nodes[turn[0].number].node.returns:
            yield from self.nodes[turn[0].number].backward()
            if not self._clips:
                yield from self.nodes[turn[0].number].step()

    def _back(self, layers: Sequence[LayerSteps], sample: int) -> Iterator[Operation]:
        yield from self.unrolled_errors(layers)
        yield from self.unrolled_updates(layers, sample)
        if not self._clips:
            for layer in reversed(layers):
                yield from self.of(layer).finish(layer)

    def finish(self) -> Iterator[Operation]:
        """Yield what ends a step after all updates: what digital parameters learn from all gradients."""
        for layer in self.layers:
            yield from layer.norm(self.of(layer).main)
        for node in self.nodes:
            yield from node.norm()
        for layer in self.layers:
            yield from self.of(layer).finish(layer)
        for node in self.nodes:
            yield from node.step()

    def _unrolled(self, sample: int) -> Iterator[Operation]:
        """Truncated back-propagation in time: all steps forward, all back, then all updates in the order of time.

        All steps of a sequence see the same weights, as in the papers (Gokmen 2018, 2021).
        """
        yield from self.way_forward()
        yield from self.unrolled_errors(self.layers)
        yield from self.unrolled_updates(self.layers, sample)
        yield from self.finish()

    @staticmethod
    def _is_recurrent(layer: LayerSteps) -> bool:
        return isinstance(layer.layer, Recurrent)
