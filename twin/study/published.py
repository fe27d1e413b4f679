"""The door to published figures: their scripts lie in `reports/papers` of a checkout, not in the package."""

import sys
from importlib import import_module
from typing import Any

from twin.config.resources import root
from twin.errors import TwinError


def papers() -> Any:
    """Return the package of published figures.

    It has `FIGURES` (name to module), `reproduce_figure`, `mistakes`, `made` and `asked`.

    Raises
    ------
    TwinError
        Where this installation has no checkout beside it.
    """
    folder = root() / "reports"
    if not (folder / "papers" / "__init__.py").is_file():
        raise TwinError(
            "published figures: their scripts are not part of the installed package; run this in a checkout of the "
            "project, installed with pip install --editable ."
        )
    if str(folder) not in sys.path:
        sys.path.append(str(folder))  # processes that are started inherit it
    return import_module("papers")
