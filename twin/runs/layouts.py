"""Whether an algorithm can run on a layout."""

from twin.algorithms.algorithm import Algorithm
from twin.config.layout import Layout
from twin.errors import TwinError


def check_layout(algorithm: Algorithm, layout: Layout) -> None:
    """Raise TwinError, with what would do, where it cannot."""
    if algorithm.fits(layout):
        return
    missing = [name for name in algorithm.matrices if name not in layout.matrices]
    reason = f"has no matrix {' or '.join(missing)}, which {algorithm.name} needs"
    if not missing:
        reason = f"does not fit the algorithm {algorithm.name}"
    raise TwinError(f"layout {layout.name}: {reason}; use e.g. {', '.join(algorithm.default_layouts)}")
