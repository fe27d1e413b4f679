"""What a part of a chip takes at a node: energy, area, leakage and time from tables, each with its source.

Pure functions in SI units; lengths of nodes too are in metres. What lies outside of a table is refused in one line.
"""
