"""Parameters of commands, made of the declarations in `twin.config.options`."""

from collections.abc import Callable, Collection
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any, get_origin

import typer
from annotated_types import Ge, Le

from twin.cli.completion import completer
from twin.config.options import Option, Options, declared, option_of
from twin.errors import TwinError

RUNS = Path("runs")
JOBS = 2

Card = Annotated[
    bool,
    typer.Option("--card", help="Print TOPS/W, TOPS/mm2, pJ/MAC, W/mm2 and static share beside published ones."),
]
ToError = Annotated[
    float | None,
    typer.Option(
        "--to-error",
        metavar="FRACTION",
        help="Compare time and energy until this test error, e.g. 0.03 (default: the least that all runs reached).",
    ),
]
Scheduler = Annotated[str, Option("Dask instead of processes: local, slurm, lsf, pbs, or tcp://host:8786.")]
Memory = Annotated[str, Option('Memory a process may have, e.g. "4 GiB".', unset="no limit")]


def asking(*, without: Collection[str] = (), **defaults: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make what Typer calls of a function: its parameters are those of the command line.

    A parameter that is an `Options` becomes all that these declare, but for those in `without` and with other
    `defaults`; one that is annotated with an `Option` becomes what that says; others are Typer's already.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        asked = {name: (one.annotation, defaults.get(name, one.default)) for name, one in declared().items()}
        asked = {name: one for name, one in asked.items() if name not in without}
        own: dict[str, tuple[Any, Any]] = {}
        holder = ""
        for name, one in signature(function).parameters.items():
            if one.annotation is Options:
                holder = name
                own |= asked
            else:
                own[name] = one.annotation, one.default
        parameters = [_parameter(name, annotation, default) for name, (annotation, default) in own.items()]

        @wraps(function)
        def command(**given: Any) -> None:
            values = {name: _value(name, own[name][0], value) for name, value in given.items()}
            if holder:
                values[holder] = Options(**{name: values.pop(name) for name in asked})
            function(**values)

        vars(command)["__signature__"] = signature(function).replace(parameters=parameters)
        return command

    return decorate


def _parameter(name: str, annotation: Any, default: Any) -> Parameter:
    """Return a parameter as Typer reads it."""
    option = option_of(annotation)
    if option is not None:
        kind = annotation.__origin__
        if get_origin(kind) is tuple:
            kind, default = (str, ",".join(default)) if option.listed else (list[str] | None, list(default) or None)
        how: dict[str, Any] = {"help": option.says(default, on_line=True), "metavar": option.metavar or None}
        how |= dict(bound for one in annotation.__metadata__ for bound in _bounds(one))
        how["autocompletion"] = completer(name)
        flags = option.flags or (option.flag(name),)
        annotation = Annotated[kind, typer.Argument(**how) if option.argument else typer.Option(*flags, **how)]
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _bounds(item: object) -> list[tuple[str, Any]]:
    return [("min", item.ge)] if isinstance(item, Ge) else [("max", item.le)] if isinstance(item, Le) else []


def _value(name: str, annotation: Any, given: Any) -> Any:
    """Return what was given as the declaration has it."""
    option = option_of(annotation)
    if option is None or get_origin(annotation.__origin__) is not tuple:
        return given
    if not option.listed:
        return tuple(given or ())
    names = tuple(one.strip() for one in given.split(",") if one.strip())
    if given and not names:
        raise TwinError(f"{option.flag(name)} (= {given}): names none; leave it out, or give names with commas between")
    return names
