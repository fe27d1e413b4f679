"""The network of a workload on its data, which must have what the network gives."""

from typing import TYPE_CHECKING

from twin.errors import TwinError
from twin.networks.network import Network

if TYPE_CHECKING:
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
    given, wanted = network.layers[-1].n_out, data.outputs
    if given != wanted:
        place = f"network.layers.{len(workload.network.layers) - 1}.outputs (= {given})"
        what = "classes" if data.classes else "values to fit"
        raise TwinError(f"{place}: must be {wanted}, as {data.facts.get('name', 'the data')} has {wanted} {what}")
    return network
