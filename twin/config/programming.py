"""The description of how weights get into arrays before anything runs on them."""

from typing import Annotated, Literal

from pydantic import Field

from twin.config.part import Part


class Programming(Part):
    """Write and verify: rounds of reads of every line and pulses on the devices that are not where they should be."""

    method: Literal["write-verify", "exact"] = "write-verify"
    """Bring weights in by the devices' own pulses ("write-verify"), or put them there at no cost ("exact")."""
    tolerance: Annotated[float, Field(gt=0, le=1e6)] | None = None
    """Distance from its target, in device weight, within which a device is left alone once it was read there; left out,
    it is the larger of a mean step (`dw_min`) and the noise of what is read.
    """
    max_iter: Annotated[int, Field(ge=1, le=100_000)] = 30
    """Rounds after which programming ends with the devices as they are (aihwkit's name)."""
    reads: Annotated[int, Field(ge=1, le=10_000)] = 16
    """Reads of a line that each verification averages."""
    desired_bl: Annotated[int, Field(ge=1, le=10_000)] = 31
    """Most pulses that a device gets between two verifications."""
