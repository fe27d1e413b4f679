"""What of its descriptions a run did not use, and what it used that they do not say."""

from twin.algorithms.registry import algorithm_class, algorithm_names
from twin.config.origins import COMMAND_LINE
from twin.config.resources import FOLDERS
from twin.results.result import NO_EFFECT
from twin.runs.plan import Plan

DIGITAL = "digital"


def unused(plan: Plan) -> list[str]:
    """Return a warning for each key that had no effect, and one where the algorithm runs on defaults."""
    return [*_undescribed(plan), *(f"{key} {NO_EFFECT}" for key in without_effect(plan))]


def without_effect(plan: Plan) -> list[str]:
    """List what the user set and nothing read.

    A shipped description holds what other runs need too, and a file holds the tables of other algorithms.
    """
    other = [f"algorithms.{name}." for name in algorithm_names() if name != plan.algorithm]
    origins = plan.workload.origins
    own = [f"chip.{key}" for key in plan.chip.without_effect() if _by_user(plan.chip.origins[key])]
    own += [
        key
        for key in plan.workload.without_effect()
        if origins[key] == COMMAND_LINE or (_by_user(origins[key]) and not key.startswith(tuple(other)))
    ]
    return own


def _undescribed(plan: Plan) -> list[str]:
    """Say that the algorithm runs on defaults where the workload has the tables of others only.

    The table of digital training is passed over where there are more: imported workloads have it from their base.
    """
    wanted = algorithm_class(plan.algorithm).table or plan.algorithm
    keys = [key.split(".") for key, origin in plan.workload.origins.items() if origin != "default"]
    empty = [name for name, table in plan.workload.tables.get("algorithms", {}).items() if not table]
    described = list(dict.fromkeys([*(key[1] for key in keys if key[0] == "algorithms"), *empty]))
    named = [name for name in described if name != DIGITAL] or described
    if not named or wanted in described:
        return []
    tables = ", ".join(f"[algorithms.{name}]" for name in named)
    rule = f"{plan.algorithm} runs on the defaults of its table"
    return [f"the workload has {tables}; {rule}: name --algorithm {' or '.join(named)}, or add [algorithms.{wanted}]"]


def _by_user(origin: str) -> bool:
    return not origin.startswith(tuple(FOLDERS.values()))
