"""A configuration as the text of a Python script."""

from collections.abc import Iterator

from twin.imports.aihwkit.classes import ancestors
from twin.imports.aihwkit.syntax import Call, Value

NUMBERED = frozenset({"inp_res", "out_res"})
"""Fields that read as 1 / steps."""
WIDE = 100


def script(config: Call, learning_rate: float) -> str:
    """Write a script that makes the configuration `rpu_config`, and what its optimiser is."""
    lines = []
    names = {name for name in _names(config) if ancestors(name)}
    presets = {name for name in names if "Preset" in name}
    modules = {"configs": names - presets, "parameters.enums": set(_names(config)) - names, "presets": presets}
    for module, found in modules.items():
        if found:
            lines.append(_imports(f"aihwkit.simulator.{module}", found))
    rate = f"LEARNING_RATE = {learning_rate!r}  # AnalogSGD(model.parameters(), lr=LEARNING_RATE)"
    return "\n".join([*lines, "", rate, f"rpu_config = {expression(config)}", ""])


def _imports(module: str, names: set[str]) -> str:
    line = f"from {module} import {', '.join(sorted(names))}"
    return line if len(line) <= WIDE else _joined(f"from {module} import (", sorted(names), ")", 0)


def expression(value: Value, key: str = "", depth: int = 0) -> str:
    """Write a value; an object or list that is wide gets a line for each part."""
    match value:
        case Call(name=name, fields=fields):
            parts = [f"{field}={expression(one.value, field, depth + 1)}" for field, one in fields.items()]
            return _joined(f"{name}(", parts, ")", depth)
        case list():
            return _joined("[", [expression(one, "", depth + 1) for one in value], "]", depth)
        case str():
            return value
        case float() if key in NUMBERED and 0 < value < 1:
            return f"1 / {round(1 / value)}"
    return repr(value)


def _joined(begin: str, parts: list[str], end: str, depth: int) -> str:
    line = f"{begin}{', '.join(parts)}{end}"
    if "\n" not in line and 4 * depth + len(line) <= WIDE:
        return line
    inner = "    " * (depth + 1)
    return f"{begin}\n{inner}" + f",\n{inner}".join(parts) + f",\n{'    ' * depth}{end}"


def _names(value: Value) -> Iterator[str]:
    """Yield the names of the classes and enumerations of a value."""
    match value:
        case Call(name=name, fields=fields):
            yield name
            for one in fields.values():
                yield from _names(one.value)
        case list():
            for item in value:
                yield from _names(item)
        case str():
            yield value.partition(".")[0]
