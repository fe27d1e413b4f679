"""Random traces break no rule of any part, by a checker that was written from the rules and not from the model."""

from collections import Counter

import numpy as np
import pytest
from dram_kit import PARTS, Rules, description, server, violations
from examples_kit import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.chip.dram.server import decoded

MAPPINGS = ["RoRaBaCoBgCh", "RoBaRaCoCh", "RoCoRaBaBgCh", "ChRaBaBgRoCo"]


@st.composite
def traces(draw):
    """Draw requests: gaps in ps, addresses in a few rows or all over, a share of writes."""
    n = draw(st.integers(1, 120))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    arrival = np.cumsum(rng.integers(0, draw(st.sampled_from([1, 3_000, 40_000, 2_000_000])), n))
    span = draw(st.sampled_from([2**12, 2**16, 2**28]))
    address = rng.integers(0, span, n) if draw(st.booleans()) else np.arange(n) * 32 * draw(st.integers(1, 40))
    return arrival, address, rng.random(n) < draw(st.sampled_from([0.0, 0.3, 0.5, 1.0]))


@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    part=st.sampled_from(PARTS),
    trace=traces(),
    ranks=st.integers(1, 3),
    depth=st.sampled_from([1, 4, 32]),
    policy=st.sampled_from(["open", "closed"]),
    mapping=st.sampled_from(MAPPINGS),
    refresh=st.sampled_from([1.0, 0.25]),
)
def test_no_command_breaks_a_rule_and_every_request_is_served_once(part, trace, ranks, depth, policy, mapping, refresh):
    arrival, address, writes = trace
    refi = max(int(description(part).nREFI * refresh), description(part).nRFC + 400)
    system = {"ranks": ranks, "queue_depth": depth, "page_policy": f'"{policy}"', "nREFI": refi}
    system["address_mapping"] = f'"{mapping}"'
    made, one = description(part, **system), server(part, **system)
    done, (log,) = one.trace(arrival, address, writes, commands=100_000)
    assert violations(made, log) == []
    rules, fields = Rules(made), decoded(one.dram, address // made.burst_bytes)
    column = done - rules.nBL - np.where(writes, rules.nCWL, rules.nCL)
    assert (column >= arrival).all()
    asked = Counter(zip(column.tolist(), writes.tolist(), fields[:, 4].tolist(), strict=True))
    served = Counter((int(row[0]), bool(row[1] == 3), int(row[5])) for row in log if row[1] in {2, 3})
    assert asked == served
    opened = ranks * made.bank_groups * made.banks  # a request leaves the queue for the bank that opens a row for it
    for kind in (False, True):
        mine = column[writes == kind]
        for k in range(depth + opened, len(mine)):
            assert np.sort(mine[:k])[k - depth - opened] <= mine[k]


@pytest.mark.parametrize("part", ["hbm2", "lpddr4-4266"])
def test_the_checker_finds_a_command_that_comes_a_picosecond_early(part):
    one = server(part)
    rng = np.random.default_rng(3)
    _, (log,) = one.trace(np.zeros(20, np.int64), rng.integers(0, 2**18, 20), rng.random(20) < 0.5, commands=1000)
    assert violations(description(part), log) == []
    caught = 0
    for k in range(1, len(log)):
        early = log.copy()
        early[k, 0] -= 1
        caught += bool(violations(description(part), early))
    assert caught > 0.9 * (len(log) - 1)


def test_a_refresh_waits_for_banks_that_close_themselves_after_a_write():
    """Found by chance: all banks were closed at once while one of them still recovered from a write."""
    system = {"ranks": 2, "queue_depth": 1, "page_policy": '"closed"', "address_mapping": '"RoCoRaBaBgCh"'}
    made = description("lpddr5-6400", **system)
    system["nREFI"] = max(made.nREFI // 4, made.nRFC + 400)
    made, broken = description("lpddr5-6400", **system), []
    for seed in range(examples(300)):
        rng = np.random.default_rng(seed)
        address, writes = rng.integers(0, 2**16, 60), rng.random(60) < 0.5
        _, (log,) = server("lpddr5-6400", **system).trace(np.zeros(60, np.int64), address, writes, commands=10_000)
        broken += violations(made, log)
    assert broken == []
