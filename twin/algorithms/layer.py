"""A layer as algorithms see it: names of its matrices and vectors, where they are, and the plain operations."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import Self

from twin.mapping import Mapping, Part
from twin.networks.layers import Layer as Shape
from twin.networks.layers import Recurrent
from twin.operation import Kind, Opcode, Operation, Resource, Stream, Unit


@dataclass(frozen=True, slots=True)
class Wiring:
    """Where a layer's input comes from, and where its output goes.

    Attributes
    ----------
    source, target, error : str
        Vectors: the input, the output, and the error of the output.
    below, above : int
        Beside which layers' tiles the input was made (-1: it is the sample's) and the output is taken.
    copied : bool
        Whether a mat-vec copies its input to a vector of the layer's own first.
    steps, error_steps : int
        In how many time steps the input, and the error of the output, are made; 0 where all at once.
    """

    source: str
    target: str
    error: str
    below: int
    above: int
    copied: bool = True
    steps: int = 0
    error_steps: int = 0


@dataclass(frozen=True, slots=True)
class Learner:
    """How an optimiser learns a layer's digital matrix.

    Attributes
    ----------
    node : int
        The record with its gradients.
    moments, flops : int
        Words a weight that the optimiser keeps, and its work a weight.
    squares : tuple of Resource
        Sums of squares of all gradients by whose norm these are clipped, its own among them; empty where none are.
    decays : bool
        Whether weights are pulled towards 0.
    """

    node: int
    moments: int
    flops: int
    squares: tuple[Resource, ...] = ()
    decays: bool = False


@dataclass(frozen=True, slots=True)
class Layer:
    """What `LayerSteps` builds on.

    Attributes
    ----------
    layer : Shape
    mapping : Mapping
        Tells into how many arrays a matrix is split and on which tiles they are.
    transfer_every, transfer_axis : int, str
        When (every so many updates of this layer) and along which axis the algorithm transfers; 0 for never.
    events, n_reads : int
        Transfers that are spread over `transfer_every` updates, and lines that each of them reads.
    read : int
        Which of the lines that are due the operations transfer.
    timed : bool
        Whether every use is a time step with vectors of its own.
    prefetch : int
        How many lines of H are fetched ahead, fewer than there are lines.
    stored_pulses : bool
        Whether the pulse probabilities of an update are kept somewhere before the drivers get them.
    wired : Wiring or None
        None where layers follow each other.
    mains : tuple of str
        By layer, the matrix with the network's weights; empty where all have the one that this layer has.
    learner : Learner or None
        None where the algorithm itself updates the layer's matrices.
    batch : int
        Samples of a step.
    member : int
        Which sample of a batch: each has vectors of its own.
    first, count : int
        Which of a sample's uses of the matrix the operations perform; `count` 0 stands for all.
    """

    layer: Shape
    mapping: Mapping
    transfer_every: int = 0
    transfer_axis: str = "column"
    timed: bool = False
    prefetch: int = 0
    stored_pulses: bool = False
    wired: Wiring | None = None
    first: int = 0
    count: int = 0
    member: int = 0
    learner: Learner | None = None
    batch: int = 1
    mains: tuple[str, ...] = ()
    events: int = 1
    n_reads: int = 1
    read: int = 0

    @property
    def wiring(self) -> Wiring:
        """Where the input comes from, and where the output goes."""
        if self.wired is not None:
            return self.wired
        k, steps = self.layer.index, self.layer.uses if self.timed else 0
        return Wiring(f"x{k}", f"x{k + 1}", f"e{k + 1}", k - 1, k + 1, copied=False, steps=steps, error_steps=steps)

    def at(self, first: int, count: int) -> Self:
        """Return the same layer for some of a sample's uses of its matrix."""
        return replace(self, first=first, count=count)

    @property
    def uses(self) -> int:
        """How many uses of the matrix the operations perform."""
        return self.count or self.layer.uses

    @property
    def positions(self) -> int:
        """How many vectors of outputs the operations make: all groups of a convolution make one together."""
        return self.count or self.layer.positions

    def own(self, vector: str, after: int = 0) -> Resource:
        """Return a vector of which each sample in flight has a copy; of the time step `after` this one."""
        return self._vector(vector, self.layer.index, after)

    def above(self, vector: str) -> Resource:
        """Return a vector of the layer above."""
        return self._vector(vector, self.layer.index + 1, 0)

    def below(self, matrix: str) -> tuple[int, str]:
        """Return whose tiles made the input: those of the layer below, and none for the first."""
        return self.beside(self.wiring.below, matrix)

    def beside(self, layer: int, matrix: str) -> tuple[int, str]:
        """Return a layer (-1: the sample) and its main matrix, which is `matrix` where all layers have the same."""
        return layer, self.mains[layer] if self.mains and layer >= 0 else matrix

    def inputs(self) -> tuple[Resource, ...]:
        """Return what a mat-vec's input consists of: x, and for a matrix on the state the state before."""
        source = self.taken(self.wiring.source, self.wiring.steps)
        return (*source, self.before()) if self.on_state else source

    @property
    def on_state(self) -> bool:
        """Whether the matrix has lines for the state of the step before."""
        return isinstance(self.layer, Recurrent) and self.layer.cell != "gru"

    def before(self) -> Resource:
        """Return the state of cells that a step begins with."""
        return self._vector("h", self._states, -1) if self.first else self.state()

    def after(self) -> Resource:
        """Return the state of cells in the buffer after a step."""
        return self._vector("h", self._states, 0)

    def state(self) -> Resource:
        """Return the state that a sequence begins with, and leaves to the next of its stream where it is carried."""
        k, stream = self._states, f"@{self.member}" if self.member else ""
        carried = isinstance(self.layer, Recurrent) and self.layer.carried
        return Resource(f"{k}.state{stream}", private=False) if carried else self.private(f"s{k}")

    @property
    def _states(self) -> int:
        """The layer by whose number the state goes: the first of the cell's."""
        second = isinstance(self.layer, Recurrent) and self.layer.cell == "gru"
        return self.layer.index - second

    def taken(self, name: str, steps: int) -> tuple[Resource, ...]:
        """Return what is taken of a vector that is made in so many time steps: one of them, or all; 0: at once."""
        if steps and self.timed:
            return (self.named(name),)
        return tuple(self.private(f"{name}.{step}") for step in range(steps)) or (self.private(name),)

    def named(self, vector: str, after: int = 0) -> Resource:
        """Return a vector of the sample by its whole name."""
        return self.private(f"{vector}.{self.first + after}" if self.timed else vector)

    def private(self, vector: str) -> Resource:
        """Return a vector of the sample that is no time step's."""
        return Resource(vector + (f"@{self.member}" if self.member else ""), private=True)

    def gradients(self) -> tuple[Resource, ...]:
        """Return what a mat-vec going back takes: d, and for the gates of a GRU what else its errors consist of."""
        joined = isinstance(self.layer, Recurrent) and self.layer.joined
        return (self.own("d"), self.own("dc")) if joined else (self.own("d"),)

    def _vector(self, vector: str, index: int, after: int) -> Resource:
        return self.named(f"{vector}{index}", after)

    def shared(self, name: str) -> Resource:
        """Return a matrix or a vector of which the layer has one."""
        return Resource(f"{self.layer.index}.{name}", private=False)

    def move(
        self,
        stream: Stream,
        matrix: str,
        words: int,
        source: Resource | tuple[Resource, ...],
        target: Resource,
        *,
        store: bool = False,
        kind: Kind | None = None,
        home: tuple[int, str] | None = None,
        towards: int = 0,
        copied: bool = False,
    ) -> Operation:
        """Move words between a matrix's tiles and the place where the stream lives; see `Operation`."""
        kind = kind or (Kind.STORE if store else Kind.LOAD)
        return Operation(
            kind,
            Unit.MOVE,
            self.layer.index,
            reads=(source,) if isinstance(source, Resource) else source,
            writes=(target,),
            matrix=matrix,
            words=words,
            stream=stream,
            store=store,
            home=home,
            first=self.first,
            uses=self.uses,
            towards=towards,
            copied=copied,
        )

    def last(self, sample: int) -> int:
        """Return the number of the layer's update that ends these uses."""
        return sample * self.layer.uses + self.first + self.uses - 1

    def transferred(self, updates: int) -> int:
        """Return how many lines are transferred by the end of so many updates of the layer."""
        return updates * self.events // self.transfer_every * self.n_reads

    def transfers(self, sample: int) -> int:
        """Return how many lines were transferred before the one that is due after these uses."""
        return self.transferred(self.last(sample)) + self.read

    def transfers_of(self, sample: int) -> tuple[int, int]:
        """Return the number of a sample's first line that is transferred, and that of the next sample's."""
        if not self.transfer_every:
            return 0, 0
        total = self.layer.uses
        return self.transferred(sample * total), self.transferred((sample + 1) * total)

    def due(self, sample: int) -> bool:
        """Return whether the last update of these uses is followed by a transfer (every ns updates)."""
        return self.lines_due(sample) > 0

    def lines_due(self, sample: int) -> int:
        """Return how many lines are transferred after the last update of these uses."""
        last = self.last(sample)
        return self.transferred(last + 1) - self.transferred(last) if self.transfer_every else 0

    def reads(self, sample: int) -> Iterator[Self]:
        """Yield the layer for each line that is transferred after these uses, in their order."""
        for read in range(self.lines_due(sample)):
            yield replace(self, read=read) if read else self

    def _until_due(self, update: int) -> int:
        """Return how many updates from this one on it takes until a transfer is due."""
        event = update * self.events // self.transfer_every + 1
        return -(-event * self.transfer_every // self.events) - update

    def runs(self, sample: int) -> Iterator[Self]:
        """Split a sample's uses into runs of updates that end where a transfer is due, in time each step."""
        first, total = 0, self.layer.uses
        while first < total:
            length = 1 if self.timed else total - first
            if self.transfer_every:
                length = min(length, self._until_due(sample * total + first))
            yield self.at(first, length)
            first += length

    def key(self, matrix: str, sample: int) -> Hashable:
        """Return what the updates of a sample depend on: after which uses transfers are due, on which arrays.

        With lines of H fetched ahead, also on which of their registers' turn it is.
        """
        first, end = self.transfers_of(sample)
        if first == end:
            return None
        due = sample * self.layer.uses * self.events % self.transfer_every
        turn = first % (2 * self.prefetch) if self.prefetch else 0
        if len(self.mapping.parts(self.layer.index, matrix)) == 1:
            return due, turn
        return due, turn, tuple(self._parts_of(matrix, line) for line in range(first, end))

    @property
    def lines(self) -> int:
        """Lines along the transfer axis."""
        return self.layer.n_out if self.transfer_axis == "row" else self.layer.n_in

    @property
    def line_length(self) -> int:
        """Elements of one transferred line."""
        return self.layer.n_in if self.transfer_axis == "row" else self.layer.n_out

    def line_parts(self, matrix: str, sample: int) -> tuple[int, ...]:
        """Return the physical arrays that hold the line of this transfer."""
        return self._parts_of(matrix, self.transfers(sample))

    def _parts_of(self, matrix: str, transfer: int) -> tuple[int, ...]:
        line = transfer % self.lines
        return tuple(
            k for k, part in enumerate(self.mapping.parts(self.layer.index, matrix)) if self._holds(part, line)
        )

    def digital(
        self,
        kind: Kind,
        opcode: Opcode,
        matrix: str,
        flops: int,
        reads: tuple[str | Resource, ...],
        writes: tuple[str | Resource, ...],
    ) -> Operation:
        """Work of a digital slice on vectors of the sample."""
        return Operation(
            kind,
            Unit.DIGITAL,
            self.layer.index,
            reads=tuple(self.own(one) if isinstance(one, str) else one for one in reads),
            writes=tuple(self.own(one) if isinstance(one, str) else one for one in writes),
            opcode=opcode,
            matrix=matrix,
            flops=flops,
            first=self.first,
            uses=self.uses,
        )

    def partial_sums(self, matrix: str) -> int:
        """Return the additions that join the partial sums of a matrix split along its inputs."""
        parts = self.mapping.parts(self.layer.index, matrix)
        split = sum(part.out0 == 0 for part in parts)
        return (split - 1) * self.layer.answered

    def answering(self, matrix: str) -> tuple[tuple[int, ...] | None, int]:
        """Return the arrays with input lines whose errors are wanted (None: all), and how many the busiest has."""
        low = self.layer.n_inputs - self.layer.returned
        lines = [part.in1 - max(part.in0, low) for part in self.mapping.parts(self.layer.index, matrix)]
        parts = tuple(k for k, n in enumerate(lines) if n > 0)
        return None if len(parts) == len(lines) else parts, max(lines)

    def same_tiles(self, a: str, b: str) -> bool:
        """Return whether two matrices share all their tiles."""
        tiles = [[part.tile for part in self.mapping.parts(self.layer.index, name)] for name in (a, b)]
        return tiles[0] == tiles[1]

    def _holds(self, part: Part, line: int) -> bool:
        if self.transfer_axis == "row":
            return part.out0 <= line < part.out1
        return part.in0 <= line < part.in1
