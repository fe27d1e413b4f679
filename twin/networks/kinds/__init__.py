"""Kinds of nodes: one class each, with its fields, the shape of its output, its digital work and its parameters."""
