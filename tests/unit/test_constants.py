"""Every constant has a status and a source: of devices, hyper-parameters and training as of chips."""

import re

import pytest

from twin.config.electricity import ELECTRICITY
from twin.config.part import dotted, leaves
from twin.config.resources import shipped
from twin.descriptions.algorithms import Algorithms
from twin.descriptions.cited import CONSTANTS, UNSAID, default_source, defaults
from twin.descriptions.load import load_chip, load_workload
from twin.descriptions.statistics import with_statistics
from twin.descriptions.workload import Workload
from twin.devices import describe, preset_names
from twin.errors import TwinError
from twin.runs.constants import constants, constants_of_run, description_rows
from twin.runs.names import preset_rows

STATUS = {"S", "S2", "L", "D", "M", "assumption"}


def by_key(rows):
    return {row.key: row for row in rows}


def write(folder, text):
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def linear():
    """Return the text of the smallest workload, without its sources."""
    text = (shipped_file("linear")).read_text(encoding="utf-8")
    return text[: text.index("[sources]")]


def shipped_file(name):
    from twin.config.resources import root  # noqa: PLC0415

    return root() / "workloads" / f"{name}.toml"


@pytest.mark.parametrize("name", shipped("workload"))
def test_every_constant_of_a_shipped_workload_has_a_source(name):
    rows = [row for row in description_rows(load_workload(name)) if row.key.split(".")[0] in CONSTANTS]
    assert len(rows) > 60
    assert {row.status for row in rows} <= STATUS
    assert not [row.key for row in rows if not row.source or UNSAID.endswith(row.source)]
    data = [row for row in description_rows(load_workload(name)) if row.key.startswith(("data.", "network."))]
    assert not [row.key for row in data if not row.status and row.origin != "default"]


@pytest.mark.parametrize("name", preset_names())
def test_every_parameter_of_a_device_preset_has_a_status_and_a_source(name):
    preset = describe(name)
    rows = preset_rows(name)
    assert [row.key for row in rows] == ["family", *preset.parameters]
    assert {row.status for row in rows} <= STATUS
    assert all(len(row.source) > 5 for row in rows)


def test_presets_mark_what_their_source_says_nothing_of_as_assumed():
    rows = {name: by_key(preset_rows(name)) for name in ("gokmen-60", "symmetric-1200", "pcm-pair", "lee-af1", "ecram")}
    assert (rows["gokmen-60"]["slope"].status, rows["gokmen-60"]["up_down_dtod"].status) == ("S", "assumption")
    assert rows["gokmen-60"]["dw_min"].status == "D"
    assert (rows["symmetric-1200"]["dw_min"].status, rows["symmetric-1200"]["w_max"].status) == ("S", "assumption")
    assert rows["pcm-pair"]["refresh_every"].status == "assumption"
    assert (rows["lee-af1"]["asymmetry_factor"].status, rows["lee-af1"]["dw_min_std"].status) == ("S", "assumption")
    assert {row.status for key, row in rows["ecram"].items() if key not in ELECTRICITY} == {"S"}
    assert (rows["ecram"]["pulse_time"].status, rows["ecram"]["write_voltage"].status) == ("S", "assumption")


def test_every_default_of_a_workload_has_a_source_and_no_source_is_of_nothing():
    keys = [dotted(("algorithms", *path)) for path, *_ in leaves(Algorithms())]
    keys += [
        f"{table}.{name}"
        for table in CONSTANTS - {"algorithms", "device", "statistics", "init"}
        for model in [Workload.model_fields[table].annotation]
        for name, field in fields_of(model).items()
        if not field.is_required()
    ]
    assert not [key for key in keys if default_source(key) is None]
    known = {*keys, "statistics"}
    tables = {key.rsplit(".", cut)[0] for key in known for cut in range(1, key.count(".") + 1)}
    anywhere = {re.sub(r"^algorithms\.[^.]+", "algorithms.any", key) for key in known | tables}
    assert set(defaults()) <= known | tables | anywhere
    assert all(text.partition(": ")[0] in STATUS for text in defaults().values())


def fields_of(annotation):
    """Return the fields of a model, or of the one that an optional value may be."""
    model = annotation if hasattr(annotation, "model_fields") else annotation.__args__[0]
    return model.model_fields


