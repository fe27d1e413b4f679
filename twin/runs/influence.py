"""What a value influences: the same short run with it and with another, and what differs between the two."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from twin.algorithms.registry import algorithm_names
from twin.config.loaded import Loaded
from twin.config.options import Options
from twin.config.part import dotted, leaves
from twin.console import Report
from twin.errors import TwinError, one_line
from twin.results.difference import Compared
from twin.results.result import Source
from twin.runs.comparison import plans_of
from twin.runs.constants import description_rows
from twin.runs.finished import finished
from twin.runs.library import Library
from twin.runs.names import load_shown, preset_rows
from twin.runs.plan import Plan
from twin.runs.planning import check_all, first_layout, kind_named, kind_of
from twin.runs.pool import prepare_all
from twin.runs.run import run

SAMPLES = 60
"""Training samples of each run: a few seconds of a small network."""
MORE = 1.1
"""By how much a number is raised."""


def influence(name: str, key: str, asked: Options, report: Report, to: str = "") -> list[Compared]:
    """Run a workload for a few samples as it is, and with another value of one key.

    Parameters
    ----------
    name : str
        A chip, a workload or a device preset, by name or path.
    key : str
        Of a value in it.
    asked : Options
        Workload, chip, algorithm (one) and layout of the run, as far as `name` is not one of them.
    report : callable
        Takes (name, done, total) while they run.
    to : str
        The other value as TOML; empty: a tenth more, the other switch, the next word.

    Returns
    -------
    list of Compared
        The run as it is, and with the other value, which names it.

    Raises
    ------
    TwinError
        Where there is no such value, or no other that can be run.
    """
    options, row, setting, words = _of(name, key, asked)
    with tempfile.TemporaryDirectory(prefix="twin-") as temporary:
        before = _planned(options)
        if to:
            value, after = to, _planned(_set(options, setting, to))
        else:
            value, after = _varied(options, row, setting, words)
        shown = f"{row.value} {row.unit}".strip()
        found: list[Compared] = []
        for label, plan in ((shown, before), (value, after)):
            found.append(replace(_ran(plan, Path(temporary) / str(len(found)), report, label), label=label))
    return found


def _of(name: str, key: str, asked: Options) -> tuple[Options, Source, str, tuple[str, ...]]:
    """Return what is run, the row of the value, the key that sets it, and the other words that may stand there."""
    rows = {row.key: row for row in preset_rows(name)}
    loaded: Loaded[Any] | None = None
    if rows:
        options, prefix = replace(asked, device=name), "device."
        if "family" not in rows:
            raise TwinError(f"--why: {name} is a part of chips; name a chip that has it, and its key there")
    else:
        loaded = load_shown(name)
        kind = loaded.model.kind
        if kind not in {"chip", "workload"}:
            raise TwinError(f"--why: {name} is a {kind}; it is said of a value of a chip, a workload or a device")
        rows = {row.key: row for row in description_rows(loaded)}
        options, prefix = (
            (replace(asked, chip=name), "chip.") if kind == "chip" else (replace(asked, workload=name), "")
        )
    if key not in rows:
        raise TwinError(f"--why: {one_line(key)}: is no value of {name}; it is said of one value that is set")
    first, _, rest = key.partition(".")
    own = rest.partition(".")[0]
    if prefix == "" and first == "algorithms" and own in algorithm_names():
        options = replace(options, algorithms=(own,))
    if not options.layouts:
        options = replace(options, layouts=first_layout(options.algorithms[0]))
    return _short(options, key), rows[key], f"{prefix}{key}", _others(loaded, key, rows[key].value)


def _short(options: Options, key: str) -> Options:
    """Return the same for a few samples and one epoch, but for a count that is itself the key."""
    trained = kind_named(options.workload, Library()).kernels
    samples = None if key in {"data.samples", "timing.samples"} else SAMPLES
    return replace(options, samples=samples, epochs=1 if trained and key != "training.epochs" else None)


def _others(loaded: Loaded[Any] | None, key: str, value: str) -> tuple[str, ...]:
    """Return the other words that a value may be, where only some are legal."""
    for path, owner, field, _ in leaves(loaded.model) if loaded is not None else ():
        if dotted(path) == key:
            annotation = type(owner).model_fields[field].annotation
            kinds = [one for one in (annotation, *get_args(annotation)) if get_origin(one) is Literal]
            return tuple(str(word) for one in kinds for word in get_args(one) if str(word) != value)
    return ()


def _varied(options: Options, row: Source, setting: str, words: tuple[str, ...]) -> tuple[str, list[Plan]]:
    """Return the first other value with which the run can be planned, and its plan."""
    why = "it is no number, switch or word of a list"
    for value in (*_near(row), *words):
        try:
            return value, _planned(_set(options, setting, value))
        except TwinError as error:
            why = str(error)
    raise TwinError(f"--why: {setting} (= {row.value}): no other value was found ({why}); name one with --to")


def _near(row: Source) -> Iterator[str]:
    """Give other values: the other switch, a tenth more, the next whole number, twice as much."""
    if row.value in {"true", "false"}:
        yield "false" if row.value == "true" else "true"
        return
    try:
        number = float(row.value)
    except ValueError:
        return
    if number:
        yield f"{MORE * number:.6g} {row.unit}".strip()
    if number.is_integer():
        for other in (max(round(MORE * number), number + 1), 2 * number):
            yield f"{other:.0f} {row.unit}".strip()


def _set(options: Options, setting: str, value: str) -> Options:
    return replace(options, overrides=(*options.overrides, f"{setting}={value}"))


def _planned(options: Options) -> list[Plan]:
    plans = plans_of(options, Library())
    check_all(plans)
    return plans


def _ran(plans: list[Plan], folder: Path, report: Report, label: str) -> Compared:
    """Run a plan in a folder; return the finished run with its settings."""
    if kind_of(plans[0]).kernels:
        from twin.machine.compiled import ensure_compiled  # noqa: PLC0415 - kernels

        ensure_compiled()
    (prepared,) = prepare_all(plans, folder)
    run(prepared.folder, lambda done, total: report(label, done, total), plan=prepared.plan)
    (one,) = finished([prepared.folder])
    return Compared(label, one.result, one.settings)
