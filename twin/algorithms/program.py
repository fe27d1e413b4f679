"""The program of a training step: forward through all layers, loss, then backward and update from the top."""

from collections.abc import Hashable, Iterator, Sequence
from typing import final

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.batch import batch_operations
from twin.algorithms.batches import Batches
from twin.algorithms.nodes import NodeSteps, tensor
from twin.algorithms.recurrence import cell, cell_derivative
from twin.algorithms.steps import LayerSteps
from twin.networks.flow import INPUT, LAYER, Flow, Producer
from twin.networks.layers import Conv, Recurrent
from twin.operation import Kind, Opcode, Operation, Resource, Stream, Unit

ONE = Batches()


@final
class Program:
    """Operations of training samples in program order, batch size 1.

    `operations(sample)` depends on the sample only through `key(sample)`: what is the same may be cached.
    """

    def __init__(
        self,
        algorithm: Algorithm,
        layers: Sequence[LayerSteps],
        calibrated: Sequence[str] = (),
        flow: Flow | None = None,
        nodes: Sequence[NodeSteps] = (),
        batches: Batches = ONE,
        programming: Sequence[Operation] = (),
    ) -> None:
        self.algorithm = algorithm
        self.layers = list(layers)
        self.calibrated = tuple(calibrated)
        self.programming = tuple(programming)
        self.flow, self.nodes, self.batches = flow, list(nodes), batches
        learners = [layer.learner for layer in self.layers]
        self._clips = any(node.squares for node in self.nodes) or any(one and one.squares for one in learners)

    def key(self, sample: int) -> Hashable:
        """Return which transfers are due and which arrays hold their lines."""
        fast = self.algorithm.fast
        if self.batches.size == 1:
            return tuple(layer.key(fast, sample) for layer in self.layers if layer.transfer_every)
        numbers = self.batches.samples(sample)
        due = (layer.key(fast, number) for number in numbers for layer in self.layers if layer.transfer_every)
        return len(numbers), *due

    def setup(self, *, again: bool = False) -> Iterator[Operation]:
        """Calibration of each matrix whose reference is set by pulses; before the first sample, weights come in too."""
        for layer in self.layers:
            for matrix in self.calibrated:
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
            yield from self.algorithm.prefetch(layer, sample)
        if self.flow is not None:
            yield from self._dataflow(self.flow, sample)
        else:
            yield from self._unrolled(sample) if self.timed else self._feed_forward(sample)

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
            return (first.named(tensor(Producer(INPUT))),)
        return tuple(first.at(step, 1).own("x") for step in range(first.layer.uses if self.timed else 1))

    @property
    def timed(self) -> bool:
        """Whether samples are sequences, unrolled in time."""
        return self.layers[0].timed

    @property
    def words(self) -> int:
        """Words of one sample's input: values of an image, or one symbol a time step."""
        first = self.layers[0].layer
        if self.flow is not None:
            return self.flow.input_words
        if isinstance(first, Conv):
            return first.height * first.width * first.channels
        return first.uses if self.timed else first.n_inputs

    def forward(self, layer: LayerSteps) -> Iterator[Operation]:
        """Yield one layer's part of the way forward; the last one's ends with the loss."""
        main = self.algorithm.main
        yield from self.algorithm.forward(layer)
        yield from layer.loss(main) if self._loses(layer) else layer.activation(main)

    def way_forward(self) -> Iterator[Operation]:
        """Yield the way of one sample from its input to its loss."""
        if self.flow is not None:
            for made in self.flow.order:
                yield from self.step_forward(made)
        elif self.timed:
            yield from self._steps_forward()
        else:
            for layer in self.layers:
                yield from self.forward(layer)

    def _steps_forward(self) -> Iterator[Operation]:
        main = self.algorithm.main
        for step in range(self.layers[0].layer.uses):
            for whole in self.layers:
                layer = whole.at(step, 1)
                yield from self.algorithm.forward(layer)
                if whole is self.layers[-1]:
                    yield from layer.loss(main)
                else:
                    yield from cell(layer, main) if self._is_recurrent(whole) else layer.activation(main)

    def backward(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:
        """Yield one layer's part of the way back, with its updates."""
        yield from self.errors(layer)
        yield from self.update(layer, sample)
        if not self._clips:
            yield from self.algorithm.finish(layer)

    def errors(self, layer: LayerSteps) -> Iterator[Operation]:
        """Yield one layer's part of the way back, up to its updates."""
        index = layer.layer.index
        if not self._loses(layer):
            yield from layer.derivative(self.algorithm.main)
        if index > 0 if self.flow is None else self.flow.wanted[index]:
            yield from self.algorithm.backward(layer)

    def _loses(self, layer: LayerSteps) -> bool:
        """Return whether a layer works out the loss: the last, unless a node does."""
        return layer.layer.index == len(self.layers) - 1 and (self.flow is None or self.flow.loss is None)

    def update(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:
        """Yield the updates of one layer by one sample."""
        for run in layer.runs(sample):
            yield from self.algorithm.update(run, sample)

    def _dataflow(self, flow: Flow, sample: int) -> Iterator[Operation]:
        """A graph: forward in its order, back in the other, and digital parameters step with their error at hand."""
        yield from self.way_forward()
        for made in reversed(flow.order):
            yield from self.step_backward(made, sample)
        if self._clips:
            yield from self.finish()

    def step_forward(self, made: Producer) -> Iterator[Operation]:
        """Yield the way forward of a layer or a node of a graph."""
        if made.what == LAYER:
            yield from self.forward(self.layers[made.number])
        else:
            yield from self.nodes[made.number].forward()

    def step_backward(self, made: Producer, sample: int) -> Iterator[Operation]:
        """Yield the way back of a layer or a node of a graph, and what it learns."""
        if made.what == LAYER:
            yield from self.backward(self.layers[made.number], sample)
        elif self.nodes[made.number].node.returns:
            yield from self.nodes[made.number].backward()
            if not self._clips:
                yield from self.nodes[made.number].step()

    def _feed_forward(self, sample: int) -> Iterator[Operation]:
        yield from self.way_forward()
        for layer in reversed(self.layers):
            yield from self.backward(layer, sample)
        if self._clips:
            yield from self.finish()

    def finish(self) -> Iterator[Operation]:
        """Yield what ends a step after all updates: what digital parameters learn from all gradients."""
        for layer in self.layers:
            yield from layer.norm(self.algorithm.main)
        for node in self.nodes:
            yield from node.norm()
        for layer in self.layers:
            yield from self.algorithm.finish(layer)
        for node in self.nodes:
            yield from node.step()

    def _unrolled(self, sample: int) -> Iterator[Operation]:
        """Truncated back-propagation in time: all steps forward, all back, then all updates in the order of time.

        All steps of a sequence see the same weights, as in the papers (Gokmen 2018, 2021).
        """
        main = self.algorithm.main
        steps = range(self.layers[0].layer.uses)
        yield from self.way_forward()
        for step in reversed(steps):
            for whole in reversed(self.layers):
                layer = whole.at(step, 1)
                if whole is not self.layers[-1]:
                    yield from cell_derivative(layer, main) if self._is_recurrent(whole) else layer.derivative(main)
                if whole is not self.layers[0] or step > 0:
                    yield from self.algorithm.backward(layer)
        for step in steps:
            for whole in self.layers:
                yield from self.algorithm.update(whole.at(step, 1), sample)
        yield from self.finish()

    @staticmethod
    def _is_recurrent(layer: LayerSteps) -> bool:
        return isinstance(layer.layer, Recurrent)
