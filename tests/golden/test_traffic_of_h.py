"""The memory traffic that TTv2 adds to SGD's falls as 1/ns, as docs/validation/h-traffic.md says."""

import pytest

SGD = {"learning_rate": 0.05}
WIDTHS = {"row": (785, 257, 129), "column": (256, 128, 10)}
WORD = 4  # bytes of aimc-512's placement.h_word


def traffic(ran, algorithm, layout, samples, settings):
    """Bytes by path and stream."""
    table = ran(algorithm, layout, samples, settings).tables()["traffic"]
    return table.groupby(["path", "stream"])["bytes"].sum()


@pytest.mark.parametrize("axis", ["row", "column"])
@pytest.mark.parametrize("every", [1, 2, 5, 10, 50])
def test_the_extra_bytes_are_two_lines_per_transfer(ran, every, axis):
    samples = 50
    sgd = traffic(ran, "sgd", "two-array", samples, SGD)
    settings = {"transfer_every": every, "transfer_axis": axis}
    ttv2 = traffic(ran, "ttv2", "three-array", samples, settings)
    extra = ttv2.get("memory").sum() - (sgd.get("memory").sum() if "memory" in sgd else 0)
    assert extra * every == 2 * sum(WIDTHS[axis]) * WORD * samples
    assert ttv2["memory"].to_dict() == {"H": extra}


def test_h_adds_nothing_else_when_a_and_c_share_a_tile(ran):
    sgd = traffic(ran, "sgd", "two-array", 20, SGD)
    ttv2 = traffic(ran, "ttv2", "three-array", 20, {"transfer_every": 4})
    others = ttv2.drop("H", level="stream")
    assert others.to_dict() == sgd.to_dict()


def test_a_cycle_that_is_not_whole_counts_its_transfers(ran):
    ttv2 = traffic(ran, "ttv2", "three-array", 19, {"transfer_every": 10})
    assert ttv2["memory", "H"] == 2 * sum(WIDTHS["row"]) * WORD
