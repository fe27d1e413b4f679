"""The description of a data set."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from twin.config.checks import refusal
from twin.config.numbers import Count, Real
from twin.config.part import Part

SHAPES = {
    "digits": (8, 8, 1),
    **dict.fromkeys(("mnist", "fashion-mnist"), (28, 28, 1)),
    **dict.fromkeys(("cifar-10", "cifar-100"), (32, 32, 3)),
}
"""Height, width and channels of the images of shipped sets."""

CLASSES = {"digits": 10, "mnist": 10, "fashion-mnist": 10, "cifar-10": 10, "cifar-100": 100, "linear": 1}
"""Outputs of the last layer that a data set needs; a text's are its symbols, known once it is read."""

SETS = {
    "digits": "1,437 / 360 images of 8 x 8 digits, 10 classes; embedded",
    "mnist": "60,000 / 10,000 images of 28 x 28 digits, 10 classes; below $TWIN_DATA_DIR, else fetched",
    "fashion-mnist": "60,000 / 10,000 images of 28 x 28 clothes, 10 classes; below $TWIN_DATA_DIR, else fetched",
    "cifar-10": "50,000 / 10,000 images of 32 x 32 in colour, 10 classes; below $TWIN_DATA_DIR, else fetched",
    "cifar-100": "50,000 / 10,000 images of 32 x 32 in colour, 100 classes; below $TWIN_DATA_DIR, else fetched",
    "linear": "points of a line with noise, drawn from the seed",
    "war-and-peace": "Tolstoy's novel, character by character; $TWIN_DATA_DIR/war-and-peace.txt",
    "text": "any text in UTF-8, character by character; data.file names it",
    "pydoc-topics": "the texts behind Python's help(), character by character; embedded",
    "arrays": "arrays of your own in an .npz file: vectors or maps, classes or values to fit; data.file names it",
    "table": "rows of your own in a CSV or Parquet file, columns of which are what is to be learnt; data.file names it",
    "image-folder": "images of your own, a folder a class; data.file names the folder that has them",
    "idx": "images and labels of your own in idx files, as MNIST's are; data.file and data.label_file name them",
    "none": "no data, only the shape of a sample, for networks that are timed and not trained",
}
"""Every data set, what it is, and where it comes from."""

TEXTS = frozenset({"war-and-peace", "text", "pydoc-topics"})
"""Data sets that are texts: sequences of characters, of which a network predicts the next."""

OWN = frozenset({"arrays", "table", "image-folder", "idx"})
"""Data sets of the user's own, whose shape and classes are known once they are read."""

_LINE = ("slope", "intercept", "noise")
Path = Annotated[str, Field(max_length=4096)]
Column = Annotated[str, Field(min_length=1, max_length=1000)]
Side = Annotated[int, Field(ge=1, le=10_000)]
Extent = Annotated[int, Field(ge=1, le=10_000_000)]
Columns = Annotated[
    tuple[Column, ...],
    Field(strict=False),
    BeforeValidator(
        lambda given: (given,) if isinstance(given, str) else given, json_schema_input_type=Column | tuple[Column, ...]
    ),
]
"""Names of columns; one may stand alone."""
Scaling = Literal["none", "maximum", "standard"]
_NEEDED = {"linear": _LINE, "table": ("label",), "idx": ("label_file",)}
_BELONGS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_LINE, ("linear",)),
    "file": ("text", *sorted(OWN)),
    "targets": tuple(sorted(OWN)),
    "channels": ("arrays", "idx"),
    "size": ("image-folder",),
    "colour": ("image-folder",),
    "label": ("table",),
    "ignore": ("table",),
    "label_file": ("idx",),
    "test_label_file": ("idx",),
    "test_file": ("table", "idx"),
    "test_share": tuple(sorted(OWN)),
    "split": tuple(sorted(OWN)),
    "scaling": tuple(sorted(OWN)),
    "target_scaling": tuple(sorted(OWN)),
    "newline": ("war-and-peace",),
    "shape": ("none",),
    "symbols": ("none",),
    "test_characters": tuple(sorted(TEXTS)),
}


