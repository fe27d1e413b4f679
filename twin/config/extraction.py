"""How a trained model is read out of the arrays."""

from typing import Annotated

from pydantic import Field

from twin.config.numbers import Count, Inside
from twin.config.part import Part


class Extraction(Part):
    """Random mat-vecs for linear regression (Gokmen 2021, Part II)."""

    reads: Annotated[int, Field(ge=0, le=1_000_000)] = 10_240
    """Mat-vecs a layer after the last sample, for the final model; 0: none."""
    average_every: Count = 0
    """Samples between two mat-vecs during training, for the average; 0: no average."""
    average_from: Inside = 0.8
    """Fraction of the samples after which averaging starts (Gokmen 2021: epochs 40-50 of 50, 180-200 of 200)."""
    periods: Annotated[int, Field(ge=1, le=1000)] = 1
    """Equal parts of the averaging, from whose differences sigma follows."""
    amplitude: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Inputs are uniform in [-amplitude, amplitude]."""
