"""Files of measured pulses: is each form recognised, does a known device come back, is a bad file refused in a line?"""

import re
import zipfile

import numpy as np
import pytest

from twin.cli.device_fit import fit_measured
from twin.devices import device_preset
from twin.devices.fit import fit_device
from twin.devices.forms.form import Wanted, heading, turning
from twin.devices.forms.registry import FORMS, read_measured
from twin.devices.presets import read_description
from twin.errors import TwinError

LOW, HIGH, STEP, PULSES, CYCLES = 1.0, 11.0, 0.25, 120, 8  # microsiemens


def cycles(count=CYCLES, pulses=PULSES, seed=1):
    """Up and down traces of a soft-bounds device, (cycle, direction, state); each begins where the last one ended."""
    rng, g, found = np.random.default_rng(seed), LOW, []
    for _ in range(count):
        traces = []
        for up in (True, False):
            values = [g]
            for _ in range(pulses):
                step = STEP * ((HIGH - g) if up else (g - LOW)) / (HIGH - LOW) * (1 + 0.2 * rng.standard_normal())
                g = g + step if up else g - step
                values.append(g)
            traces.append(values)
        found.append(traces)
    return np.array(found)


def series(**keys):
    """One column: states after each pulse, up and down by turns."""
    return cycles(**keys)[:, :, 1:].ravel()


def table(rows, separator=",", comma=False):
    lines = [separator.join(cell if isinstance(cell, str) else f"{cell:.9g}" for cell in row) for row in rows]
    return "\n".join(line.replace(".", ",") if comma and k else line for k, line in enumerate(lines)) + "\n"


def crosssim():
    """Ramps of currents at 0.1 V, ragged."""
    found = {}
    for k, name in enumerate(("set", "reset")):
        ramps = [list(trace[: PULSES + 1 - 7 * n]) for n, trace in enumerate(cycles()[:, k] * 1e-7)]
        columns = [ramp + ["NaN" if n % 2 else "0"] * (PULSES + 1 - len(ramp)) for n, ramp in enumerate(ramps)]
        found[f"{name}.csv"] = table([[f"rmp{n + 1}" for n in range(CYCLES)], *zip(*columns, strict=True)])
    return found


def neurosim():
    return {
        f"{name}.tsv": table([["Time[ns]", "Conductance"], *((300 * n + n % 7, g) for n, g in enumerate(trace))], "\t")
        for name, trace in zip(("LTP", "LTD"), cycles(1, 400)[0], strict=True)
    }


def aihwkit():
    up, down = cycles(1, 400)[0]
    return {"traces.csv": "\ufeff" + table(zip(up, down, strict=True))}


def xbtorch():
    """Distributions of a Gaussian step at 99 conductances."""
    from scipy.stats import norm  # noqa: PLC0415

    g = np.linspace(LOW, HIGH, 99) * 1e-6
    found = {}
    for name, sign in (("up", 1), ("down", -1)):
        mean = sign * STEP * 1e-6 * ((HIGH * 1e-6 - g) if sign > 0 else (g - LOW * 1e-6)) / ((HIGH - LOW) * 1e-6)
        dg = np.linspace(-1.0, 1.0, 100) * 2 * STEP * 1e-6
        at_most = norm.cdf(dg[None, :], mean[:, None], 0.02e-6 + 0.2 * np.abs(mean)[:, None])
        found |= {f"{name}-g.txt": table([[x] for x in g]), f"{name}-dg.txt": table([[x] for x in dg])}
        found[f"{name}-p.txt"] = table(at_most, " ")
    return found


def keithley():
    """Header lines, semicolons, decimal commas; a pulse and two reads at 0.1 V by turns."""
    rows = []
    for traces in cycles():
        for sign, trace in zip((1.0, -1.2), traces, strict=True):
            for g in trace[1:]:
                rows += [(sign, 1e-4 * sign), (0.1, 1e-7 * g), (0.1, 1e-7 * g)]
    text = "Keithley 4200A;SN 1234\nOperator;NN\n\n"
    return {"log.csv": text + table(
        [["Time (s)", "AV (V)", "AI (A)"], *((0.01 * k, *row) for k, row in enumerate(rows))], ";", True)}  # fmt: skip


def log_of_pulses():
    """Voltage of the pulse, and resistance after it."""
    rows = [
        (v, 1e6 / g) for traces in cycles() for v, trace in zip((1.5, -1.5), traces, strict=True) for g in trace[1:]
    ]
    head = ["t [s]", "V [V]", "R [kOhm]"]
    return {"pulses.csv": table([head, *((k, v, r / 1e3) for k, (v, r) in enumerate(rows))])}


def log_of_devices():
    """Comment lines, semicolons, decimal commas; devices and cycles by columns."""
    rows = [
        [f"D{device}", f"{n + 1}", v, 100.0, 1e-6 * g]
        for device in (1, 2, 3)
        for n, traces in enumerate(cycles(4, seed=device) * (1 + 0.01 * device))
        for v, trace in zip((1.2, -1.4), traces, strict=True)
        for g in trace[1:]
    ]
    head = ["Device", "Cycle", "V_pulse (V)", "t_pulse (ns)", "G (S)"]
    return {"lab.csv": "# wafer W07\n# operator: mh\n" + table([head, *rows], ";", True)}


def long_table():
    return {"long.csv": table([["Pulse #", "G (nS)"], *((k + 1, 1e3 * g) for k, g in enumerate(series()))])}


