"""Does the text that an installed aihwkit prints become what its objects say?

Configurations are plain Python there, so printing them needs no tile. Skips where aihwkit cannot be imported;
docs/validation/aihwkit.md says how to run it.
"""

import dataclasses

import pytest

from twin.errors import TwinError
from twin.imports.aihwkit.classes import ancestors, preset_names, usual
from twin.imports.aihwkit.convert import read_configuration
from twin.imports.aihwkit.found import Base
from twin.imports.aihwkit.settings import WITHOUT_EFFECT
from twin.imports.aihwkit.syntax import Call, Reader

presets = pytest.importorskip("aihwkit.simulator.presets", reason="aihwkit is not installed", exc_type=ImportError)
web = pytest.importorskip("aihwkit.simulator.presets.web")
configs = pytest.importorskip("aihwkit.simulator.configs")
parameters = pytest.importorskip("aihwkit.simulator.parameters")

MODULES = (presets, web, configs, parameters)
OBJECTS = {"noise_model", "drift_compensation"}  # whose repr is an address in memory
LATER = {"scale_fast_lr"}  # fields that aihwkit 1.1 has not yet
ALGORITHMS = {
    "sgd": "sgd",
    "mp": "mixed-precision",
    "tiki-taka": "shd",
    "ttv2": "cttv2",
    "ttv3": "cttv2",
    "ttv4": "agad",
}


def classes():
    """Return the dataclasses of configurations that can be made without arguments, by name."""
    found = {name: kind for module in MODULES for name, kind in vars(module).items() if ancestors(name)}
    return dict(sorted((name, kind) for name, kind in found.items() if dataclasses.is_dataclass(kind)))


CLASSES = classes()
CONFIGURATIONS = [name for name in CLASSES if "FloatingPointRPUConfig" in ancestors(name)]
WHOLE = [name for name in CONFIGURATIONS if name not in {"UnitCellRPUConfig", "DigitalRankUpdateRPUConfig"}]


@pytest.fixture
def read(tmp_path):
    def imported(text):
        path = tmp_path / "config.txt"
        path.write_text(text)
        return read_configuration(path, Base(0.1))

    return imported


def leaves(value, place=""):
    """Return all values of an object by their place, those that its class gives it included."""
    match value:
        case Call(name=name, fields=fields):
            known = {**usual(name), **{key: one.value for key, one in fields.items()}}
            found = {f"{place}.class": next(one for one in ancestors(name) or (name,) if "Preset" not in one)}
            for key, one in known.items():
                if key not in WITHOUT_EFFECT | OBJECTS:
                    found |= leaves(one, f"{place}.{key}")
            return found
        case list():
            return {f"{place}.length": len(value)} | {
                key: leaf for k, one in enumerate(value) for key, leaf in leaves(one, f"{place}[{k}]").items()
            }
        case str():
            return {place: value.rpartition(".")[2]}
    return {place: value}


def same(value):
    return pytest.approx(value, rel=1e-9) if isinstance(value, float) else value


def test_the_presets_of_whole_configurations_are_those_that_the_import_knows():
    assert {name for name in CONFIGURATIONS if name.endswith("Preset")} == {
        name for name in preset_names() if name.endswith("Preset")
    }
    assert len(WHOLE) > 56


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_has_the_fields_and_defaults_of_the_imports_tables(name):
    given, expected = leaves(Reader(name).read(repr(CLASSES[name]()))), leaves(Call(name, 1, {}))
    later = {key for key in expected if key.rpartition(".")[2] in LATER and key not in given}
    assert given.keys() == expected.keys() - later
    assert {key: (value, expected[key]) for key, value in given.items() if value != same(expected[key])} == {}


@pytest.mark.parametrize("name", WHOLE)
def test_what_print_leaves_out_is_what_repr_has(read, name):
    made = CLASSES[name]()
    short, long = read(str(made)), read(repr(made))
    assert short.algorithm == long.algorithm
    assert short.values == long.values
    assert {one.place for one in short.report.lost} == {one.place for one in long.report.lost}
    assert all(one.instead for one in short.report.lost)


@pytest.mark.parametrize("name", ["UnitCellRPUConfig", "DigitalRankUpdateRPUConfig"])
def test_a_configuration_whose_cell_is_abstract_is_refused(read, name):
    with pytest.raises(TwinError, match="is no device that the twin has"):
        read(str(CLASSES[name]()))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_configurations_by_algorithm_import_as_it(read, name):
    device = configs.SoftBoundsReferenceDevice(dw_min=0.1, subtract_symmetry_point=True)
    made = read(str(configs.build_config(name, device)))
    assert made.algorithm == ALGORITHMS[name]
    assert [one.place for one in made.report.lost] == []
    assert made.values["calibration.method"] == "exact"
