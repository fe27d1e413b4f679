"""Is every option the same on the command line, in Python and in studies, as it is declared once?"""

import inspect
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from command_kit import run_main

import twin
from twin.api.arguments import command
from twin.config.meaning import meanings_of
from twin.config.options import Algorithm, Layout, Options, Retry, declared, option_of
from twin.descriptions.schema import json_schema
from twin.descriptions.study import Runs
from twin.descriptions.sweep import Sweep
from twin.errors import TwinError
from twin.runs.kinds import TIMED

OTHERS = Options(
    *("digits-mlp", "tiny", ("two-array", "three-array"), ("sgd", "ttv2"), "gokmen-60", 3, 0, 0, 2, "coupled", False),
    *(True, True, "10:5", True, "3:4", ("training.epochs=3", "chip.tile.rows=64"), ("a100", "h100"), 8),
)
"""Every option with another value than its default, but where results go and how many processes make them."""


@pytest.fixture
def asked(monkeypatch, capsys):
    """Run a command up to what it asks for."""

    def run(*arguments):
        found = []
        monkeypatch.setattr("twin.cli.running.run_comparison", lambda options, **_: found.append(options))
        code, _, errors = run_main(monkeypatch, capsys, *arguments)
        assert (code, errors) == (0, "")
        return found[0]

    return run


def documented(function):
    """Return the text below every parameter in a docstring, in one line, by name."""
    text = inspect.getdoc(function).partition("Parameters\n----------\n")[2].partition("\n\nReturns")[0]
    found = {}
    for names, said in re.findall(r"^(\w.*)\n((?: {4}.*\n?)+)", text, re.MULTILINE):
        found |= dict.fromkeys(names.partition(" : ")[0].split(", "), " ".join(said.split()))
    return found


def differences(function, options, elsewhere=()):
    """List what a function of Python has otherwise than it is declared: name to annotation and default.

    Those named in `elsewhere` refer to another function for what they mean.
    """
    parameters = inspect.signature(function).parameters
    texts = documented(function)
    wrong = []
    for name, (annotation, default) in options.items():
        said = option_of(annotation).says(default).replace("`twin list`", "`twin.available`")
        if name not in parameters:
            wrong.append(f"{name} is missing")
            continue
        own = parameters[name].default
        own = () if own is None and default == () else own  # overrides are a mapping in Python
        if (type(own), own) != (type(default), default):
            wrong.append(f"{name} is {own!r} by default, not {default!r}")
        elif name not in texts or (name not in elsewhere and not texts[name].startswith(said)):
            wrong.append(f"{name} means {texts.get(name)!r}, not {said!r}")
    return wrong


def declarations(*names):
    return {name: (declared()[name].annotation, declared()[name].default) for name in names or declared()}


# -- Python -----------------------------------------------------------------------------------------------------


def test_compare_takes_every_option_as_it_is_declared():
    assert differences(twin.compare, declarations()) == []


def test_simulate_takes_those_of_a_single_run():
    several = {"algorithms", "layouts", "baselines", "batch", "jobs"}
    options = declarations(*(name for name in declared() if name not in several))
    single = {"algorithm": (Algorithm, "ttv2"), "layout": (Layout, "")}
    assert differences(twin.simulate, options | single, elsewhere=set(options) - {"workload"}) == []
    assert "As in `compare`." in documented(twin.simulate).values()


def test_run_sweep_takes_its_own_as_they_are_declared():
    assert differences(twin.run_sweep, declarations("out", "jobs") | {"retry": (Retry, False)}) == []


def test_a_missing_option_another_default_and_another_meaning_are_found():
    def example(*, epochs=None, seed=1, sampled=False):
        """Do something.

        Parameters
        ----------
        epochs : int
            How often.
        seed : int
            Seed instead of the workload's.
        sampled : bool
            Time windows of samples, or every one, whatever the workload says.
        """

    found = differences(example, declarations("epochs", "seed", "device", "sampled"))
    assert found == [
        "epochs means 'How often.', not \"Epochs instead of the workload's.\"",
        "seed is 1 by default, not None",
        "device is missing",
        "sampled is False by default, not None",
    ]


# -- the command line --------------------------------------------------------------------------------------------


def test_commands_ask_for_the_declared_defaults(asked):
    assert asked("compare") == Options(jobs=2)
    assert asked("run") == Options(algorithms=("ttv2",), layouts=("four-array",))


def test_the_command_that_python_writes_asks_for_the_same(asked):
    assert {name for name, one in declared().items() if getattr(OTHERS, name) == one.default} == {
        *("workload", "out", "jobs")
    }
    written = replace(OTHERS, workload="lenet")
    given = asked(*shlex.split(command(written))[1:], "--jobs", "3", "--out", "there")
    assert given == replace(written, jobs=3, out=Path("there"))


def test_names_of_which_there_are_none_are_refused(monkeypatch, capsys):
    code, _, errors = run_main(monkeypatch, capsys, "compare", "--layouts", " , ")
    assert code == 2
    assert errors.startswith("error: --layouts (=  , ): names none;")


# -- workloads that are only timed -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, one in declared().items() if one.option.of_training])
def test_a_network_that_is_only_timed_refuses_every_option_of_training(name):
    given = Options("gpt2-small", **{name: getattr(OTHERS, name)})
    flag = "--exact" if name == "sampled" else f"--{name}"
    with pytest.raises(TwinError, match=f"^{flag}: is about training, but the workload gpt2-small is only timed"):
        TIMED.overrides(given)


# -- studies -----------------------------------------------------------------------------------------------------


def test_keys_of_studies_and_sweeps_are_the_declared_options():
    keys = [name for name in declared() if name in Runs.model_fields]
    assert keys == ["workload", "chip", "layouts", "algorithms", "seed", "mode", "baselines", "batch"]
    for model, name in [*((Runs, key) for key in keys[1:]), (Sweep, "mode")]:
        _, option, default = declared()[name]
        assert model.model_fields[name].default == default
        assert meanings_of(model)[name] == option.says(default)
    seed = json_schema("study")["$defs"]["Runs"]["properties"]["seed"]
    assert seed["anyOf"] == [{"minimum": 0, "type": "integer"}, {"type": "null"}]
