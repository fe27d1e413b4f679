"""Discrete-event digital twin of analog in-memory training chips.

>>> import twin
>>> runs = twin.compare("digits-mlp", ["sgd", "ttv2"])   # trains, and times on the chip
>>> runs.table[["test_error", "samples_per_s"]]          # pandas; units stand in runs.units

Names below are loaded when they are first used, so that ``import twin`` takes no time.
"""

from typing import TYPE_CHECKING, Any

from twin.errors import TwinError
from twin.version import __version__ as __version__

if TYPE_CHECKING:
    from twin.api.comparison import Comparison
    from twin.api.devices import FittedDevice, fit_device
    from twin.api.extraction import extract
    from twin.api.inference import Inferred, infer
    from twin.api.names import available, describe
    from twin.api.result import RunResult
    from twin.api.runs import compare, load, simulate
    from twin.api.sweeps import SweepResult, run_sweep

__all__ = [
    "Comparison",
    "FittedDevice",
    "Inferred",
    "RunResult",
    "SweepResult",
    "TwinError",
    "available",
    "compare",
    "describe",
    "extract",
    "fit_device",
    "infer",
    "load",
    "run_sweep",
    "simulate",
]

_PLACES = {
    "Comparison": "twin.api.comparison",
    "FittedDevice": "twin.api.devices",
    "Inferred": "twin.api.inference",
    "RunResult": "twin.api.result",
    "SweepResult": "twin.api.sweeps",
    "available": "twin.api.names",
    "compare": "twin.api.runs",
    "describe": "twin.api.names",
    "extract": "twin.api.extraction",
    "fit_device": "twin.api.devices",
    "infer": "twin.api.inference",
    "load": "twin.api.runs",
    "run_sweep": "twin.api.sweeps",
    "simulate": "twin.api.runs",
}


def __getattr__(name: str) -> Any:
    """Load a public name where it is first used (PEP 562)."""
    if name not in _PLACES:
        raise AttributeError(f"module 'twin' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PLACES])
