"""Options, each declared once: what it is called, its type, default, rule and meaning.

The command line makes its parameters of them (`twin.cli.options`), studies the keys of ``[[runs]]``; the functions of
Python spell them out for editors, and a test holds those against what stands here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_type_hints

from annotated_types import Ge, Le

from twin.errors import TwinError

Interval = Literal["t-95", "standard-error", "standard-deviation", "min-max"]
"""What is drawn about the mean of several seeds: its 95 % t interval or standard error, or how far the seeds lie."""


@dataclass(frozen=True, slots=True)
class Option:
    """What an option means, and how the command line takes it.

    Attributes
    ----------
    meaning : str
        Sentences that hold wherever the option can be given.
    unset : str
        What its empty value stands for.
    line : str
        The sentence for the command line where it is another.
    flags : tuple of str
        Names on the command line; empty: its own.
    metavar : str
        What stands for its value in the help; empty: its type.
    argument : bool
        It is given by its place on the command line, not by a flag.
    listed : bool
        The command line takes several names separated by commas.
    of_training : bool
        It is about training: a network that is only timed has none.
    """

    meaning: str
    unset: str = ""
    line: str = ""
    flags: tuple[str, ...] = ()
    metavar: str = ""
    argument: bool = False
    listed: bool = False
    of_training: bool = False

    def says(self, default: object, *, on_line: bool = False) -> str:
        """Return what it means, where `default` is its default; `on_line` as the help of a command has it."""
        if on_line and self.line:
            return self.line
        listed = ", comma separated" if on_line and self.listed else ""
        unset = f" (default: {self.unset})" if self.unset and not default else ""
        return f"{self.meaning[:-1]}{listed}{unset}."

    def flag(self, name: str, value: object = None) -> str:
        """Return what gives this value, or any, to the option of this name on the command line."""
        yes, _, no = (self.flags or (f"--{name.replace('_', '-')}",))[0].partition("/")
        return no if no and value is False else yes


Workload = Annotated[
    str, Option("A workload of `twin list`, or a path to a TOML file; an ONNX file is timed.", argument=True)
]
Chip = Annotated[str, Option("A chip of `twin list`, or a path to a TOML file.")]
Algorithm = Annotated[str, Option("The algorithm that trains the network, one of `twin list`.")]
Algorithms = Annotated[
    tuple[str, ...],
    Option("Algorithms.", unset="digital, sgd, shd, ttv2; timing only: no digital", listed=True),
]
Layout = Annotated[str, Option("A layout of `twin list`, or a path to a TOML file.", unset="the algorithm's first")]
Layouts = Annotated[tuple[str, ...], Option("Layouts.", unset="those of each algorithm", listed=True)]
Seed = Annotated[int | None, Ge(0), Option("Seed instead of the workload's.", of_training=True)]
Mode = Annotated[
    Literal["replayed", "coupled"],
    Option("coupled: effects happen in event order; replayed: ahead of the engine, faster.", of_training=True),
]
Overrides = Annotated[
    tuple[str, ...],
    Option("Replace a value of the workload, or of the chip with `chip.KEY`.", flags=("--set",), metavar="KEY=VALUE"),
]
Baselines = Annotated[
    tuple[str, ...], Option("Digital accelerators of `twin list` as rooflines.", flags=("--baseline",), listed=True)
]
Batch = Annotated[int | None, Ge(1), Option("Samples a step of every baseline.")]
Out = Annotated[
    Path | None, Option("A folder for the results.", line="A new folder for the results (default: below runs/).")
]
Jobs = Annotated[int, Ge(1), Le(1024), Option("Processes; results do not depend on it.", flags=("--jobs", "-j"))]
Retry = Annotated[bool, Option("Run again what failed or was killed.")]
FigureSeed = Annotated[int, Ge(0), Option("Seed of all that is drawn.")]
FigureSweep = Annotated[str, Option("For lee-2022-fig7 to -fig9: another sweep with the same axes, by name or path.")]
FigureInterval = Annotated[
    Interval | None, Option("What bands about means show, where a figure has some.", unset="the figure's own")
]


@dataclass(frozen=True)
class Options:
    """What is asked of a comparison or a run: `twin compare` and `twin run` take these, as do their like in Python."""

    workload: Workload = "digits-mlp"
    chip: Chip = "aimc-512"
    layouts: Layouts = ()
    algorithms: Algorithms = ()
    device: Annotated[str, Option("A device preset of `twin list` instead of the workload's.")] = ""
    epochs: Annotated[int | None, Ge(1), Option("Epochs instead of the workload's.", of_training=True)] = None
    seed: Seed = None
    samples: Annotated[int | None, Ge(0), Option("At most so many training samples an epoch; 0: all.")] = None
    in_flight: Annotated[int | None, Ge(1), Option("Samples under way at once.")] = None
    mode: Mode = "replayed"
    sampled: Annotated[
        bool | None,
        Option(
            "Time windows of samples, or every one, whatever the workload says.",
            flags=("--sampled/--exact",),
            of_training=True,
        ),
    ] = None
    endurance: Annotated[bool, Option("Count the pulses of every device and report them.", of_training=True)] = False
    timing_only: Annotated[
        bool, Option("Time the network and train nothing: statistics stand for the numerics (docs/timing-only.md).")
    ] = False
    trace: Annotated[
        str,
        Option("Leave a Perfetto trace of COUNT samples from number FIRST on (extra `trace`).", metavar="FIRST:COUNT"),
    ] = ""
    events: Annotated[bool, Option("Leave every operation in events.parquet (extra `parquet`).")] = False
    pulses: Annotated[
        str,
        Option(
            "Leave the pulses of every device in COUNT samples from number FIRST on in pulses.csv.",
            metavar="FIRST:COUNT",
            of_training=True,
        ),
    ] = ""
    overrides: Overrides = ()
    baselines: Baselines = ()
    batch: Batch = None
    out: Out = None
    jobs: Jobs = 1

    @property
    def workload_overrides(self) -> dict[str, str]:
        """Dotted key to TOML value for the workload, of `overrides` alone."""
        return {key: value for key, value in self._pairs() if not key.startswith("chip.")}

    @property
    def chip_overrides(self) -> dict[str, str]:
        """Dotted key to TOML value for the chip."""
        return {key.removeprefix("chip."): value for key, value in self._pairs() if key.startswith("chip.")}

    def _pairs(self) -> Iterator[tuple[str, str]]:
        for text in self.overrides:
            key, equals, value = text.partition("=")
            if not equals or not key.strip():
                raise TwinError(f"--set (= {text}): must read KEY=VALUE, e.g. --set training.epochs=3")
            yield key.strip(), value.strip()


class Declared(NamedTuple):
    """An option of `Options`: its annotated type, what it means, and its default."""

    annotation: Any
    option: Option
    default: Any


@cache
def declared() -> dict[str, Declared]:
    """Return what `Options` declares, by name."""
    hints = get_type_hints(Options, include_extras=True)
    return {
        one.name: Declared(hints[one.name], hints[one.name].__metadata__[-1], one.default) for one in fields(Options)
    }


def option_of(annotation: Any) -> Option | None:
    """Return the option that a type is annotated with."""
    return next((item for item in getattr(annotation, "__metadata__", ()) if isinstance(item, Option)), None)
