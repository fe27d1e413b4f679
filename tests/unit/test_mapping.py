"""Layers on tiles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.descriptions.load import load_chip, load_layout
from twin.errors import TwinError
from twin.mapping import Part, map_layers
from twin.mapping.mapping import chunks

CHIP = load_chip("aimc-512").model


@given(st.integers(1, 5000), st.integers(1, 600))
def test_chunks_are_fewest_balanced_and_cover_the_axis(length, size):
    pieces = list(chunks(length, size))
    sizes = [stop - start for start, stop in pieces]
    assert len(pieces) == -(-length // size)
    assert max(sizes) <= size
    assert sizes == sorted(sizes, reverse=True)
    assert max(sizes) - min(sizes) <= 1
    assert [start for start, _ in pieces] == [0, *(stop for _, stop in pieces[:-1])]
    assert pieces[-1][1] == length


def test_a_layer_that_fits_has_one_part_and_one_instance_of_each_tile():
    mapping = map_layers([(257, 128)], load_layout("four-array").model, CHIP)
    assert mapping.parts(0, "A") == (Part(0, 257, 0, 128, 0),)
    assert mapping.parts(0, "C") == (Part(0, 257, 0, 128, 1),)
    assert [(t.name, t.layer, t.arrays, t.rows_used, t.cols_used) for t in mapping.tiles] == [
        ("0.A", 0, 2, 128, 257),
        ("0.C", 0, 2, 128, 257),
    ]


def test_matrices_of_the_three_array_layout_share_one_tile():
    mapping = map_layers([(10, 10), (10, 10)], load_layout("three-array").model, CHIP)
    assert [t.arrays for t in mapping.tiles] == [3, 3]
    assert mapping.parts(1, "A") == mapping.parts(1, "C") == (Part(0, 10, 0, 10, 1),)


def test_a_wide_layer_is_split_by_outputs_then_inputs():
    mapping = map_layers([(785, 600)], load_layout("two-array").model, CHIP)
    assert mapping.parts(0, "W") == (
        Part(0, 393, 0, 300, 0),
        Part(393, 785, 0, 300, 1),
        Part(0, 393, 300, 600, 2),
        Part(393, 785, 300, 600, 3),
    )
    assert mapping.tiles[3].name.endswith("[3]")


def test_every_layer_has_tiles_of_its_own():
    mapping = map_layers([(785, 256), (257, 128), (129, 10)], load_layout("four-array").model, CHIP)
    used = [{part.tile for matrix in ("A", "C") for part in mapping.parts(layer, matrix)} for layer in range(3)]
    assert used == [{0, 1, 2, 3}, {4, 5}, {6, 7}]
    assert [tile.layer for tile in mapping.tiles] == [0, 0, 0, 0, 1, 1, 2, 2]


def test_the_digital_layout_has_no_tiles():
    mapping = map_layers([(785, 600)], load_layout("digital").model, CHIP)
    assert mapping.tiles == ()
    assert mapping.parts(0, "W") == (Part(0, 785, 0, 600, -1),)


def test_a_matrix_the_layout_does_not_have_is_named():
    mapping = map_layers([(4, 4)], load_layout("two-array").model, CHIP)
    with pytest.raises(TwinError, match=r"no matrix 'A' \(layer 0 has W\)"):
        mapping.parts(0, "A")


def chip(**more):
    return load_chip("aimc-512", {key.replace("__", "."): value for key, value in more.items()}).model


def test_packed_blocks_stand_side_by_side_while_they_fit():
    shapes = [(300, 200), (200, 100), (100, 400), (500, 50)]
    mapping = map_layers(shapes, load_layout("two-array").model, chip(mapping__pack="true"))
    tiles = [mapping.parts(layer, "W")[0].tile for layer in range(4)]
    # 300 + 200 of 512 input lines on one shelf; 200 + 400 output lines are too many; the last stands on a new shelf.
    assert tiles == [0, 0, 1, 0]
    assert [(t.name, t.rows_used, t.cols_used) for t in mapping.tiles] == [("0.W+2", 250, 500), ("2.W", 400, 100)]
    assert mapping.tiles[0].devices_used == 300 * 200 + 200 * 100 + 500 * 50


def test_packing_keeps_the_tiles_of_a_layout_together_and_blocks_of_a_layer_apart():
    packed = chip(mapping__pack="true")
    mapping = map_layers([(60, 40), (600, 40)], load_layout("four-array").model, packed)
    assert [part.tile for part in mapping.parts(0, "A")] == [0]
    assert [part.tile for part in mapping.parts(1, "C")] == [1, 3]
    assert [tile.name for tile in mapping.tiles] == ["0.A+1", "0.C+1", "1.A[1]", "1.C[1]"]


@given(st.lists(st.tuples(st.integers(1, 1200), st.integers(1, 1200)), min_size=1, max_size=8), st.booleans())
def test_whatever_is_packed_no_array_holds_more_than_it_has_and_nothing_is_lost(shapes, pack):
    mapping = map_layers(shapes, load_layout("two-array").model, chip(mapping__pack=str(pack).lower()))
    assert all(tile.rows_used <= 512 and tile.cols_used <= 512 for tile in mapping.tiles)
    assert all(tile.devices_used <= tile.rows_used * tile.cols_used for tile in mapping.tiles)
    assert sum(tile.devices_used for tile in mapping.tiles) == sum(n_in * n_out for n_in, n_out in shapes)
    assert len({tile.name for tile in mapping.tiles}) == len(mapping.tiles)
    alone = map_layers(shapes, load_layout("two-array").model, CHIP)
    assert len(mapping.tiles) <= len(alone.tiles)
    if not pack:
        assert mapping == alone


def test_copies_have_tiles_of_their_own():
    mapping = map_layers([(600, 40)], load_layout("four-array").model, chip(mapping__replicate="[2]"), [64])
    assert mapping.parts(0, "C") == (Part(0, 300, 0, 40, 1, (3,)), Part(300, 600, 0, 40, 5, (7,)))
    assert [tile.name for tile in mapping.tiles][:4] == ["0.A[0]", "0.C[0]", "0.A[0]x1", "0.C[0]x1"]


@pytest.mark.parametrize(
    ("replicate", "uses", "message"),
    [
        ("[1, 2]", [64, 1], r"chip.mapping.replicate.1 \(= 2\): layer 1 has 1 position of a sample to share out"),
        ("[1, 1, 2]", [64, 64], r"chip.mapping.replicate: 3 numbers for 2 layers"),
    ],
)
def test_what_has_no_positions_to_share_out_is_not_replicated(replicate, uses, message):
    with pytest.raises(TwinError, match=message):
        map_layers([(4, 4), (4, 4)], load_layout("two-array").model, chip(mapping__replicate=replicate), uses)
