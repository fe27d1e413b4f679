"""Files of measured pulses: is each form recognised, and does a known device come back?"""

import zipfile

import numpy as np
import pytest
from forms_kit import (
    CYCLES,
    FILES,
    HIGH,
    LOW,
    PULSES,
    SEVERAL,
    STEP,
    aihwkit,
    cycles,
    keithley,
    log_of_devices,
    long_table,
    series,
    table,
    wide_of_devices,
    written,
)

from twin.cli.device_fit import fit_measured
from twin.devices import device_preset
from twin.devices.fit import fit_device
from twin.devices.forms.form import Wanted, heading, turning
from twin.devices.forms.registry import FORMS, read_measured
from twin.devices.presets import read_description
from twin.errors import TwinError


@pytest.mark.parametrize(("make", "form", "said", "unit", "wanted"), FILES, ids=lambda x: getattr(x, "__name__", ""))
def test_a_form_is_recognised_and_gives_back_the_device(tmp_path, make, form, said, unit, wanted):
    trains, reading, name = read_measured(written(tmp_path, make()), wanted=wanted)
    assert name == form
    assert said in reading.said
    fitted = fit_device(trains)
    middle = STEP / 2 * unit
    assert (fitted.up.middle.value + fitted.down.middle.value) / 2 == pytest.approx(middle, rel=0.05)
    assert fitted.up_line.bound == pytest.approx(HIGH * unit, rel=0.05)
    assert fitted.down_line.bound == pytest.approx(LOW * unit, abs=0.05 * (HIGH - LOW) * unit)
    assert reading.unit == ("" if unit == 1.0 else "S")


def test_every_form_can_be_named_and_has_a_file_above(tmp_path):
    assert {form for _, form, *_ in FILES} | {"twin"} == {form.NAME for form in FORMS}
    path = written(tmp_path, long_table())
    assert read_measured(path, "LONG-table")[2] == "long-table"
    with pytest.raises(TwinError, match=r"--form \(= wide-tabel\): is unknown; did you mean 'wide-table'"):
        read_measured(path, "wide-tabel")


def test_columns_can_be_named(tmp_path):
    rows = [["x", "A1", "A2"], *((k, 7.0, g) for k, g in enumerate(series()))]
    paths = written(tmp_path, {"odd.csv": table(rows)})
    trains, reading, _ = read_measured(paths, "long-table", Wanted(0.2, {"current": "A2"}))
    assert "currents at 0.2 V" in reading.said
    assert fit_device(trains).up_line.bound == pytest.approx(HIGH / 0.2, rel=0.05)
    with pytest.raises(TwinError, match=r"odd.csv:1: --column \(= 'A3'\): is no heading; known are x, A1, A2"):
        read_measured(paths, "long-table", Wanted(None, {"current": "A3"}))
    by_itself = read_measured(paths, None, Wanted(None, {"current": "A2"}))
    assert by_itself[2] == "long-table"  # the wide table, which it looks like, has no use for the role
    assert by_itself[1].unused == ["x", "A1"]
    with pytest.raises(TwinError, match="--column curent: is no role of a column; did you mean 'current'"):
        read_measured(paths, None, Wanted(None, {"curent": "A2"}))


def test_a_log_is_split_by_its_columns_of_devices_and_cycles(tmp_path, capsys):
    text = log_of_devices()["lab.csv"]
    paths = written(tmp_path, {"lab.csv": text, "odd.csv": text.replace("Device;Cycle", "Chip;Runde")})
    trains, reading, _ = read_measured(paths[:1])
    assert trains.devices == 3
    assert trains.up.size == 3 * 4 * (2 * PULSES - 1)  # no step from one cycle to the next
    assert reading.unused == ["t_pulse (ns)"]
    named = read_measured(paths[1:], None, Wanted(None, {"device": "Chip", "cycle": "Runde"}))
    assert named[2] == "log"
    np.testing.assert_array_equal(named[0].device, trains.device)
    np.testing.assert_array_equal(named[0].train, trains.train)
    fit_measured(paths[:1], family="tabular")
    assert "columns not used: t_pulse (ns)" in capsys.readouterr().out


