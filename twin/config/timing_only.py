"""The description of a workload that is timed and not trained: blocks of matrices, digital work, and statistics."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from twin.config.algorithms import Algorithms
from twin.config.checks import Identifier, first_repeated, refusal
from twin.config.chip import SOURCE, SourceTable, source_key
from twin.config.description import HEADER, Description
from twin.config.measured import measured
from twin.config.numbers import Fraction
from twin.config.part import Part
from twin.errors import TwinError

Lines = Annotated[int, Field(ge=1, le=10_000_000)]
Uses = Annotated[int, Field(ge=1, le=100_000_000)]
Mean = Annotated[float, Field(ge=0, le=1e6)]


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


class Steps(Part):
    """How many samples are timed and how many are under way at once."""

    samples: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Samples that are timed."""
    in_flight: Annotated[int, Field(ge=1, le=4096)] = 1
    """Samples that are under way at once."""
    reuse: bool = True
    """Simulate the copies of a block once wherever that is exact (docs/timing-only.md): with one sample in flight, on a
    chip that has a table [system].
    """


class Statistics(Part):
    """What the numerics of an algorithm would have found, on average over layers and samples.

    Instead of numbers, `run` names the folder of a finished run; they are read from its ledger.
    """

    about: ClassVar[frozenset[str]] = frozenset({"measured"})
    forward_mvms: Annotated[float, Field(ge=1, le=1e6)]
    """Mat-vecs a forward use: 1 + repeats of bound management."""
    forward_driven: Fraction
    """Share of the input lines that a forward mat-vec drives."""
    forward_conduction: Mean
    """Mean of |input| x conductance / mean conductance over the devices, both arrays, of a forward mat-vec."""
    backward_mvms: Annotated[float, Field(ge=1, le=1e6)]
    """Mat-vecs a backward use: 1 + repeats of bound management."""
    backward_driven: Fraction
    """Share of the output lines that a backward mat-vec drives."""
    backward_conduction: Mean
    """Mean of |input| x conductance / mean conductance over the devices, both arrays, of a backward mat-vec."""
    pulses: Mean
    """Pulse slots an update."""
    fired: Fraction
    """Share of the lines, rows and columns, that fire in a slot."""
    coincidences: Fraction
    """Share of the devices that step in a slot."""
    transfer_pulses: Mean = 0.0
    """Pulse slots a transferred line."""
    transfer_coincidences: Fraction = 0.0
    """Share of a transferred line's elements that step in a slot (of TTv2: what crosses in H, where anything does)."""
    measured: str = ""
    """Folder of the run that the numbers were read from; written by the twin."""

    @model_validator(mode="before")
    @classmethod
    def _read_the_run(cls, table: Any) -> Any:
        if not isinstance(table, dict) or not isinstance(table.get("run"), str):
            return table
        own = {key: value for key, value in table.items() if key != "run"}
        try:
            return measured(table["run"]) | own | {"measured": table["run"]}
        except TwinError as error:
            raise refusal(("run",), f"must name the folder of a finished run: {error}") from error


class TimingOnly(Description):
    """A network that is timed on statistics instead of trained."""

    about: ClassVar[frozenset[str]] = HEADER | {"notes", "sources"}
    kind: Literal["timing-only"]
    """Says that this file describes a network that is timed and not trained."""
    notes: str = ""
    """Anything that a reader should know."""
    network: Blocks
    """Shapes of the matrices, how often each is used, and the digital work between them."""
    training: Steps = Steps()
    """How many samples are timed."""
    algorithms: Algorithms = Algorithms()
    """Hyper-parameters by algorithm; only what sets operations is read."""
    statistics: Annotated[dict[Identifier, Statistics], Field(min_length=1)]
    """Algorithm to what its numerics would have found."""
    sources: SourceTable

    @model_validator(mode="after")
    def _shapes_and_statistics_have_sources(self) -> Self:
        sources = vars(self)["sources"]
        for key, text in sources.items():
            if not SOURCE.fullmatch(text):
                rule = 'must begin with a status (S, S2, L, D, M, assumption), e.g. "S: paper, table 2"'
                raise refusal(("sources", *key.split(".")), rule)
        statistics = vars(self)["statistics"].items()
        blocks = range(len(vars(vars(self)["network"])["blocks"]))
        needed: list[tuple[str, ...]] = [("network", "blocks", str(k), "layers") for k in blocks]
        needed += [
            ("statistics", name, field)
            for name, table in statistics
            if not vars(table)["measured"]
            for field in sorted(type(table).model_fields)
            if field in table.model_fields_set and field != "measured"
        ]
        for path in needed:
            if source_key(".".join(path), sources) is None:
                raise refusal(path, f'has no source; add to [sources]: {".".join(path[:2])} = "S: ..."')
        return self
