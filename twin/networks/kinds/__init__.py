"""Kinds of nodes: one class each, with its fields, the shape of its output, its digital work and its parameters.

Every class in a file of this folder whose `kind` names what it is called in descriptions is a kind.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from twin.networks.kinds.node import Node


def names_of(node: "type[Node]") -> tuple[str, ...]:
    """Return what a class is called in descriptions; nothing where it is only the base of others."""
    return get_args(node.model_fields["kind"].annotation)


@cache
def node_classes() -> "tuple[type[Node], ...]":
    """Return the classes of all kinds, in the order of their files."""
    from twin.networks.kinds.node import Node  # noqa: PLC0415 - a file of this folder

    found = {}
    for file in sorted(one.name for one in iter_modules(__path__)):
        for value in vars(import_module(f"{__name__}.{file}")).values():
            if isinstance(value, type) and issubclass(value, Node) and names_of(value):
                found[value] = names_of(value)
    return tuple(found)


@cache
def kinds() -> "dict[str, type[Node]]":
    """Return the class of every kind, by name."""
    return {name: node for node in node_classes() for name in names_of(node)}
