"""Who says so: status and source of every value of a description."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from twin.algorithms.registry import own_tables
from twin.config.origins import COMMAND_LINE, SET_SOURCE, split
from twin.config.part import KeyPath, Part, dotted, leaves
from twin.config.sources import source_key
from twin.descriptions.algorithms import Algorithms

CONSTANTS = frozenset(
    {
        "training",
        "device",
        "calibration",
        "init",
        "mapping",
        "programming",
        "timing",
        "algorithms",
        "extraction",
        "statistics",
    }
)
"""Tables of a workload whose values decide time, energy or accuracy; `data` and `network` are what is trained."""

UNSAID = "assumption: chosen in the workload, which names no source"


def cited(model: Part, origins: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return status and source of every value that has some, by dotted key.

    A chip, a memory and a baseline say so of every value themselves. Of a workload every constant has a status: that
    of its ``[sources]``, for a default that of ``defaults.toml``, else it is an assumption.
    """
    own = vars(model)
    given: Mapping[str, str] = own.get("sources", {})
    trained = own.get("kind") == "workload"
    measured = {name: vars(one)["measured"] for name, one in own.get("statistics", {}).items()}
    found = {}
    for path, owner, name, value in leaves(model):
        key = dotted(path)
        if path[0] == "statistics" and len(path) > 1 and measured[str(path[1])]:
            text: str | None = given.get(key) or f"L: counted in the run {measured[str(path[1])]}"
        else:
            text = _covering(key, given)
            if trained and path[0] in CONSTANTS:
                text = of_constant(key, given, origins, usual=_is_default(path, owner, name, value))
            elif trained and origins.get(key) == "default":  # keys of other kinds of data and layers
                text = given.get(key)
        if text is not None:
            found[key] = split(text)
    return found


def of_constant(key: str, given: Mapping[str, str], origins: Mapping[str, str], *, usual: bool = False) -> str:
    """Return status and source of a constant of a workload as one text; `usual` where it is the default's value."""
    origin = origins.get(key, "default")
    if origin == "default":
        return given.get(key) or default_source(key) or UNSAID
    if origin == COMMAND_LINE:
        return _covering(key, given) or SET_SOURCE
    return _covering(key, given) or (default_source(key) if usual else None) or UNSAID


def _is_default(path: KeyPath, owner: Part, name: str, value: object) -> bool:
    if path[0] == "algorithms":
        return (dotted(path), value) in _algorithms()
    return bool(type(owner).model_fields[name].default == value)


@cache
def _algorithms() -> list[tuple[str, object]]:
    """Return the defaults of all hyper-parameters, by dotted key: tables have others than the models they are of."""
    return [(dotted(("algorithms", *path)), value) for path, _, _, value in leaves(Algorithms())]


def default_source(key: str) -> str | None:
    """Return who says so of a workload's default: of its own key or table, or of that of any algorithm."""
    exact = _covering(key, defaults())
    table, _, rest = key.partition(".")
    setting = rest.partition(".")[2]
    return exact or (_covering(f"{table}.any.{setting}", defaults()) if table == "algorithms" and setting else None)


@cache
def defaults() -> dict[str, str]:
    """Return the sources of the defaults of a workload, by dotted key: our own, and what tables of algorithms say."""
    said = {
        dotted(("algorithms", name, key)): source
        for name, (table, _) in own_tables().items()
        for key, source in table.sources.items()
    }
    text = files("twin.config").joinpath("defaults.toml").read_text(encoding="utf-8")
    found: dict[str, str] = tomllib.loads(text)["sources"]
    return found | said


def _covering(key: str, given: Mapping[str, str]) -> str | None:
    covering = source_key(key, given)
    return given[covering] if covering is not None else None
