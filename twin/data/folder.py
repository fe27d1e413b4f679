"""The folder of data sets that the user names by the variable TWIN_DATA_DIR."""

import os
from pathlib import Path

VARIABLE = "TWIN_DATA_DIR"


def find(name: str) -> Path | None:
    """Return the file `name` (which may have folders in it) below ``$TWIN_DATA_DIR``, None where there is none."""
    folder = os.environ.get(VARIABLE)
    path = Path(folder) / name if folder else None
    return path if path is not None and path.is_file() else None


def described() -> str:
    """Name the variable with its value, for messages."""
    folder = os.environ.get(VARIABLE)
    return f"{VARIABLE} (= {folder!r})" if folder else f"{VARIABLE} (unset)"
