"""Who imports whom in the package: top-level, within functions, and for types."""

import ast
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "twin"


def module_of(path):
    """Return the dotted name of a file of the package."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(module):
    """Return the folder or file right below ``twin`` that a module lies in."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "twin"


def imported(path):
    """Return the modules of the package that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in MODULES}
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name for name in names if name in MODULES}
            if not names <= MODULES.keys():
                found.add(node.module)
    return found - {module_of(path)}


@cache
def file_arrows():
    """Return every arrow between files: (module, imported module)."""
    return {(name, other) for name, path in MODULES.items() for other in imported(path)}


@cache
def room_arrows():
    """Return every arrow between rooms with the modules that draw it: (room, room) -> modules."""
    arrows = {}
    for name, other in file_arrows():
        pair = room_of(name), room_of(other)
        if pair[0] != pair[1]:
            arrows.setdefault(pair, set()).add(name)
    return arrows
