"""Algorithms by name: built-ins and plug-ins (entry points of group "twin.algorithms") by the same door."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.tables import Table
from twin.config.part import Part
from twin.config.resources import suggestion
from twin.console import say
from twin.errors import TwinError, one_line

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
        "digital-shd": "twin.algorithms.digital_shd:DigitalSHD",
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


@cache
def own_tables() -> dict[str, tuple[type[Table], str]]:
    """Return the model of each table of settings and what it is of, by algorithm.

    An algorithm of others that cannot be loaded is named and left out: the runs of all the rest go on.
    """
    found = {}
    for entry in _entries():
        try:
            made: type[Algorithm] = entry.load()
            made.options and made.options()
        except Exception as error:
            if entry in BUILT_IN:
                raise
            say(f"algorithm {entry.name} ({entry.value}) cannot be loaded: {one_line(str(error))}")
            continue
        if made.options is not None:
            found[entry.name] = made.options, (made.__doc__ or "").partition("\n")[0]
    return found


def settings_table(name: str, config: Part) -> Table:
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


def make_algorithm(name: str, config: Part) -> Algorithm:
    """Return the algorithm with the structure its workload table asks for."""
    return algorithm_class(name).of(settings_table(name, config))
