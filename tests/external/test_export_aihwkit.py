"""Does aihwkit take the configurations that `twin export aihwkit` writes, and does it print what was meant?

Skips where aihwkit cannot be imported; docs/validation/aihwkit.md says how to run it.
"""

import pytest
from export_kit import CASES, expressed

from twin.imports.aihwkit.convert import read_text
from twin.imports.aihwkit.found import Base
from twin.imports.aihwkit.python import script
from twin.imports.aihwkit.returned import imported

analog = pytest.importorskip("aihwkit.simulator.tiles.analog", reason="aihwkit is not installed", exc_type=ImportError)
floating = pytest.importorskip("aihwkit.simulator.tiles.floating_point")


@pytest.mark.parametrize(("algorithm", "device"), CASES)
def test_a_script_runs_makes_a_tile_and_prints_what_was_exported(algorithm, device):
    exported, _, _ = expressed(algorithm, device)
    made = {}
    exec(script(exported.config, exported.learning_rate), made)  # noqa: S102 - a script of our own
    again = read_text(str(made["rpu_config"]), "printed", Base(made["LEARNING_RATE"]))
    found = imported(exported, 1)
    assert again.algorithm == found.algorithm
    assert again.values.keys() == found.values.keys()
    for key, value in found.values.items():
        assert again.values[key] == (pytest.approx(value) if isinstance(value, float) else value)
    tile = floating.FloatingPointTile if algorithm == "digital" else analog.AnalogTile
    tile(3, 4, made["rpu_config"])
