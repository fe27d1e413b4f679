"""Data sets: embedded, fetched once by hash, made from a formula, or the user's own."""

from twin.data.dataset import Dataset
from twin.data.sets import load

__all__ = ["Dataset", "load"]
