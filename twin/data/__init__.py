"""Data sets, each one file: embedded, fetched once by hash, or made from a formula."""

from twin.data.dataset import Dataset
from twin.data.sets import load

__all__ = ["Dataset", "load"]