class Data(Part):
    """The data set, and how much of it is used."""

    set: Literal[
        "digits",
        "mnist",
        "fashion-mnist",
        "cifar-10",
        "cifar-100",
        "linear",
        "war-and-peace",
        "text",
        "pydoc-topics",
        "arrays",
        "table",
        "image-folder",
        "idx",
        "none",
    ]
    """Which data: images of digits or clothes, points of a line, texts read as sequences of characters, your own, or
    none, for a network that is only timed.
    """
    samples: Count = 0
    """Training samples that are used at most; 0: all."""
    test_samples: Count = 0
    """Test samples that are used at most; 0: all."""
    slope: Real = 0.0
    """Linear: a in y = a x + b + noise."""
    intercept: Real = 0.0
    """Linear: b in y = a x + b + noise."""
    noise: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    """Linear: standard deviation of the Gaussian noise on y."""
    file: Path = ""
    """Text and own data: path of the file, or of the folder of images; a relative one starts at the current folder."""
    test_file: Path = ""
    """Own tables and idx files: path of the samples for the test, where they have a file of their own."""
    label_file: Path = ""
    """Own idx files: path of the labels of `file`."""
    test_label_file: Path = ""
    """Own idx files: path of the labels of `test_file`."""
    label: Columns = ()
    """Own tables: the column of the classes, or those of the values to fit; the others are features."""
    ignore: Columns = ()
    """Own tables: columns that are neither features nor labels, e.g. numbers of rows."""
    targets: Literal["classes", "values"] = "classes"
    """Own data: whether a sample belongs to a class or has values to fit, which need the loss "squared-error"."""
    channels: Literal["", "first", "last"] = ""
    """Own data: where the channels of maps stand in arrays of four axes, behind the samples ("first") or at the end."""
    size: Annotated[tuple[Side, ...], Field(strict=False)] = ()
    """Own folders of images: height and width in pixels to which all are scaled; left out, all must have one size."""
    colour: bool = True
    """Own folders of images: three channels, red, green and blue, or one of greys."""
    test_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Own data without a test part: the share of samples that are kept for the test."""
    split: Literal["random", "last"] = "random"
    """Own data without a test part: whether samples drawn once for all, or the last ones, are for the test."""
    scaling: Scaling = "none"
    """Own data: each feature or channel as it is, divided by its greatest magnitude, or with mean 0 and deviation 1."""
    target_scaling: Scaling = "none"
    """Own data: the same for each value to fit; losses are in these units."""
    newline: Literal["lf", "crlf"] = "lf"
    """War and Peace: line ends in the text, "crlf" as in the papers' character counts."""
    test_characters: Count = 0
    """Texts: characters at the end that are kept for the test; 0: a tenth of the text."""

    shape: Annotated[tuple[Extent, ...], Field(strict=False, max_length=3)] = ()
    """No data: the shape of a sample: [features], [positions, features] or [height, width, channels]."""
    symbols: Annotated[int, Field(ge=0, le=100_000_000)] = 0
    """No data: size of the vocabulary, where a sample is as many symbols as the network has steps."""

    @model_validator(mode="after")
    def _keys_belong_to_the_set(self) -> Self:
        given = vars(self)
        if given["set"] == "none" and bool(given["shape"]) == bool(given["symbols"]):
            raise refusal((), 'needs shape or symbols for set = "none", and not both')
        filed = given["set"] in _BELONGS["file"]
        for key in (*(("file",) if filed else ()), *_NEEDED.get(given["set"], ())):
            if key not in self.model_fields_set or given[key] in ("", ()):
                raise refusal((), f'needs {key} for set = "{given["set"]}"')
        for key, sets in _BELONGS.items():
            if given["set"] not in sets and given[key] != type(self).model_fields[key].default:
                raise refusal((key,), f"belongs to set = {' or '.join(f'{chr(34)}{name}{chr(34)}' for name in sets)}")
        if given["targets"] == "classes" and given["target_scaling"] != "none":
            raise refusal(("target_scaling",), 'belongs to targets = "values"')
        if given["targets"] == "classes" and len(given["label"]) > 1:
            raise refusal(("label",), 'must be one column for targets = "classes"')
        if len(given["size"]) not in (0, 2):
            raise refusal(("size",), "must be [height, width]")
        if given["set"] == "idx" and bool(given["test_file"]) != bool(given["test_label_file"]):
            raise refusal(("test_label_file",), "must stand beside test_file, and test_file beside it")
        return self

    @property
    def loss(self) -> str:
        """What a network that learns these data minimises."""
        own = vars(self)
        fits = own["set"] == "linear" or own["targets"] == "values"
        return "squared-error" if fits else "cross-entropy"
