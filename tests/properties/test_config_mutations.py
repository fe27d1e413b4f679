"""Whatever is wrong with a file, its user reads one line that names file, line and key."""

import re
import tomllib
from dataclasses import dataclass

import pytest
from examples_kit import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.config.resources import find, shipped
from twin.descriptions.load import load_chip, load_layout, load_workload
from twin.descriptions.resolved import resolved_toml
from twin.errors import TwinError

LOADERS = {"chip": load_chip, "layout": load_layout, "workload": load_workload}
PAIR = re.compile(r'^([A-Za-z_]+) = ([^#"\s]+|"[^"]*")(\s*#.*)?$')
FREE_TEXT = {"described", "description", "notes", "name"}
SIGNED = {"slope", "intercept"}
REFERENCES = {"main", "reference", "symmetry_point_of", "preset"}


@dataclass(frozen=True)
class Mutation:
    """A shipped text with one line replaced."""

    what: str
    kind: str
    key: str
    line: int
    text: str
    mentions: str


def texts():
    """Give every shipped file as written, and as resolved (one value a line)."""
    for kind, load in LOADERS.items():
        for name in shipped(kind):
            yield kind, find(kind, name).text
            yield kind, resolved_toml(load(name))


def mutations_of(kind, text):
    rows = text.splitlines()
    section = ""
    for index, row in enumerate(rows):
        section = row if row.startswith("[") else section
        pair = PAIR.match(row)
        if not pair or section == "[sources]" or row.endswith("["):
            continue
        key, value = pair.group(1), pair.group(2).strip()
        for what, new, mentions in replacements(key, value, section):
            changed = "\n".join([*rows[:index], new, *rows[index + 1 :]])
            yield Mutation(what, kind, key, index + 1, changed, mentions)


def replacements(key, value, section):
    """Give (what, new line, key that the message must name)."""
    for wrong in (key[:-1] + "zq", key + key[-1], key[1:] or "q", key.upper()):
        if section_allows(key):
            yield (
                "misspelt key",
                f"{wrong} = {value}",
                key if section == "" and key in {"kind", "schema"} else wrong,
            )
    wrong_types = ["[[1]]", "{ x = 1 }", "1979-05-27"] + ([] if value in {"true", "false"} else ["true"])
    wrong_types += ["3.5", "7"] if value.startswith('"') else ['"seven"']
    for wrong in wrong_types:
        yield "wrong type", f"{key} = {wrong}", key
    quantity = re.fullmatch(r'"([0-9.]+) (\S+)"', value)
    if quantity:
        number, unit = quantity.groups()
        for wrong in (
            f"{number} furlong",
            number,
            f"-1 {unit}",
            f"nan {unit}",
            f"inf {unit}",
            f"1e90 {unit}",
            "",
            unit,
        ):
            yield "wrong quantity", f'{key} = "{wrong}"', key
    number = not value.startswith('"') and isinstance(tomllib.loads(f"v = {value}")["v"], int | float)
    if number and value not in {"true", "false"}:
        for wrong in ["nan", "inf", "1e300", "9" * 30, "0x" + "f" * 6000] + ([] if key in SIGNED else ["-1", "-1e9"]):
            yield "wrong number", f"{key} = {wrong}", key
    if value.startswith('"') and not quantity and key not in FREE_TEXT:
        yield "unknown word", f'{key} = "nowhere"', key
        yield "unknown word", f'{key} = "a\\nb"', key
    yield "not TOML", f"{key} = = {value}", "not valid TOML"


def section_allows(key):
    """Keys of mappings whose names are free cannot be misspelt by themselves."""
    return key not in {"W", "A", "C", "A_ref", "C_ref", "W_ref", "ref"}


CASES = [case for kind, text in texts() for case in mutations_of(kind, text)]
KINDS = sorted({case.what for case in CASES})
BY_KIND = {what: [case for case in CASES if case.what == what and case.key not in FREE_TEXT] for what in KINDS}


def load(case, folder):
    path = folder / "mutated.toml"
    path.write_text(case.text, encoding="utf-8")
    with pytest.raises(TwinError) as error:
        LOADERS[case.kind](str(path))
    return str(error.value), f"{path}:"


@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=st.sampled_from(KINDS).flatmap(lambda what: st.sampled_from(BY_KIND[what])))
def test_a_mutated_file_gives_one_line_that_names_file_line_and_key(case, tmp_path):
    message, place = load(case, tmp_path)
    assert message.startswith(place), message
    line = int(message.removeprefix(place).split(":")[0])
    assert "\n" not in message
    assert len(message.removeprefix(place)) < 600
    assert case.mentions.lower() in message.lower(), message
    if case.key not in REFERENCES | {"kind", "schema"} and case.what != "not TOML":
        assert line == case.line, message


@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=60), case=st.sampled_from(CASES), data=st.data())
def test_bytes_pasted_anywhere_raise_nothing_but_a_twin_error(raw, case, data, tmp_path):
    text = case.text.encode()
    at = data.draw(st.integers(0, len(text)))
    path = tmp_path / "mutated.toml"
    path.write_bytes(text[:at] + raw + text[at:])
    with pytest.raises(TwinError) as error:
        LOADERS[case.kind](str(path))
    assert "\n" not in str(error.value)


@settings(max_examples=examples(100), deadline=None)
@given(
    key=st.text(max_size=20) | st.sampled_from(["tile", "tile.rows.0", "sources", "sources.tile", "tile.converter"]),
    value=st.text(max_size=20) | st.sampled_from(["{}", "[]", "nan", "{a.b.c=1}"]),
)
def test_any_override_is_applied_or_refused(key, value):
    try:
        load_chip("aimc-512", {key: value})
    except TwinError as error:
        message = str(error)
    else:
        message = ""
    assert "\n" not in message
