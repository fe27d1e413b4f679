"""Measured trains: does a known device come back, and is a bad file refused in one line?"""

import tomllib

import numpy as np
import pytest

from twin.api.device_figure import draw
from twin.api.devices import measured_device
from twin.cli.device_fit import fit_measured
from twin.devices import device_preset
from twin.devices.described import description
from twin.devices.families import compare, simplest
from twin.devices.fit import fit_device
from twin.devices.forms.form import Reading, Wanted
from twin.devices.forms.registry import read_measured
from twin.devices.presets import read_description
from twin.errors import TwinError
from twin.machine.calibration import symmetry_point

DW_MIN, PULSES, DEVICES, CYCLES = 0.02, 150, 40, 2


def read_trains(path):
    return read_measured([path])[0]


def soft_bounds(mult_noise=True, devices=DEVICES, **spreads):
    """Forty soft-bounds devices, or as many, with bounds near 0.6 and -0.5."""
    parameters = {"w_max": 0.6, "w_min": -0.5, "w_max_dtod": 0.1, "w_min_dtod": 0.1, "dw_min_dtod": 0.2} | spreads
    device = device_preset("reram-sb", parameters | {"dw_min": DW_MIN, "dw_min_std": 0.3, "mult_noise": mult_noise})
    return device.populate((devices, 1), np.random.default_rng(1))


def sampled(path, raw, unit=1.0, seed=2):
    """Write trains of noisy pulses on raw devices as a CSV, conductance = unit x weight."""
    rng = np.random.default_rng(seed)
    w, lines = raw.w_min.copy(), []
    for cycle in range(CYCLES):
        for name, step, sign in (("up", raw.up, 1), ("down", raw.down, -1)):
            for pulse in range(PULSES + 1):
                if pulse:
                    size = step(w)
                    w = w + sign * (size + raw.dw_min_std * rng.standard_normal(w.shape) * (
                        size if raw.mult_noise else raw.dw_min))  # fmt: skip
                    w = np.clip(w, raw.w_min, raw.w_max).astype(np.float32)
                lines += [(k, cycle, name, pulse, unit * float(w[k, 0])) for k in range(w.shape[0])]
    lines.sort(key=lambda line: (line[0], line[1], line[2] == "down", line[3]))
    rows = [f"{k},{cycle},{name},{pulse},{g:.8g}" for k, cycle, name, pulse, g in lines]
    path.write_text("\n".join(["device,cycle,direction,pulse,conductance", *rows]) + "\n")
    return path


@pytest.mark.parametrize("mult_noise", [True, False])
def test_a_soft_bounds_device_gives_back_its_parameters(tmp_path, mult_noise):
    raw = soft_bounds(mult_noise)
    fitted = fit_device(read_trains(sampled(tmp_path / "a.csv", raw)))
    for line, bound in ((fitted.up_line, raw.w_max), (fitted.down_line, raw.w_min)):
        assert line.step_0 == pytest.approx(raw.dw_min.mean(), rel=0.05)
        assert line.bound == pytest.approx(bound.mean(), rel=0.05)
        assert line.step_0_dtod == pytest.approx(raw.dw_min.std() / raw.dw_min.mean(), rel=0.1)
    assert fitted.noise.mult_noise is mult_noise
    assert fitted.noise.cycle.value == pytest.approx(0.3, rel=0.05)
    assert fitted.up.misfit < 0.03
    assert fitted.down.misfit < 0.03


def test_the_written_device_steps_as_the_measured_one(tmp_path):
    """Mean step over the range, range, symmetry point and spreads of new devices, within 5 % of the old."""
    raw = soft_bounds()
    unit = 3e-5  # siemens a weight
    path = sampled(tmp_path / "a.csv", raw, unit)
    trains = read_trains(path)
    fitted = fit_device(trains)
    text = description(path.name, trains, fitted, Reading([], ""), simplest(compare(trains, fitted)))
    table = tomllib.loads(text)
    (tmp_path / "device.toml").write_text(text)
    device = device_preset("measured", read_description(str(tmp_path / "device.toml")))
    assert device.states == pytest.approx(table["states"], rel=1e-3)
    new = device.populate((200, 200), np.random.default_rng(3))
    half = (raw.w_max.mean() - raw.w_min.mean()) / 2  # weight 1 of the measured device is this raw weight
    middle = (raw.w_max.mean() + raw.w_min.mean()) / 2
    assert new.w_max.mean() == pytest.approx(1.0, rel=0.05)
    for share in (0.1, 0.5, 0.9):
        old_w, new_w = raw.w_min + share * (raw.w_max - raw.w_min), new.w_min + share * (new.w_max - new.w_min)
        for direction in ("up", "down"):
            old, found = getattr(raw, direction)(old_w).mean(), getattr(new, direction)(new_w).mean() * half
            assert found == pytest.approx(old, abs=0.05 * DW_MIN)
    point = symmetry_point(new).mean() * half + middle
    assert abs(point - symmetry_point(raw).mean()) < 0.05 * half