def test_a_workload_of_ones_own_needs_no_sources_and_is_listed_as_assumed(tmp_path, linear):
    rows = by_key(description_rows(load_workload(write(tmp_path, linear))))
    assert (rows["algorithms.sgd.learning_rate"].status, rows["algorithms.sgd.learning_rate"].source) == (
        "assumption",
        "chosen in the workload, which names no source",
    )
    assert rows["algorithms.shd.fast_lr"].source.startswith("1, with auto_scale")  # as the default
    assert rows["device.dw_min"].source.startswith("60 states")
    assert rows["device.dw_min"].origin == "preset gokmen-60"
    assert (rows["device.lifetime"].value, rows["device.lifetime"].status) == ("inf", "assumption")


def test_sources_of_a_workload_cover_tables_and_the_command_line_replaces_them(tmp_path, linear):
    cited = '[sources]\n"algorithms.sgd" = "S: my paper, Table 2"\n"device.dw_min" = "L: my fit"\n'
    file = write(tmp_path, linear.replace('preset = "gokmen-60"', 'preset = "gokmen-60"\ndw_min = 0.03') + cited)
    rows = by_key(description_rows(load_workload(file, {"algorithms.sgd.learning_rate": "0.1"})))
    assert (rows["algorithms.sgd.update.desired_bl"].status, rows["device.dw_min"].status) == ("S", "L")
    assert rows["algorithms.sgd.learning_rate"][3:] == ("assumption", "set on the command line", "command line")
    alone = by_key(description_rows(load_workload(write(tmp_path, linear), {"device.dw_min": "0.1"})))
    assert alone["device.dw_min"][3:] == ("assumption", "set on the command line", "command line")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            '"algorithms.sgd.learning_rat" = "S: paper"',
            "is no field of the workload (did you mean algorithms.sgd.learning_rate?)",
        ),
        ('"init" = "paper, page 3"', "must begin with a status (S, S2, L, D, M, assumption)"),
    ],
)
def test_a_wrong_source_of_a_workload_is_refused_by_name(tmp_path, linear, line, message):
    with pytest.raises(TwinError) as caught:
        load_workload(write(tmp_path, f"{linear}\n[sources]\n{line}\n"))
    assert message in str(caught.value)
    assert "mine.toml:" in str(caught.value)


def test_a_run_lists_the_constants_of_its_own_algorithm_and_matrices_alone():
    loaded = load_workload("lee-2022", {"device.matrices.A.dw_min": "0.01"})
    shd, sgd, digital = (
        by_key(constants_of_run(loaded, name, matrices))
        for name, matrices in (("shd", ("C", "A")), ("sgd", ("W",)), ("digital", ()))
    )
    assert {"algorithms.shd.fast_lr", "device.dw_min", "device.matrices.A.dw_min", "calibration.method"} <= set(shd)
    assert not [key for key in shd if key.startswith(("algorithms.sgd", "network", "data"))]
    assert [key for key in sgd if key.startswith("device.matrices")] == []
    assert "device.dw_min" in sgd
    assert [key for key in digital if key.startswith("device.")] == []
    assert all(row.status in STATUS for rows in (shd, sgd, digital) for row in rows.values())


def test_a_matrix_with_a_preset_of_its_own_has_all_its_parameters_listed():
    loaded = load_workload("linear", {"device.matrices.C.preset": '"ecram"'})
    rows = by_key(description_rows(loaded))
    assert rows["device.matrices.C.gamma_up"].source == "aihwkit, EcRamPresetDevice"
    assert rows["device.matrices.C.dw_min"].origin == "preset ecram"


def test_timing_only_runs_list_their_statistics():
    rows = by_key(constants_of_run(with_statistics(load_workload("bert-base"), "ttv2"), "ttv2"))
    assert rows["statistics.ttv2.pulses"].status in STATUS
    assert "algorithms.ttv2.transfer_every" in rows
    assert not [key for key in rows if key.startswith(("statistics.sgd", "network"))]


def test_listing_a_value_does_not_count_as_reading_it():
    loaded = load_workload("linear", {"device.dw_min": "0.01"})
    description_rows(loaded)
    assert "device.dw_min" in loaded.without_effect()


def test_a_chip_lists_what_it_listed_before():
    rows = constants(load_chip("aimc-512"))
    assert all(row.status in STATUS and row.source for row in rows)
    assert "tile.pulse_time" in by_key(rows)
