"""Crosspoint device families (one file each), their registry and the presets with their sources."""

from twin.devices.family import Affine, DeviceFamily
from twin.devices.presets import Preset, describe, device_preset, preset_names
from twin.devices.registry import family_names, family_of
from twin.devices.response import PulseResponse

__all__ = [
    "Affine",
    "DeviceFamily",
    "Preset",
    "PulseResponse",
    "describe",
    "device_preset",
    "family_names",
    "family_of",
    "preset_names",
]
