"""The vocabulary of training programs: what one layer can be asked to do.

Each method yields operations with what they read and write. Vectors of layer k, private to a sample:

    x  input, kept in the buffer     f  its copy at the main matrix     z  weighted sums   y  output
    d  negative gradient by z        e  W^T d                           c  copies of x and d at the update matrix
"""

from collections.abc import Iterator
from typing import final

from twin.algorithms.layer import Layer
from twin.algorithms.operation import Kind, Opcode, Operation, Resource, Stream, Unit

# Digital work per element, in floating-point operations: assumption, one per arithmetic operation of
# the formula with the exponential counted as four.
ACTIVATION_FLOPS = {"sigmoid": 6, "tanh": 8, "relu": 1, "identity": 0, "softmax": 6}
DERIVATIVE_FLOPS = {"sigmoid": 3, "tanh": 3, "relu": 1, "identity": 0}
LOSS_FLOPS = 2
# Rasch 2024, Table 1: 2N for update management of N + N lines, 2 per element of a transferred line.
MANAGEMENT_FLOPS = 1
FILTER_FLOPS = 2


@final
class LayerSteps(Layer):
    """Operations of one layer; construct it as `Layer`."""

    __slots__ = ()

    def forward(self, *matrices: str) -> Iterator[Operation]:
        """Z = (sum of the matrices) x; the first matrix is the main one."""
        main = matrices[0]
        for matrix in matrices:
            yield self.move(Stream.ACTIVATIONS, matrix, self.layer.n_in, self.own("x"), self.own("f" + matrix))
        for matrix in matrices:
            yield Operation(
                Kind.FORWARD,
                Unit.TILE,
                self.layer.index,
                reads=(self.shared(matrix), self.own("f" + matrix)),
                writes=(self.own("z"),),
                opcode=Opcode.FORWARD if matrix == main else Opcode.FORWARD_FAST,
                matrix=matrix,
            )

    def activation(self, matrix: str) -> Iterator[Operation]:
        """Y = f(z), with the partial sums of split arrays added first; y goes to the buffer."""
        flops = ACTIVATION_FLOPS[self.layer.activation] * self.layer.n_out + self.partial_sums(matrix)
        yield self.digital(Kind.ACTIVATION, Opcode.ACTIVATION, matrix, flops, ("z",), ("y",))
        yield self.move(Stream.ACTIVATIONS, matrix, self.layer.n_out, self.own("y"), self.next_input(), store=True)

    def loss(self, matrix: str) -> Iterator[Operation]:
        """Output activation, loss and its negative gradient d."""
        flops = (ACTIVATION_FLOPS[self.layer.activation] + LOSS_FLOPS) * self.layer.n_out
        flops += self.partial_sums(matrix)
        yield self.digital(Kind.LOSS, Opcode.LOSS, matrix, flops, ("z",), ("d", "y"))

    def backward(self, *matrices: str) -> Iterator[Operation]:
        """E = (sum of the matrices)^T d, sent towards the layer below."""
        for matrix in matrices:
            yield Operation(
                Kind.BACKWARD,
                Unit.TILE,
                self.layer.index,
                reads=(self.shared(matrix), self.own("d")),
                writes=(self.own("g"),),
                opcode=Opcode.BACKWARD if matrix == matrices[0] else Opcode.BACKWARD_FAST,
                matrix=matrix,
            )
        yield self.move(Stream.ERRORS, matrices[0], self.layer.n_inputs, self.own("g"), self.own("e"), store=True)

    def derivative(self, matrix: str) -> Iterator[Operation]:
        """D = e f'(z) with the error from above and f' from the stored activation."""
        above = Resource(f"e{self.layer.index + 1}", private=True)
        n = self.layer.n_out
        yield self.move(Stream.ERRORS, matrix, n, above, self.own("r"))
        yield self.move(Stream.ACTIVATIONS, matrix, n, self.next_input(), self.own("b"))
        flops = DERIVATIVE_FLOPS[self.layer.activation] * n
        yield self.digital(Kind.DERIVATIVE, Opcode.DERIVATIVE, matrix, flops, ("r", "b"), ("d",))

    def update(self, matrix: str, main: str) -> Iterator[Operation]:
        """Matrix += lr d x^T: load x (and d, when computed on another tile), choose pulses, fire them."""
        yield self.move(Stream.ACTIVATIONS, matrix, self.layer.n_in, self.own("x"), self.own("cx"))
        error = self.own("d")
        if not self.same_tiles(matrix, main):
            yield self.move(Stream.ERRORS, main, self.layer.n_out, error, self.own("dd"), store=True)
            yield self.move(Stream.ERRORS, matrix, self.layer.n_out, self.own("dd"), self.own("cd"))
            error = self.own("cd")
        flops = MANAGEMENT_FLOPS * (self.layer.n_in + self.layer.n_out)
        yield Operation(
            Kind.UPDATE_MANAGEMENT,
            Unit.DIGITAL,
            self.layer.index,
            reads=(self.own("cx"), error),
            writes=(self.own("p"),),
            matrix=matrix,
            flops=flops,
        )
        yield Operation(
            Kind.UPDATE,
            Unit.TILE,
            self.layer.index,
            reads=(self.own("p"), self.own("x"), self.own("d")),
            writes=(self.shared(matrix),),
            opcode=Opcode.UPDATE,
            matrix=matrix,
        )

    def read_out(self, matrix: str, parts: tuple[int, ...] | None) -> Operation:
        """V = A u for one-hot (or Hadamard) u."""
        arrays = self.mapping.parts(self.layer.index, matrix)
        row = self.transfer_axis == "row"
        busiest = max((p.in1 - p.in0 if row else p.out1 - p.out0) for p in arrays)
        return Operation(
            Kind.READ_OUT,
            Unit.TILE,
            self.layer.index,
            reads=(self.shared(matrix),),
            writes=(self.shared("v"),),
            opcode=Opcode.READ_OUT,
            matrix=matrix,
            parts=parts,
            lines=busiest,
        )

    def load_h(self, matrix: str) -> Operation:
        """Fetch H's line; asked for when the read-out is there."""
        return Operation(
            Kind.H_LOAD,
            Unit.MOVE,
            self.layer.index,
            reads=(self.shared("H"), self.shared("v")),
            writes=(self.shared("h"),),
            matrix=matrix,
            words=self.line_length,
            stream=Stream.H,
        )

    def filter(self, matrix: str) -> Operation:
        """H[t] += transfer_lr v, threshold and reset."""
        return Operation(
            Kind.FILTER,
            Unit.DIGITAL,
            self.layer.index,
            reads=(self.shared("v"), self.shared("h")),
            writes=(self.shared("h"), self.shared("s")),
            opcode=Opcode.FILTER,
            matrix=matrix,
            flops=FILTER_FLOPS * self.line_length,
        )

    def store_h(self, matrix: str) -> Operation:
        """Write H's line back."""
        return self.move(
            Stream.H,
            matrix,
            self.line_length,
            self.shared("h"),
            self.shared("H"),
            store=True,
            kind=Kind.H_STORE,
        )

    def choose_pulses(self, matrix: str) -> Operation:
        """Digital part of SHD's transfer: f(v) and the pulse probabilities."""
        return Operation(
            Kind.UPDATE_MANAGEMENT,
            Unit.DIGITAL,
            self.layer.index,
            reads=(self.shared("v"),),
            writes=(self.shared("s"),),
            matrix=matrix,
            flops=FILTER_FLOPS * self.line_length,
        )

    def hand_over(self, source: str, target: str) -> Iterator[Operation]:
        """Send what the transfer chose to the target's tiles, where these are not the source's."""
        if not self.same_tiles(source, target):
            n = self.line_length
            chosen, sent = self.shared("s"), self.shared("sent")
            yield self.move(Stream.ERRORS, source, n, chosen, sent, store=True)
            yield self.move(Stream.ERRORS, target, n, sent, self.shared("t"))

    def transfer(self, matrix: str, opcode: Opcode, parts: tuple[int, ...] | None) -> Operation:
        """Pulse the line of C that the transfer chose."""
        return Operation(
            Kind.TRANSFER,
            Unit.TILE,
            self.layer.index,
            reads=(self.shared("v"), self.shared("s"), self.shared("t")),
            writes=(self.shared(matrix),),
            opcode=opcode,
            matrix=matrix,
            parts=parts,
        )
