"""What every run does, and what every kind of workload decides about its runs."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from twin.config.options import Options
    from twin.results.result import RunResult
    from twin.runs.plan import Plan
    from twin.runs.roofline import Load

Progress = Callable[[int, int], None]


class CurveRow(NamedTuple):
    """The learning curve after an epoch; errors are fractions, of a regression losses."""

    epoch: float
    samples: float
    time_s: float
    train_loss: float
    test_loss: float
    test_error: float


AfterEpoch = Callable[[CurveRow], object]


class Run(Protocol):
    """A run that is built, or restored from its checkpoint."""

    def advance(self) -> None:
        """Go through all samples that are left."""

    def result(self, command: str) -> "RunResult":
        """Return what came of it; `command` is what repeats it."""

    def close(self) -> None:
        """Remove what only an unfinished run needs."""


class RunKind(Protocol):
    """One kind of workload.

    Attributes
    ----------
    algorithms : tuple of str
        What is compared where nobody says.
    kernels : bool
        Whether its runs call compiled kernels.
    """

    algorithms: tuple[str, ...]
    kernels: bool

    def overrides(self, options: "Options") -> dict[str, str]:
        """Return dotted key -> TOML value of what options of a command set; raises TwinError for what it has not."""

    def check_mode(self, plan: "Plan") -> None:
        """Raise TwinError where the plan's mode cannot run it; imports no kernels."""

    def check(self, plans: "Sequence[Plan]") -> None:
        """Raise TwinError for what is wrong with plans of one workload; their data are loaded once."""

    def start(self, plan: "Plan", folder: Path, progress: Progress, after_epoch: AfterEpoch | None) -> Run:
        """Build a run, or restore it from the checkpoint in its folder."""

    def loads(self, plan: "Plan") -> "Iterator[Load]":
        """Give what each layer of the workload asks of a digital accelerator."""
