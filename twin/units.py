"""Units at the edges: the clock counts integer picoseconds, everything else is SI."""

PS = 1e-12
"""A picosecond in s: picoseconds times this are seconds."""
