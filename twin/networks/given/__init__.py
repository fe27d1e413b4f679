"""Weights that are given by the names of nodes: read from files, fitted onto a network, and written back."""
