"""Files of measured pulses that are wrong or in doubt: is each refused, or warned of, in one line?"""

import re

import numpy as np
import pytest
from forms_kit import (
    FILES,
    PULSES,
    SEVERAL,
    aihwkit,
    crosssim,
    cycles,
    keithley,
    log_of_devices,
    long_table,
    neurosim,
    series,
    table,
    wide_of_cycles,
    wide_of_devices,
    written,
    xbtorch,
)

from twin.cli.device_fit import fit_measured
from twin.devices.fit import fit_device
from twin.devices.forms.form import Wanted
from twin.devices.forms.registry import read_measured
from twin.errors import TwinError


@pytest.mark.parametrize(
    ("make", "form", "column", "expected"),
    [
        (long_table, "long-table", {"width": "Pulse #"}, "is not used by the form long-table, only by log and wide"),
        (aihwkit, "aihwkit", {"current": "1"}, "(= 1): is not used by the form aihwkit, only by log and long-table"),
        (log_of_devices, "log", {"direction": "Cycle"}, "(= Cycle): is not used by the form log, only by wide-table"),
        (long_table, None, {"cycle": "Pulse #"}, "beside a column of directions"),
    ],
)  # fmt: skip
def test_a_role_that_the_form_has_no_use_for_is_refused(tmp_path, make, form, column, expected):
    with pytest.raises(TwinError) as caught:
        read_measured(written(tmp_path, make()), form, Wanted(None, column))
    assert expected in str(caught.value)


def test_an_error_says_which_columns_were_taken_as_what(tmp_path):
    rows = [[k, 0.1 * g, g] for k, g in enumerate(series(count=2))]
    with pytest.raises(TwinError) as caught:
        fit_measured(written(tmp_path, {"a.csv": table([["Puls", "Strom", "Leitwert"], *rows])}))
    assert "read as wide-table, 'Puls', 'Strom', 'Leitwert' as conductance each; if" in str(caught.value)
    assert "--column conductance=HEADING" in str(caught.value)
    reading = read_measured([tmp_path / "a.csv"], None, Wanted(None, {"conductance": "Leitwert"}))[1]
    assert reading.taken == "'Leitwert' as conductance"


@pytest.mark.parametrize(
    ("head", "unit"),
    [("Pulse,G (furlong)", "furlong"), ("Pulse,R (uS)", "uS"), ("V (V),I (Amp)", "Amp"),
     ("pulse,direction,conductance (mho)", "mho")],
)  # fmt: skip
def test_a_unit_that_is_unknown_or_of_something_else_is_refused(tmp_path, head, unit):
    width = head.count(",") + 1
    (tmp_path / "a.csv").write_text("\n".join([head, "1,2,3"[: 2 * width - 1], "2,3,4"[: 2 * width - 1]]))
    form = "twin" if width == 3 else "log" if "V (V)" in head else "long-table"
    column = {"resistance": "R (uS)"} if "R (" in head else {}
    with pytest.raises(TwinError) as caught:
        read_measured([tmp_path / "a.csv"], form, Wanted(None, column))
    assert f"a.csv:1: {head.rpartition(',')[2]}: unit (= {unit}): must be" in str(caught.value)


def test_a_conductance_that_no_device_has_is_asked_about(tmp_path, capsys):
    text = long_table()["long.csv"]
    fit_measured(written(tmp_path, {"a.csv": text.replace("nS", "kS")}), family="tabular")
    assert "S: is the unit of 'G (kS)' right? devices have 1 nS to 10 mS" in capsys.readouterr().out


def ramps(slow=0, floor=20):
    """25 ramps of up pulses of 40 to 50 states, each behind some reads of the low state; resets take `slow` steps."""
    rng, found = np.random.default_rng(3), []
    for ramp in cycles(25, 50)[:, 0]:
        back = np.linspace(found[-1][-1], ramp[0], slow + 1)[1:-1] if found and slow else []
        found.append(np.concatenate([back, ramp[0] + 0.05 * rng.standard_normal(floor), ramp[: rng.integers(40, 50)]]))
    return np.concatenate(found)


