"""What a configuration becomes: values of a workload and of its chip, each with the line it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any, NamedTuple

from twin.imports.aihwkit.settings import Report, Settings


class Base(NamedTuple):
    """What a configuration does not say of a training, as far as its values depend on it.

    Attributes
    ----------
    learning_rate : float
        Of the optimiser.
    batch : int
        Samples of a mini-batch.
    biased : bool
        Whether a layer of the network has biases.
    repeated : bool
        Whether a layer is used several times a sample, as a convolution is.
    unrolled : bool
        Whether its biases cannot be digital: those of recurrent layers on symbols.
    """

    learning_rate: float
    batch: int = 1
    biased: bool = False
    repeated: bool = False
    unrolled: bool = False


@dataclass
class Found:
    """The values of a workload by dotted key, each with its line.

    Attributes
    ----------
    report : Report
    base : Base
    values, lines : dict
        By dotted key: ``"algorithms.sgd.update.desired_bl"``, ``"device.dw_min"``; a key that begins with ``chip.`` is
        one of the chip.
    assumed : dict of str to str
        Values that no configuration of aihwkit has, with the reason for the chosen one.
    also : dict of str to str
        What else went into a value, by key.
    algorithm : str
        The twin's name of the algorithm.
    """

    report: Report
    base: Base
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    assumed: dict[str, str] = field(default_factory=dict)
    also: dict[str, str] = field(default_factory=dict)
    algorithm: str = ""

    def put(self, key: str, value: Any, line: int) -> None:
        """Enter a value and the line of the configuration that has it."""
        self.values[key], self.lines[key] = value, line

    def put_all(self, table: str, values: Mapping[str, tuple[Any, int]]) -> None:
        """Enter the values of a table, each with its line."""
        for key, (value, line) in values.items():
            self.put(f"{table}.{key}", value, line)

    def assume(self, key: str, value: Any, reason: str) -> None:
        """Enter a value that the configuration does not have."""
        self.values[key], self.assumed[key] = value, reason

    def updates(self, cell: Settings, key: str) -> int:
        """Return a number of updates of a layer, where aihwkit may count in mini-batches.

        A layer that is used several times a sample is updated as often, which is listed.
        """
        every = max(0.0, cell.number(key))
        counted = cell.flag("units_in_mbatch")
        if counted and every and self.base.repeated:
            cell.lose("units_in_mbatch", f"{key} counts updates of a layer, {self.base.batch} a mini-batch")
        whole = ceil(every * self.base.batch) if counted else round(every)
        if not counted and whole != every:
            cell.lose(key, str(whole))
        return whole

    def source(self, key: str) -> str:
        """Say where a value comes from, with its status."""
        if key in self.assumed:
            return f"assumption: {self.assumed[key]}"
        more = f", {self.also[key]}" if key in self.also else ""
        return f"S: {self.origin(key)}{more}"

    def origin(self, key: str) -> str:
        """Name the line of the configuration that a value comes from; empty for an assumption."""
        return f"aihwkit, line {self.lines[key]}" if key in self.lines else ""
