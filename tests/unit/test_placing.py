"""Where streams are kept: as the chip places them or by capacity, to the byte."""

import re
from pathlib import Path

import pytest

from twin.chip import Kept, place_streams
from twin.descriptions.load import load_chip, load_layout
from twin.errors import TwinError
from twin.mapping import map_layers
from twin.operation import Stream

SIZES = {"registers__size": "256 B", "buffer__size": "1 KiB", "memory__size": "4 KiB"}
AUTO = {f"placement__{key}": "auto" for key in ("h", "activations", "errors", "weights", "pulses")}


def place(*kept, layout="four-array", shapes=((600, 8), (8, 4)), **overrides):
    options = {"placement__h_word": "1 B"} | SIZES | overrides
    chip = load_chip("aimc-512", {key.replace("__", "."): value for key, value in options.items()}).model
    return place_streams(chip, map_layers(list(shapes), load_layout(layout).model, chip), kept)


def h(words, layer=1, **more):
    return Kept(Stream.H, words, layer, "A", **more)


def test_what_fits_to_the_byte_is_placed_and_one_byte_more_is_refused_with_the_key_and_the_fix():
    placed = place(h(1024), placement__h="buffer")
    assert (placed.places, placed.n_bytes) == ({Stream.H: "buffer"}, {Stream.H: 1024})
    assert placed.used == {"registers": 0, "buffer": 1024, "memory": 0}
    assert placed.warnings == ()
    with pytest.raises(TwinError, match=r'placement.h \(= .buffer.\).* set placement.h = "memory"'):
        place(h(1025), placement__h="buffer")
    with pytest.raises(TwinError, match=r"placement.h .*1025 bytes in the buffer"):
        place(Kept(Stream.ERRORS, 1, 0, "C"), h(1024), placement__h="buffer")
    with pytest.raises(TwinError, match=r"placement.h .*4097 bytes in the memory.*enlarge memory.size"):
        place(h(4097), placement__h="memory")


def test_registers_hold_the_share_of_each_tile():
    placed = place(h(512, layer=0), h(100), placement__h="registers")  # layer 0 has two arrays
    assert placed.used == {"registers": 256, "buffer": 0, "memory": 0}
    with pytest.raises(TwinError, match=r"257 bytes in the fullest tile's registers .*placement.h = .buffer. or"):
        place(h(513, layer=0), placement__h="registers")


def test_matrices_on_one_tile_share_its_registers():
    both = (h(200), Kept(Stream.ERRORS, 57, 1, "C"))
    registers = {"placement__h": "registers", "placement__errors": "registers"}
    assert place(*both, **registers).used["registers"] == 200
    with pytest.raises(TwinError, match="257 bytes in the fullest"):
        place(*both, layout="three-array", **registers)


def test_the_hosts_input_is_in_the_buffer_where_activations_are_in_registers():
    kept = (Kept(Stream.ACTIVATIONS, 600, -1, "C"), Kept(Stream.ACTIVATIONS, 8, 0, "C"))
    assert place(*kept, placement__activations="registers").used == {"registers": 4, "buffer": 600, "memory": 0}


@pytest.mark.parametrize(("words", "where"), [(256, "registers"), (257, "buffer"), (1024, "buffer"), (1025, "memory")])
def test_auto_takes_the_first_place_with_room_and_says_what_it_spills(words, where):
    placed = place(h(words), **AUTO)
    assert placed.places == {Stream.H: where}
    assert placed.used[where] == words
    spilled = f"H spilled to {where}: needs {words} bytes in the fullest tile's registers, 256 left"
    more = f"; needs {words} bytes in the buffer, 1024 left"
    expected = {"registers": (), "buffer": (spilled,), "memory": (spilled + more,)}
    assert placed.warnings == expected[where]


def test_streams_choose_in_turn_after_all_that_the_chip_places():
    kept = (h(200), Kept(Stream.PULSES, 100, 1, "A"), Kept(Stream.ERRORS, 1000, 1, "C"))
    placed = place(*kept, **AUTO | {"placement__errors": "buffer"})
    assert placed.places == {Stream.ERRORS: "buffer", Stream.PULSES: "registers", Stream.H: "memory"}
    left = "needs 200 bytes in the fullest tile's registers, 156 left; needs 200 bytes in the buffer, 24 left"
    assert placed.warnings == (f"H spilled to memory: {left}",)


def test_auto_that_fits_nowhere_is_an_error():
    with pytest.raises(TwinError, match=r"placement.h \(= 'auto'\): fits nowhere: .*4096 left; enlarge memory.size"):
        place(h(4097), **AUTO)


def test_auto_passes_over_registers_that_do_not_exist():
    placed = place(Kept(Stream.WEIGHTS, 10, 0, "W"), layout="digital", **AUTO)
    assert (placed.places, placed.warnings) == ({Stream.WEIGHTS: "buffer"}, ())


def test_registers_need_tiles():
    with pytest.raises(TwinError, match=r"placement.weights \(= 'registers'\): the layout has no tiles"):
        place(Kept(Stream.WEIGHTS, 10, 0, "W"), layout="digital", placement__weights="registers")


def test_lines_fetched_ahead_take_registers_whatever_the_place_of_h():
    ahead = {"placement__prefetch_h": "2", "placement__h": "memory"}
    assert place(h(32), h(16, ahead=True), **ahead).used == {"registers": 16, "buffer": 0, "memory": 32}
    with pytest.raises(TwinError, match=r"placement.prefetch_h \(= 2\): lines of H need 257 bytes .* fewer ahead"):
        place(h(32), h(257, ahead=True), **ahead)


def test_what_is_not_kept_is_not_placed():
    assert place(h(0), Kept(Stream.PULSES, 0, 0, "A"), **AUTO).places == {}


def test_a_chip_written_before_there_were_registers_loads_and_says_what_it_lacks(tmp_path):
    text = (Path(__file__).parents[2] / "architectures" / "aimc-512.toml").read_text(encoding="utf-8")
    text = re.sub(r"\[registers\].*?(?=\[host\])", "", text, flags=re.DOTALL)
    new = ("pulses", "prefetch_h", "h_rounding", "pulse_word")
    gone = (*(f"{key} =" for key in new), *(f'"placement.{key}"' for key in new), "registers.", '"placement" =')
    lines = [line for line in text.splitlines() if not line.startswith(gone)]
    places = ("h", "activations", "errors", "weights")
    path = tmp_path / "old.toml"
    path.write_text("\n".join([*lines, *(f'"placement.{key}" = "assumption: of old"' for key in places)]))
    old = load_chip(str(path), {}).model
    assert old.registers is None
    assert old.placement.model_dump() == load_chip("aimc-512", {}).model.placement.model_dump()
    with pytest.raises(
        TwinError, match=r"placement.pulses: .*|placement.pulse_word.* is needed where pulses are placed"
    ):
        load_chip(str(path), {"placement.pulses": "buffer"})
    mapping = map_layers([(8, 8)], load_layout("four-array").model, old)
    chip = load_chip(str(path), {"placement.h": "registers"}).model
    with pytest.raises(TwinError, match=r"the chip describes no registers; set .buffer. or .memory. or add a table"):
        place_streams(chip, mapping, [h(64, layer=0)])
    chip = load_chip(str(path), {"placement.prefetch_h": "1"}).model
    with pytest.raises(TwinError, match=r"prefetch_h \(= 1\): the chip describes no registers; set prefetch_h = 0 or"):
        place_streams(chip, mapping, [h(8, layer=0, ahead=True)])
