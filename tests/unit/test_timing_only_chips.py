"""Networks that are timed only, on one chip with a network and a DRAM, and on a cluster of such chips."""

import pytest
from blocks_kit import small

from twin.errors import TwinError
from twin.runs.planning import plan_run
from twin.runs.timed import build_timed

LARGE = {"tile.rows": "1024", "tile.cols": "1024"}  # six tiles in all
BOTH = {"placement.h": '"memory"', "placement.activations": '"memory"', "placement.errors": '"memory"'}


def timed(folder, chip, algorithm="sgd", layout="two-array", **settings):
    parts = build_timed(
        plan_run(small(folder, 1), chip, layout, algorithm, "replayed", {"timing.samples": "2"}, LARGE | settings)
    )
    parts.advance(0)  # checks every invariant
    return parts


def moved(parts, *paths):
    traffic = parts.clock.tables()["traffic"]
    return int(traffic[traffic["path"].isin(paths)]["bytes"].sum())


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return timed(tmp_path_factory.mktemp("plain"), "aimc-512", **BOTH)


@pytest.mark.parametrize("chip", ["aimc-512-mesh", "aimc-512-lpddr5", "aimc-512-cluster"])
def test_what_is_done_and_moved_does_not_depend_on_the_wires_but_the_time_does(tmp_path, plain, chip):
    parts = timed(tmp_path, chip, **BOTH)
    assert parts.events == plain.events
    assert moved(parts, "memory", "buffer") == moved(plain, "memory", "buffer") > 0
    energy = [it.clock.tables()["energy"].set_index("component")["energy_J"] for it in (parts, plain)]
    assert energy[0]["drivers"].sum() == pytest.approx(energy[1]["drivers"].sum())
    assert parts.clock.now_ps != plain.clock.now_ps


def test_a_cluster_holds_layers_on_chips_in_order_and_their_words_cross_between(tmp_path):
    parts = timed(tmp_path, "aimc-512-cluster", **BOTH)
    assert parts.chips == 4
    assert sorted({site // 4 for site in parts.costs.floorplan.sites}) == [0, 1]
    links = parts.clock.tables()["links"].set_index("link")["bytes"]
    words = 30 * 600  # what attention hands on; the block's last matrix and the sum are on the other chip
    assert {link: int(n) for link, n in links.items() if link.startswith("cluster")} == {
        "cluster n0>n1": 2 * words,  # the sum's other input crosses, too, and is not counted (docs/timing-only.md)
        "cluster n1>n0": 2 * 2 * words,  # the errors of both
    }


def test_h_in_a_dram_is_read_in_bursts_and_opens_rows(tmp_path):
    parts = timed(tmp_path, "aimc-512-cluster", "ttv2", "four-array", **{"placement.h": '"memory"'})
    served = parts.clock.ledger.served.sum(axis=0)
    assert served[0] > 0
    assert parts.clock.ledger.activations.sum() == served[2] > 0


def test_tiles_are_placed_by_traffic(tmp_path):
    placed, by_rows = (
        timed(tmp_path, "aimc-512-mesh", **{"mapping.placement": f'"{order}"'}) for order in ("traffic", "row-major")
    )
    assert moved(placed, "network") < moved(by_rows, "network")


@pytest.mark.parametrize(
    ("chip", "settings", "named"),
    [
        ("aimc-512", {"system.tiles": "4", "placement.pulses": '"buffer"'}, "placement.pulses"),
        ("aimc-512", {"system.tiles": "4", "mapping.pack": "true"}, "mapping: is described for one chip"),
    ],
)
def test_what_is_not_described_is_named(tmp_path, chip, settings, named):
    with pytest.raises(TwinError, match=named):
        timed(tmp_path, chip, **settings)
