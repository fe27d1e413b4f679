"""Does aihwkit take the configurations that `twin export aihwkit` writes, and does it print what was meant?

Skips where aihwkit cannot be imported; docs/validation/aihwkit.md says how to run it.
"""

import pytest
from export_kit import CASES, IO, expressed, io_of

from twin.imports.aihwkit.convert import read_text
from twin.imports.aihwkit.found import Base
from twin.imports.aihwkit.python import script
from twin.imports.aihwkit.returned import imported

analog = pytest.importorskip("aihwkit.simulator.tiles.analog", reason="aihwkit is not installed", exc_type=ImportError)
floating = pytest.importorskip("aihwkit.simulator.tiles.floating_point")


@pytest.mark.parametrize(("algorithm", "device"), CASES)
def test_a_script_runs_makes_a_tile_and_prints_what_was_exported(algorithm, device):
    executed(expressed(algorithm, device)[0], algorithm)


@pytest.mark.parametrize("io", IO)
@pytest.mark.parametrize("algorithm", ["sgd", "cttv2"])
def test_the_io_of_every_direction_is_taken_and_printed(algorithm, io):
    executed(expressed(algorithm, "ecram", **{"chip.tile.io": io_of(io)})[0], algorithm)


def executed(exported, algorithm):
    """Execute a script, make a tile, and hold what is printed against what was exported."""
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
