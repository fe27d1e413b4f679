"""An operation: one object with an effect (the numerics) and a demand (what it occupies and moves).

Algorithms and networks yield operations in program order. They know neither a clock nor a joule:
the effect is named by an opcode that the machine executes, the demand by the unit, the matrix, the
floating-point operations and the words moved, which the chip turns into time and energy.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What an operation is, in the field's words; rows of every table that splits by operation."""

    CALIBRATION = "calibration"
    PROGRAMMING = "programming"  # pulses that bring weights in, and the moves and comparisons that go with them
    VERIFY = "verify"  # reads of what was programmed
    INPUT = "input"
    LOAD = "load"
    STORE = "store"
    SEND = "send"
    FORWARD = "forward"
    BACKWARD = "backward"
    ACTIVATION = "activation"
    LOSS = "loss"
    DERIVATIVE = "derivative"
    UPDATE_MANAGEMENT = "update_management"
    UPDATE = "update"
    READ_OUT = "read_out"
    H_LOAD = "h_load"
    FILTER = "filter"
    H_STORE = "h_store"
    TRANSFER = "transfer"
    STEP = "step"  # of digital parameters, by their optimiser
    EXTRACTION = "extraction"  # a mat-vec that reads the weights out, with the moves of its input and its output


class Unit(StrEnum):
    """Which kind of server an operation occupies."""

    TILE = "tile"  # the tiles that hold the operation's matrix
    DIGITAL = "digital"  # the digital slices beside those tiles
    MOVE = "move"  # links, buffer, memory, host or the ports between chips


class Stream(StrEnum):
    """What the moved words are; H stands apart from everything SGD moves too."""

    INPUT = "input"
    ACTIVATIONS = "activations"
    ERRORS = "errors"
    H = "H"
    WEIGHTS = "weights"
    PULSES = "pulses"  # probabilities of an update, from the digital slice to the drivers


class Opcode(IntEnum):
    """Which instruction of the machine is the operation's effect; NONE for pure data movement."""

    NONE = 0
    INPUT = 1
    FORWARD = 2
    ACTIVATION = 3
    LOSS = 4
    BACKWARD = 5
    DERIVATIVE = 6
    UPDATE = 7
    READ_OUT = 8
    FILTER = 9
    PULSE = 10
    TRANSFER_UPDATE = 11
    FORWARD_FAST = 12  # adds gamma A x
    BACKWARD_FAST = 13  # adds gamma A^T d
    UPDATE_CHOPPED = 14  # UPDATE with the choppers' signs on x and d
    READ_OUT_CHOPPED = 15  # READ_OUT, signs corrected, after which the choppers may flip
    FILTER_DYNAMIC = 16  # FILTER of what differs from AGAD's reference
    ACCUMULATE = 17  # chi += lr d x^T
    PULSE_LINES = 18  # whole steps of chi become pulses, line by line
    NODE_FORWARD = 19  # a digital node; which one, and which phase: `node`, `phase`
    NODE_BACKWARD = 20
    NODE_STEP = 21  # the optimiser's step of a node's parameters
    GRADIENT = 22  # of a digital matrix, summed for its optimiser
    NODE_LOSS = 23  # the loss of a graph that does not end in a layer
    NODE_NORM = 24  # the sum of squares of summed gradients, by which they are clipped
    DECAY = 25  # the pull of weights towards 0, from what is read of them line by line
    UPDATE_ASYMMETRIC = 26  # of a digital A, with simulated asymmetry
    TRANSFER_LINE = 27  # a line of C += transfer_lr times the same of A, both digital
    OWN_0 = 28  # effects that an algorithm brings along (`Algorithm.effects`)
    OWN_1 = 29
    OWN_2 = 30
    OWN_3 = 31


class Phase(IntEnum):
    """Parts of the work of a node at which all samples of a batch must meet: each in the first before one in the next.

    GATHER is the first part: FIRST, LAST and in between samples of a batch may differ in it.
    """

    WHOLE = 0
    FIRST = 1
    GATHER = 2
    LAST = 3
    APPLY = 4
    TESTED = 5  # forward only, with what training has left


