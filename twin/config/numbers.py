"""Bounded numbers that the descriptions share."""

from typing import Annotated

from pydantic import Field

Count = Annotated[int, Field(ge=0, le=2**40)]
LearningRate = Annotated[float, Field(gt=0, le=1e4)]
Real = Annotated[float, Field(ge=-1e6, le=1e6)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Inside = Annotated[float, Field(gt=0, lt=1)]
