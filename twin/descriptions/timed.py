"""Workloads of networks that come without devices, rates or data: they are timed with those of a shipped one."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from twin.config.checks import identifier
from twin.config.resources import Document, find
from twin.descriptions.resolved import toml_key, toml_text
from twin.errors import TwinError, one_line

BASE = "resnet-18"
"""The shipped workload whose devices, rates and settings such a network gets."""
TAKEN = ("training", "timing", "optimiser", "device", "calibration", "init", "mapping", "algorithms")
MODEL = ".onnx"


def is_model(name: str) -> bool:
    """Tell an ONNX file from a description."""
    return name.lower().endswith(MODEL)


def name_of(path: Path, otherwise: str) -> str:
    """Return a name for the workload of a file."""
    return identifier(path.stem) or otherwise


def timed_workload(name: str, described: str, data: str, network: Iterable[str], notes: str = "") -> str:
    """Write a workload without data.

    Parameters
    ----------
    name, described, notes : str
        `described` is also the network's source.
    data : str
        What a sample is: the line of `data.shape` or of `data.symbols`.
    network : iterable of str
        Lines of the table `network`.
    """
    base = tomllib.loads(find("workload", BASE).text)
    lines = ["schema = 1"]
    lines += [f"{key} = {toml_text(text)}" for key, text in
              (("kind", "workload"), ("name", name), ("description", described), ("notes", notes)) if text]  # fmt: skip
    lines += ["", "[data]", 'set = "none"', data, "", "[network]", *network]
    for key in TAKEN:
        if key in base:
            lines += _table(key, base[key])
    lines += ["", "[sources]", f"network = {toml_text('S: ' + described)}"]
    for key, text in base["sources"].items():
        if key.partition(".")[0] in TAKEN:
            lines.append(f"{toml_key(key)} = {toml_text(text)}")
    return "\n".join(lines) + "\n"


def of_model(name: str) -> Document:
    """Return the workload that times the network of an ONNX file.

    Raises
    ------
    TwinError
        Where the file cannot be read, or an axis of its input has no size.
    """
    from twin.networks.given.files import read_network  # noqa: PLC0415 - an extra

    path = Path(name)
    if not path.is_file():
        raise TwinError(f"{one_line(name)}: no such file; an ONNX file or a workload is needed")
    found = read_network(path)
    data = f"shape = {list(found.shape)}"
    if found.steps:
        table = next(one["name"] for one in found.layers if one["kind"] == "embedding")
        data = f"symbols = {len(found.tensors()[f'{table}.weight'])}"
    loss = "cross-entropy" if found.layers[-1]["kind"] in {"dense", "softmax"} else "squared-error"
    network = (f"file = {toml_text(name)}", f"loss = {toml_text(loss)}")
    return Document(
        one_line(name), timed_workload(name_of(path, "model"), f"the network of {path.name}", data, network)
    )


def _table(name: str, values: Mapping[str, Any]) -> Iterator[str]:
    """Write a table, with those below it behind it."""
    own = {key: value for key, value in values.items() if not isinstance(value, dict)}
    if own:
        yield from ("", f"[{name}]")
        yield from (f"{key} = {toml_text(value)}" for key, value in own.items())
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _table(f"{name}.{key}", value)