LOSSES = (Opcode.LOSS, Opcode.NODE_LOSS)
"""Where a sample's loss is found."""


class Counts(IntEnum):
    """Columns of the counts an effect leaves behind: the data-dependent part of its demand."""

    MVMS = 0  # mat-vecs in a row on the busiest array (1 + bound-management repeats): sets time
    PART_MVMS = 1  # mat-vecs summed over the arrays that take part
    DRIVEN = 2  # lines driven, summed over mat-vecs
    CONVERTED = 3  # lines converted, summed over mat-vecs
    CONDUCTION = 4  # sum over mat-vecs and devices of |input| x conductance / mean conductance
    PULSES = 5  # pulse slots of an update on the busiest array: sets time
    PART_PULSES = 6  # pulse slots summed over the arrays that take part
    FIRED = 7  # pulses fired on lines
    COINCIDENCES = 8  # coincidences, one device step each
    CLIPPED = 9  # outputs at the output bound; updates that wanted more pulses than desired_bl
    CROSSED = 10  # elements of H beyond the threshold (TTv2), of f(v) that are not 0 (SHD); LOSS: class wrong
    LOSS = 11  # the loss of a LOSS operation


N_COUNTS = len(Counts)
COSTED = int(Counts.LOSS)  # columns before it can cost energy; a loss may be infinite where training diverges


class Resource(NamedTuple):
    """A matrix or vector that operations read and write; all ordering follows from these.

    Attributes
    ----------
    name : str
        E.g. ``"0.C"`` (matrix C of layer 0) or ``"x1"`` (input of layer 1).
    private : bool
        True for vectors of which every sample in flight has its own copy.
    """

    name: str
    private: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of a program.

    Attributes
    ----------
    kind : Kind
    unit : Unit
    layer : int
        Index of the layer; -1 for the host input.
    reads, writes : tuple of Resource
        Everything the effect touches; hazards follow from these alone.
    opcode : Opcode
        The effect.
    matrix : str
        ``"A"``, ``"C"`` or ``"W"``: the matrix whose tiles (or digital slices) are occupied; empty
        for moves that involve no tile.
    parts : tuple of int or None
        Which physical arrays of the matrix take part; None for all of them.
    flops : int
        Floating-point operations of digital work.
    words : int
        Words moved (`Unit.MOVE`).
    stream : Stream or None
        What is moved (`Unit.MOVE`).
    lines : int
        Lines converted per array of a read-out; 0: decided by the kind of mat-vec.
    store : bool
        True when words leave the tile towards where the stream is placed.
    home : (int, str) or None
        Layer and matrix whose tiles hold what is loaded, where the stream is placed in registers: those of the
        operation unless given; layer -1 for the host's input, which waits in the buffer.
    first, uses : int
        Which of the sample's uses of the layer's matrix: a time step, or positions of a convolution.
    towards : int
        Whose buffer takes the words of a store: the layer's own (0), the next layer's (1) or the one before's (-1).
    copied : bool
        True when every copy of a replicated matrix gets all words, not its share.
    node : int
        The digital node whose work it is; -1 for none.
    phase : Phase
        Which part of a node's work, where all samples of a batch must meet in between.
    member : int
        Which sample of a batch.
    read : int
        Which of the lines that are transferred after the same update.
    """

    kind: Kind
    unit: Unit
    layer: int
    reads: tuple[Resource, ...] = ()
    writes: tuple[Resource, ...] = ()
    opcode: Opcode = Opcode.NONE
    matrix: str = ""
    parts: tuple[int, ...] | None = None
    flops: int = 0
    words: int = 0
    stream: Stream | None = None
    lines: int = 0
    store: bool = False
    home: tuple[int, str] | None = None
    first: int = 0
    uses: int = 1
    towards: int = 0
    copied: bool = False
    node: int = -1
    phase: Phase = Phase.WHOLE
    member: int = 0
    read: int = 0