def test_one_device_without_spread_has_none(tmp_path):
    path = tmp_path / "one.csv"
    up = [(pulse, 1 - 0.9**pulse) for pulse in range(60)]
    down = [(pulse, (1 - 0.9**59) * 0.9**pulse) for pulse in range(60)]
    rows = [f"{n},{g!r},up" for n, g in up] + [f"{n},{g!r},down" for n, g in down]
    path.write_text("pulse,conductance,direction\n" + "\n".join(rows) + "\n")
    fitted = fit_device(read_trains(path))
    assert fitted.spreads()["dw_min_dtod"] == 0.0
    assert fitted.spreads()["w_max_dtod"] == 0.0
    assert fitted.residual < 0.02
    assert fitted.up_line.step_0 == pytest.approx(0.1, rel=1e-3)
    assert fitted.up_line.bound == pytest.approx(1.0, rel=1e-3)
    assert fitted.down_line.bound == pytest.approx(0.0, abs=1e-6)


def test_steps_that_are_not_monotone_leave_a_stated_misfit(tmp_path, capsys):
    """A step with a hump in the middle of the range cannot be monotone."""
    lines, g = ["pulse,conductance,direction"], 0.0
    for direction, sign in (("up", 1), ("down", -1)):
        for pulse in range(81):
            lines.append(f"{pulse},{g:.9g},{direction}")
            g = min(max(g + sign * (0.005 + 0.03 * np.sin(np.pi * g) ** 2), 0.0), 1.0)
    path = tmp_path / "hump.csv"
    path.write_text("\n".join(lines) + "\n")
    assert fit_device(read_trains(path)).up.misfit > 0.2
    fit_measured([path], None, None)
    assert "up steps are not monotone along the range" in capsys.readouterr().out


@pytest.mark.usefixtures("figures_drawn")
def test_the_command_writes_a_device_and_a_figure(tmp_path, capsys):
    path = sampled(tmp_path / "a.csv", soft_bounds(devices=8))
    fit_measured([path], tmp_path / "a.svg", tmp_path / "a.toml")
    printed = capsys.readouterr().out
    assert "rms residual of a step" in " ".join(printed.split())
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")
    assert read_description(str(tmp_path / "a.toml"))["family"] in {"soft-bounds", "linear-step"}  # of gamma 0.98
    found = measured_device([path], Wanted(), None, None, lambda *_: None)
    assert draw(found, ".svg") == (tmp_path / "a.svg").read_bytes()


def measured(path):
    return measured_device([path], Wanted(), None, "tabular", lambda *_: None)


def test_the_figure_has_units_and_says_how_many_devices_it_shows(tmp_path):
    rows = [
        f"{pulse},{5 + way * 0.5 * pulse + (1 - way) * (20 - 0.5 * pulse)},{('down', 'up')[way]},{device},{cycle}"
        for device in range(3) for cycle in range(4) for way in (1, 0) for pulse in range(41)
    ]  # fmt: skip
    (tmp_path / "a.csv").write_text("\n".join(["pulse,conductance (uS),direction,device,cycle", *rows]))
    left, right, _, last = measured(tmp_path / "a.csv").plot()
    assert left.get_ylabel() == right.get_xlabel() == "conductance (\u00b5S)"
    assert right.get_ylabel() == "step (nS)"
    assert right.yaxis.get_major_formatter()(-5e-7, 0) == "\u2212500"
    assert left.get_legend().get_title().get_text() == "2 of 3 devices"
    assert last.get_xlim() == (0.5, 3.5)


