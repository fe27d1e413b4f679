"""The vocabulary of training programs: what one layer can be asked to do.

Each method yields operations with what they read and write. Vectors of layer k, private to a sample:

    x  input, kept in the buffer     f  its copy at the main matrix     z  weighted sums   y  output
    d  negative gradient by z        e  W^T d                           c  copies of x and d at the update matrix
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import final

from twin.algorithms.layer import Layer
from twin.networks.layers import Conv, Dense
from twin.operation import Kind, Opcode, Operation, Resource, Stream, Unit

# Digital work per element, in floating-point operations: assumption, one per arithmetic operation of
# the formula with the exponential counted as four.
# An LSTM cell has 3 sigmoids, 2 tanh and 4 operations for 4 gates; going back it has about 24 operations.
# A GRU cell has 2 sigmoids and r h for its gates, tanh and (1 - z) n + z h for its candidate; going back 12 and 6.
ACTIVATION_FLOPS = {"sigmoid": 6, "tanh": 8, "relu": 1, "identity": 0, "softmax": 6, "lstm": 9.5, "rnn": 8}
ACTIVATION_FLOPS |= {"gru-gates": 6.5, "gru": 12}
DERIVATIVE_FLOPS = {"sigmoid": 3, "tanh": 3, "relu": 1, "identity": 0, "lstm": 6, "rnn": 3, "gru-gates": 6, "gru": 6}
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
            yield self.move(
                Stream.ACTIVATIONS, matrix, words, self.inputs(), self.own("f" + matrix), home=self.below(main)
            )
        for matrix in matrices:
            yield Operation(
                Kind.FORWARD,
                Unit.TILE,
                self.layer.index,
                reads=(self.shared(matrix), self.own("f" + matrix)),
                writes=self.filled(),
                opcode=Opcode.FORWARD if matrix == main else Opcode.FORWARD_FAST,
                matrix=matrix,
                first=self.first,
                uses=self.uses,
            )

    def filled(self) -> tuple[Resource, ...]:
        """Return what a mat-vec forward fills: z, x where it copies its input, and a state that begins with zeros."""
        zeros = self.on_state and self.first == 0 and self.state().private
        copied = (self.own("x"),) if self.wiring.copied else ()
        return (self.own("z"), *copied, *((self.state(),) if zeros else ()))

    def activation(self, matrix: str) -> Iterator[Operation]:
        """Y = f(z), with the partial sums of split arrays added first; y goes to the buffer."""
        yield self.digital(Kind.ACTIVATION, Opcode.ACTIVATION, matrix, self.activation_flops(matrix), ("z",), ("y",))
        size, towards = self.handed, self.wiring.above - self.layer.index
        stored = self.named(self.wiring.target)
        yield self.move(Stream.ACTIVATIONS, matrix, size, self.own("y"), stored, store=True, towards=towards)

    @property
    def handed(self) -> int:
        """Words that these uses hand on: a token-wise layer hands on the outputs of all its uses."""
        return self.layer.size * (self.uses if self.timed or isinstance(self.layer, Dense) else 1)

    def activation_flops(self, matrix: str) -> int:
        """Return the digital work of activations, partial sums and, after a convolution, comparisons of pooling."""
        compared = self.layer.n_out if isinstance(self.layer, Conv) and self.layer.pool > 1 else 0
        each = ACTIVATION_FLOPS[self.layer.activation] * self.layer.n_out + compared
        return round(each * self.positions + self.partial_sums(matrix) * self.uses)

    def loss(self, matrix: str) -> Iterator[Operation]:
        """Output activation, loss and its negative gradient d."""
        more = LOSS_FLOPS * self.layer.n_out * self.uses
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
                reads=(self.shared(matrix), *self.gradients()),
                writes=(self.own("g"),),
                opcode=Opcode.BACKWARD if matrix == matrices[0] else Opcode.BACKWARD_FAST,
                matrix=matrix,
                parts=parts,
                lines=lines,
                first=self.first,
                uses=self.uses,
            )
        words, towards = self.layer.returned * self.uses, self.wiring.below - self.layer.index
        yield self.move(Stream.ERRORS, matrices[0], words, self.own("g"), self.own("e"), store=True, towards=towards)

    def derivative(self, matrix: str) -> Iterator[Operation]:
        """D = e f'(z) with the error from above and f' from the stored activation, of a convolution the pooled ones."""
        handed, wiring = self.handed, self.wiring
        error = self.taken(wiring.error, wiring.error_steps)
        yield self.move(Stream.ERRORS, matrix, handed, error, self.own("r"), home=self.beside(wiring.above, matrix))
        yield self.move(Stream.ACTIVATIONS, matrix, handed, self.named(wiring.target), self.own("b"))
        flops = DERIVATIVE_FLOPS[self.layer.activation] * handed
        yield self.digital(Kind.DERIVATIVE, Opcode.DERIVATIVE, matrix, flops, ("r", "b"), ("d",))

    def update(self, matrix: str, main: str) -> Iterator[Operation]:
        """Matrix += lr d x^T: load x (and d, when computed on another tile), choose pulses, fire them.

        The slice that chooses hands the probabilities to the drivers beside it, or stores and loads them first.
        """
        words, home = self.layer.loaded * self.uses, self.below(main)
        yield self.move(Stream.ACTIVATIONS, matrix, words, self.inputs(), self.own("cx"), home=home, copied=True)
        error = self.own("d")
        if not self.same_tiles(matrix, main):
            n = self.layer.answered * self.uses
            yield self.move(Stream.ERRORS, main, n, error, self.own("dd"), store=True)
            home = (self.layer.index, main)
            yield self.move(Stream.ERRORS, matrix, n, self.own("dd"), self.own("cd"), home=home, copied=True)
            error = self.own("cd")
        lines = (self.layer.n_in + self.layer.answered) * self.uses
        yield Operation(
            Kind.UPDATE_MANAGEMENT,
            Unit.DIGITAL,
            self.layer.index,
            reads=(self.own("cx"), error),
            writes=(self.own("p"),),
            matrix=matrix,
            flops=MANAGEMENT_FLOPS * lines,
        )
        chosen = self.own("p")
        if self.stored_pulses:
            yield self.move(Stream.PULSES, matrix, lines, chosen, self.own("ps"), store=True)
            chosen = self.own("cp")
            yield self.move(Stream.PULSES, matrix, lines, self.own("ps"), chosen)
        yield Operation(
            Kind.UPDATE,
            Unit.TILE,
            self.layer.index,
            reads=(chosen, self.own("x"), self.own("d")),
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
            read=self.read,
            parts=parts,
            lines=busiest,
        )

    def load_h(self, matrix: str, sample: int, rows: int = 1) -> Iterator[Operation]:
        """Fetch H's line (and `rows` - 1 like it), asked for when the read-out is there; nothing if fetched ahead."""
        if not self.prefetch:
            yield self._fetch(matrix, self.transfers(sample), rows, self.shared("v"))

    def prefetch_h(self, matrix: str, sample: int, rows: int = 1) -> Iterator[Operation]:
        """Fetch the lines of a sample's first `prefetch` transfers, whatever else goes on: their order is known.

        A line takes the registers that the filter `prefetch` transfers before has read, and so waits for that
        filter. The last store of the same line, as many transfers before as there are lines, is then complete:
        a filter writes h, for which it waited until the store before it had sent h away, and so did that one.
        """
        first, end = self.transfers_of(sample)
        for transfer in range(first, min(first + self.prefetch, end)):
            yield self._fetch(matrix, transfer, rows)

    def prefetch_next_h(self, matrix: str, sample: int, rows: int = 1) -> Iterator[Operation]:
        """Fetch the line of the sample's transfer `prefetch` later into the registers that were just read."""
        transfer = self.transfers(sample) + self.prefetch
        if self.prefetch and transfer < self.transfers_of(sample)[1]:
            yield self._fetch(matrix, transfer, rows)

    def _fetch(self, matrix: str, transfer: int, rows: int, *after: Resource) -> Operation:
        words = rows * self.line_length
        return self.move(
            Stream.H, matrix, words, (self._h(transfer), *after), self._fetched(transfer), kind=Kind.H_LOAD
        )

    def _h(self, transfer: int) -> Resource:
        """Return H, of which lines fetched ahead conflict only with their own kind: 2 `prefetch` kinds take turns."""
        return self.shared(f"H.{transfer % (2 * self.prefetch)}" if self.prefetch else "H")

    def _fetched(self, transfer: int) -> Resource:
        """Return where the line of a transfer is when it is filtered."""
        return self.shared(f"ahead.{transfer % self.prefetch}" if self.prefetch else "h")

    def filter(self, matrix: str, sample: int) -> Operation:
        """H[t] += transfer_lr v, threshold and reset."""
        return Operation(
            Kind.FILTER,
            Unit.DIGITAL,
            self.layer.index,
            reads=(self.shared("v"), self._fetched(self.transfers(sample))),
            writes=(self.shared("h"), self.shared("s")),
            opcode=Opcode.FILTER,
            matrix=matrix,
            first=self.first,
            uses=self.uses,
            read=self.read,
            flops=FILTER_FLOPS * self.line_length,
        )

    def store_h(self, matrix: str, sample: int, rows: int = 1) -> Operation:
        """Write H's line (and `rows` - 1 like it) back."""
        words = rows * self.line_length
        return self.move(
            Stream.H, matrix, words, self.shared("h"), self._h(self.transfers(sample)), store=True, kind=Kind.H_STORE
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
            home = (self.layer.index, source)
            yield self.move(Stream.ERRORS, target, n, sent, self.shared("t"), home=home, copied=True)

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
            read=self.read,
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
        """Fetch the whole digital matrix chi, and what its optimiser keeps."""
        words = self.chi_words
        return self.move(Stream.H, matrix, words, self.shared("H"), self.shared("h"), kind=Kind.H_LOAD)

    def accumulate(self, matrix: str) -> Iterator[Operation]:
        """Chi += lr d x^T in digital: load x, scale d, and one multiplication and one addition an element."""
        words = self.layer.loaded * self.uses
        yield self.move(Stream.ACTIVATIONS, matrix, words, self.inputs(), self.own("cx"), home=self.below(matrix))
        scaling = MANAGEMENT_FLOPS * self.layer.answered * self.uses
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
            flops=FILTER_FLOPS * self.layer.n_in * self.layer.answered * self.uses,
        )

    def sum_chi(self, matrix: str) -> Iterator[Operation]:
        """G += d x^T in digital, of which an optimiser makes what is added to chi: load x, and work as `accumulate`."""
        words, summed = self.layer.loaded * self.uses, self.shared("g")
        yield self.move(Stream.ACTIVATIONS, matrix, words, self.inputs(), self.own("cx"), home=self.below(matrix))
        flops = FILTER_FLOPS * self.layer.n_in * self.layer.answered * self.uses
        reads = (self.own("cx"), self.own("x"), self.own("d"), summed)
        yield self.digital(Kind.FILTER, Opcode.GRADIENT, matrix, flops, reads, (summed,))

    def norm(self, matrix: str) -> Iterator[Operation]:
        """Sum the squares of a matrix's gradients, where they are clipped, and store the sum."""
        if self.learner is None or not self.learner.squares:
            return
        flops, summed = 2 * self.layer.n_in * self.layer.n_out, self.shared("q")
        work = self.at(0, 1).digital(Kind.STEP, Opcode.NODE_NORM, matrix, flops, (self.shared("g"),), (summed,))
        yield replace(work, node=self.learner.node)
        yield self.at(0, 1).move(Stream.ERRORS, matrix, 1, summed, self.shared("qs"), store=True)

    def step(self, matrix: str, held: Resource, new: Resource) -> Iterator[Operation]:
        """Let the optimiser step what is `held`, by the gradients of the samples before."""
        if self.learner is None:
            return
        layer, summed = self.at(0, 1), self.shared("g")
        reads: tuple[Resource, ...] = held, self.shared(matrix), summed
        if self.learner.squares:
            reads = *reads, self.shared("clip")
            yield layer.move(Stream.ERRORS, matrix, len(self.learner.squares), self.learner.squares, reads[-1])
        flops = self.learner.flops * self.layer.n_in * self.layer.n_out
        work = layer.digital(Kind.STEP, Opcode.NODE_STEP, matrix, flops, reads, (new, summed))
        yield replace(work, node=self.learner.node)

    def decay(self, matrix: str) -> Operation:
        """Read all lines, one after the other, and pull chi or its gradient towards 0 by them."""
        chi, summed = self.shared("h"), self.shared("g")
        arrays = self.mapping.parts(self.layer.index, matrix)
        row = self.transfer_axis == "row"
        return Operation(
            Kind.READ_OUT,
            Unit.TILE,
            self.layer.index,
            reads=(self.shared(matrix), chi, summed),
            writes=(chi, summed, self.shared("v")),
            opcode=Opcode.DECAY,
            matrix=matrix,
            lines=max(part.in1 - part.in0 if row else part.out1 - part.out0 for part in arrays),
            first=self.first,
            uses=self.uses,
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

    @property
    def chi_words(self) -> int:
        """Words of chi and of what its optimiser keeps."""
        return self.layer.n_in * self.layer.n_out * (1 + (self.learner.moments if self.learner else 0))

    def store_chi(self, matrix: str) -> Operation:
        """Write chi back."""
        words = self.chi_words
        return self.move(Stream.H, matrix, words, self.shared("h"), self.shared("H"), store=True, kind=Kind.H_STORE)
