"""A layer as algorithms see it: names of its matrices and vectors, where they are, and the plain operations."""

from dataclasses import dataclass

from twin.algorithms.operation import Kind, Opcode, Operation, Resource, Stream, Unit
from twin.mapping import Mapping, Part
from twin.networks.network import Dense


@dataclass(frozen=True, slots=True)
class Layer:
    """What `LayerSteps` builds on.

    Attributes
    ----------
    layer : Dense
    mapping : Mapping
        Tells into how many arrays a matrix is split and on which tiles they are.
    transfer_every, transfer_axis : int, str
        When and along which axis the algorithm transfers; 0 for never.
    """

    layer: Dense
    mapping: Mapping
    transfer_every: int = 0
    transfer_axis: str = "column"

    def own(self, vector: str) -> Resource:
        """Return a vector of which each sample in flight has a copy."""
        return Resource(f"{vector}{self.layer.index}", private=True)

    def next_input(self) -> Resource:
        """Return the input of the layer above."""
        return Resource(f"x{self.layer.index + 1}", private=True)

    def shared(self, name: str) -> Resource:
        """Return a matrix or a vector of which the layer has one."""
        return Resource(f"{self.layer.index}.{name}", private=False)

    def move(
        self,
        stream: Stream,
        matrix: str,
        words: int,
        source: Resource,
        target: Resource,
        *,
        store: bool = False,
        kind: Kind | None = None,
    ) -> Operation:
        """Move words between a matrix's tiles and the place where the stream lives."""
        kind = kind or (Kind.STORE if store else Kind.LOAD)
        return Operation(
            kind,
            Unit.MOVE,
            self.layer.index,
            reads=(source,),
            writes=(target,),
            matrix=matrix,
            words=words,
            stream=stream,
            store=store,
        )

    def due(self, sample: int) -> bool:
        """Return whether this sample's update is followed by a transfer (every ns updates)."""
        return self.transfer_every > 0 and (sample + 1) % self.transfer_every == 0

    @property
    def lines(self) -> int:
        """Lines along the transfer axis."""
        return self.layer.n_out if self.transfer_axis == "row" else self.layer.n_in

    @property
    def line_length(self) -> int:
        """Elements of one transferred line."""
        return self.layer.n_in if self.transfer_axis == "row" else self.layer.n_out

    def line_parts(self, matrix: str, sample: int) -> tuple[int, ...]:
        """Return the physical arrays that hold the line of this sample's transfer."""
        line = (sample // self.transfer_every) % self.lines
        return tuple(
            k for k, part in enumerate(self.mapping.parts(self.layer.index, matrix)) if self._holds(part, line)
        )

    def digital(
        self,
        kind: Kind,
        opcode: Opcode,
        matrix: str,
        flops: int,
        reads: tuple[str, ...],
        writes: tuple[str, ...],
    ) -> Operation:
        """Work of a digital slice on vectors of the sample."""
        return Operation(
            kind,
            Unit.DIGITAL,
            self.layer.index,
            reads=tuple(map(self.own, reads)),
            writes=tuple(map(self.own, writes)),
            opcode=opcode,
            matrix=matrix,
            flops=flops,
        )

    def partial_sums(self, matrix: str) -> int:
        """Return the additions that join the partial sums of a matrix split along its inputs."""
        parts = self.mapping.parts(self.layer.index, matrix)
        split = sum(part.out0 == 0 for part in parts)
        return (split - 1) * self.layer.n_out

    def same_tiles(self, a: str, b: str) -> bool:
        """Return whether two matrices share all their tiles."""
        tiles = [[part.tile for part in self.mapping.parts(self.layer.index, name)] for name in (a, b)]
        return tiles[0] == tiles[1]

    def _holds(self, part: Part, line: int) -> bool:
        if self.transfer_axis == "row":
            return part.out0 <= line < part.out1
        return part.in0 <= line < part.in1
