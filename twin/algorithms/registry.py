"""Algorithms by name: built-ins and plug-ins (entry points of group "twin.algorithms") by the same door."""

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points

from twin.algorithms.algorithm import Algorithm
from twin.config.resources import suggestion
from twin.config.workload import SHD as SHDConfig
from twin.config.workload import Algorithms
from twin.errors import TwinError

GROUP = "twin.algorithms"
BUILT_IN = tuple(
    EntryPoint(name, value, GROUP)
    for name, value in {
        "digital": "twin.algorithms.digital:Digital",
        "sgd": "twin.algorithms.sgd:SGD",
        "shd": "twin.algorithms.shd:SHD",
        "ttv2": "twin.algorithms.ttv2:TTv2",
    }.items()
)


def algorithm_names() -> list[str]:
    """Names of all algorithms, built-ins first."""
    return [entry.name for entry in (*BUILT_IN, *entry_points(group=GROUP))]


def algorithm_class(name: str) -> Callable[..., Algorithm]:
    """Return the class of an algorithm; raises TwinError for an unknown name."""
    for entry in (*BUILT_IN, *entry_points(group=GROUP)):
        if entry.name == name:
            loaded: Callable[..., Algorithm] = entry.load()
            return loaded
    raise TwinError(f"--algorithms (= {name!r}): no such algorithm{suggestion(name, algorithm_names())}")


def make_algorithm(name: str, config: Algorithms) -> Algorithm:
    """Return the algorithm with the structure its workload table asks for."""
    settings = getattr(config, name, None)
    if isinstance(settings, SHDConfig):
        return algorithm_class(name)(settings.gamma, hadamard=settings.transfer_vectors == "hadamard")
    return algorithm_class(name)()
