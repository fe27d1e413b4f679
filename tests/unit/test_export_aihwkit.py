"""Does a workload come back from the configuration of aihwkit that it is exported as, and is the rest listed?"""

import ast

import pytest
from command_kit import run_main
from export_kit import CASES, EXPRESSED, FAMILIES, IO, expressed, io_of

from twin.config.electricity import Electricity
from twin.descriptions.load import Parsed, load_chip, load_workload
from twin.devices import device_preset
from twin.imports.aihwkit.convert import read_configuration
from twin.imports.aihwkit.found import Base
from twin.imports.aihwkit.python import script
from twin.imports.aihwkit.returned import imported, left_out
from twin.imports.aihwkit.written import chip_text, workload_text

SOME = frozenset({"reram-es", "soft bounds", "pair"})
"""Devices that are tried with every algorithm, the others with SGD; tests/external tries all with all."""
TAKEN = frozenset({"corrupt_devices_range", "t_0", "nu_dtod", *Electricity.model_fields, "endurance"})
"""Of devices, what aihwkit has not, or what has no effect beside values that it has."""


def expression_of(text):
    """Return the configuration of a script without what stands about it."""
    (given,) = [
        one for one in ast.parse(text).body if isinstance(one, ast.Assign) and one.targets[0].id == "rpu_config"
    ]
    return ast.get_source_segment(text, given.value)


def back(exported, folder):
    """Import a script's configuration as `twin import aihwkit` does; return workload and chip."""
    path = folder / "config.txt"
    path.write_text(expression_of(script(exported.config, exported.learning_rate)))
    found = read_configuration(path, Base(exported.learning_rate))
    workload, chip = folder / "w.toml", folder / "c.toml"
    workload.write_text(workload_text(found, Parsed.of("workload", "digits-mlp"), "w"))
    chip.write_text(chip_text(found, Parsed.of("chip", "aimc-512"), "c"))
    return load_workload(str(workload)).model, load_chip(str(chip)).model, found


def plain(table):
    """Return the values of a table, numbers to be compared within rounding."""
    if isinstance(table, dict):
        return {key: plain(value) for key, value in table.items()}
    return pytest.approx(table) if isinstance(table, float) else table


def values_of(workload, matrix):
    device = device_preset(*workload.device.of(matrix))
    return {key: value for key, value in device.model_dump().items() if key not in TAKEN}


def same_devices(own, there, matrix):
    ours, theirs = values_of(own, matrix), values_of(there, matrix)
    factor = ours.pop("asymmetry_factor", None)  # constant steps at 0, soft bounds at 1
    assert theirs == plain(ours)
    family = type(device_preset(*there.device.of(matrix))).__name__
    expected = type(device_preset(*own.device.of(matrix))).__name__
    assert family == {0.0: "ConstantStep", 1.0: "SoftBounds", None: expected}[factor]


def same_io(own, there, read_out):
    for key in ("inp_res", "out_res", "out_bound", "out_noise", "w_noise", "inp_noise", "noise_management"):
        for direction in ("backward", "transfer"):
            if direction == "backward" or (read_out and key not in {"inp_res", "noise_management"}):
                assert getattr(there.of(direction), key) == plain(getattr(own.of(direction), key))
        assert getattr(there, key) == plain(getattr(own, key))
    if own.out_bound:
        assert there.bound_management == own.bound_management
    if own.out_bound and own.bound_management == "iterative":
        assert there.max_bm_factor == own.max_bm_factor


@pytest.mark.parametrize(("algorithm", "device"), [one for one in CASES if one[0] == "sgd" or one[1] in SOME])
def test_what_aihwkit_can_express_comes_back(tmp_path, algorithm, device):
    exported, own, on = expressed(algorithm, device)
    there, chip, found = back(exported, tmp_path)
    assert found.algorithm == algorithm
    table = getattr(own.algorithms, algorithm.replace("-", "_"))
    assert getattr(there.algorithms, found.algorithm.replace("-", "_")).model_dump() == plain(table.model_dump())
    if algorithm != "digital":
        for matrix in exported.devices:
            same_devices(own, there, matrix)
        assert there.calibration == own.calibration
        assert there.mapping.out_scaling == 1.0
        same_io(on.tile.io, chip.tile.io, read_out="A" in exported.devices)
    assert list(left_out(exported, imported(exported, 1), own, on)) == []


