"""The pages on file formats say what the models read, and every page is in the navigation."""

import importlib.util
from pathlib import Path

import pytest

from twin.descriptions.load import MODELS
from twin.descriptions.schema import json_schema

DOCS = Path(__file__).parents[2] / "docs"


def extension(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / "_ext" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def formats():
    return extension("formats")


@pytest.mark.parametrize("kind", MODELS)
def test_every_key_of_every_table_stands_on_its_page(formats, kind):
    page = formats.description_page(kind)
    schema = json_schema(kind)
    tables = formats.tables(schema)
    for name in tables:
        assert f"\n## {name}\n" in page
    for part in (schema, *(schema["$defs"][name] for name in tables)):
        for key in part.get("properties", {}):
            assert f"\n| `{key}` | " in page


def test_a_value_is_said_with_its_unit_its_range_and_its_default(formats):
    chip, workload = (formats.description_page(kind) for kind in ("chip", "workload"))
    assert '| `integration_time` | A time, e.g. `"40 ns"` | required |' in chip
    assert "| `max_bm_factor` | whole number, 1 to 1,073,741,824 | `1024` |" in chip
    assert '| `consistency` | `"strict"`, `"bounded"`, `"none"` | `"strict"` |' in workload
    assert "`[tile.converter]`" in chip
    assert "| `rate` | A sampling rate" in chip.split("## Converter")[1]
    assert "| the preset's |" in chip.split("## Converter")[1].split("## ")[0]


def test_devices_and_memories_have_a_page_with_all_that_is_shipped(formats):
    assert "| `gokmen-60` | `slope-soft-bounds` | 60 |" in formats.device_page()
    assert "| `lifetime` | A time" in formats.device_page()
    assert "| `lpddr5-6400` |" in formats.memory_page()
    assert "| `nRCD` | whole number" in formats.memory_page()
    assert "| `isaac-8b` | 8-bit SAR converter" in formats.description_page("chip")


def test_a_page_that_nobody_named_is_listed_with_the_others(tmp_path):
    pages = extension("pages")
    for name in ("index", "model", "new-page"):
        (tmp_path / f"{name}.md").touch()
    assert pages.others("```{toctree}\n:caption: Concepts\n\nmodel\n@others\n```\n", tmp_path) == ["new-page"]