def test_a_column_that_counts_the_rows_is_no_device(tmp_path):
    pulses = [(v, g) for traces in cycles(2) for v, trace in zip((1, -1), traces, strict=True) for g in trace]
    rows = [[k, *pulse] for k, pulse in enumerate(pulses)]
    paths = written(tmp_path, {"a.csv": table([["Sample", "V (V)", "G (uS)"], *rows])})
    trains, reading, form = read_measured(paths)
    assert (form, trains.devices, reading.unused) == ("log", 1, ["Sample"])


def test_files_are_written_before_anything_is_printed(tmp_path, monkeypatch):
    def broken(*_, **__):
        raise BrokenPipeError

    monkeypatch.setattr("rich.console.Console.print", broken)
    with pytest.raises(BrokenPipeError):
        fit_measured(written(tmp_path, aihwkit()), out=tmp_path / "mine.toml")
    assert "dw_min" in (tmp_path / "mine.toml").read_text()


def test_a_heading_may_say_that_units_are_arbitrary(tmp_path):
    text = long_table()["long.csv"]
    assert read_measured(written(tmp_path, {"a.csv": text.replace("nS", "a.u.")}))[1].unit == ""


@pytest.mark.parametrize("form", SEVERAL)
@pytest.mark.parametrize("named", [True, False])
def test_all_of_several_files_are_read(tmp_path, form, named):
    paths = written(tmp_path, {f"{seed}.csv": SEVERAL[form](seed) for seed in (1, 2, 3)})
    trains, reading, name = read_measured(paths, form if named else None)
    alone = [read_measured([path])[0] for path in paths]
    assert name == form
    assert trains.devices == sum(one.devices for one in alone)
    np.testing.assert_array_equal(trains.after, np.concatenate([one.after for one in alone]))
    assert f"3 files, devices of their own: {trains.devices} devices, " in reading.said


def test_files_of_a_direction_each_belong_to_one_device(tmp_path):
    files = {
        f"{k}.csv": table([["Pulse", f"G ({unit})"], *enumerate(factor * trace)])
        for k, (trace, unit, factor) in enumerate(zip(cycles(1, 400)[0], ("uS", "nS"), (1, 1e3), strict=True))
    }
    trains, reading, _ = read_measured(written(tmp_path, files))
    assert (trains.devices, trains.up.sum(), (~trains.up).sum()) == (1, 400, 400)
    assert "2 files, a direction each: 1 device, 2 trains" in reading.said
    assert fit_device(trains).up_line.bound == pytest.approx(HIGH * 1e-6, rel=0.05)


def test_small_up_pulses_are_no_reads(tmp_path):
    text = SEVERAL["log"](1).replace("\n-1,", "\n-2,")
    trains, reading, _ = read_measured(written(tmp_path, {"a.csv": text}))
    assert (trains.up.sum(), reading.electricity) == (PULSES, {"up_voltage_V": 1.0, "down_voltage_V": -2.0})


@pytest.mark.parametrize("reads", [1, 2])
def test_rows_at_no_voltage_between_pulses_are_reads(tmp_path, reads):
    rows = [["V (V)", "G (uS)"]]
    for v, trace in zip((1, -1), cycles(1, 300)[0], strict=True):
        for g in trace:
            rows += [[v, 99.0], *[[0.0, g]] * reads]
    trains, reading, _ = read_measured(written(tmp_path, {"a.csv": table(rows)}))
    assert "reads between pulses" in reading.said
    assert trains.after.max() == pytest.approx(1e-6 * cycles(1, 300).max())
    assert trains.up.sum() == 300


def test_reads_that_repeat_a_pulse_number_are_one_state(tmp_path):
    rng, states = np.random.default_rng(1), series(count=4)
    rows = [(k, g + d) for k, g in enumerate(states) for d in 0.01 * rng.standard_normal(3)]
    trains, reading, _ = read_measured(written(tmp_path, {"a.csv": table([["Pulse", "G (uS)"], *rows])}))
    assert "3 reads of a pulse averaged" in reading.said
    means = np.array([g for _, g in rows]).reshape(-1, 3).mean(axis=1) * 1e-6
    np.testing.assert_allclose(trains.after, means[1:], rtol=1e-7)


