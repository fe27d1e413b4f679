"""Published data sets, fetched once into the user's cache and checked by hash before anything reads them."""

from collections.abc import Sequence
from pathlib import Path

from twin.data import folder
from twin.errors import TwinError


def fetch(name: str, address: str, known_hash: str, cache: str, wanted: str, members: Sequence[str] = ()) -> list[Path]:
    """Return a file at an address, or what is unpacked of an archive there.

    Parameters
    ----------
    name : str
        The data set.
    known_hash : str
        SHA-256 of the file.
    cache : str
        Folder below the user's cache.
    wanted : str
        What was looked for below ``$TWIN_DATA_DIR``.
    members : sequence of str
        Of a tar archive, all of them; empty for a file that is none.

    Raises
    ------
    TwinError
        Where it cannot be fetched, or is another file.
    """
    import pooch  # noqa: PLC0415 - only when there is something to fetch

    pooch.get_logger().setLevel("WARNING")
    at, file = Path(pooch.os_cache("analog-twin")) / cache, address.rpartition("/")[2]
    unpack = {"processor": pooch.Untar(members=list(members))} if members else {}
    try:
        found = pooch.retrieve(address, known_hash=known_hash, fname=file, path=at, **unpack)
    except Exception as error:
        raise TwinError(
            f"{name}: no {wanted} under {folder.described()} and fetching it failed ({type(error).__name__}); set "
            f"{folder.VARIABLE} to a folder that holds it, or use the embedded workload digits-mlp"
        ) from error
    if not members:
        return [Path(found)]
    unpacked = {Path(path).name: Path(path) for path in found}
    return [unpacked[Path(member).name] for member in members]
