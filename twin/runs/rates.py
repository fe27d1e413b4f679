"""When the rates of a run change."""

from collections.abc import Callable

from twin.algorithms.batches import Batches
from twin.descriptions.workload import Training
from twin.errors import TwinError


def rates_of(training: Training, batches: Batches) -> Callable[[int], float] | None:
    """Return the factor of all rates by step; None where it only changes between epochs."""
    if training.schedule is None or training.schedule.per == "epoch":
        return None
    total = training.epochs * batches.steps
    return lambda step: training.factor(step, total)


def check_schedule(training: Training, steps: int) -> None:
    """Raise TwinError where a warm-up does not end before the run of so many steps."""
    schedule = training.schedule
    if schedule is None:
        return
    total = steps if schedule.per == "step" else training.epochs
    if schedule.warmup >= total:
        raise TwinError(
            f"training.schedule.warmup (= {schedule.warmup}): must be less than the {total} {schedule.per}s of the "
            "run; shorten it or train longer"
        )
