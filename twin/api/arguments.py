"""Arguments of Python as the command line has them, and its errors in Python's words."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from twin.config.options import Options, declared
from twin.config.origins import COMMAND_LINE
from twin.descriptions.resolved import toml_text
from twin.errors import TwinError

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


def pairs(overrides: Overrides | None) -> tuple[str, ...]:
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
    return tuple(found)


def names(given: str | Sequence[str], argument: str) -> tuple[str, ...]:
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
    return tuple(name.strip() for name in found if name.strip())


def command(options: Options) -> str:
    """Return the command that regenerates a comparison, wherever its results are put."""
    words = ["twin", "compare", options.workload]
    for name, (_, option, default) in declared().items():
        value = getattr(options, name)
        if option.argument or name in {"out", "jobs"} or (value == default and not value):
            continue
        flag = option.flag(name, value)
        if isinstance(value, bool):
            words.append(flag)
        elif isinstance(value, tuple) and not option.listed:
            words += [word for one in value for word in (flag, one)]
        else:
            words += [flag, ",".join(value) if option.listed else str(value)]
    return shlex.join(words)
