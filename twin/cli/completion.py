"""What the shell completes: names of `twin list`, keys of `--set`, keys of a description."""

from collections.abc import Callable, Iterator
from functools import partial
from textwrap import shorten

import typer

from twin.config.options import Options
from twin.errors import TwinError

Completed = list[tuple[str, str]]
Completer = Callable[[typer.Context, str], Completed]
WIDE = 60
"""Characters of what is said beside a name: shells show both on one line."""
SHOWABLE = ("chips", "layouts", "workloads", "baselines", "sweeps", "studies", "memories", "converters", "devices")


def _named(context: typer.Context, incomplete: str, *, kinds: tuple[str, ...]) -> Completed:
    """Give the names of these kinds that begin as what is typed, each with its description."""
    del context
    from twin.runs.names import available

    found = available()
    return [(name, text) for kind in kinds for name, text in found[kind].items() if name.startswith(incomplete)]


def _listed(context: typer.Context, incomplete: str, *, kinds: tuple[str, ...]) -> Completed:
    """Complete the last of several names with commas between, without those that stand there."""
    before, comma, last = incomplete.rpartition(",")
    there = set(before.split(","))
    names = _named(context, last, kinds=kinds)
    return [(f"{before}{comma}{name}", text) for name, text in names if name not in there]


def _settings(context: typer.Context, incomplete: str) -> Completed:
    """Complete the key of ``KEY=VALUE``: one of the workload that is named, or ``chip.KEY``."""
    if "=" in incomplete:
        return []
    usual = Options()
    workload = str(context.params.get("workload") or context.params.get("model") or usual.workload)
    chip = str(context.params.get("chip") or usual.chip)
    keys = [*_keys_of(workload), *((f"chip.{key}", text) for key, text in _keys_of(chip))]
    return [(f"{key}=", text) for key, text in keys if key.startswith(incomplete)]


def _keys(context: typer.Context, incomplete: str) -> Completed:
    """Complete a key of the description that is named before it."""
    found = _keys_of(str(context.params.get("name") or ""))
    return [(key, text) for key, text in found if key.startswith(incomplete)]


def _keys_of(name: str) -> Iterator[tuple[str, str]]:
    from twin.cli.show_key import said_of

    try:
        said = said_of(name)
    except TwinError:  # the command itself will say so
        return
    for key in dict.fromkeys((*said.meanings, *said.rows)):
        yield key, said.of(key)


def _one(*kinds: str) -> Completer:
    return partial(_named, kinds=kinds)


COMPLETERS: dict[str, Completer] = {
    "workload": _one("workloads"),
    "model": _one("workloads"),
    "chip": _one("chips"),
    "layout": _one("layouts"),
    "layouts": partial(_listed, kinds=("layouts",)),
    "algorithm": _one("algorithms"),
    "algorithms": partial(_listed, kinds=("algorithms",)),
    "device": _one("devices"),
    "baselines": partial(_listed, kinds=("baselines",)),
    "overrides": _settings,
    "name": _one(*SHOWABLE),
    "key": _keys,
    "sweep": _one("sweeps"),
    "study": _one("studies"),
    "part": _one("memories"),
}
"""What completes a parameter, by its name."""


def completer(name: str) -> Callable[[typer.Context, str], Completed] | None:
    """Return what completes a parameter of this name, as Typer takes it; None for one that takes no name."""
    if name not in COMPLETERS:
        return None

    def complete(ctx: typer.Context, incomplete: str) -> Completed:
        return [(word, shorten(text, WIDE, placeholder=" ...")) for word, text in COMPLETERS[name](ctx, incomplete)]

    return complete
