"""Orchestration: from names on a command line to finished run directories."""
