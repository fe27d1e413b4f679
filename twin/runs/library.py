"""The descriptions that one command names: each is read and parsed once, however many runs share it."""

from collections.abc import Mapping
from typing import Any

from twin.config.loaded import Loaded
from twin.descriptions.electricity import Devices
from twin.descriptions.load import Parsed

Overrides = Mapping[str, str]
_KEPT = 64


class Library:
    """Descriptions by name, path and overrides; every run gets copies of its own, so that its reads are its own."""

    def __init__(self) -> None:
        self._parsed: dict[tuple[str, str], Parsed] = {}
        self._loaded: dict[tuple[str, str, tuple[tuple[str, str], ...], Devices | None], Loaded[Any]] = {}

    def load(
        self, kind: str, name: str, overrides: Overrides | None = None, devices: Devices | None = None
    ) -> Loaded[Any]:
        """Load a chip, layout or workload; parameters and errors are those of `twin.descriptions.load.Parsed.load`."""
        overrides = overrides or {}
        key = (kind, name, tuple(overrides.items()), devices)
        if key not in self._loaded:
            if len(self._loaded) >= _KEPT:  # a sweep has other overrides at every point
                del self._loaded[next(iter(self._loaded))]
            self._loaded[key] = self._of(kind, name).load(kind, overrides, devices)
        return self._loaded[key].fresh()

    def has_data(self, name: str) -> bool:
        """Return whether a workload's file names a data set; mistakes are for `load`."""
        data = self._of("workload", name).data.get("data")
        return not isinstance(data, dict) or data.get("set") != "none"

    def _of(self, kind: str, name: str) -> Parsed:
        if (kind, name) not in self._parsed:
            self._parsed[kind, name] = Parsed.of(kind, name)
        return self._parsed[kind, name]
