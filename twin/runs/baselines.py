"""Digital accelerators beside a comparison: described, kept in its folder, and put on a roofline when it is done."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from twin.descriptions.load import load_baseline
from twin.descriptions.resolved import resolved_toml
from twin.errors import TwinError
from twin.runs.plan import Plan
from twin.runs.planning import kind_of

if TYPE_CHECKING:
    from twin.results.result import RunResult

BASELINES = "baselines"


def describe_baselines(names: Sequence[str], batch: int | None) -> dict[str, str]:
    """Return the resolved descriptions by name; raises TwinError for an unknown one, or a batch for none."""
    if batch is not None and not names:
        raise TwinError(
            f"--batch (= {batch}): is the batch of baselines; name one with --baseline, e.g. --baseline a100"
        )
    overrides = {} if batch is None else {"batch": str(batch)}
    loaded = [load_baseline(name, overrides) for name in dict.fromkeys(names)]
    return {one.model.name: resolved_toml(one) for one in loaded}


def rooflines(folder: Path, plan: Plan, samples: int) -> "list[RunResult]":
    """Return the baselines kept in a comparison's folder on the workload of one of its plans."""
    from twin.runs.roofline import roofline  # noqa: PLC0415 - pandas

    paths = sorted((folder / BASELINES).glob("*.toml"))
    if not paths:
        return []
    loads = list(kind_of(plan).loads(plan))
    return [roofline(load_baseline(str(path)), plan.workload.model.name, loads, samples) for path in paths]
