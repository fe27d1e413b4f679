"""Algorithms by name: built-ins and plug-ins (entry points of group "twin.algorithms") by the same door."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.shd import SHD
from twin.config import algorithms
from twin.config.algorithms import Algorithms, Table
from twin.config.resources import suggestion
from twin.errors import TwinError

GROUP = "twin.algorithms"
BUILT_IN = tuple(
    EntryPoint(name, value, GROUP)
    for name, value in {
        "digital": "twin.algorithms.digital:Digital",
        "sgd": "twin.algorithms.sgd:SGD",
        "shd": "twin.algorithms.shd:SHD",
        "ttv2": "twin.algorithms.ttv2:TTv2",
        "cttv2": "twin.algorithms.cttv2:CTTv2",
        "agad": "twin.algorithms.agad:AGAD",
        "mixed-precision": "twin.algorithms.mixed_precision:MixedPrecision",
    }.items()
)


@cache
def _entries() -> tuple[EntryPoint, ...]:
    """Entry points of all algorithms, built-ins first; asking every installed package takes 20 ms."""
    return (*BUILT_IN, *entry_points(group=GROUP))


def algorithm_names() -> list[str]:
    """Names of all algorithms, built-ins first."""
    return [entry.name for entry in _entries()]


def algorithm_class(name: str) -> type[Algorithm]:
    """Return the class of an algorithm; raises TwinError for an unknown name."""
    for entry in _entries():
        if entry.name == name:
            loaded: type[Algorithm] = entry.load()
            return loaded
    raise TwinError(f"--algorithms (= {name!r}): no such algorithm{suggestion(name, algorithm_names())}")


def settings_table(name: str, config: Algorithms) -> Table:
    """Return the workload's table with the settings of an algorithm."""
    wanted = algorithm_class(name).table or name
    table: Table | None = getattr(config, wanted.replace("-", "_"), None)
    if table is None:
        tables = [field.alias or key for key, field in type(config).model_fields.items()]
        raise TwinError(
            f"algorithm {name}: the workload has no table algorithms.{wanted}; "
            f"set the class attribute `table` to one of {', '.join(tables)}"
        )
    return table


def make_algorithm(name: str, config: Algorithms) -> Algorithm:
    """Return the algorithm with the structure its workload table asks for."""
    made = algorithm_class(name)
    settings = settings_table(name, config)
    if issubclass(made, SHD):
        if not isinstance(settings, algorithms.SHD):
            raise TwinError(f"algorithm {name}: needs the settings of shd, not {type(settings).__name__}")
        return made(settings.gamma, hadamard=settings.transfer_vectors == "hadamard")
    return made()
