"""The table of a network's nodes that `twin show WORKLOAD` prints."""

from typing import TYPE_CHECKING

from rich.table import Table

from twin.descriptions.rules import decided
from twin.runs.networks import graph_of

if TYPE_CHECKING:
    from twin.descriptions.workload import Workload


def network_table(workload: "Workload") -> Table:
    """Make the table of nodes: shapes, parameters, uses and where each one's parameters live.

    Raises
    ------
    TwinError
        Where the data are missing, or the network does not fit them.
    """
    graph = graph_of(workload)
    rows = list(graph.rows())
    rules = decided([(one.name, vars(one.node)["kind"]) for one in workload.network.listed()], workload.rules)
    table = Table(title=f"network: {len(rows)} nodes, {graph.parameters:,} parameters", title_justify="left")
    for name in ("node", "kind", "takes", "gives"):
        table.add_column(name, overflow="fold")
    for name in ("parameters", "uses"):
        table.add_column(name, justify="right")
    table.add_column("parameters live")
    for row in rows:
        parameters = f"{row.parameters:,}" if row.parameters else ""
        uses = str(row.uses) if row.uses else ""
        rule = rules.get(row.name)
        home = row.home if rule is None else f"{workload.rules[rule].home()}, by rules.{rule}"
        table.add_row(row.name, row.kind, ", ".join(row.inputs), row.shape, parameters, uses, home)
    return table
