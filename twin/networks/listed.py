"""The description of a network as blocks of matrices and their digital work."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import Identifier, first_repeated, refusal
from twin.config.part import Part

Lines = Annotated[int, Field(ge=1, le=10_000_000)]
Uses = Annotated[int, Field(ge=1, le=100_000_000)]


class Work(Part):
    """Digital work after a mat-vec, a formula of `twin.networks.work` for the whole sample."""

    kind: Literal[
        "bias",
        "layer-norm",
        "batch-norm",
        "gelu",
        "relu",
        "tanh",
        "residual",
        "attention",
        "max-pool",
        "average-pool",
        "positions",
        "softmax-loss",
    ]
    """What is computed."""
    width: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    """Elements a position; 0: the outputs of the layer."""
    positions: Annotated[int, Field(ge=0, le=100_000_000)] = 0
    """Positions of a sample; 0: the uses of the layer."""
    heads: Annotated[int, Field(ge=0, le=10_000)] = 0
    """Heads of an attention, each with width / heads elements."""
    causal: bool = False
    """Leave out what the mask of an attention hides: later positions."""
    window: Annotated[int, Field(ge=1, le=1000)] = 1
    """Side of the square window of a pooling."""

    @model_validator(mode="after")
    def _keys_belong_to_the_kind(self) -> Self:
        given = vars(self)
        attends = given["kind"] == "attention"
        if attends != bool(given["heads"]):
            raise refusal(("heads",), 'must be at least 1 for kind = "attention", and belongs to no other')
        if attends and not given["width"]:
            raise refusal(("width",), 'must be given for kind = "attention": heads x elements a head')
        if given["causal"] and not attends:
            raise refusal(("causal",), 'belongs to kind = "attention"')
        if given["window"] > 1 and not given["kind"].endswith("pool"):
            raise refusal(("window",), 'belongs to kind = "max-pool" and "average-pool"')
        return self


class MatrixLayer(Part):
    """One matrix of weights, then digital work."""

    name: Identifier
    """What the layer is called in tables."""
    n_in: Lines
    """Input lines."""
    n_out: Lines
    """Output lines."""
    uses: Uses
    """Mat-vecs a sample: its positions or tokens."""
    one_hot: bool = False
    """Inputs are one-hot: one word is loaded and one line driven."""
    tied: bool = False
    """The weights are published as those of another layer; here the arrays are its own."""
    work: Annotated[tuple[Work, ...], Field(strict=False)] = ()
    """Digital work after the mat-vecs, in order."""


class Block(Part):
    """Layers in series."""

    name: Identifier
    """What the block is called in tables."""
    repeat: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Copies one after another, with arrays of their own."""
    layers: Annotated[tuple[MatrixLayer, ...], Field(strict=False, min_length=1, max_length=1000)]
    """Layers of one copy, in order."""


class Blocks(Part):
    """Blocks in series."""

    input_words: Uses
    """Words that arrive from the host for every sample."""
    blocks: Annotated[tuple[Block, ...], Field(strict=False, min_length=2, max_length=1000)]
    """Blocks in order, the one that sees the data first."""

    @model_validator(mode="after")
    def _ends_stand_alone(self) -> Self:
        blocks = vars(self)["blocks"]
        repeated = first_repeated(vars(block)["name"] for block in blocks)
        if repeated:
            raise refusal(("blocks", repeated[0], "name"), "is the name of a block above; names must differ")
        for index in (0, len(blocks) - 1):
            if vars(blocks[index])["repeat"] > 1:
                rule = "must be 1 in the first and the last block, which lack a backward pass or the layer above"
                raise refusal(("blocks", index, "repeat"), rule)
        for index, block in enumerate(blocks):
            twice = first_repeated(vars(layer)["name"] for layer in vars(block)["layers"])
            if twice:
                at = ("blocks", index, "layers", twice[0], "name")
                raise refusal(at, "is the name of a layer above; names must differ")
        return self
