"""The critical path with the names of a network's nodes in place of their numbers."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from twin.networks.flow import Digital
    from twin.networks.network import Network

COPY = re.compile(r"\.\d+(?=\.)| \d+$")
"""The number of a copy of a block in a node's name, and that of a node which the twin adds: "block.3.q", "send 7"."""


def name_nodes(table: "pd.DataFrame", network: "Network") -> None:
    """Name the nodes of a table of the critical path, and say which kind of work each operation is.

    Parameters
    ----------
    table : DataFrame
        As `twin.engine.critical.bound_table` gives it; `node` becomes a name, and `work` is new: the kind of the
        digital node, or the kind of operation where it is a layer's own. Copies of a block have one name.
    network : Network
    """
    nodes = network.flow.nodes if network.flow else ()
    names, works = [], []
    for node, layer, kind in zip(table["node"], table["layer"], table["kind"], strict=True):
        own: Digital | None = nodes[node] if 0 <= node < len(nodes) else None
        names.append(COPY.sub("", own.name if own else network.names[layer] if layer >= 0 else "input"))
        works.append(own.kind if own else kind)
    table["node"] = names
    table.insert([*table.columns].index("node"), "work", works)
