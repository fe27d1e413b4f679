"""What the fields of a model mean: the strings below them in its source, read when somebody asks.

Pydantic can do so when a class is made (`use_attribute_docstrings`), which takes a tenth of a second of every command.
"""

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from itertools import pairwise

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from twin.config.options import Option


@cache
def meanings_of(model: type[BaseModel]) -> Mapping[str, str]:
    """Give the meaning of every field of a model, by name; empty where it has none.

    It is the string below the field in the nearest class that has it, else the description that its type brings.
    """
    below: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        below |= _strings(owner)
    return {name: below.get(name) or _brought(field) for name, field in model.model_fields.items()}


def _brought(field: FieldInfo) -> str:
    options = (item.says(field.default) for item in field.metadata if isinstance(item, Option))
    return next(options, field.description or "")


def _strings(owner: type) -> dict[str, str]:
    """Give the strings below the annotated names of a class, empty ones where there is none."""
    found = {}
    definition = _classes(owner.__module__).get(owner.__qualname__.rpartition(".")[2])
    body = definition.body if definition else []
    for field, after in pairwise((*body, ast.Pass())):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            text = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
            found[field.target.id] = " ".join(text.split()) if isinstance(text, str) else ""
    return found


@cache
def _classes(module: str) -> dict[str, ast.ClassDef]:
    """Give the classes of a module by name; none where it has no source, as what is typed into a console."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError):
        return {}
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
