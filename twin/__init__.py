"""Discrete-event digital twin of analog in-memory training chips."""

__version__ = "0.1.0"
