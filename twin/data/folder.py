"""Where data lie: below the folder that the variable TWIN_DATA_DIR names, or where the user says."""

import os
from pathlib import Path

from twin.errors import TwinError

VARIABLE = "TWIN_DATA_DIR"


def find(name: str) -> Path | None:
    """Return the file `name` (which may have folders in it) below ``$TWIN_DATA_DIR``, None where there is none."""
    folder = os.environ.get(VARIABLE)
    path = Path(folder) / name if folder else None
    return path if path is not None and path.is_file() else None


def own(place: str, name: str, *, is_folder: bool = False) -> Path:
    """Return a file or folder of the user's; a relative name starts at the current folder, ``~`` is their home.

    Raises
    ------
    TwinError
        Beginning with `place`, where there is none.
    """
    try:
        path = Path(name).expanduser().absolute()
    except RuntimeError as error:
        raise TwinError(f"{place}: names a user without a home folder; write the whole path") from error
    if not (path.is_dir() if is_folder else path.is_file()):
        what = "folder" if is_folder else "file"
        raise TwinError(f"{place}: no such {what}: {str(path)!r}; a relative path starts at the current folder")
    return path


def described() -> str:
    """Name the variable with its value, for messages."""
    folder = os.environ.get(VARIABLE)
    return f"{VARIABLE} (= {folder!r})" if folder else f"{VARIABLE} (unset)"
