"""What a layer's matrix is on: the algorithm that learns it, and the arrays and devices that hold it."""

from collections.abc import Mapping
from dataclasses import dataclass

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.settings import Settings, Update
from twin.config.layout import Layout
from twin.config.tile import Tile
from twin.config.weights import WeightMapping
from twin.devices.family import DeviceFamily


@dataclass(frozen=True, slots=True)
class Design:
    """One layer's part of a design; in most runs that of all layers.

    Attributes
    ----------
    algorithm : Algorithm
    settings : Settings
    layout : Layout
    devices : mapping of str to DeviceFamily
        By matrix of the layout.
    tile : Tile
        What its arrays lie on.
    mapped : WeightMapping
        How network weights become those of devices.
    spread : bool
        Whether the scale follows from the first weights, whatever `mapped` says.
    rule : int
        Number of the workload's rule that decides so; -1 for none.
    """

    algorithm: Algorithm
    settings: Settings
    layout: Layout
    devices: Mapping[str, DeviceFamily]
    tile: Tile
    mapped: WeightMapping
    spread: bool = False
    rule: int = -1

    @property
    def analog(self) -> bool:
        """Whether the network's weights are on arrays."""
        return not self.layout.matrices[self.algorithm.main].digital

    @property
    def device(self) -> DeviceFamily | None:
        """The devices of the main matrix; None where it is digital."""
        return self.devices[self.algorithm.main] if self.analog else None

    @property
    def calibrated(self) -> list[str]:
        """The algorithm's matrices at whose symmetry points references are set."""
        sources = {reference.symmetry_point_of for reference in self.layout.references.values()}
        return sorted(sources & set(self.algorithm.matrices))

    def update_of(self, matrix: str) -> Update:
        """Return how a matrix is pulsed."""
        slow = self.settings.transfer_update
        return slow if slow is not None and matrix == self.algorithm.main else self.settings.update
