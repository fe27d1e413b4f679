"""The vocabulary of training programs: what one layer can be asked to do.

Each method yields operations with what they read and write. Vectors of layer k, private to a sample:

    x  input, kept in the buffer     f  its copy at the main matrix     z  weighted sums   y  output
    d  negative gradient by z        e  W^T d                           c  copies of x and d at the update matrix
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import final

from twin.algorithms.layer import Layer
from twin.algorithms.operation import Kind, Opcode, Operation, Stream, Unit
from twin.networks.layers import Conv, Matrix

# Digital work per element, in floating-point operations: assumption, one per arithmetic operation of
# the formula with the exponential counted as four.
# An LSTM cell has 3 sigmoids, 2 tanh and 4 operations for 4 gates; going back it has about 24 operations.
ACTIVATION_FLOPS = {"sigmoid": 6, "tanh": 8, "relu": 1, "identity": 0, "softmax": 6, "lstm": 9.5, "rnn": 8}
DERIVATIVE_FLOPS = {"sigmoid": 3, "tanh": 3, "relu": 1, "identity": 0, "lstm": 6, "rnn": 3}
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
            words = self.layer.loaded * self.uses
            yield self.move(Stream.ACTIVATIONS, matrix, words, self.inputs(), self.own("f" + matrix))
        for matrix in matrices:
            yield Operation(
                Kind.FORWARD,
                Unit.TILE,
                self.layer.index,
                reads=(self.shared(matrix), self.own("f" + matrix)),
                writes=(self.own("z"),),
                opcode=Opcode.FORWARD if matrix == main else Opcode.FORWARD_FAST,
                matrix=matrix,
                first=self.first,
                uses=self.uses,
            )

    def activation(self, matrix: str) -> Iterator[Operation]:
        """Y = f(z), with the partial sums of split arrays added first; y goes to the buffer."""
        yield self.digital(Kind.ACTIVATION, Opcode.ACTIVATION, matrix, self.activation_flops(matrix), ("z",), ("y",))
        if isinstance(self.layer, Matrix) and self.layer.kept:
            kept = self.layer.kept
            yield self.move(Stream.ACTIVATIONS, matrix, kept, self.own("y"), self.own("kept"), store=True)
        size = self.layer.size * (self.uses if self.timed else 1)
        stored = self.own("stored") if self.up else self.above("x")
        yield self.move(Stream.ACTIVATIONS, matrix, size, self.own("y"), stored, store=True)
        if self.up:
            yield self.send(Stream.ACTIVATIONS, matrix, size, stored, self.above("x"))

    def activation_flops(self, matrix: str) -> int:
        """Return the digital work of activations, partial sums and, after a convolution, comparisons of pooling."""
        if isinstance(self.layer, Matrix):
            return self.partial_sums(matrix) * self.uses + self.layer.forward_flops
        flops = ACTIVATION_FLOPS[self.layer.activation] * self.layer.n_out + self.partial_sums(matrix)
        compared = self.layer.n_out if isinstance(self.layer, Conv) and self.layer.pool > 1 else 0
        return round((flops + compared) * self.uses)

    def loss(self, matrix: str) -> Iterator[Operation]:
        """Output activation, loss and its negative gradient d."""
        more = LOSS_FLOPS * self.layer.n_out * self.uses
        if isinstance(self.layer, Matrix):
            more = self.layer.backward_flops  # the loss itself is among its forward work
        flops = self.activation_flops(matrix) + more
        yield self.digital(Kind.LOSS, Opcode.LOSS, matrix, flops, ("z",), ("d", "y"))

    def backward(self, *matrices: str) -> Iterator[Operation]:
        """E = (sum of the matrices)^T d, sent towards the layer below; only lines whose error is wanted answer."""
        for matrix in matrices:
            parts, lines = self.answering(matrix)
            yield Operation(
                Kind.BACKWARD,
                Unit.TILE,
                self.layer.index,
                reads=(self.shared(matrix), self.own("d")),
                writes=(self.own("g"),),
                opcode=Opcode.BACKWARD if matrix == matrices[0] else Opcode.BACKWARD_FAST,
                matrix=matrix,
                parts=parts,
                lines=lines,
                first=self.first,
                uses=self.uses,
            )
        words = self.layer.returned * self.uses
        yield self.move(Stream.ERRORS, matrices[0], words, self.own("g"), self.own("e"), store=True)
        if self.down:
            yield self.send(Stream.ERRORS, matrices[0], words, self.own("e"), self.own("sent"))

    def derivative(self, matrix: str) -> Iterator[Operation]:
        """D = e f'(z) with the error from above and f' from the stored activation, of a convolution the pooled ones."""
        handed = self.layer.size * (self.uses if self.timed else 1)
        yield self.move(Stream.ERRORS, matrix, handed, self.above("sent" if self.up else "e"), self.own("r"))
        yield self.move(Stream.ACTIVATIONS, matrix, handed, self.above("x"), self.own("b"))
        flops = DERIVATIVE_FLOPS[self.layer.activation] * handed
        reads: tuple[str, ...] = ("r", "b")
        if isinstance(self.layer, Matrix):
            flops = self.layer.backward_flops
            if self.layer.kept:
                kept = self.layer.kept
                yield self.move(Stream.ACTIVATIONS, matrix, kept, self.own("kept"), self.own("k"))
                reads = ("r", "b", "k")
        yield self.digital(Kind.DERIVATIVE, Opcode.DERIVATIVE, matrix, flops, reads, ("d",))

    def update(self, matrix: str, main: str) -> Iterator[Operation]:
        """Matrix += lr d x^T: load x (and d, when computed on another tile), choose pulses, fire them."""
        yield self.move(Stream.ACTIVATIONS, matrix, self.layer.loaded * self.uses, self.inputs(), self.own("cx"))
        error = self.own("d")
        if not self.same_tiles(matrix, main):
            n = self.layer.n_out * self.uses
            yield self.move(Stream.ERRORS, main, n, error, self.own("dd"), store=True)
            yield self.move(Stream.ERRORS, matrix, n, self.own("dd"), self.own("cd"))
            error = self.own("cd")
        flops = MANAGEMENT_FLOPS * (self.layer.n_in + self.layer.n_out) * self.uses
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
            first=self.first,
            uses=self.uses,
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
            first=self.first,
            uses=self.uses,
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
            first=self.first,
            uses=self.uses,
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
            first=self.first,
            uses=self.uses,
        )

    def chopped_update(self, matrix: str, main: str) -> Iterator[Operation]:
        """As `update`, with the choppers' signs on x and d."""
        for operation in self.update(matrix, main):
            if operation.opcode is Opcode.UPDATE:
                reads = (*operation.reads, self.shared("choppers"))
                yield replace(operation, reads=reads, opcode=Opcode.UPDATE_CHOPPED)
            else:
                yield operation

    def chopped_read_out(self, matrix: str, parts: tuple[int, ...] | None) -> Operation:
        """As `read_out`, with v's signs corrected; then choppers may flip."""
        operation = self.read_out(matrix, parts)
        choppers = self.shared("choppers")
        return replace(
            operation,
            reads=(*operation.reads, choppers),
            writes=(*operation.writes, choppers),
            opcode=Opcode.READ_OUT_CHOPPED,
        )

    def load_chi(self, matrix: str) -> Operation:
        """Fetch the whole digital matrix chi."""
        words = self.layer.n_in * self.layer.n_out
        return self.move(Stream.H, matrix, words, self.shared("H"), self.shared("h"), kind=Kind.H_LOAD)

    def accumulate(self, matrix: str) -> Iterator[Operation]:
        """Chi += lr d x^T in digital: load x, scale d, and one multiplication and one addition an element."""
        yield self.move(Stream.ACTIVATIONS, matrix, self.layer.loaded * self.uses, self.inputs(), self.own("cx"))
        scaling = MANAGEMENT_FLOPS * self.layer.n_out * self.uses
        yield self.digital(Kind.UPDATE_MANAGEMENT, Opcode.NONE, matrix, scaling, ("d",), ("p",))
        chi = self.shared("h")
        yield Operation(
            Kind.FILTER,
            Unit.DIGITAL,
            self.layer.index,
            reads=(self.own("cx"), self.own("p"), self.own("x"), self.own("d"), chi),
            writes=(chi,),
            opcode=Opcode.ACCUMULATE,
            matrix=matrix,
            first=self.first,
            uses=self.uses,
            flops=FILTER_FLOPS * self.layer.n_in * self.layer.n_out * self.uses,
        )

    def pulse_lines(self, matrix: str) -> Operation:
        """Pulse the whole steps of chi onto the matrix, line by line; the rest stays."""
        chi = self.shared("h")
        return Operation(
            Kind.TRANSFER,
            Unit.TILE,
            self.layer.index,
            reads=(chi,),
            writes=(chi, self.shared(matrix)),
            opcode=Opcode.PULSE_LINES,
            matrix=matrix,
            first=self.first,
            uses=self.uses,
        )

    def store_chi(self, matrix: str) -> Operation:
        """Write chi back."""
        words = self.layer.n_in * self.layer.n_out
        return self.move(Stream.H, matrix, words, self.shared("h"), self.shared("H"), store=True, kind=Kind.H_STORE)
