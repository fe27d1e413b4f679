"""The numerical machine: one float32 arena, described by records, and one instruction executor.

An operation's effect is an instruction. The coupled mode executes instructions one at a time when
their moment comes, the replayed mode a block of samples in one call; both run the same compiled code.
"""