def long_of_devices():
    rows = [
        (f"D{device}", n, name, 1e-7 * g)
        for device in (1, 2, 3)
        for n, traces in enumerate(cycles(seed=device))
        for name, trace in zip(("LTP", "LTD"), traces, strict=True)
        for g in trace
    ]
    return {"devices.csv": table([["Device", "Cycle", "Type", "Current (A)"], *rows])}


def wide_of_devices():
    columns = [series(seed=device) for device in (1, 2, 3)]
    head = ["Pulse number", "dev 1 (uS)", "dev 2 (uS)", "dev 3 (uS)"]
    return {"wide.csv": table([head, *((k, *row) for k, row in enumerate(zip(*columns, strict=True)))])}


def wide_of_cycles():
    columns = [cycle[:, 1:].ravel() for cycle in cycles()]
    head = [f"Cycle {k} (uS)" for k in range(CYCLES)]
    return {"cycles.csv": table([head, *zip(*columns, strict=True)])}


FILES = [
    (crosssim, "CrossSim", "16 ramps, currents at 0.1 V", 1e-6, Wanted()),
    (neurosim, "NeuroSim", "2 tables of 401 and 401 states", 1.0, Wanted()),
    (aihwkit, "aihwkit", "two traces of 401 rows, up first", 1.0, Wanted()),
    (xbtorch, "XBTorch", "99 conductances and 100 changes", 1e-6, Wanted()),
    (keithley, "log", "16 trains, reads at 0.1 V, up 1 V, down -1.2 V", 1e-6, Wanted()),
    (log_of_pulses, "log", "16 trains, from resistances, up 1.5 V, down -1.5 V", 1e-6, Wanted()),
    (log_of_devices, "log", "24 trains of 3 devices, conductances, up 1.2 V, down -1.4 V", 1e-6, Wanted()),
    (long_table, "long-table", "16 trains, directions by where the series turns", 1e-6, Wanted()),
    (long_of_devices, "long-table", "48 trains, directions by their column, currents at 0.1 V", 1e-6, Wanted(0.1)),
    (wide_of_devices, "wide-table", "3 columns of 3 devices, 48 trains", 1e-6, Wanted()),
    (wide_of_cycles, "wide-table", "8 columns of 1 device, 16 trains", 1e-6, Wanted()),
]


def written(folder, files):
    paths = []
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
        paths.append(folder / name)
    return paths


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


def test_files_are_written_before_anything_is_printed(tmp_path, monkeypatch):
    def broken(*_, **__):
        raise BrokenPipeError

    monkeypatch.setattr("rich.console.Console.print", broken)
    with pytest.raises(BrokenPipeError):
        fit_measured(written(tmp_path, aihwkit()), out=tmp_path / "mine.toml")
    assert "dw_min" in (tmp_path / "mine.toml").read_text()


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


def test_a_heading_may_say_that_units_are_arbitrary(tmp_path):
    text = long_table()["long.csv"]
    assert read_measured(written(tmp_path, {"a.csv": text.replace("nS", "a.u.")}))[1].unit == ""


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


def twin_table(seed):
    rows = [
        (k, g, way)
        for traces in cycles(2, seed=seed)
        for way, trace in zip(("up", "down"), traces, strict=True)
        for k, g in enumerate(trace)
    ]
    return table([["pulse", "conductance (uS)", "direction"], *rows])


SEVERAL = {
    "twin": twin_table,
    "aihwkit": lambda seed: table(zip(*cycles(1, seed=seed)[0], strict=True)),
    "log": lambda seed: table(
        [["V (V)", "G (uS)"],
         *((v, g) for v, trace in zip((1, -1), cycles(1, seed=seed)[0], strict=True) for g in trace)]
    ),
    "wide-table": lambda seed: table([["a (uS)", "b (uS)"], *((g, 1.1 * g) for g in series(count=2, seed=seed))]),
    "long-table": lambda seed: table([["Pulse", "G (uS)"], *enumerate(series(count=2, seed=seed))]),
}  # fmt: skip


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


@pytest.mark.parametrize(
    ("old", "new", "unit"), [("2 (uS)", "2 (uX)", "uX"), ("(uS)", "(furlong)", "furlong"), ("3 (uS)", "3 (Hz)", "Hz")]
)
def test_a_wide_table_refuses_units_as_the_other_forms_do(tmp_path, old, new, unit):
    with pytest.raises(TwinError, match=rf"a.csv:1: dev \d \({unit}\): unit \(= {unit}\): must be S"):
        read_measured(written(tmp_path, {"a.csv": wide_of_devices()["wide.csv"].replace(old, new)}), "wide-table")


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
        ({"a.csv": "\n".join([*LONG, "mean,5"])}, "Pulse (= 'mean'): must be a number"),
        ({"a.csv": "\n".join([LONG[0], *LONG[:0:-1]])}, "a.csv:3: Pulse (= 158): falls from row to row"),
        ({"a.csv": "\n".join([*LONG[:9], "9,1_0", *LONG[10:]])}, "a.csv:10: G (uS) (= '1_0'): must be a number"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_in_one_line(tmp_path, files, expected):
    with pytest.raises(TwinError) as caught:
        fit_measured(written(tmp_path, files))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("make", [entry[0] for entry in FILES], ids=lambda make: make.__name__)
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