GOOD = ["pulse,conductance,direction"] + [
    f"{pulse},{0.01 * pulse if way == 'up' else 0.3 - 0.01 * pulse},{way}"
    for way in ("up", "down") for pulse in range(30)
]  # fmt: skip


def test_the_file_of_the_mistakes_is_good_without_them(tmp_path):
    path = tmp_path / "good.csv"
    path.write_text("\n".join(GOOD) + "\n")
    assert read_trains(path).up.sum() == 29
    assert fit_device(read_trains(path)).dw_min == pytest.approx(0.02 / 0.28, rel=0.01)


@pytest.mark.parametrize(
    ("line", "text", "expected"),
    [
        (0, "pulse,direction", "has no form that is known"),
        (0, "", "has no form that is known"),
        (5, "4,nan,up", ":6: conductance (= nan): must be finite"),
        (5, "4,inf,up", ":6: conductance (= inf): must be finite"),
        (5, "4,high,up", ":6: conductance (= 'high'): must be a number"),
        (5, "4", ":6: direction (= ''): must be up or down"),
        (5, "4,0.04,left", ":6: direction (= 'left'): must be up or down"),
        (5, "4.5,0.04,up", ":6: pulse (= 4.5): must be a whole number"),
        (5, "-4,0.04,up", ":6: pulse (= -4): must be a whole number"),
        (5, "9,0.04,up", ":6: pulse (= 9): must be 4"),
    ],
)
def test_a_bad_row_is_refused_in_one_line_that_names_it(tmp_path, line, text, expected):
    path = tmp_path / "bad.csv"
    rows = list(GOOD)
    rows[line] = text
    path.write_text("\n".join(rows) + "\n")
    with pytest.raises(TwinError) as caught:
        read_trains(path)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (GOOD[:1], "has 0 up steps"),
        (GOOD[:31], "has 0 down steps"),
        ([row.replace("up", "UP") for row in GOOD[:10]] + GOOD[31:], "has 8 up steps"),
        ([row.replace("up", "x").replace("down", "up").replace("x", "down") for row in GOOD], "up must end higher"),
        ([GOOD[0]] + [f"{n},0.5,{way}" for way in ("up", "down") for n in range(30)], "up must end higher"),
        (
            [GOOD[0] + ",device"] + [row + ",a" for row in GOOD[1:31]] + [row + ",b" for row in GOOD[31:]],
            "device 'b' has no up train",
        ),
    ],
)
def test_trains_that_make_no_device_are_refused(tmp_path, rows, expected):
    path = tmp_path / "bad.csv"
    path.write_text("\n".join(rows) + "\n")
    with pytest.raises(TwinError) as caught:
        fit_measured([path], None, None)
    assert expected in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(TwinError, match="cannot be read"):
        read_trains(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(TwinError, match="has no form that is known"):
        read_trains(tmp_path / "binary.csv")
    with pytest.raises(TwinError, match="cannot be read as a device"):
        read_description(str(tmp_path / "absent.toml"))
    (tmp_path / "other.toml").write_text('kind = "chip"\n')
    with pytest.raises(TwinError, match="has no family and dw_min"):
        read_description(str(tmp_path / "other.toml"))
    (tmp_path / "broken.toml").write_text("family = \n")
    with pytest.raises(TwinError) as caught:
        read_description(str(tmp_path / "broken.toml"))
    assert "\n" not in str(caught.value)


def test_a_workload_takes_the_file_in(tmp_path):
    """Its values become the workload's own, so that a run can be resumed without the file."""
    from twin.descriptions.device import Device  # noqa: PLC0415

    path = sampled(tmp_path / "a.csv", soft_bounds(devices=8))
    fit_measured([path], None, tmp_path / "a.toml")
    table = {"preset": "measured", "file": str(tmp_path / "a.toml"), "dw_min_std": 0.5}
    device = Device.model_validate(table)
    assert "file" not in device.overrides
    assert device.overrides["dw_min_std"] == 0.5
    made = device_preset(device.preset, device.overrides)
    assert made.w_max == pytest.approx(1.0, rel=0.1)
    with pytest.raises(ValueError, match="must name a device description"):
        Device.model_validate({"preset": "measured", "file": str(tmp_path / "none.toml")})
