"""The description of a workload that is timed and not trained: blocks of matrices, digital work, and statistics."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import Identifier, refusal
from twin.config.chip import SOURCE, SourceTable, source_key
from twin.config.description import HEADER, Description
from twin.config.numbers import Fraction
from twin.config.part import Part
from twin.descriptions.algorithms import Algorithms
from twin.descriptions.measured import measured
from twin.errors import TwinError
from twin.networks.listed import Blocks

Mean = Annotated[float, Field(ge=0, le=1e6)]


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
