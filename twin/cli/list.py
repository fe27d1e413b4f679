"""`twin list`."""

from twin.console import wide_console


def list_all() -> None:
    """List all that has a name: chips, layouts, workloads, sweeps, studies, parts, data sets, devices, algorithms."""
    from twin.cli.tables import available_table

    wide_console().print(available_table())
