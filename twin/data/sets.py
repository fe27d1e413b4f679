"""The data set that a workload names."""

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from twin.config.data import TEXTS
from twin.console import lines
from twin.data.dataset import Dataset
from twin.errors import TwinError

if TYPE_CHECKING:
    from collections.abc import Callable

    from twin.config.data import Data


def load(config: "Data", seed: int, steps: int = 0) -> Dataset:
    """Load the data set that a workload names.

    Parameters
    ----------
    config : Data
    seed : int
        Of data that are drawn.
    steps : int
        The length of a text's sequences; 0 for other data.

    Raises
    ------
    TwinError
        Where files are missing or damaged, or the network does not fit the data: a text without sequences, or
        sequences of what has no order.
    """
    # each pulls in its own heavy library
    from twin.data import arrays, cifar, digits, idx, images, linear, pictures, table, texts  # noqa: PLC0415

    readers: dict[str, Callable[[], Dataset]] = {
        "digits": digits.read,
        "mnist": lambda: images.MNIST.read(config.samples, config.test_samples),
        "fashion-mnist": lambda: images.FASHION_MNIST.read(config.samples, config.test_samples),
        "linear": lambda: linear.make(config, seed),
        "war-and-peace": lambda: texts.war_and_peace(config.newline).sequences(steps, config.test_characters),
        "text": lambda: texts.from_file(config.file).sequences(steps, config.test_characters),
        "cifar-10": lambda: cifar.CIFAR_10.read(config.samples, config.test_samples),
        "cifar-100": lambda: cifar.CIFAR_100.read(config.samples, config.test_samples),
        "arrays": lambda: arrays.read(config),
        "table": lambda: table.read(config),
        "image-folder": lambda: pictures.read(config),
        "idx": lambda: idx.read(config),
        "pydoc-topics": lambda: texts.pydoc_topics().sequences(steps, config.test_characters),
    }
    if config.set == "none":
        raise TwinError("data.set (= 'none'): has no samples to train or test on; it can only be timed")
    if config.set not in readers:
        raise TwinError(f"data.set (= {config.set!r}): no such data set; known: {', '.join(readers)}")
    if config.set in TEXTS and steps < 1:
        raise TwinError(f"data.set (= {config.set!r}): a text needs a recurrent network; use e.g. an LSTM layer")
    if config.set not in TEXTS and steps > 0:
        known = ", ".join(sorted(TEXTS))
        raise TwinError(f"data.set (= {config.set!r}): has no sequences for a recurrent network; use one of {known}")
    counted = config.set == "image-folder"  # says itself how many it has read
    with nullcontext() if counted else lines(f"reading {config.set}", "files"):
        data = readers[config.set]().limited(config.samples, config.test_samples)
    sizes = {"training samples": len(data.inputs), "test samples": len(data.test_inputs)}
    return replace(data, facts={"set": config.set, "name": config.set, **data.facts, **sizes})
