"""One fixed colour for every algorithm, operation, component and stream, in every figure.

Hues follow Okabe and Ito (2008) and Tol's "muted" scheme, which stay apart under the common kinds of
colour blindness; each has a lighter twin for dark pages.
"""

from collections.abc import Iterable
from typing import NamedTuple


class Ink(NamedTuple):
    """A colour on white paper and on a dark page."""

    light: str
    dark: str


TEXT = "text"
GRID = "grid"
PAGE = "page"

INKS: dict[str, Ink] = {
    TEXT: Ink("#1d2026", "#e4e6ea"),
    GRID: Ink("#d9dce1", "#3a3f48"),
    PAGE: Ink("#ffffff", "#16181d"),
    "blue": Ink("#0072b2", "#56aae6"),
    "orange": Ink("#d55e00", "#f08a4c"),
    "green": Ink("#009e73", "#35c596"),
    "purple": Ink("#a8368f", "#dd7fca"),
    "sky": Ink("#56b4e9", "#93d3f7"),
    "amber": Ink("#e69f00", "#f1bb45"),
    "grey": Ink("#7b8089", "#a2a7b0"),
    "wine": Ink("#882255", "#c9628f"),
    "indigo": Ink("#4a3aa0", "#978be0"),
    "sand": Ink("#c9b458", "#ddcd82"),
    "teal": Ink("#44aa99", "#76d0c1"),
    "rose": Ink("#cc6677", "#e593a0"),
    "olive": Ink("#7d7d24", "#b6b65c"),
}

ALGORITHMS = {"digital": "grey", "sgd": "orange", "shd": "green", "ttv2": "blue"}

OPERATIONS = {
    "forward": ("forward",),
    "backward": ("backward",),
    "update": ("update",),
    "read-out of A": ("read_out",),
    "transfer to C": ("transfer",),
    "digital work": ("step", "activation", "loss", "derivative", "update_management", "filter"),
    "H load, store": ("h_load", "h_store"),
    "other moves": ("input", "load", "store", "send"),
    "calibration": ("calibration",),
    "programming": ("programming", "verify"),
    "extraction": ("extraction",),
}
"""Groups of operation kinds: ten colours can be told apart, seventeen cannot."""

GROUPS = {
    "forward": "blue",
    "backward": "sky",
    "update": "orange",
    "read-out of A": "amber",
    "transfer to C": "wine",
    "digital work": "grey",
    "H load, store": "purple",
    "other moves": "teal",
    "calibration": "sand",
    "programming": "olive",
    "extraction": "indigo",
    "leakage": "rose",
}

COMPONENTS = {
    "drivers": "sky",
    "converters": "blue",
    "conduction": "orange",
    "periphery": "amber",
    "pulses": "wine",
    "digital": "grey",
    "buffer": "teal",
    "memory": "indigo",
    "link": "olive",
    "host": "sand",
    "leakage": "rose",
    "network": "green",
    "cluster": "purple",
    "chip_link": "purple",  # a chip is one of a cluster or one of a system
}

STREAMS = {"H": "purple", "activations": "teal", "errors": "sky", "weights": "grey", "input": "sand"}


def group(kind: str) -> str:
    """Give the group of an operation kind; an unknown kind is a group of its own."""
    return next((name for name, kinds in OPERATIONS.items() if kind in kinds), kind)


def colours(names: Iterable[str], fixed: dict[str, str]) -> dict[str, str]:
    """Give each name its light hex colour: the fixed one, or the next hue that no fixed name has."""
    spare = [hue for hue in INKS if hue not in {TEXT, GRID, PAGE, *fixed.values()}]
    names = list(dict.fromkeys(names))
    others = sorted(name for name in names if name not in fixed)
    chosen = fixed | {name: (spare or ["grey"])[i % max(1, len(spare))] for i, name in enumerate(others)}
    return {name: INKS[chosen[name]].light for name in names}