@pytest.mark.parametrize("io", IO)
@pytest.mark.parametrize("algorithm", ["sgd", "cttv2"])
def test_the_io_of_every_direction_comes_back(tmp_path, algorithm, io):
    exported, own, on = expressed(algorithm, "ecram", **{"chip.tile.io": io_of(io)})
    _, chip, _ = back(exported, tmp_path)
    same_io(on.tile.io, chip.tile.io, read_out=algorithm == "cttv2")
    assert list(left_out(exported, imported(exported, 1), own, on)) == []


@pytest.mark.parametrize("algorithm", ["shd", "ttv2", "cttv2", "agad"])
def test_two_matrices_of_different_devices_come_back(tmp_path, algorithm):
    """aihwkit's rate of A goes by the mean step of both, the twin's by its own."""
    devices = FAMILIES["ecram"] | {"matrices": {"A": {"preset": "reram-es", "dw_min": 0.01}}}
    exported, own, _ = expressed(algorithm, "ecram", device=devices)
    there, _, _ = back(exported, tmp_path)
    same_devices(own, there, "A")
    same_devices(own, there, "C")
    table = getattr(own.algorithms, algorithm)
    assert getattr(there.algorithms, algorithm).model_dump() == plain(table.model_dump())


@pytest.mark.parametrize(
    ("algorithm", "more", "listed"),
    [
        ("shd", {"algorithms.shd.threshold": 0.06}, {"algorithms.shd.threshold": (0.06, 0.0)}),
        ("shd", {"algorithms.shd.auto_scale": True}, {"algorithms.shd.auto_scale": (True, False)}),
        ("shd", {"algorithms.shd.transfer_vectors": "hadamard"},
         {"algorithms.shd.transfer_vectors": ("hadamard", "one-hot")}),
        ("ttv2", {"algorithms.ttv2": {"auto_scale": False, "reset": "hysteretic", "transfer_every": 2.5}},
         {"algorithms.ttv2.reset": ("hysteretic", "plain"), "algorithms.ttv2.transfer_every": (2.5, 3)}),
        ("mixed-precision", {"algorithms.mixed-precision": {"transfer_axis": "column", "optimised": True},
                             "optimiser": {"kind": "adam", "learning_rate": 0.1}},
         {"algorithms.mixed-precision.transfer_axis": ("column", "row"),
          "algorithms.mixed-precision.optimised": (True, False)}),
        ("sgd", {"mapping.out_scaling": 2.0}, {"mapping.out_scaling": (2.0, 1.0)}),
        ("sgd", {"device": {"preset": "ecram", "lifetime": "1 s"}}, {"device.lifetime": (1.0, float("inf"))}),
        ("sgd", {"device": {"preset": "idealized", "mult_noise": False}}, {"device.mult_noise": (False, True)}),
        ("sgd", {"device": {"preset": "gokmen-60"}}, {"device.family": ("slope-soft-bounds", "soft-bounds")}),
        ("sgd", {"device": {"preset": "lee-af1", "asymmetry_factor": 0.5}},
         {"device.family": ("asymmetry-factor", "soft-bounds")}),
        ("sgd", {"calibration": {"method": "pulses", "pairs": 100, "every": 50}},
         {"calibration.method": ("pulses", "none"), "calibration.pairs": (100, 0), "calibration.every": (50, 0)}),
        ("sgd", {"chip.tile.io.bound_management_backward": "iterative"},
         {"chip.tile.io.bound_management_backward": ("iterative", "none")}),
        ("sgd", {"rules": [{"nodes": ["dense-1"], "algorithm": "digital"}]},
         {"rules": (1, "one configuration for all layers")}),
        ("sgd", {"network.digital_bias": True, "optimiser": {"kind": "adam", "learning_rate": 0.5}},
         {"optimiser.kind": ("adam", "sgd"), "optimiser.learning_rate": (0.5, 0.01)}),
    ],
)  # fmt: skip
def test_what_aihwkit_has_not_is_listed_with_both_values(algorithm, more, listed):
    exported, own, on = expressed(algorithm, "ecram", **more)
    left = list(left_out(exported, imported(exported, 1), own, on))
    assert {one.key: (one.value, one.there) for one in left} == listed


