"""Does every field that a user can write say what it means, in the model, in its schema and on its page?"""

import re

import pytest

from twin.config import json_schema
from twin.config.load import MODELS, _models
from twin.config.part import Part
from twin.devices.registry import family_names, family_of


def models(roots):
    """Return `roots` and every model that can stand below them."""
    found, rest = set(), list(roots)
    while rest:
        model = rest.pop()
        if model not in found:
            found.add(model)
            rest += [
                below for field in model.model_fields.values() for below in _models(field.annotation, field.metadata)
            ]
    return sorted(found, key=lambda model: model.__name__)


DESCRIPTIONS = models([*MODELS.values(), *map(family_of, family_names())])


def meaningless(model):
    """List the fields of a model without a meaning, or with one that has no word beyond the field's name."""
    wrong = []
    for name, field in model.model_fields.items():
        said = set(re.findall(r"\w+", (field.description or "").lower().replace("_", " ")))
        if not said - {"a", "an", "the", "of", "its", "this"} - set(name.lower().split("_")):
            wrong.append(f"{model.__name__}.{name}")
    return wrong


@pytest.mark.parametrize("model", DESCRIPTIONS, ids=lambda model: model.__name__)
def test_every_field_has_a_meaning_that_says_more_than_its_name(model):
    assert meaningless(model) == []
    assert [name for name, field in model.model_fields.items() if not field.description.endswith(".")] == []


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
