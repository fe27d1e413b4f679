"""Do the examples of data of one's own give what their page says?"""

import re
import tomllib
from pathlib import Path

import pytest

from twin.config.data import OWN, Data
from twin.data import load

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
SECTIONS = {part.partition("\n")[0].strip(): part for part in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]}


@pytest.mark.parametrize("name", sorted(OWN))
def test_the_example_of_a_form_can_be_read(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = dict(re.findall(r"^```(python|toml)\n(.*?)^```$", SECTIONS[name], flags=re.MULTILINE | re.DOTALL))
    exec(compile(blocks["python"], name, "exec"), {})  # noqa: S102 - it is our own page
    config = Data.model_validate(tomllib.loads(blocks["toml"])["data"])
    assert config.set == name
    data = load(config, 1)
    assert min(len(data.inputs), len(data.test_inputs)) > 0
    assert data.outputs > 0