@pytest.mark.parametrize("head", [["G (uS)"], ["d1 (uS)", "d2 (uS)"]])
@pytest.mark.parametrize("named", [True, False])
def test_resets_are_not_taken_as_down_pulses(tmp_path, head, named):
    states = ramps()
    rows = [["Pulse", *head], *((k, *[g] * len(head)) for k, g in enumerate(states))]
    form = ("long-table" if len(head) == 1 else "wide-table") if named else None
    with pytest.raises(TwinError) as caught:
        read_measured(written(tmp_path, {"a.csv": table(rows)}), form)
    first = int(np.argmax(np.diff(states) < -0.5 * np.ptp(states))) + 3  # a heading, lines from 1, the state after
    assert f"a.csv:{first}: {head[0]} falls by 97 % of the way in one step, 24 times" in str(caught.value)
    assert "--column direction=HEADING" in str(caught.value)


def test_what_may_be_resets_is_warned_of_with_a_figure(tmp_path, capsys):
    slow = ramps(slow=4, floor=0)
    paths = written(tmp_path, {"a.csv": table([["V (V)", "G (uS)"], *((1.0, g) for g in slow)])})
    fit_measured(paths, form="long-table", family="tabular")
    printed = capsys.readouterr().out
    assert "warning: " in printed
    assert "a.csv: V (V) is positive throughout" in printed
    assert re.search(r"down trains have 4 steps, up trains 4\d \(medians\): are the short ones resets\?", printed)
    signs = [(-1.0 if back else 1.0, g) for back, g in zip(np.diff(slow, prepend=0) < -1, slow, strict=True)]
    reading = read_measured(written(tmp_path, {"b.csv": table([["V (V)", "G (uS)"], *signs])}))[1]
    assert "down trains have 4 steps" in reading.warnings[0]
    for make in (keithley, long_table, wide_of_devices, aihwkit):
        assert not read_measured(written(tmp_path, make()))[1].warnings


BOTH, UNITLESS, RISING = (
    SEVERAL["long-table"](1),
    SEVERAL["long-table"](2).replace(" (uS)", ""),
    table([["Pulse", "G (uS)"], *enumerate(cycles(1, 400)[0, 0])]),
)


@pytest.mark.parametrize(
    ("second", "form", "expected"),
    [
        (BOTH, None, "b.csv: holds the same as"),
        (UNITLESS, "log", "a.csv: has no columns of voltage"),
        (UNITLESS, None, "b.csv: is in no unit, "),
        (RISING, None, "b.csv: has only up steps; of several files each must have both directions"),
        (SEVERAL["log"](1), None, "b.csv: has the form log, "),
        ("some text\n", None, "b.csv: has no form that is known, "),
        (SEVERAL["log"](1), "neurosim", "a.csv:1: Pulse: is no heading of a time"),
        (BOTH.replace("uS", "uX"), None, "b.csv:1: G (uX): unit (= uX): must be S"),
        (RISING, "xbtorch", "b.csv: 2 files, must be six"),
        (RISING, "crosssim", "a.csv:1: Pulse: is no heading of a ramp"),
    ],
)  # fmt: skip
def test_files_that_do_not_go_together_are_refused_by_name(tmp_path, second, form, expected):
    with pytest.raises(TwinError) as caught:
        read_measured(written(tmp_path, {"a.csv": BOTH, "b.csv": second}), form)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_volts_that_differ_between_files_or_pulses_are_warned_of(tmp_path):
    text = SEVERAL["log"](2)
    files = {
        "a.csv": SEVERAL["log"](1),
        "b.csv": text.replace("\n-1,", "\n-1.5,"),
        "c.csv": text.replace("\n1,", "\n1.2,", 9),
    }
    paths = written(tmp_path, files)
    _, reading, _ = read_measured(paths[:2])
    assert reading.warnings == ["down voltage differs between files, -1.5 to -1 V"]
    assert reading.electricity["down_voltage_V"] == -1.25
    assert "c.csv: up pulses have 1 to 1.2 V and are fitted as one kind" in read_measured(paths[2:])[1].warnings[0]