def test_headings_of_a_wide_table_may_name_cells_and_lack_units_together(tmp_path):
    text = wide_of_devices()["wide.csv"]
    cells = text.replace("dev 1 (uS)", '"cell (1,2)"').replace("dev 2 (uS)", '"cell (1,3)"')
    assert read_measured(written(tmp_path, {"a.csv": cells.replace("dev 3 (uS)", "r1")}))[1].unit == ""
    with pytest.raises(TwinError, match=r"a.csv:1: dev 2: has no unit, other columns have S"):
        read_measured(written(tmp_path, {"a.csv": text.replace("dev 2 (uS)", "dev 2")}))
    same = text.replace("dev 2", "dev 1")
    assert (
        read_measured(written(tmp_path, {"a.csv": same}))[0].devices == 3
    )  # one heading is no reason to be one device


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "latin-1"])
def test_encodings_of_instruments_are_read(tmp_path, encoding):
    text = long_table()["long.csv"].replace("nS", "µS")
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    assert read_measured([tmp_path / "a.csv"])[1].unit == "S"


def xlsx(path, rows):
    """Write a sheet with the least that makes a workbook."""
    text, number = '<c t="inlineStr"><is><t>{}</t></is></c>', "<c><v>{!r}</v></c>"
    cells = ["".join((text if isinstance(cell, str) else number).format(cell) for cell in row) for row in rows]
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kinds = "application/vnd.openxmlformats-"
    related = (
        f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/{{}}" Target="{{}}"/></Relationships>'
    )
    with zipfile.ZipFile(path, "w") as book:
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types">'
            f'<Default Extension="xml" ContentType="{kinds}officedocument.spreadsheetml.sheet.main+xml"/>'
            f'<Default Extension="rels" ContentType="{kinds}package.relationships+xml"/></Types>',
        )
        book.writestr("_rels/.rels", related.format("officeDocument", "xl/workbook.xml"))
        book.writestr("xl/_rels/workbook.xml.rels", related.format("worksheet", "worksheets/sheet1.xml"))
        sheet = '<sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets>'
        book.writestr("xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{office}">{sheet}</workbook>')
        data = "".join(f"<row>{row}</row>" for row in cells)
        book.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{main}"><sheetData>{data}</sheetData></worksheet>'
        )


def ods(path, rows):
    """Write a sheet with the least that makes an OpenDocument."""
    text = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    number = (
        '<table:table-cell office:value-type="float" office:value="{0!r}"><text:p>{0!r}</text:p></table:table-cell>'
    )
    cells = ["".join((text if isinstance(cell, str) else number).format(cell) for cell in row) for row in rows]
    names = "urn:oasis:names:tc:opendocument:xmlns:"
    spaces = " ".join(f'xmlns:{name}="{names}{name}:1.0"' for name in ("office", "table", "text", "manifest"))
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    entry = f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
    data = "".join(f"<table:table-row>{row}</table:table-row>" for row in cells)
    sheet = f'<office:spreadsheet><table:table table:name="a">{data}</table:table></office:spreadsheet>'
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("mimetype", kind)
        book.writestr("META-INF/manifest.xml", f"<manifest:manifest {spaces}>{entry}</manifest:manifest>")
        body = f"<office:body>{sheet}</office:body>"
        book.writestr("content.xml", f"<office:document-content {spaces}>{body}</office:document-content>")


@pytest.mark.parametrize("write", [xlsx, ods])
def test_a_spreadsheet_is_read(tmp_path, write):
    pytest.importorskip("python_calamine")
    path = tmp_path / f"clarius.{write.__name__}"
    write(path, [["Pulse", "G (uS)"], *((k, float(g)) for k, g in enumerate(series()))])
    trains, reading, form = read_measured([path])
    assert (form, reading.unit) == ("long-table", "S")
    assert fit_device(trains).up_line.bound == pytest.approx(HIGH * 1e-6, rel=0.05)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(TwinError, match="cannot be read as a spreadsheet"):
        read_measured([path])


