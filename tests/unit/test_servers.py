"""Is every server found by its kind and place, and is it on the chip that it says?"""

import pytest
from chip_kit import cluster_chip

from twin.chip import ChipCosts
from twin.chip.servers import Server, Servers
from twin.descriptions.load import load_chip, load_layout
from twin.mapping import map_layers


def table(chip, layout="four-array"):
    return ChipCosts(chip, map_layers([(512, 512)] * 3, load_layout(layout).model, chip)).table


def test_servers_are_numbered_as_they_are_added_and_stand_at_one_place_each():
    made = Servers()
    made.add("tile", 3, "tile x", 1)
    made.add("link", 3, "link x", -1)
    assert (made["tile", 3], made["link", 3], made.of("link", [3])) == (0, 1, [1])
    assert made.rows() == (Server("tile x", "tile"), Server("link x", "link"))
    assert made.chips == [1, -1]
    with pytest.raises(ValueError, match="two servers of kind tile at 3"):
        made.add("tile", 3, "tile y", 0)
    with pytest.raises(KeyError):
        made["tile", 4]


@pytest.mark.parametrize(
    "chip",
    [
        load_chip("aimc-512", {"placement.h": "registers"}).model,
        cluster_chip("mesh"),
        load_chip("aimc-512").model,
    ],
    ids=["registers", "cluster", "links"],
)
@pytest.mark.parametrize("layout", ["four-array", "digital"])
def test_every_server_of_a_chip_is_found_again(chip, layout):
    if layout == "digital" and chip.placement.h == "registers":
        chip = load_chip("aimc-512").model
    made = table(chip, layout)
    found = [(made[server.kind, place], server, on) for server, place, on in made.items()]
    assert [number for number, *_ in found] == list(range(len(made.rows())))
    assert [server for _, server, _ in found] == list(made.rows())
    assert [on for *_, on in found] == made.chips
    assert {server.kind for server in made.rows()} >= {"digital", "buffer", "memory", "host"}
    assert len({server.name for server in made.rows()}) == len(made.rows())
