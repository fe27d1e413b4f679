"""What is asked for beside an ONNX file."""

from collections.abc import Mapping
from typing import NamedTuple


class Reading(NamedTuple):
    """How an ONNX file is to be read.

    Attributes
    ----------
    sizes : mapping of str to int
        Of the input's dynamic axes, by name, or by number where they have none.
    folded : bool
        Whether batch norms right behind a matrix become part of it.
    """

    sizes: Mapping[str, int] = {}
    folded: bool = False


PLAIN = Reading()
"""Of a file that has all sizes; batch norms are kept."""