def test_headings_are_split_into_name_and_unit():
    assert heading("G (uS)") == ("g", "S", 1e-6)
    assert heading("Pulse #") == ("pulse", "", 1.0)
    assert heading("Time[ns]") == ("time", "s", 1e-9)
    assert heading("R [kΩ]") == ("r", "Ohm", 1e3)
    assert heading("dev 1 (left)") == ("dev 1", "", 1.0)
    assert heading("G_uS") == heading("G, uS") == heading("G/uS") == heading("G uS") == ("g", "S", 1e-6)
    assert heading("G / S") == ("g", "S", 1.0)
    assert heading("device A") == ("device a", "", 1.0)


@pytest.mark.parametrize("text", ["G (uS)\n{}", "Pulse,G\n#,uS\n{}"])
def test_units_are_found_in_a_table_of_one_column_and_in_a_row_of_their_own(tmp_path, text):
    width = text.count(",") // 2 + 1
    rows = "\n".join(f"{k},{g:.6g}" if width > 1 else f"{g:.6g}" for k, g in enumerate(series(count=2)))
    _, reading, form = read_measured(written(tmp_path, {"a.csv": text.format(rows)}))
    assert (form, reading.unit) == ("long-table", "S")


def test_columns_of_a_direction_each_are_one_device(tmp_path):
    rows = [["Pulse", "LTP (uS)", "LTD (uS)"], *((k, *pair) for k, pair in enumerate(zip(*cycles(1)[0], strict=True)))]
    trains, reading, _ = read_measured(written(tmp_path, {"a.csv": table(rows)}))
    assert (trains.devices, trains.up.sum(), reading.unit) == (1, PULSES, "S")


def test_turning_points_of_a_saturated_series_are_where_the_direction_changes():
    values = series(count=3, pulses=400)
    assert turning(values) == [400 * k for k in range(6)]
    assert len(turning(values[:-55])) == 6


def test_a_log_gives_the_device_an_electrical_side(tmp_path):
    fit_measured(written(tmp_path, keithley()), out=tmp_path / "mine.toml")
    assert "# down_voltage = -1.2 V" in (tmp_path / "mine.toml").read_text()
    device = device_preset("measured", read_description(str(tmp_path / "mine.toml")))
    assert (device.read_voltage, device.write_voltage) == (0.1, 1.2)
    middle = 1e-6 * (LOW + HIGH) / 2
    assert device.mean_resistance == pytest.approx(1 / middle, rel=0.05)
    assert device.on_off_ratio == pytest.approx(cycles()[:, 0].max() / cycles()[:, 1].min(), rel=0.1)


def test_a_file_without_units_says_nothing_electrical(tmp_path):
    fit_measured(written(tmp_path, aihwkit()), out=tmp_path / "mine.toml")
    assert "resistance" not in (tmp_path / "mine.toml").read_text()


@pytest.mark.parametrize("before", [False, True])
def test_states_read_before_the_pulse_of_their_row_are_told_from_those_after_it(tmp_path, before):
    pulses = np.array([v for _ in range(CYCLES) for v in (1.0, -1.2) for _ in range(PULSES)])
    states = series()
    if before:
        states = np.concatenate([[LOW], states[:-1]])
    rows = [(v, 0.2, 2e-7 * g) for v, g in zip(pulses, states, strict=True)]
    head = ["V pulse (V)", "V read (V)", "I (A)"]
    trains, reading, form = read_measured(written(tmp_path, {"a.csv": table([head, *rows])}))
    assert (form, reading.electricity["read_voltage_V"], reading.unit) == ("log", 0.2, "S")
    assert ("steps at turns left out" in reading.said) == before
    assert "'V read (V)' as read_voltage" in reading.taken
    kept = np.flatnonzero((np.diff(np.sign(pulses)) == 0) | (not before))
    np.testing.assert_allclose(trains.after - trains.before, np.diff(1e-6 * states)[kept], atol=1e-13)
    assert np.mean((trains.after > trains.before) == trains.up) > 0.99
    assert fit_device(trains).noise.cycle.value == pytest.approx(0.2, rel=0.15)
