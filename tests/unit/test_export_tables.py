"""Do spreadsheets and TensorBoard get the numbers of runs, digit for digit, with their units?"""

import math
import struct

import numpy as np
import pytest
from command_kit import run_main
from report_kit import make_run, make_runs

from twin.errors import TwinError
from twin.export import workbook
from twin.export.curves import crc32c, write_curves
from twin.export.workbook import write_workbook
from twin.report.write import write_report


def sheets(path):
    """Return the rows of every sheet, read by a reader that is not the writer."""
    calamine = pytest.importorskip("python_calamine")
    book = calamine.CalamineWorkbook.from_path(str(path))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def test_a_workbook_holds_every_number_of_every_run_with_its_unit(tmp_path):
    pytest.importorskip("xlsxwriter")
    runs = [make_run("sgd", "two-array", epochs=2), make_run("ttv2", "four-array", epochs=2, seed=2)]
    write_workbook(runs, tmp_path / "report.xlsx", "twin compare x")
    found = sheets(tmp_path / "report.xlsx")
    head, *rows = found["energy"]
    assert head == ["run", "component", "layer", "kind", "energy (J)"]
    every = [*runs[0].tables["energy"]["energy_J"], *runs[1].tables["energy"]["energy_J"]]
    assert [row[-1] for row in rows] == pytest.approx(every, rel=1e-15)
    assert [row[0] for row in rows] == [run.name for run in runs for _ in range(len(run.tables["energy"]))]
    totals = [dict(zip(found["runs"][0], row, strict=True)) for row in found["runs"][1:]]
    assert [row["makespan (s)"] for row in totals] == pytest.approx([run.makespan_s for run in runs], rel=1e-15)
    assert [row["samples_per_s (1/s)"] for row in totals] == pytest.approx(
        [run.samples / run.makespan_s for run in runs], rel=1e-15
    )
    meanings = {(sheet, column): (unit, text) for sheet, column, unit, text in found["columns"][1:]}
    assert meanings["operations", "busy (ps)"] == ("ps", "from start until the last server is free, summed")
    assert {sheet for sheet, _ in meanings} == set(found) - {"columns"}
    for name in set(found) - {"columns"}:
        assert found[name][0] == [column for sheet, column in meanings if sheet == name], name


def test_what_is_not_known_is_empty_and_text_is_never_a_formula(tmp_path):
    pytest.importorskip("xlsxwriter")
    run = make_run(name="=1+1", makespan_interval_s=math.nan)
    run.tables["calibration"].loc[0, "before_mean"] = math.inf
    write_workbook([run], tmp_path / "report.xlsx", "")
    found = sheets(tmp_path / "report.xlsx")
    row = dict(zip(*found["runs"], strict=True))
    assert row["run"] == "=1+1"
    assert row["makespan_interval (s)"] == ""
    head, *rows = found["calibration"]
    assert [line[head.index("before_mean (weight units)")] for line in rows] == ["inf", ""]


