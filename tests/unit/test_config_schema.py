import json
import re
import subprocess
import sys
import tomllib
from typing import get_args

import pytest
from rich.table import Table

from twin.cli import tables
from twin.config.data import Data
from twin.config.resources import find
from twin.descriptions.load import load_chip, load_workload
from twin.descriptions.schema import json_schema
from twin.errors import TwinError
from twin.runs.constants import constants, description_rows
from twin.runs.names import available, preset_rows


@pytest.mark.parametrize("kind", ["chip", "layout", "workload", "sweep", "study"])
def test_the_schema_is_json_and_forbids_unknown_keys(kind):
    schema = json.loads(json.dumps(json_schema(kind)))
    assert schema["additionalProperties"] is False
    assert schema["properties"]["schema"]["const"] == 1
    assert "$ref" not in schema["title"]


def test_quantities_are_strings_with_a_pattern_that_fits_the_example():
    definitions = json_schema("chip")["$defs"]
    for definition in definitions.values():
        for item in definition["properties"].values():
            if "examples" in item:
                assert item["type"] == "string"
                assert re.search(item["pattern"], item["examples"][0])
    assert not re.search(definitions["Tile"]["properties"]["pulse_time"]["pattern"], "5")


def test_a_preset_stands_for_the_values_it_gives():
    converter = json_schema("chip")["$defs"]["Converter"]
    assert converter["required"] == ["count"]
    assert "newton-9b" in converter["properties"]["preset"]["enum"]


def test_sources_are_required_of_a_chip_and_open_to_a_workload_with_the_same_statuses():
    chip, workload = json_schema("chip"), json_schema("workload")
    assert chip["properties"]["sources"] == workload["properties"]["sources"]
    assert "sources" in chip["required"]
    assert "sources" not in workload["required"]
    pattern = workload["properties"]["sources"]["additionalProperties"]["anyOf"][0]["pattern"]
    assert re.search(pattern, "L: one pass over each rate")
    assert not re.search(pattern, "my paper, Table 2")


def test_a_dram_needs_a_part_or_all_its_values_and_a_channel_no_kind():
    definitions = json_schema("chip")["$defs"]
    assert set(definitions["Dram"]["required"]) >= {"kind", "channels", "ranks", "address_mapping"}
    assert "nRCD" not in definitions["Dram"]["required"]
    assert "ddr4-3200" in definitions["Dram"]["properties"]["preset"]["anyOf"][0]["enum"]
    assert "kind" not in definitions["Channel"]["required"]


@pytest.mark.parametrize("name", ["aimc-512", "ibm-2023"])
def test_a_chip_may_leave_out_what_its_technology_gives(name):
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(tomllib.loads(find("chip", name).text), json_schema("chip"))


def test_there_is_no_schema_of_another_kind():
    with pytest.raises(TwinError, match="choose from chip, layout, workload, baseline, sweep, study"):
        json_schema("essay")


def test_show_prints_every_value_with_unit_status_source_and_origin():
    loaded = load_chip("aimc-512", {"tile.converter.preset": "newton-9b"})
    rows = {row.key: row for row in description_rows(loaded)}
    assert {row.key for row in constants(loaded)} < set(rows)
    row = rows["tile.pulse_time"]
    assert (row.value, row.unit, row.status) == ("5", "ns", "S")
    assert row.source.startswith("Rasch 2024")
    assert row.origin == "derived from device gokmen-1200"
    assert rows["tile.rows"].origin.startswith("architectures/aimc-512.toml:")
    assert rows["tile.converter.area"].origin == "preset newton-9b"
    assert (rows["buffer.size"].value, rows["buffer.size"].unit) == ("1", "MiB")
    physical = {"tile", "digital", "buffer", "memory", "link", "registers", "host", "placement"}
    bare = [key for key, row in rows.items() if key.split(".")[0] in physical and not (row.status and row.source)]
    kinds = ["buffer.kind", "memory.kind", "link.kind", "registers.kind"]
    assert bare == ["tile.converter.preset", *kinds]


def test_show_prints_every_value_of_a_dram_with_its_source_and_the_part_it_comes_from():
    rows = {row.key: row for row in description_rows(load_chip("aimc-512-lpddr5"))}
    assert (rows["memory.nRCD"].value, rows["memory.nRCD"].status) == ("15", "S")
    assert rows["memory.nRCD"].origin == "preset lpddr5-6400"
    assert (rows["memory.tCK"].value, rows["memory.tCK"].unit) == ("1.25", "ns")
    assert rows["memory.channels"].origin.startswith("architectures/aimc-512-lpddr5.toml:")


def test_show_lists_the_parameters_that_replace_those_of_a_device_preset():
    loaded = load_workload("linear", {"device.dw_min": "0.01"})
    rows = {row.key: row for row in description_rows(loaded)}
    assert (rows["device.dw_min"].value, rows["device.dw_min"].origin) == ("0.01", "command line")


def test_show_and_list_make_tables():
    assert tables.description_table(load_chip("aimc-512")).row_count > 60
    assert tables.description_table(load_workload("linear")).row_count > 30
    names = available()
    assert set(names) == {
        "chips",
        "layouts",
        "workloads",
        "baselines",
        "sweeps",
        "studies",
        "memories",
        "converters",
        "data sets",
        "devices",
        "algorithms",
    }
    assert all(text for kind in names.values() for text in kind.values())
    device = tables.device_table("gokmen-60")
    assert device is not None
    (parameters,) = (part for part in device.renderables if isinstance(part, Table))
    assert parameters.row_count > 3
    assert [column.header for column in parameters.columns] == ["parameter", "value", "status", "source"]
    assert tables.device_table("aimc-512") is None
    memory = tables.part_table("ddr4-3200")
    assert memory is not None
    assert memory.row_count > 30
    assert tables.part_table("aimc-512") is None
    assert {"isaac-8b", "haensch-9b"} <= set(names["converters"])
    assert list(names["data sets"]) == list(get_args(Data.model_fields["set"].annotation))
    converter = tables.part_table("haensch-9b")
    assert converter is not None
    assert converter.row_count == 3
    assert [row.key for row in preset_rows("haensch-9b")] == ["rate", "energy", "area"]
    assert tables.available_table().row_count == sum(len(kind) for kind in names.values())


def test_configuration_imports_nothing_heavy():
    heavy = "{'numba', 'pandas', 'matplotlib', 'scipy', 'sklearn', 'simpy', 'networkx'}"
    load = "from twin.descriptions.load import load_chip; load_chip('aimc-512')"
    code = f"import sys; {load}; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
