"""Plumbing for vector units: what array/ does, for many devices at a time. Skip this to read the physics.

Every function here has one by words beside it that says the same in plain loops, and a test that holds the two
together (docs/kernels.md).
"""
