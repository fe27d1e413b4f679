"""Layers onto arrays, arrays onto tiles."""

from twin.mapping.mapping import Mapping, Part, TileInstance, map_layers

__all__ = ["Mapping", "Part", "TileInstance", "map_layers"]