@pytest.mark.parametrize(
    ("old", "new", "unit"), [("2 (uS)", "2 (uX)", "uX"), ("(uS)", "(furlong)", "furlong"), ("3 (uS)", "3 (Hz)", "Hz")]
)
def test_a_wide_table_refuses_units_as_the_other_forms_do(tmp_path, old, new, unit):
    with pytest.raises(TwinError, match=rf"a.csv:1: dev \d \({unit}\): unit \(= {unit}\): must be S"):
        read_measured(written(tmp_path, {"a.csv": wide_of_devices()["wide.csv"].replace(old, new)}), "wide-table")


LONG = ["Pulse,G (uS)", *(f"{k},{g:.6g}" for k, g in enumerate(series(count=2, pulses=40)))]
SCALED = [row.replace(",", ",1000") for row in LONG[40:]]
SAME = {"a.csv": "Time,Conductance\n" + "1,2\n2,3\n3,4\n"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a.csv": ""}, "a.csv: is empty"),
        ({"a.csv": "\n\n ,\n"}, "a.csv: is empty"),
        ({"a.csv": "some text\nmore of it\n"}, "a.csv: has no form that is known"),
        ({"a.csv": "\n".join(LONG[:2])}, "a.csv: has 0 up steps"),
        ({"a.csv": "\n".join([LONG[0], *(f"{k},5" for k in range(90))])}, "a.csv: has 0 down steps"),
        ({"a.csv": "\n".join([*LONG[:9], "9,nan", *LONG[10:]])}, "a.csv:10: G (uS) (= nan): must be finite"),
        ({"a.csv": "\n".join([*LONG[:9], "9,OVFL", *LONG[10:]])}, "a.csv:10: G (uS) (= 'OVFL'): must be a number"),
        ({"a.csv": "\n".join([*LONG[:9], "9"])}, "a.csv:10: G (uS) (= ''): must be a number"),
        ({"a.csv": "\n".join([*LONG[:40], *SCALED])}, "a.csv:41: G (uS) (= 1000"),
        ({"a.csv": "1,2\n2\n"}, "a.csv:2: has 1 cells; every row must have two"),
        ({"a.csv": "1,2\n2,3\n4,5\n"}, "a.csv: both columns rise"),
        ({"a.csv": "rmp1\n1\n2\n3", "b.csv": "rmp1\n1\n2\n4"}, "b.csv: rises as"),
        ({"a.csv": "rmp1,rmp2\n1,1\n2,x\n"}, "a.csv:3: rmp2 (= 'x'): must be a number"),
        ({**SAME, "b.csv": SAME["a.csv"]}, "b.csv: holds the same as"),
        ({**SAME, "b.csv": SAME["a.csv"].replace("4", "5")}, "b.csv: rises as"),
        ({"a.csv": "a;b\n1,5;2,5\n1.5;2\n"}, "decimal commas and others with points"),
        ({"a.csv": "V (V);G (uS)\n" + "1;5\n-1;4\n" * 3}, "a.csv: has 2 up steps"),
        ({"a.csv": "V (mX);G (uS)\n" + "1;5\n-1;4\n" * 3}, "a.csv:1: V (mX): unit (= mX): must be V"),
        ({"a.csv": "1,9\n2,7\n3,4\n"}, "a.csv: column 1 counts the rows"),
        ({"a.csv": "\n".join([*LONG, "mean,5", ""])}, "Pulse (= 'mean'): must be a number"),
        ({"a.csv": "\n".join([LONG[0], *LONG[:0:-1]])}, "a.csv:3: Pulse (= 158): falls from row to row"),
        ({"a.csv": "\n".join([*LONG[:9], "9,1_0", *LONG[10:]])}, "a.csv:10: G (uS) (= '1_0'): must be a number"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_in_one_line(tmp_path, files, expected):
    with pytest.raises(TwinError) as caught:
        fit_measured(written(tmp_path, files))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("make", [make for make, *_ in FILES], ids=lambda make: make.__name__)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.97])
