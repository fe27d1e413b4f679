"""Does `twin import aihwkit` write files that load, say what was lost, and refuse what it cannot read unexecuted?"""

import re
import tomllib

import pytest
from aihwkit_kit import PRINTED, REPR, written
from command_kit import run_main
from fuzz_kit import at_most, mutated

from twin.descriptions.load import load_chip, load_workload
from twin.imports.aihwkit.classes import preset_names

LOSSY = PRINTED.replace("out_res=0.001968503937007874", "ir_drop=0.5")
PRESETS = sorted(preset_names())
ALGORITHMS = {
    "TikiTaka": "shd",
    "TTv2": "cttv2",
    "ChoppedTTv2": "cttv2",
    "AGAD": "agad",
    "MixedPrecision": "mixed-precision",
}
DEVICES = {
    "ReRamES": "reram-es",
    "ReRamSB": "reram-sb",
    "Capacitor": "capacitor",
    "EcRam": "ecram",
    "EcRamMO": "ecram-mo",
    "Idealized": "idealized",
    "GokmenVlasov": "gokmen-vlasov",
    "PCM": "pcm-pair",
}
MADE_OF = re.compile(rf"(TikiTaka|ChoppedTTv2|TTv2|AGAD|MixedPrecision|)({'|'.join(DEVICES)})[24]?Preset")


@pytest.fixture
def text(tmp_path):
    return lambda content: written(tmp_path, content)


@pytest.fixture
def twin(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_main(monkeypatch, capsys, *arguments)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_becomes_a_workload_and_a_chip_that_load(twin, text, name):
    path = text(f"{name}()")
    code, out, err = twin("import", "aihwkit", path, "--out", "w.toml", "--chip-out", "c.toml")
    assert (code, err) == (0, "")
    model = load_workload("./w.toml").model
    chip = load_chip("./c.toml").model
    made_of = MADE_OF.fullmatch(name)
    kind, device = made_of.groups() if made_of else ("", "")
    assert model.device.preset == (DEVICES[device] if device else "ideal")
    assert f"--algorithm {ALGORITHMS.get(kind, 'sgd')}" in out
    # the twin's presets are aihwkit's, value by value: nothing is left to override but how often a pair is refreshed
    assert set(model.device.overrides) <= {"refresh_every"}
    assert chip.tile.io.out_bound in {0.0, 10.0, 20.0}


def test_56_presets_are_known():
    assert len(PRESETS) == 56  # of aihwkit 1.1.0: 52 for training, 4 for inference


def test_strict_refuses_in_one_line_and_writes_nothing(twin, text, tmp_path):
    mapping, io = (
        "mapping=MappingParameter(digital_bias=False)",
        "forward=IOParameters(out_asymmetry=0.02, ir_drop=1.0)",
    )
    path = text(f"SingleRPUConfig({mapping},\n{io})")
    code, out, err = twin("import", "aihwkit", path, "--strict", "--out", "w.toml")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"{path}:2: forward.ir_drop (= 1.0): a run cannot express it" in err
    assert "(and 1 more" in err
    assert not (tmp_path / "w.toml").exists()


def test_the_workload_says_what_was_lost_and_where_its_values_come_from(twin, text):
    code, _, err = twin("import", "aihwkit", text(LOSSY), "--out", "w.toml")
    assert (code, err) == (0, "")
    loaded = load_workload("./w.toml")
    assert "transfer_forward.ir_drop = 0.5 (line 14)" in loaded.model.notes
    assert "--set chip.tile.io.transfer.out_bound=12.0" in loaded.model.notes
    sources = loaded.model.sources
    assert sources["algorithms.shd.gamma"] == "S: aihwkit, line 13"
    assert sources["device.matrices.A.w_max"] == "S: aihwkit, line 7"
    assert sources["algorithms.shd.transfer_lr"].endswith("line 12, times an assumed learning rate of 0.1")
    assert loaded.sources["algorithms.shd.gamma"] == ("S", "aihwkit, line 13")


def test_without_a_file_the_workload_stands_alone_on_the_standard_output(twin, text):
    code, out, err = twin("import", "aihwkit", text(LOSSY), "--workload", "digits-mlp")
    assert code == 0
    assert tomllib.loads(out)["data"]["set"] == "digits"
    assert "not as in aihwkit" in err
    assert "--set chip.tile.io.inp_res=62" in err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("TTv2EcRamPreset()", ["algorithms.cttv2.transfer_lr", "optimiser.learning_rate"]),
        ("SingleRPUConfig()", ["algorithms.sgd.learning_rate", "optimiser.learning_rate"]),
        ("FloatingPointRPUConfig()", ["algorithms.digital.learning_rate"]),
    ],
)
def test_the_learning_rate_that_no_text_has_is_said_with_its_option(twin, text, content, said):
    _, _, err = twin("import", "aihwkit", text(content), "--workload", "digits-mlp", "--learning-rate", "0.3")
    (line,) = [line for line in err.splitlines() if line.startswith("learning rate: 0.3")]
    assert "--learning-rate" in line
    assert all(key in line for key in said)


def test_other_rules_are_said_and_strict_takes_them(twin, text):
    code, out, err = twin("import", "aihwkit", text("SingleRPUConfig()"), "--strict", "--out", "w.toml")
    assert (code, err) == (0, "")
    assert "all as in aihwkit\nby another rule: 1 setting\n  line 1: forward.bound_management = Bound" in out
    assert "By another rule than aihwkit's: forward.bound_management" in load_workload("./w.toml").model.notes


