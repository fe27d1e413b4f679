"""Loading descriptions: text to model, and every mistake in one line that names file, line, key and fix."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from twin.config.chip import Chip
from twin.config.kinds import Kinds
from twin.config.layout import Layout
from twin.config.loaded import Loaded
from twin.config.origins import Draft, value_at
from twin.config.part import KeyPath, Part, dotted, forget_reads
from twin.config.resources import FOLDERS, Document, find, is_path, misspelt, shipped, suggestion
from twin.descriptions.baseline import Baseline
from twin.descriptions.cited import cited
from twin.descriptions.derived import OF_DEVICE, derive
from twin.descriptions.device import Device
from twin.descriptions.electricity import Devices
from twin.descriptions.formulas import FORMULAS
from twin.descriptions.resolved import resolved_toml
from twin.descriptions.study import Study
from twin.descriptions.sweep import Sweep
from twin.descriptions.timed import is_model, of_model
from twin.descriptions.workload import Workload
from twin.errors import TwinError, one_line

MODELS: dict[str, type[Part]] = {
    "chip": Chip,
    "layout": Layout,
    "workload": Workload,
    "baseline": Baseline,
    "sweep": Sweep,
    "study": Study,
}
"""The kinds of description."""
_POSITION = re.compile(r"\(at line (\d+), column \d+\)$")
_MISSING = object()
_KINDS = " or ".join(", ".join(f'"{kind}"' for kind in MODELS).rsplit(", ", 1))
MAX_DEPTH = 20
NAMED = 10
MAX_PARTS = 64
_LONG_KEY = re.compile(rf"""(?<![\w"'-])(?:[\w"'-]++[ \t]*+\.[ \t]*+){{{MAX_PARTS}}}""")


@dataclass(frozen=True)
class Parsed:
    """A description's file, read and parsed, from which it can be loaded with any overrides.

    Attributes
    ----------
    document : Document
    data : dict
        As TOML gives it; not to be changed.
    """

    document: Document
    data: Mapping[str, Any]

    @classmethod
    def of(cls, kind: str, name: str) -> "Parsed":
        """Find, read and parse a description by shipped name or path; raises TwinError.

        An ONNX file in the place of a workload is the workload that times its network.
        """
        return cls.made(of_model(name) if kind == "workload" and is_model(name) else find(kind, name))

    @classmethod
    def made(cls, document: Document) -> "Parsed":
        """Parse a text that is at hand; raises TwinError."""
        return cls(document, _parse(document))

    @property
    def kind(self) -> object:
        """What the file says it is; mistakes are for `load`."""
        return self.data.get("kind")

    def load(self, kind: str, overrides: Mapping[str, str] = {}, devices: Devices | None = None) -> "Loaded[Any]":
        """Make the model of a description of this kind, with overrides.

        Parameters
        ----------
        kind : str
            ``"chip"``, ``"layout"``, ``"workload"``, ``"baseline"``, ``"sweep"`` or ``"study"``.
        overrides : mapping of str to str
            Dotted key to the text of a value: ``{"tile.pulse_time": "2 ns"}``.
        devices : Devices, optional
            The electrical side of the devices on a chip's arrays, for a chip with a technology.

        Raises
        ------
        TwinError
            For whatever is wrong with the file or the overrides.
        """
        return _load(kind, self, overrides, devices)


def load_chip(name: str, overrides: Mapping[str, str] = {}) -> Loaded[Chip]:
    """Load a chip by shipped name (``"aimc-512"``) or path; as `Parsed.load`."""
    return Parsed.of("chip", name).load("chip", overrides)


def load_layout(name: str, overrides: Mapping[str, str] = {}) -> Loaded[Layout]:
    """Load a layout by shipped name or path; as `Parsed.load`."""
    return Parsed.of("layout", name).load("layout", overrides)


def load_workload(name: str, overrides: Mapping[str, str] = {}) -> Loaded[Workload]:
    """Load a workload by shipped name or path and validate its device; as `Parsed.load`."""
    return Parsed.of("workload", name).load("workload", overrides)


def load_sweep(name: str) -> Loaded[Sweep]:
    """Load a sweep by shipped name or path; as `Parsed.load`."""
    return Parsed.of("sweep", name).load("sweep")


def load_study(name: str) -> Loaded[Study]:
    """Load a study by shipped name or path; as `Parsed.load`."""
    return Parsed.of("study", name).load("study")


def load_baseline(name: str, overrides: Mapping[str, str] = {}) -> Loaded[Baseline]:
    """Load a digital accelerator by shipped name or path; as `Parsed.load`."""
    return Parsed.of("baseline", name).load("baseline", overrides)


def load_any(name: str, presets: Sequence[str] = ()) -> Loaded[Any]:
    """Load a description by shipped name or path, whichever kind it is of.

    `presets` are further names that the caller knows, to suggest where nothing has this one.

    Raises
    ------
    TwinError
        As `load_chip`.
    """
    if is_model(name):
        return load_workload(name)
    for apart in ("workload", "baseline", "sweep", "study"):
        if name in shipped(apart):
            return Parsed.of(apart, name).load(apart)
    if not is_path(name) and not any(name in shipped(kind) for kind in FOLDERS):
        names = [*(known for kind in FOLDERS for known in shipped(kind)), *presets]
        kinds = "chip, layout, workload, sweep, study" + (", baseline, device or memory" if presets else " or baseline")
        raise TwinError(f"{one_line(name)}: no {kinds} of this name{suggestion(name, names)}")
    parsed = Parsed.of("chip", name)
    kind = parsed.kind
    if kind is None:
        rule = f"is missing; add kind = {_KINDS}"
        raise TwinError(f"{parsed.document.label}:1: kind: {rule}")
    if not isinstance(kind, str) or kind not in MODELS:
        draft = Draft(parsed.document, dict(parsed.data), "chip")
        raise TwinError(draft.message(("kind",), f"must be {_KINDS}", kind))
    return parsed.load(kind)


def _load(kind: str, parsed: Parsed, overrides: Mapping[str, str], devices: Devices | None) -> Loaded[Any]:
    cls = MODELS[kind]
    draft = Draft(parsed.document, deepcopy(dict(parsed.data)), kind)
    _check_header(draft, kind)
    draft.override(overrides)
    _check_plain(draft)
    draft.fill_presets()
    derived_from, notes = derive(draft, devices) if kind == "chip" else (frozenset[str](), ())
    try:
        model = cls.model_validate(draft.data)
    except ValidationError as error:
        raise TwinError(_report(draft, cls, error, ())) from error
    if isinstance(model, Workload):
        _check_devices(draft, model.device)
        for index, rule in enumerate(model.rules):
            if rule.device is not None:
                _check_devices(draft, rule.device, ("rules", index, "device"))
    forget_reads(model)
    origins = draft.origins(model)
    return Loaded(model, origins, cited(model, origins), draft.label, draft.data, derived_from, notes)


def _parse(document: Document) -> dict[str, Any]:
    long_key = _LONG_KEY.search(document.text)
    if long_key is not None:  # tomllib's time grows with the square of a key's parts
        line = document.text.count("\n", 0, long_key.start()) + 1
        raise TwinError(f"{document.label}:{line}: a key of more than {MAX_PARTS} parts")
    try:
        return tomllib.loads(document.text)
    except RecursionError as error:
        raise TwinError(f"{document.label}:1: lists or tables are nested too deeply") from error
    except ValueError as error:
        reason = str(error)
        position = _POSITION.search(reason)
        end = document.text.rstrip().count("\n") + 1
        line = int(position.group(1)) if position else end if "at end of document" in reason else 1
        reason = re.sub(r"\s*\((at line .*|at end of document)\)$", "", one_line(reason)).split(";")[0]
        raise TwinError(f"{document.label}:{line}: not valid TOML: {reason}") from error


def _check_header(draft: Draft, kind: str) -> None:
    data = draft.data
    found = data.get("kind", _MISSING)
    if found is _MISSING:
        raise TwinError(f'{draft.label}:1: kind: is missing; add kind = "{kind}"')
    if found != kind:
        names = ", ".join(shipped(kind))
        raise TwinError(draft.message(("kind",), f'must be "{kind}" here; shipped: {names}', found))
    if "schema" not in data:
        raise TwinError(f"{draft.label}:1: schema: is missing; add schema = 1")
    if data["schema"] != 1 or not isinstance(data["schema"], int) or isinstance(data["schema"], bool):
        raise TwinError(draft.message(("schema",), "must be 1, the schema that this version reads", data["schema"]))


def _check_plain(draft: Draft) -> None:
    """Refuse what no description needs and Python could choke on: deep nesting, huge integers."""
    rest: list[tuple[KeyPath, Any]] = [((), draft.data)]
    while rest:
        path, value = rest.pop()
        if len(path) > MAX_DEPTH:
            raise TwinError(draft.message(path, "is nested too deeply"))
        if isinstance(value, dict):
            rest += [((*path, key), item) for key, item in value.items()]
        elif isinstance(value, list):
            rest += [((*path, index), item) for index, item in enumerate(value)]
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise TwinError(draft.message(path, "must be a number of at most 64 bits", value))


def _check_devices(draft: Draft, device: Device, at: KeyPath = ("device",)) -> None:
    """Make every device that the workload describes once, so that mistakes name their line."""
    _check_device(draft, at, device.preset, device.overrides)
    for matrix in device.matrices:
        _check_device(draft, (*at, "matrices", matrix), *device.of(matrix))


def _check_device(draft: Draft, place: KeyPath, preset: str, overrides: Mapping[str, Any]) -> None:
    from twin.devices.presets import device_preset  # noqa: PLC0415 - devices import NumPy, which chips do not need

    try:
        made = device_preset(preset, overrides)
    except TwinError as error:
        if isinstance(error.__cause__, ValidationError):
            raise TwinError(_report(draft, None, error.__cause__, place)) from error
        text = str(error)
        wrong = next((key for key in overrides if f"{key} (=" in text), "preset")
        rule = text.rsplit("): ", 1)[-1].removeprefix(f"device preset {preset!r}: ")
        value = overrides.get(wrong, preset)
        raise TwinError(draft.message((*place, wrong), one_line(rule), value)) from error
    forget_reads(made)


def _report(draft: Draft, cls: type[Part] | None, error: ValidationError, below: KeyPath) -> str:
    """Write the first error by line, and how many more there are."""
    found = [_explain(cls, item, below, draft.data) for item in error.errors(include_url=False)]
    # A misspelt key also leaves the right one missing, and a wrong element its list short: these come last.
    late = {_RULES["missing"], _RULES["too_short"]}
    found.sort(key=lambda entry: (entry[1] in late, draft.line(entry[0])))
    # What would have been derived is missing because of another mistake.
    follows = {*FORMULAS, *OF_DEVICE} if isinstance(draft.data.get("technology"), dict) else {}
    found = [entry for entry in found if dotted(entry[0]) not in follows or entry[1] != _RULES["missing"]] or found
    path, rule, value = found[0]
    return draft.message(path, rule, *([] if value is _MISSING else [value])) + _more(found)


def _more(found: Sequence[tuple[KeyPath, str, Any]]) -> str:
    """Name what is missing beside the first key that is; of other mistakes say how many there are."""
    first, *others = found
    missing = [dotted(path) for path, rule, _ in others if rule == first[1] == _RULES["missing"]]
    if missing:
        rest = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
        return f" (so {'are' if len(others) > 1 else 'is'} {', '.join(missing[:NAMED])}{rest})"
    return f" (and {len(others)} more)" if others else ""


def _explain(cls: type[Part] | None, item: ErrorDetails, below: KeyPath, data: Any) -> tuple[KeyPath, str, Any]:
    """Turn one of pydantic's errors into a path, a rule, and the value where it says something."""
    context = item.get("ctx", {})
    path: KeyPath = (*below, *_without_tags(item["loc"], below, data), *context.get("at", ()))
    if item["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        table = _lookup(data, path)
        path = (*path, "kind")
        if item["type"] == "union_tag_not_found" and isinstance(table, dict):
            wrong = misspelt("kind", table)
            if wrong is not None:
                return (*path[:-1], wrong), f"unknown key{suggestion(wrong, ['kind'])}", _MISSING
    value = _lookup(data, path)
    if item["type"] == "union_tag_invalid":
        return path, _choices(context["expected_tags"], value), value
    if item["type"] == "extra_forbidden":
        return path, f"unknown key{suggestion(str(path[-1]), _keys(cls, path[:-1], data))}", _MISSING
    if item["type"] == "literal_error":
        return path, _choices(context["expected"], value), value
    message = one_line(item["msg"].replace("Input should be", "must be").replace("Value error, ", ""))
    rule = _RULES.get(item["type"], message)
    return path, rule, _MISSING if isinstance(value, dict | list) else value


def _without_tags(loc: tuple[int | str, ...], below: KeyPath, data: Any) -> KeyPath:
    """Drop what pydantic adds to a place: which kind of table it took an element for."""
    path: list[str | int] = []
    for key in loc:
        table = _lookup(data, (*below, *path))
        if key == "[key]" or (isinstance(table, dict) and key not in table and table.get("kind") == key):
            continue
        path.append(key)
    return tuple(path)


def _choices(expected: str, value: Any) -> str:
    """Say which words are legal, and which of them is meant; `expected` is pydantic's ``'a', 'b' or 'c'``."""
    near = suggestion(str(value), re.findall(r"'([^']*)'", expected)) if isinstance(value, str) else ""
    return f"must be {expected.replace(chr(39), chr(34))}{near if '(did' in near else ''}"


_RULES = {
    "missing": "is missing",
    "union_tag_not_found": "is missing",
    "string_pattern_mismatch": "must be a name of letters, digits, _ and - (at most 80)",
    "int_type": "must be a whole number, without quotes",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number, without quotes",
    "bool_type": "must be true or false, without quotes",
    "string_type": 'must be text in quotes, e.g. "..."',
    "tuple_type": "must be a list in square brackets",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "finite_number": "must be finite",
    "too_short": "must not be empty",
}


def _lookup(data: Any, path: KeyPath) -> Any:
    """Find the value at `path`; a value that `path` goes past, or lacks, gives `_MISSING`."""
    if path[:1] == ("sources",) and isinstance(data, dict) and isinstance(data.get("sources"), dict):
        return data["sources"].get(dotted(path[1:]), _MISSING)
    return value_at(data, path, _MISSING)


def _keys(cls: type[Part] | None, path: KeyPath, data: Any) -> Iterator[str]:
    """Give the legal keys of the table at `path`; of several kinds of table, those of the kind that it names."""
    current = [cls] if cls else []
    for depth, key in enumerate(path):
        if isinstance(key, int):
            kind = _lookup(data, (*path[: depth + 1], "kind"))
            current = [one for one in current if kind in _kinds(one)] or current
            continue
        fields = {field.alias or name: field for one in current for name, field in one.model_fields.items()}
        current = list(models_in(fields[key].annotation, fields[key].metadata)) if key in fields else []
        if len(current) > 1:
            kind = _lookup(data, (*path[: depth + 1], "kind"))
            current = [one for one in current if kind in _kinds(one)] or current
    for one in current[:1]:
        yield from (field.alias or name for name, field in one.model_fields.items())


def models_in(annotation: Any, metadata: Sequence[Any] = ()) -> Iterator[type[Part]]:
    """Find the models within an annotation; of a table of several kinds, those of all kinds."""
    kinds = [one for one in (*metadata, *getattr(annotation, "__metadata__", ())) if isinstance(one, Kinds)]
    if kinds:
        yield from kinds[0].classes().values()
        return
    if isinstance(annotation, type) and issubclass(annotation, Part):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from models_in(argument)


def _kinds(model: type[Part]) -> tuple[Any, ...]:
    field = model.model_fields.get("kind")
    return getattr(field.annotation, "__args__", ()) if field else ()


__all__ = [
    "Loaded",
    "Parsed",
    "load_any",
    "load_baseline",
    "load_chip",
    "load_layout",
    "load_study",
    "load_sweep",
    "load_workload",
    "models_in",
    "resolved_toml",
]