def test_a_file_cut_off_is_read_as_far_as_it_goes_or_refused(tmp_path, make, share):
    paths = written(tmp_path, make())
    raw = paths[-1].read_bytes()
    paths[-1].write_bytes(raw[: int(share * len(raw))])
    message = ""
    try:
        fit_device(read_measured(paths)[0])
    except TwinError as error:
        message = str(error)
    assert "\n" not in message


@pytest.mark.parametrize("make", [crosssim, keithley])
def test_a_number_cut_off_before_its_exponent_is_no_state(tmp_path, make):
    paths = written(tmp_path, make())
    for path in paths:
        text = path.read_text()
        path.write_text(text[: text.rindex("e-0")])
    with pytest.raises(
        TwinError, match=r"is over 300 times as large as all others, at most .*; is the last row cut off"
    ):
        read_measured(paths)


def test_binary_files_are_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"PK\x03\x04\x00\x00\x01")
    with pytest.raises(TwinError, match="is neither text nor a spreadsheet"):
        read_measured([tmp_path / "a.csv"])


@pytest.mark.parametrize("make", [neurosim, xbtorch, long_table, wide_of_cycles, lambda: {"a.csv": SEVERAL["twin"](1)}])
def test_a_read_voltage_without_currents_is_refused(tmp_path, make):
    paths = written(tmp_path, make())
    read_measured(paths)
    with pytest.raises(TwinError, match=r"^--read-voltage \(= 0.2\): divides currents, and .* holds none"):
        read_measured(paths, None, Wanted(0.2))


@pytest.mark.parametrize(("last", "whole"), [("0.12", False), ("0.1", False), ("0.123", True), ("0.1\n", True)])
def test_a_last_number_cut_within_its_decimals_is_refused(tmp_path, last, whole):
    rows = [f"{k},{g:.3f}" for k, g in enumerate(series(count=2))]
    paths = written(tmp_path, {"a.csv": "\n".join(["Pulse,G (uS)", *rows, f"{len(rows)},{last}"])})
    if whole:
        read_measured(paths)
    else:
        expected = rf"a.csv:{len(rows) + 2}: column 2 \(= {last}\): has fewer decimals .* is the file cut off"
        with pytest.raises(TwinError, match=expected):
            read_measured(paths)


def test_a_few_larger_pulses_do_not_make_reads_of_all_others(tmp_path):
    rows = [(v, 1e-6 * g) for traces in cycles() for v, trace in zip((1.0, -1.0), traces, strict=True) for g in trace]
    rows = [(2 * v if k % 40 == 39 else v, g) for k, (v, g) in enumerate(rows)]
    trains, reading, _ = read_measured(written(tmp_path, {"a.csv": table([["V (V)", "G (S)"], *rows])}))
    assert trains.up.size > 0.9 * len(rows)
    assert any("up pulses have 1 to 2 V" in line for line in reading.warnings)


def test_a_column_without_one_direction_is_named(tmp_path):
    rows = list(zip(series(count=2), series(count=2, seed=2), cycles(4)[:, 0, 1:].ravel(), strict=True))
    rows = [(*row[:2], row[2] if k < PULSES else "") for k, row in enumerate(rows)]
    paths = written(tmp_path, {"a.csv": table([["d1 (uS)", "d2 (uS)", "d3 (uS)"], *rows])})
    with pytest.raises(TwinError, match=r"a.csv: device '.*d3.*' has no down train"):
        read_measured(paths)


def test_read_voltages_that_differ_are_refused(tmp_path):
    rows = [(1.0 if k // 40 % 2 == 0 else -1.0, 0.1 + 0.1 * (k % 2), 1e-7 * g) for k, g in enumerate(series(pulses=40))]
    paths = written(tmp_path, {"a.csv": table([["V (V)", "Read (V)", "I (A)"], *rows])})
    with pytest.raises(TwinError, match=r"a.csv: Read \(V\) has 0.1 to 0.2 V; currents must be read at one voltage"):
        read_measured(paths)
    assert read_measured(paths, None, Wanted(0.1))[1].unit == "S"
