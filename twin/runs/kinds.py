"""What a workload's kind decides about its runs: trained ones perform numerics, timed ones take statistics for them.

Nothing else asks what a workload is: a kind is chosen once, where the workload is named.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from twin.config.options import Options, declared
from twin.errors import TwinError
from twin.runs.modes import check_mode
from twin.runs.protocol import AfterEpoch, Progress, Run, RunKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from twin.runs.plan import Plan
    from twin.runs.roofline import Load


class Trained:
    """A network that is trained."""

    algorithms: tuple[str, ...] = ("digital", "sgd", "shd", "ttv2")
    kernels: bool = True

    def overrides(self, options: Options) -> dict[str, str]:
        """As `RunKind.overrides`."""
        values = _given(
            {
                "training.epochs": options.epochs,
                "training.seed": options.seed,
                "training.in_flight": options.in_flight,
                "data.samples": options.samples,
            }
        )
        values |= _device(options)
        if options.sampled is not None:
            values["timing.mode"] = '"sampled"' if options.sampled else '"exact"'
        if options.endurance:
            values["training.endurance"] = "true"
        return values

    def check_mode(self, plan: "Plan") -> None:
        """As `RunKind.check_mode`."""
        check_mode(plan.request, plan.trained)

    def check(self, plans: "Sequence[Plan]") -> None:
        """As `RunKind.check`."""
        from twin.runs.build import check  # noqa: PLC0415 - NumPy and kernels

        data = None
        for plan in plans:
            data = check(plan, data).data

    def start(self, plan: "Plan", folder: Path, progress: Progress, after_epoch: AfterEpoch | None) -> Run:
        """As `RunKind.start`."""
        from twin.runs.trained import TrainedRun  # noqa: PLC0415 - NumPy and kernels

        return TrainedRun(plan, folder, progress, after_epoch)

    def loads(self, plan: "Plan") -> "Iterator[Load]":
        """As `RunKind.loads`."""
        from twin.data import load  # noqa: PLC0415
        from twin.runs.networks import network_of  # noqa: PLC0415
        from twin.runs.roofline import network_load  # noqa: PLC0415

        workload = plan.trained
        data = load(workload.data, workload.training.seed, workload.network.steps)
        network = network_of(workload, data)
        yield from network_load(network, [1] * len(network.layers))


class Timed:
    """A network that is timed, with statistics for its numerics."""

    algorithms: tuple[str, ...] = ("sgd", "shd", "ttv2")  # beside baselines, not a digital run
    kernels: bool = False

    def overrides(self, options: Options) -> dict[str, str]:
        """As `RunKind.overrides`."""
        for name, (_, option, default) in declared().items():
            value = getattr(options, name)
            if option.of_training and value != default:
                rule = f"is about training, but the workload {options.workload} is only timed; leave it out"
                raise TwinError(f"{option.flag(name, value)}: {rule}")
        values = _given({"timing.samples": options.samples, "training.in_flight": options.in_flight})
        return values | _device(options)

    def check_mode(self, plan: "Plan") -> None:
        """As `RunKind.check_mode`: statistics depend on no schedule."""

    def check(self, plans: "Sequence[Plan]") -> None:
        """As `RunKind.check`."""
        from twin.runs.timed import build_timed  # noqa: PLC0415 - NumPy

        for plan in plans:
            build_timed(plan)

    def start(self, plan: "Plan", folder: Path, progress: Progress, after_epoch: AfterEpoch | None) -> Run:
        """As `RunKind.start`; it has no epochs."""
        del after_epoch
        from twin.runs.timed import TimedRun  # noqa: PLC0415 - NumPy

        return TimedRun(plan, folder, progress)

    def loads(self, plan: "Plan") -> "Iterator[Load]":
        """As `RunKind.loads`."""
        from twin.runs.roofline import network_load  # noqa: PLC0415
        from twin.runs.sections import sectioned  # noqa: PLC0415

        laid = sectioned(plan.trained, folded=True)
        yield from network_load(laid.network(), laid.times)


def _device(options: Options) -> dict[str, str]:
    return {"device": f"{{preset = {json.dumps(options.device)}}}"} if options.device else {}


def _given(named: "Mapping[str, int | None]") -> dict[str, str]:
    """Return those that were given, as TOML values."""
    return {key: str(value) for key, value in named.items() if value is not None}


TRAINED: RunKind = Trained()
TIMED: RunKind = Timed()
