"""Arguments of Python as the command line has them, and its errors in Python's words."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from twin.config.origins import COMMAND_LINE
from twin.descriptions.resolved import toml_text
from twin.errors import TwinError
from twin.runs.options import Options

Overrides = Mapping[str, Any]
WORDS = {
    "--mode coupled": 'mode="coupled"',
    "--exact": "sampled=False",
    "--sampled": "sampled=True",
    "--set": "overrides",
    "--baseline": "baselines",
    f"{COMMAND_LINE}:": "overrides:",
}
_OPTION = re.compile(r"(?<![\w-])--([a-z]+(?:-[a-z]+)*)")


@contextmanager
def in_words_of_python() -> Iterator[None]:
    """Let errors name arguments where the command line has options: ``in_flight`` for ``--in-flight``."""
    try:
        yield
    except TwinError as error:
        text = str(error)
        for option, argument in WORDS.items():
            text = re.sub(rf"{re.escape(option)}(?![\w-])", argument, text)
        raise TwinError(_OPTION.sub(lambda found: found[1].replace("-", "_"), text)) from None


def pairs(overrides: Overrides | None) -> list[str]:
    """Return ``KEY=VALUE`` of every override, the value as in TOML; text is given as it is, e.g. ``"5 ns"``.

    Raises
    ------
    TwinError
        When a value is none that TOML has.
    """
    found = []
    for key, value in (overrides or {}).items():
        try:
            found.append(f"{key}={toml_text(value)}")
        except TwinError:
            raise TwinError(
                f"overrides: {key} (= {value!r}): must be text, a number, True, False, a list or a dict"
            ) from None
    return found


def names(given: str | Sequence[str], argument: str) -> list[str]:
    """Return names from a sequence, or from the comma-separated text that the command line takes.

    Raises
    ------
    TwinError
        When one of them is no text.
    """
    found = given.split(",") if isinstance(given, str) else list(given)
    wrong = next((name for name in found if not isinstance(name, str)), None)
    if wrong is not None:
        raise TwinError(f"{argument} (= {wrong!r}): must be names, e.g. {argument}=['sgd', 'ttv2']")
    return [name.strip() for name in found if name.strip()]


def command(
    options: Options, algorithms: Sequence[str], layouts: Sequence[str], baselines: Sequence[str], batch: int | None
) -> str:
    """Return the command that regenerates a comparison."""
    named = {
        "--algorithms": ",".join(algorithms),
        "--layouts": ",".join(layouts),
        "--chip": options.chip,
        "--device": options.device,
        "--epochs": options.epochs,
        "--seed": options.seed,
        "--samples": options.samples,
        "--in-flight": options.in_flight,
        "--mode": options.mode,
        "--trace": options.trace,
        "--baseline": ",".join(baselines),
        "--batch": batch,
    }
    words = ["twin", "compare", options.workload]
    for option, value in named.items():
        words += [option, str(value)] if value not in ("", None) else []
    if options.sampled is not None:
        words.append("--sampled" if options.sampled else "--exact")
    words += ["--endurance"] if options.endurance else []
    words += ["--events"] if options.events else []
    for pair in options.overrides:
        words += ["--set", pair]
    return shlex.join(words)
