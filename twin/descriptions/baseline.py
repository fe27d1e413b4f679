"""The description of a digital accelerator that a roofline stands for."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import refusal
from twin.config.description import HEADER, Description
from twin.config.part import Part
from twin.config.quantity import Area, Bandwidth, Bytes, FlopRate, Power
from twin.config.sources import SOURCE, SourceTable, source_key

Format = Literal["fp32", "tf32", "bf16", "fp16", "fp8"]


class Peak(Part):
    """Peak arithmetic rate in one number format, dense."""

    rate: FlopRate
    """Multiplications and additions a second at the peak, of dense matrices."""


class Words(Part):
    """Bytes of one number."""

    weight: Bytes
    """Size of one weight."""
    gradient: Bytes
    """Size of one element of a gradient."""
    optimiser: Bytes
    """What the optimiser keeps for one weight beside the weight itself."""
    activation: Bytes
    """Size of one activation."""


class DeviceMemory(Part):
    """The memory of one accelerator."""

    size: Bytes
    """Capacity; a network that needs more takes several accelerators."""
    bandwidth: Bandwidth
    """Peak rate at which numbers are read and written."""


class Baseline(Description):
    """A digital accelerator at its peak."""

    about: ClassVar[frozenset[str]] = HEADER | {"sources"}
    kind: Literal["baseline"]
    """Says that this file describes a baseline."""
    format: Format
    """Number format of the arithmetic, which chooses the peak rate."""
    batch: Annotated[int, Field(ge=1, le=1_000_000)]
    """Samples that share one step, and one read of the weights."""
    power: Power
    """What the accelerator draws while it works."""
    area: Area
    """Silicon of the accelerator."""
    formats: Annotated[dict[Format, Peak], Field(min_length=1)]
    """Number format to its peak rate."""
    memory: DeviceMemory
    """The memory that holds weights and activations."""
    words: Words
    """Bytes of one number of each sort."""
    sources: SourceTable

    @model_validator(mode="after")
    def _complete(self) -> Self:
        own = vars(self)
        if own["format"] not in own["formats"]:
            raise refusal(("format",), f"has no rate in [formats]; given: {', '.join(own['formats'])}")
        for key, text in own["sources"].items():
            if not SOURCE.fullmatch(text):
                raise refusal(("sources", *key.split(".")), 'must begin with a status, e.g. "S: datasheet, page 2"')
        keys = ["batch", "power", "area", *(f"formats.{name}.rate" for name in own["formats"])]
        keys += ["memory.size", "memory.bandwidth", *(f"words.{name}" for name in Words.model_fields)]
        for key in keys:
            if source_key(key, own["sources"]) is None:
                raise refusal(tuple(key.split(".")), f'has no source; add to [sources]: {key} = "S: ..."')
        return self

    @property
    def rate_FLOPs(self) -> float:
        """The peak rate in the chosen format."""
        return self.formats[self.format].rate
