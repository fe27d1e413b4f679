"""Does every field that a user can write say what it means, in the model, in its schema and in `twin show`?"""

import io
import re

import pytest
from rich.console import Console

from twin.algorithms.mixed_precision import MixedPrecisionTable
from twin.chip.dram.memory import Dram
from twin.cli.show_key import key_group
from twin.config.meaning import meanings_of
from twin.config.part import Part
from twin.config.tile import Converter, Tile
from twin.descriptions.load import MODELS, models_in
from twin.descriptions.schema import json_schema
from twin.descriptions.sweep import Sweep
from twin.devices.registry import family_names, family_of
from twin.devices.slope_soft_bounds import SlopeSoftBounds
from twin.errors import TwinError


def models(roots):
    """Return `roots` and every model that can stand below them."""
    found, rest = set(), list(roots)
    while rest:
        model = rest.pop()
        if model not in found:
            found.add(model)
            rest += [
                below for field in model.model_fields.values() for below in models_in(field.annotation, field.metadata)
            ]
    return sorted(found, key=lambda model: model.__name__)


DESCRIPTIONS = models([*MODELS.values(), *map(family_of, family_names())])


def meaningless(model):
    """List the fields of a model without a meaning, or with one that has no word beyond the field's name."""
    wrong = []
    for name, text in meanings_of(model).items():
        said = set(re.findall(r"\w+", text.lower().replace("_", " ")))
        if not said - {"a", "an", "the", "of", "its", "this"} - set(name.lower().split("_")):
            wrong.append(f"{model.__name__}.{name}")
    return wrong


@pytest.mark.parametrize("model", DESCRIPTIONS, ids=lambda model: model.__name__)
def test_every_field_has_a_meaning_that_says_more_than_its_name(model):
    assert meaningless(model) == []
    assert [name for name, text in meanings_of(model).items() if not text.endswith(".")] == []


def test_a_field_without_a_meaning_or_with_its_name_for_one_is_found():
    class Example(Part):
        bare: int
        pulse_time: float
        """The pulse time."""
        rows: int
        """Output lines of one array."""

    assert meaningless(Example) == ["Example.bare", "Example.pulse_time"]
    assert Example in models([Example])


@pytest.mark.parametrize("kind", MODELS)
def test_the_schema_has_the_meaning_of_every_key(kind):
    schema = json_schema(kind)
    for name, part in [(kind, schema), *schema["$defs"].items()]:
        bare = [key for key, value in part.get("properties", {}).items() if not value.get("description")]
        assert not bare, name


def shown(name, key, width=80):
    """Return what `twin show NAME KEY` prints, as lines."""
    console = Console(width=width, file=io.StringIO())
    console.print(key_group(name, key))
    return console.file.getvalue().splitlines()


def test_show_says_what_a_key_means_with_its_value_its_source_and_its_origin():
    key, meaning, source, origin = shown("aimc-512", "tile.pulse_time")
    assert key == "tile.pulse_time = 5 ns"
    assert meaning.strip() == meanings_of(Tile)["pulse_time"]
    assert source.strip().startswith("S: Rasch 2024")
    assert origin == "    derived from device gokmen-1200"
    assert re.fullmatch(r"    architectures/aimc-512\.toml:\d+", shown("aimc-512", "tile.sign_phases")[-1])


def test_show_of_a_table_says_it_of_all_its_keys_on_80_columns():
    lines = shown("aimc-512", "tile")
    assert lines[0] == "tile"
    heads = [line.partition(" ")[0] for line in lines if not line.startswith(" ")]
    assert {"tile.rows", "tile.converter", "tile.converter.rate", "tile.io.out_noise"} < set(heads)
    assert not [head for head in heads if not head.startswith("tile")]
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("name", "key", "model"),
    [
        ("digits-mlp", "device.slope", SlopeSoftBounds),
        ("gokmen-60", "slope", SlopeSoftBounds),
        ("ddr4-3200", "nRCD", Dram),
        ("haensch-9b", "rate", Converter),
        ("digits-mlp", "algorithms.mixed-precision.granularity", MixedPrecisionTable),
    ],
)
def test_show_knows_the_keys_of_devices_parts_and_algorithms(name, key, model):
    assert shown(name, key, 200)[1].strip() == meanings_of(model)[key.rpartition(".")[2]]


def test_show_says_what_a_key_means_that_is_not_given_or_that_a_user_named():
    assert shown("aimc-512", "network")[0] == "network (not given)"
    key, meaning, origin = shown("first-sweep", "fixed.training.epochs", 200)
    assert key == "fixed.training.epochs = 5"
    assert meaning.strip() == meanings_of(Sweep)["fixed"]
    assert origin.strip().startswith("workloads/first-sweep.toml:")


def test_show_of_an_unknown_key_names_the_nearest():
    with pytest.raises(TwinError, match=r"tile\.rwos: is no key of aimc-512 \(did you mean tile\.rows\?\)"):
        key_group("aimc-512", "tile.rwos")