HOSTILE = {
    "__import__('os').system('touch hacked')": "an attribute",
    "SingleRPUConfig(device=open('hacked', 'w'))": "must be named",
    "SingleRPUConfig(device=(lambda: 1)())": "a call of an expression, which is no constructor by its name; write the",
    "SingleRPUConfig(device=lambda: 1)": "a lambda has no place in a configuration; write the number",
    "import os": "an import is no configuration",
    "import os\nSingleRPUConfig()": "a second statement",
    "SingleRPUConfig(device=[x for x in range(10**9)])": "a comprehension",
    "SingleRPUConfig(device=().__class__.__bases__[0])": "a subscript",
    "SingleRPUConfig(device=ConstantStepDevice.__subclasses__())": "attribute",
    "SingleRPUConfig(device=f'{1}')": "an f-string",
    "SingleRPUConfig(**{'device': 1})": "unpacked",
    "SingleRPUConfig(forward=IOParameters(inp_res=9**9**9**9))": "cannot be worked out",
    "SingleRPUConfig(forward=IOParameters(inp_res=1 / 0))": "cannot be worked out",
    "SingleRPUConfig(forward=IOParameters(inp_res='a' * 10))": "only numbers",
    "SingleRPUConfig(forward=IOParameters(inp_res='a'))": "forward.inp_res (= a): must be a number",
    "SingleRPUConfig(forward=3)": "forward (= 3): must be IOParameters",
    "SingleRPUConfig(device=FuturePresetDevice())": "device (= FuturePresetDevice): is no class that the twin knows",
    "SingleRPUConfig(device=IOParameters())": "is no device that the twin has",
    "SingleRPUConfig(device=PulsedDevice())": "is no device that the twin has",
    "DigitalRankUpdateRPUConfig()": "device (= DigitalRankUpdateCell): is no device that the twin has",
    "SingleRPUConfig(device=EcRamPresetDevise())": "no class that the twin knows (did you mean EcRamPresetDevice?)",
    "TTv2EcRamPresett()": "no configuration that the twin knows (did you mean TTv2EcRamPreset?)",
    "SomethingElse()": "SomethingElse is no configuration that the twin knows",
    "ConstantStepDevice()": "ConstantStepDevice is no configuration that the twin knows",
    "TTv2GokmenVlasovPreset()": "no configuration that the twin knows",
    "'text'": "text is no configuration",
    "": "is empty",
    "SingleRPUConfig(": "'(' was never closed); print the whole configuration again",
    "UnitCellRPUConfig()": "is no device that the twin has",
    "UnitCellRPUConfig(device=TransferCompound(unit_cell_devices=[]))": "at least two devices",
    "UnitCellRPUConfig(device=OneSidedUnitCell(unit_cell_devices=[EcRamPresetDevice()]))": "a pair of EcRamPreset",
    "SingleRPUConfig(device=ConstantStepDevice(dw_min=-1))": "device.dw_min (= -1): must be",
    "SingleRPUConfig(update=UpdateParameters(desired_bl=0))": "algorithms.sgd.update.desired_bl (= 0): must be",
    "SingleRPUConfig(device=ConstantStepDevice(dw_min=nan))": "device.dw_min",
    "SingleRPUConfig(update=UpdateParameters(desired_bl=1.5))": "must be a whole number",
    "-" * 100_000 + "1": "nested too deeply",
    "(" * 100_000: "is not the text of a configuration",
    "[" * 150 + "]" * 150: "nested too deeply",
    "1" + "+1" * 50_000: "nested too deeply",
    "SingleRPUConfig(x=" + "9" * 10_000 + ")": "",
    "a\0b": "",
}


@pytest.mark.parametrize("content", HOSTILE, ids=lambda content: content[:60])
def test_a_text_that_is_no_configuration_is_refused_in_one_line_and_not_executed(twin, text, tmp_path, content):
    path = text(content)
    with at_most(20):
        code, out, err = twin("import", "aihwkit", path, "--chip-out", "c.toml")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"error: {path}:")
    assert HOSTILE[content] in err
    assert {one.name for one in tmp_path.iterdir()} == {"config.txt"}


def test_a_mistake_names_the_line_of_the_configuration(twin, text):
    path = text("SingleRPUConfig(\n    device=ConstantStepDevice(\n        w_max=-0.5\n    )\n)")
    _, _, err = twin("import", "aihwkit", path)
    assert err.startswith(f"error: {path}:3: device.w_max (= -0.5): must be")


def test_files_that_are_none_are_refused(twin, text, tmp_path):
    for path, part in (
        (text(b"\xff\xfeS\0"), "is not UTF-8"),
        (tmp_path, "not a regular file"),
        (tmp_path / "absent", "cannot be read"),
    ):
        code, _, err = twin("import", "aihwkit", path)
        assert (code, err.count("\n")) == (2, 1)
        assert part in err
    big = text(b"SingleRPUConfig(" + b" " * 10_000_000 + b")")
    assert "10,000,017 bytes" in twin("import", "aihwkit", big)[2]


@pytest.mark.parametrize("content", [PRINTED, REPR, "AGADEcRamPreset(mapping=MappingParameter(digital_bias=False))"])
def test_a_damaged_text_is_read_or_refused_in_one_line(twin, text, content):
    for seed in range(60):
        path = text(mutated(content.encode(), seed))
        with at_most(20):
            code, _, err = twin("import", "aihwkit", path)
        assert code in {0, 2}
        assert code == 0 or (err.startswith(f"error: {path}:") and err.count("\n") == 1)
