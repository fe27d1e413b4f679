"""What is to be run: a request by name, the plan that its descriptions make of it, and the folder it goes to."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from twin.config.chip import Chip
from twin.config.layout import Layout
from twin.config.loaded import Loaded
from twin.config.options import Mode
from twin.descriptions.resolved import resolved_toml
from twin.descriptions.workload import Workload
from twin.version import __version__

FILES = ("chip.toml", "layout.toml", "workload.toml")
COMPARISON = "comparison.json"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One run, by name, as ``run.json`` keeps it; everything else follows from the described files.

    Attributes
    ----------
    workload, chip, layout : str
        Shipped name or path.
    algorithm : str
    mode : "replayed" or "coupled"
    workload_overrides, chip_overrides : dict
        Dotted key -> TOML value.
    trace : str
        Samples to trace, ``"FIRST:COUNT"``; empty for none. Like `events` it changes no result.
    events : bool
        Leave every operation in ``events.parquet``.
    timing_only : bool
        Time the network and train nothing.
    pulses : str
        Samples whose pulses are written out, ``"FIRST:COUNT"``; empty for none. It changes no result either.
    """

    workload: str
    chip: str
    layout: str
    algorithm: str
    mode: Mode = "replayed"
    workload_overrides: dict[str, str] = field(default_factory=dict)
    chip_overrides: dict[str, str] = field(default_factory=dict)
    trace: str = ""
    events: bool = False
    timing_only: bool = False
    pulses: str = ""


@dataclass(frozen=True, eq=False)
class Plan:
    """One run with its three descriptions, loaded and checked: all that is needed to build it.

    Attributes
    ----------
    request : RunRequest
        What was asked for.
    chip, layout, workload : Loaded
        Of this run alone: what it reads of them is noted there.
    ruled : mapping of int to Chip
        By rule of the workload the chip as it is for the tiles of its nodes, where their devices or io differ.
    """

    request: RunRequest
    chip: Loaded[Chip]
    layout: Loaded[Layout]
    workload: Loaded[Workload]
    ruled: Mapping[int, Chip] = field(default_factory=dict)

    @property
    def algorithm(self) -> str:
        """The algorithm's name."""
        return self.request.algorithm

    @property
    def mode(self) -> Mode:
        """How effects and clock go together."""
        return self.request.mode

    @property
    def trained(self) -> Workload:
        """The workload's model."""
        return self.workload.model

    def chip_of(self, rule: int) -> Chip:
        """Return the chip as it is for the tiles of a rule's nodes; -1: of those without a rule."""
        return self.ruled.get(rule, self.chip.model)

    @property
    def only_timed(self) -> bool:
        """Whether nothing is trained: as was asked for, or for want of data."""
        return self.request.timing_only or self.workload.model.data.set == "none"

    @property
    def name(self) -> str:
        """The run's name within a comparison, e.g. "ttv2 four-array"."""
        layout = self.layout.model.name
        return self.algorithm if layout == self.algorithm else f"{self.algorithm} {layout}"

    @cached_property
    def texts(self) -> dict[str, str]:
        """The resolved descriptions as TOML, by file name."""
        loaded: tuple[Loaded[Any], ...] = (self.chip, self.layout, self.workload)
        return {name: resolved_toml(one) for name, one in zip(FILES, loaded, strict=True)}

    @cached_property
    def id(self) -> str:
        """The content hash of everything that decides the run's result."""
        values = {name: _values(text) for name, text in self.texts.items()}
        content: dict[str, Any] = {"version": __version__, "algorithm": self.algorithm, "mode": self.mode, **values}
        if self.only_timed:
            content["timing_only"] = True
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def document(self) -> str:
        """Return all descriptions as one text, each below the name of its file."""
        return "\n".join(f"# {name}\n{text}" for name, text in self.texts.items())


@lru_cache(maxsize=64)
def _values(text: str) -> dict[str, Any]:
    """Return the values of a resolved description; who set them and why changes no result."""
    import tomllib  # noqa: PLC0415

    found = tomllib.loads(text)
    found.pop("sources", None)
    device = found.get("device", {})
    for one in (device, *device.get("matrices", {}).values()):
        one.pop("described", None)  # the name of a file whose values stand beside it
    return found
