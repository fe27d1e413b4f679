import json
import tomllib
from pathlib import Path

import pytest

from twin.config.loaded import Loaded
from twin.config.part import unread
from twin.config.resources import shipped
from twin.descriptions.load import load_any, load_baseline, load_chip, load_layout, load_workload
from twin.descriptions.resolved import resolved_toml

ROOT = Path(__file__).parents[2]
LOADERS = {
    "chip": load_chip,
    "layout": load_layout,
    "workload": load_workload,
    "baseline": load_baseline,
}
ROOT = Path(__file__).parents[2]
SHIPPED = [(kind, name) for kind in LOADERS for name in shipped(kind)]
CHIP = (ROOT / "architectures" / "aimc-512.toml").read_text(encoding="utf-8")
WORKLOAD = (ROOT / "workloads" / "mnist-mlp.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("kind", "name"), SHIPPED)
def test_every_shipped_file_loads_under_its_own_name(kind, name):
    loaded = LOADERS[kind](name)
    assert loaded.model.name == name
    assert loaded.model.description


@pytest.mark.parametrize(("kind", "name"), SHIPPED)
def test_the_resolved_text_loads_to_the_same_model(kind, name, tmp_path):
    loaded = LOADERS[kind](name)
    path = tmp_path / "resolved.toml"
    path.write_text(resolved_toml(loaded, "twin show"), encoding="utf-8")
    again = LOADERS[kind](str(path))
    assert again.model == loaded.model
    assert again.sources == loaded.sources
    assert again.origins == loaded.origins
    assert resolved_toml(again).count("\n[") == resolved_toml(loaded).count("\n[")


def test_the_resolved_text_keeps_the_command_line(tmp_path):
    loaded = load_workload("mnist-mlp", {"device": '{preset = "gokmen-15", dw_min = 0.07}', "training.epochs": "3"})
    path = tmp_path / "resolved.toml"
    path.write_text(resolved_toml(loaded), encoding="utf-8")
    again = load_workload(str(path)).model
    assert again == loaded.model
    assert (again.device.preset, again.device.overrides, again.training.epochs) == (
        "gokmen-15",
        {"dw_min": 0.07},
        3,
    )


def test_a_full_mat_vec_of_aimc_512_takes_40_ns():
    tile = load_chip("aimc-512").model.tile
    conversions = -(-tile.rows // tile.converter.count)
    assert round(tile.integration_time * 1e12) + round(conversions / tile.converter.rate * 1e12) == 40_000


def test_an_origin_names_the_line_the_preset_or_the_command_line():
    loaded = load_chip("aimc-512", {"tile.pulse_time": "2 ns", "tile.converter.preset": "newton-9b"})
    place, line = loaded.origins["tile.rows"].split(":")
    assert place == "architectures/aimc-512.toml"
    assert CHIP.splitlines()[int(line) - 1] == "rows = 512"
    assert loaded.origins["tile.converter.energy"] == "preset newton-9b"
    assert loaded.origins["tile.pulse_time"] == "command line"
    assert loaded.sources["tile.pulse_time"] == ("assumption", "set on the command line")
    assert loaded.sources["tile.converter.energy"][0] == "S"
    assert load_workload("mnist-mlp").origins["data.slope"] == "default"


def test_a_preset_is_swapped_on_the_command_line_with_its_sources():
    loaded = load_chip("aimc-512", {"tile.converter.preset": "isaac-8b"})
    assert loaded.model.tile.converter.energy == pytest.approx(1.667e-12)
    assert loaded.model.tile.converter.count == 64
    assert "isaac_adc" in loaded.sources["tile.converter.energy"][1]


def test_a_table_set_on_the_command_line_replaces_its_sources():
    loaded = load_chip("aimc-512", {"tile.converter": '{preset = "isaac-8b", count = 8, area = "1000 um^2"}'})
    assert loaded.model.tile.converter.count == 8
    assert loaded.sources["tile.converter.count"] == ("assumption", "set on the command line")
    assert loaded.sources["tile.converter.energy"][0] == "S"


def test_a_list_element_is_set_by_its_index():
    assert load_workload("mnist-mlp", {"network.layers.0.outputs": "100"}).model.network.layers[0].outputs == 100


def test_a_line_of_slope_zero_is_legal_beside_another_data_set(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(WORKLOAD.replace("samples = 0", "samples = 0\nslope = 0.0"), encoding="utf-8")
    assert load_workload(str(path)).model.data.slope == 0


@pytest.mark.parametrize(("kind", "name"), list({kind: (kind, name) for kind, name in SHIPPED}.values()))
def test_a_description_of_any_kind_is_loaded_by_name_or_path(kind, name, tmp_path):
    loaded = load_any(name)
    assert loaded.model.kind == kind
    path = tmp_path / "x.toml"
    path.write_text(resolved_toml(loaded), encoding="utf-8")
    assert load_any(str(path)).model == loaded.model


def test_fields_that_nothing_reads_are_listed():
    loaded = load_layout("two-array")
    assert unread(loaded.model) == [
        "tiles.0.name",
        "tiles.0.arrays",
        "matrices.W.main",
        "matrices.W.reference",
        "references.W_ref.symmetry_point_of",
    ]
    assert loaded.model.tiles[0].arrays
    assert loaded.model.matrices["W"].main
    assert "tiles.0.arrays" not in unread(loaded.model)
    assert "matrices.W.main" not in unread(loaded.model)
    assert "tiles.0.name" in unread(loaded.model)


def test_the_audit_leaves_out_presets_and_defaults():
    loaded = load_chip("aimc-512")
    assert "tile.converter.energy" in unread(loaded.model)
    assert "tile.converter.energy" not in loaded.without_effect()
    assert "tile.converter.count" in loaded.without_effect()
    assert not [key for key in loaded.without_effect() if key.startswith(("sources", "name", "kind", "schema"))]


def test_reading_a_model_never_makes_it_differ():
    one, two = load_chip("aimc-512"), load_chip("aimc-512")
    assert one.model.tile.rows == 512
    assert one.model == two.model
    assert isinstance(one, Loaded)


def test_models_are_frozen():
    tile = load_chip("aimc-512").model.tile
    with pytest.raises(ValueError, match="frozen"):
        tile.rows = 5


@pytest.mark.parametrize(("load", "name"), [(load_workload, "digits-mlp"), (load_chip, "aimc-512-lpddr5")])
def test_every_value_can_be_set_to_what_it_is(load, name):
    loaded = load(name, {})
    plain = loaded.model.model_dump(exclude={"sources"})
    folder = "workloads" if load is load_workload else "architectures"
    found = tomllib.loads((ROOT / folder / f"{name}.toml").read_text(encoding="utf-8"))
    keys = [(path, value) for path, value in flattened(found) if path[0] not in {"schema", "kind", "name", "sources"}]
    assert len(keys) > 40
    for path, value in keys:
        same = load(name, {".".join(path): json.dumps(value, ensure_ascii=False)})
        assert same.model.model_dump(exclude={"sources"}) == plain, path


def flattened(value, path=()):
    """Every value below a table, with its keys; positions of lists are keys, too."""
    below = value.items() if isinstance(value, dict) else None
    if isinstance(value, list) and value and isinstance(value[0], dict):
        below = ((str(at), one) for at, one in enumerate(value))
    if below is None:
        yield path, value
        return
    for key, one in below:
        yield from flattened(one, (*path, key))