def test_the_same_runs_give_the_same_workbook(tmp_path):
    pytest.importorskip("xlsxwriter")
    for name in ("a.xlsx", "b.xlsx"):
        write_workbook([make_run()], tmp_path / name, "twin run x")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_a_table_beyond_a_sheet_and_a_missing_package_are_said(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(workbook.importlib.util, "find_spec", lambda _: None)
        with pytest.raises(TwinError, match=r"needs XlsxWriter; pip install 'analog-twin\[spreadsheets\]'"):
            write_workbook([make_run()], tmp_path / "report.xlsx", "")
    pytest.importorskip("xlsxwriter")
    monkeypatch.setattr(workbook, "ROWS", 400)
    with pytest.raises(TwinError, match=r"bins has 400 rows, more than a sheet can hold \(399\)"):
        write_workbook([make_run()], tmp_path / "report.xlsx", "")
    assert not (tmp_path / "report.xlsx").exists()


def test_checksums_are_those_of_rfc_3720():
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43


def messages():
    """Return the class Event as tensorflow/core/util/event.proto and summary.proto define its fields."""
    protobuf = pytest.importorskip("google.protobuf.descriptor_pb2")
    from google.protobuf import descriptor_pool, message_factory  # noqa: PLC0415

    kinds = protobuf.FieldDescriptorProto
    file = protobuf.FileDescriptorProto(name="event.proto", package="t", syntax="proto3")
    fields = {
        "Value": [("tag", 1, kinds.TYPE_STRING, ""), ("simple_value", 2, kinds.TYPE_FLOAT, "")],
        "Summary": [("value", 1, kinds.TYPE_MESSAGE, ".t.Value")],
        "Event": [("wall_time", 1, kinds.TYPE_DOUBLE, ""), ("step", 2, kinds.TYPE_INT64, ""),
                  ("file_version", 3, kinds.TYPE_STRING, ""), ("summary", 5, kinds.TYPE_MESSAGE, ".t.Summary")],
    }  # fmt: skip
    for message, own in fields.items():
        made = file.message_type.add(name=message)
        for name, number, kind, of in own:
            label = kinds.LABEL_REPEATED if name == "value" else kinds.LABEL_OPTIONAL
            made.field.add(name=name, number=number, type=kind, label=label, type_name=of or None)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Event"))


def records(raw):
    """Take TFRecords apart: length, its checksum, content, its checksum."""
    while raw:
        (length,) = struct.unpack("<Q", raw[:8])
        content = raw[12 : 12 + length]
        for part, at in ((raw[:8], 8), (content, 12 + length)):
            (masked,) = struct.unpack("<I", raw[at : at + 4])
            turned = (masked - 0xA282EAD8) % 2**32
            assert (turned << 15 | turned >> 17) % 2**32 == crc32c(part)
        yield content
        raw = raw[16 + length :]


def test_tensorboard_gets_every_epoch_with_the_simulated_clock(tmp_path):
    event = messages()
    run = make_run(epochs=200)
    run.curve.loc[3, "train_loss"] = math.nan
    write_curves(run, tmp_path / "curves.tfevents")
    first, *rest = (event.FromString(one) for one in records((tmp_path / "curves.tfevents").read_bytes()))
    assert first.file_version == "brain.Event:2"
    assert [one.step for one in rest] == run.curve["epoch"].tolist()
    assert [one.wall_time for one in rest] == run.curve["time_s"].tolist()
    for name in ("train_loss", "test_loss", "test_error"):
        found = {one.step: v.simple_value for one in rest for v in one.summary.value if v.tag == name}
        known = run.curve[run.curve[name].notna()]
        assert found == dict(zip(known["epoch"], known[name].astype(np.float32), strict=True))


def test_the_command_writes_tables_and_curves_of_reports_and_of_single_runs(tmp_path, monkeypatch, capsys):
    pytest.importorskip("xlsxwriter")
    monkeypatch.chdir(tmp_path)
    runs = make_runs()[1:3]
    write_report(runs, tmp_path / "all", "twin compare x")
    assert run_main(monkeypatch, capsys, "export", "all", "--out", "all.xlsx") == (0, "all.xlsx\n", "")
    assert len(sheets("all.xlsx")["runs"]) == 3
    code, said, _ = run_main(monkeypatch, capsys, "export", "all", "--out", "board/x.tfevents")
    assert (code, said.split()) == (0, ["board/sgd-two-array/x.tfevents", "board/shd-four-array/x.tfevents"])
    one = run_main(monkeypatch, capsys, "export", "all/runs/sgd-two-array", "--out", "one.tfevents")
    assert one == (0, "one.tfevents\n", "")
    written = [(tmp_path / name).read_bytes() for name in ("one.tfevents", "board/sgd-two-array/x.tfevents")]
    assert written[0] == written[1]
    refused = run_main(monkeypatch, capsys, "export", "all", "--out", "x.xlsx", "--model", "m.npz")
    assert refused == (2, "", "error: --model: is of weights, and .xlsx has none; leave it out\n")
