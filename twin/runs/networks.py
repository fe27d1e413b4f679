"""The network of a workload on its data, which must have what the network gives."""

from pathlib import Path
from typing import TYPE_CHECKING

from twin.config.data import SHAPES
from twin.config.part import dotted
from twin.errors import TwinError
from twin.networks.given.files import read_tensors
from twin.networks.given.fit import Given, fit
from twin.networks.graph import Graph
from twin.networks.lowering import Lowering
from twin.networks.network import Network
from twin.results.result import UNITS

if TYPE_CHECKING:
    import pandas as pd

    from twin.config.optimiser import Optimiser
    from twin.data import Dataset
    from twin.descriptions.workload import Workload


def network_of(workload: "Workload", data: "Dataset") -> Network:
    """Return the network of a workload.

    Raises
    ------
    TwinError
        Where it does not fit the data, e.g. has more outputs than they have classes.
    """
    network = Network.from_config(workload.network, data.shape, len(data.symbols))
    given, wanted = network.outputs, data.outputs
    if given != wanted:
        last = list(workload.network.listed())[-1]
        place = dotted(("network", *last.at))
        place = f"{place}.outputs (= {given})" if "outputs" in vars(last.node) else f"{place} ({given} values)"
        what = "classes" if data.classes else "values to fit"
        raise TwinError(f"{place}: must be {wanted}, as {data.facts.get('name', 'the data')} has {wanted} {what}")
    return network


def optimiser_of(workload: "Workload", network: Network, *, matrices: bool = False) -> "Optimiser | None":
    """Return how the digital parameters of a network learn; None where it has none and no digital `matrices`.

    Raises
    ------
    TwinError
        Where it has some and the workload does not say how they learn.
    """
    learnt = [node.name for node in network.flow.nodes if node.parameters] if network.flow else []
    if not learnt and not matrices:
        return None
    if workload.optimiser is None:
        what = f"node {learnt[0]} has digital parameters" if learnt else "matrices learn by it (optimised = true)"
        raise TwinError(
            f"{workload.name}: optimiser: is missing, and {what}; add a table, e.g. "
            'optimiser = { kind = "sgd", learning_rate = 0.01 }'
        )
    return workload.optimiser


def given_of(workload: "Workload", data: "Dataset") -> Given | None:
    """Return the weights that the workload's file has for its network; None where they are drawn.

    Raises
    ------
    TwinError
        Where the file cannot be read, or has other tensors than the network.
    """
    if not workload.init.file:
        return None
    file = Path(workload.init.file)
    found = read_tensors(file, workload.network.reading)
    graph = Graph.of(workload.network, data.shape, len(data.symbols))
    return fit(graph, found.tensors, f"init.file (= {file})", found.sha256)


def nodes_of(workload: "Workload", data: "Dataset") -> "pd.DataFrame | None":
    """Return the table of nodes of a network that has digital nodes, None of one that is a chain of layers."""
    import pandas as pd  # noqa: PLC0415

    if len(data.symbols) and workload.network.unrolled:
        return None
    graph = Graph.of(workload.network, data.shape, len(data.symbols))
    lowering = Lowering(graph)
    flow = lowering.flow()
    if flow is None:
        return None
    hosts = lowering.hosts(flow)
    rows = [
        (row.name, row.kind, " ".join(row.inputs), row.shape, row.parameters, row.uses, hosts[row.name])
        for row in graph.rows()
    ]
    return pd.DataFrame(rows, columns=list(UNITS["nodes"]))


def graph_of(workload: "Workload") -> Graph:
    """Return the nodes of a workload's network with their shapes; raises as `sample_of`."""
    return Graph.of(workload.network, *sample_of(workload))


def network_to_time(workload: "Workload") -> Network:
    """Return the network of a workload as it is timed, without its data; raises as `sample_of`."""
    return Network.from_config(workload.network, *sample_of(workload))


def sample_of(workload: "Workload") -> tuple[tuple[int, ...], int]:
    """Return the shape of a sample, and of a text the size of its vocabulary; shapes that are known need no data.

    Raises
    ------
    TwinError
        Where data are needed and missing.
    """
    from twin.data import load  # noqa: PLC0415 - data import NumPy

    given, steps = workload.data, workload.network.steps
    if given.set == "none":
        return ((steps,), given.symbols) if given.symbols else (given.shape, 0)
    if given.set in SHAPES:  # without fetching anything
        return SHAPES[given.set], 0
    data = load(given, workload.training.seed, steps)
    return data.shape, len(data.symbols)