def test_devices_whose_slopes_are_drawn_get_the_bounds_at_which_these_end():
    exported, _, _ = expressed("sgd", "ecram", device={"preset": "gokmen-60"})
    fields = {key: one.value for key, one in exported.config.fields["device"].value.fields.items()}
    assert fields["w_max"] == -fields["w_min"] == pytest.approx(1 / 1.66)
    assert (fields["dw_min"], fields["w_max_dtod"], fields["w_min_dtod"]) == (0.02, 0.2, 0.2)


# -- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def twin(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_main(monkeypatch, capsys, "export", "aihwkit", *arguments)


ECRAM = ("digits-mlp", "--set", 'device.preset="ecram"', "--set", 'calibration.method="none"')
ECRAM += ("--set", 'chip.tile.io.bound_management="none"')


def test_a_script_imports_what_it_names_and_nothing_else(twin, tmp_path):
    code, out, err = twin(*ECRAM, "--algorithm", "cttv2", "--out", "config.py")
    assert (code, out, err) == (0, "", "all as here\n")
    tree = ast.parse((tmp_path / "config.py").read_text())
    given = {name.name for one in tree.body if isinstance(one, ast.ImportFrom) for name in one.names}
    used = {one.id for one in ast.walk(tree) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
    assert used == given
    assert "ChoppedTransferCompound" in given
    assert (tmp_path / "config.py").read_text() == twin(*ECRAM, "--algorithm", "cttv2")[1]


def test_strict_refuses_and_without_it_a_line_each_says_what_is_missing(twin, tmp_path):
    more = ("--algorithm", "shd", "--set", "algorithms.shd.threshold=0.5")
    code, out, err = twin(*ECRAM, *more)
    assert (code, err.splitlines()) == (
        0,
        [
            "not in aihwkit: 2 settings",
            "  algorithms.shd.auto_scale = true; aihwkit: false",
            "  algorithms.shd.threshold = 0.5; aihwkit: 0.0",
        ],
    )
    assert "TransferCompound(" in out
    code, out, err = twin(*ECRAM, *more, "--strict", "--out", "config.py")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "aihwkit cannot express algorithms.shd.auto_scale = true; aihwkit: false (and 1 more" in err
    assert not (tmp_path / "config.py").exists()


def test_what_aihwkit_does_by_another_rule_is_said_with_both(twin):
    code, _, err = twin(*ECRAM, "--algorithm", "agad", "--strict")
    assert (code, err.count("\n")) == (0, 3)
    assert "\n  device.in_chop_prob = 0.1; here: before a sign has flipped, H adds nothing; aihwkit: H adds" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["digits-mlp", "--algorithm", "digital-shd"], "--algorithm (= digital-shd): aihwkit has no equal of it"),
        (["digits-mlp", "--algorithm", "shd", "--set", 'device.preset="ideal"'], "compounds are of pulsed devices"),
        (["digits-mpl"], "no workload of this name"),
        (["digits-mlp", "--out", "config.txt"], "--out"),
        (["digits-mlp", "--set", "device"], "must read KEY=VALUE"),
    ],
)
def test_a_mistake_is_one_line(twin, arguments, said):
    code, out, err = twin(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_the_settings_of_this_test_are_all_that_tables_have():
    """What a table has and `EXPRESSED` leaves at its default is named here, with the reason."""
    default = {"fast_lr", "transfer_lr", "learning_rate", "auto_momentum", "transfer_every", "transfer_axis", "update"}
    never = {"transfer_every_per_layer", "reset", "transfer_vectors", "optimised", "in_chop_random", "kernel"}
    given = {key for table in EXPRESSED.values() for key in table}
    model = load_workload("digits-mlp").model.algorithms
    own = {key for name in EXPRESSED for key in type(getattr(model, name.replace("-", "_"))).model_fields}
    assert own <= given | default | never
