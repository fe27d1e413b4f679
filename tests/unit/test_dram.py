"""One DRAM: closed forms to the picosecond, and every timing rule blocked at t - 1 and ready at t."""

from itertools import pairwise

import numpy as np
import pytest
from dram_kit import PARTS, Rules, description, dram, server, stream

from twin.chip.dram import kernel
from twin.chip.dram.kernel import ACT, PRE, PREA, RD, REF, WR
from twin.chip.dram.server import decoded
from twin.config.presets import presets
from twin.descriptions.load import load_chip
from twin.errors import TwinError

QUIET = {"nREFI": 10_000_000}


@pytest.mark.parametrize("part", PARTS)
def test_every_part_is_complete_under_the_name_of_its_file_and_serves(part):
    made = description(part)
    assert made.preset == part == presets("dram")[part].name
    assert presets("dram")[part].description
    one = server(part)
    served = one.transfer(0, 4096, writes=False, start_ps=0)
    assert served.busy_ps >= 4096 / made.peak_Bps * 1e12 - 1
    assert served.activations >= 1
    assert dram(part).activate_J > 0
    assert made.leakage_W > 0


@pytest.mark.parametrize("part", PARTS)
def test_an_unloaded_read_takes_trcd_cl_and_the_burst(part):
    rules = Rules(description(part))
    _, done, _ = stream(server(part), [0])
    assert done[0] == rules.nRCD + rules.nCL + rules.nBL
    closed, start = server(part), 12_345
    served = closed.transfer(0, 1, writes=False, start_ps=start)
    assert served.busy_ps + served.latency_ps == rules.nRCD + rules.nCL + rules.nBL
    hit = closed.transfer(1, 1, writes=False, start_ps=start + served.busy_ps)
    assert hit.activations <= 1


@pytest.mark.parametrize("part", PARTS)
def test_an_unloaded_write_takes_trcd_cwl_and_the_burst(part):
    rules = Rules(description(part))
    _, done, _ = stream(server(part), [0], writes=True)
    assert done[0] == rules.nRCDWR + rules.nCWL + rules.nBL


@pytest.mark.parametrize("part", PARTS)
def test_a_row_conflict_adds_what_is_left_of_tras_and_trp(part):
    made, rules = description(part), Rules(description(part))
    one, far = server(part), 10**6
    stride = made.bank_groups * made.banks * int(made.row_size)
    done, _ = one.trace(np.array([0, far]), np.array([0, stride]), np.array([False, False]))
    assert done[1] - far == rules.nRP + rules.nRCD + rules.nCL + rules.nBL
    again, _ = server(part).trace(np.array([0, 0]), np.array([0, stride]), np.array([False, False]))
    opens = max(max(rules.nRAS, rules.nRCD + rules.nRTP) + rules.nRP, rules.nRC)
    assert again[1] == opens + rules.nRCD + rules.nCL + rules.nBL


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("writes", [False, True])
def test_a_stream_of_hits_reaches_the_peak_bandwidth_to_the_tick(part, writes):
    made, rules = description(part, **QUIET), Rules(description(part))
    n = made.columns * made.bank_groups  # one row of every group, which take turns
    addresses = np.arange(n) * made.burst_bytes
    one = server(part, **QUIET)
    stream(one, addresses, writes=writes)  # opens the rows
    start = 10**7
    done, _ = one.trace(np.full(n, start), addresses, np.full(n, writes))
    step = max(rules.nBL, rules.nCCDS, rules.nCCDL // made.bank_groups)
    assert (np.diff(np.sort(done)) == step).all()
    assert step == rules.nBL  # and so the peak: a burst every nBL
    assert made.peak_Bps == pytest.approx(made.burst_bytes / (rules.nBL * 1e-12), rel=1e-9)


@pytest.mark.parametrize("part", PARTS)
def test_refresh_steals_trfc_of_every_trefi(part):
    made, rules = description(part), Rules(description(part))
    one = server(part)
    n = int(40 * rules.nREFI / rules.nBL)
    addresses = (np.arange(n) * made.burst_bytes) % (made.bank_groups * int(made.row_size))  # one row of every group
    arrival, done, log = stream(one, addresses, commands=3 * n)
    at = np.array([row[0] for row in log if row[1] == REF])
    assert len(at) == int(one.channels[0, kernel.C_REFS])
    assert np.diff(at).mean() == pytest.approx(rules.nREFI, rel=0.005)
    columns = np.array([row[0] for row in log if row[1] == RD])
    for refresh in at[1:-1]:
        assert (columns[columns > refresh].min() - refresh) == rules.nRFC + rules.nRCD
    # Beside tRFC, a refresh costs closing the rows before it and opening them after.
    free = 1 - n * rules.nBL / (done.max() - arrival[0])
    stolen = rules.nRFC / rules.nREFI
    around = (max(rules.nRTP, rules.nRAS) + rules.nRPab + rules.nRCD + 4 * rules.nRRDL) / rules.nREFI
    assert stolen <= free <= stolen + around


def test_an_idle_dram_is_refreshed_all_the_same():
    rules = Rules(description("ddr4-3200"))
    one = server("ddr4-3200")
    far = 1_000_000 * rules.nREFI + rules.nREFI // 2
    done, _ = one.trace(np.array([0, far]), np.array([0, 0]), np.array([False, False]))
    assert int(one.channels[0, kernel.C_REFS]) == 1_000_000
    assert done[1] - far == rules.nRCD + rules.nCL + rules.nBL  # the row was closed for it
    during = server("ddr4-3200")
    arrival = rules.nREFI + 1000
    done, _ = during.trace(np.array([arrival]), np.array([0]), np.array([False]))
    assert done[0] == rules.nREFI + rules.nRFC + rules.nRCD + rules.nCL + rules.nBL


# -- rules ---------------------------------------------------------------------------------------------------------

BANK, GROUP, RANK, OTHER = (0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0)  # rank, group, bank of the second command
RULES = {
    "tRCD": (ACT, RD, BANK, lambda r: r.nRCD),
    "tRCD of a write": (ACT, WR, BANK, lambda r: r.nRCDWR),
    "tRAS": (ACT, PRE, BANK, lambda r: r.nRAS),
    "tRC": (ACT, ACT, BANK, lambda r: r.nRC),
    "tRP": (PRE, ACT, BANK, lambda r: r.nRP),
    "tRP before a refresh": (PRE, REF, BANK, lambda r: r.nRP),
    "tRC before a refresh": (ACT, REF, BANK, lambda r: r.nRC),
    "tRRD_L": (ACT, ACT, GROUP, lambda r: r.nRRDL),
    "tRRD_S": (ACT, ACT, RANK, lambda r: r.nRRDS),
    "tCCD_L of reads": (RD, RD, GROUP, lambda r: max(r.nCCDL, r.nBL)),
    "tCCD_S of reads": (RD, RD, RANK, lambda r: max(r.nCCDS, r.nBL)),
    "tCCD_L of writes": (WR, WR, GROUP, lambda r: max(r.nCCDL, r.nBL)),
    "tCCD_S of writes": (WR, WR, RANK, lambda r: max(r.nCCDS, r.nBL)),
    "tRTP": (RD, PRE, BANK, lambda r: r.nRTP),
    "tWR": (WR, PRE, BANK, lambda r: r.nCWL + r.nBL + r.nWR),
    "tWTR_L": (WR, RD, GROUP, lambda r: r.nCWL + r.nBL + r.nWTRL),
    "tWTR_S": (WR, RD, RANK, lambda r: r.nCWL + r.nBL + r.nWTRS),
    "tRTW": (RD, WR, RANK, lambda r: r.nRTW),
    "tCS between reads": (RD, RD, OTHER, lambda r: r.nBL + r.nCS),
    "tCS between writes": (WR, WR, OTHER, lambda r: r.nBL + r.nCS),
    "tCS from read to write": (RD, WR, OTHER, lambda r: r.nCL + r.nBL + r.nCS - r.nCWL),
    "tCS from write to read": (WR, RD, OTHER, lambda r: r.nCWL + r.nBL + r.nCS - r.nCL),
    "tRFC": (REF, ACT, BANK, lambda r: r.nRFC),
    "tRFC to the next refresh": (REF, REF, BANK, lambda r: r.nRFC),
    "no rule between ranks for activations": (ACT, ACT, OTHER, lambda r: r.tCK),
}


class Bench:
    """One channel of a part with two ranks, to issue commands by hand."""

    def __init__(self, part):
        self.rules, self.server = Rules(description(part)), server(part, ranks=2)
        one = self.server
        self.p, self.state = one.dram.rules, (one.banks[0], one.groups[0], one.ranks[0], one.channels[0])
        self.n_groups, self.n_banks = int(self.p[kernel.GROUPS]), int(self.p[kernel.BANKS])

    def place(self, rank, group, bank):
        group += rank * self.n_groups
        return rank, group, bank + group * self.n_banks

    def issue(self, command, place, at):
        kernel.issue(self.p, *self.state, command, *self.place(*place), 7, at)

    def may(self, command, place, at):
        return kernel.ready(self.p, *self.state, command, *self.place(*place)) <= at


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_blocks_until_t_minus_1_and_no_longer(part, rule):
    first, second, place, expected = RULES[rule]
    bench, start = Bench(part), 10**6
    if place == RANK and bench.n_groups == 1:
        pytest.skip("the part has one bank group")
    bench.issue(first, BANK, start)
    gap = max(expected(bench.rules), 0)
    same_bus = bench.p[kernel.BUSES] == 1 or (first in {RD, WR}) == (second in {RD, WR})
    due = start + (max(gap, bench.rules.tCK) if same_bus else gap)
    assert not bench.may(second, place, due - 1)
    assert bench.may(second, place, due)


@pytest.mark.parametrize("part", PARTS)
def test_tfaw_blocks_the_fifth_activation(part):
    bench = Bench(part)
    rules, at = bench.rules, 10**6
    places = [(0, k % bench.n_groups, k // bench.n_groups) for k in range(5)]
    step = max(rules.nRRDL, rules.nRRDS)
    for k, place in enumerate(places[:4]):
        assert bench.may(ACT, place, at + k * step)
        bench.issue(ACT, place, at + k * step)
    due = max(at + rules.nFAW, at + 4 * step if bench.n_groups == 1 else 0, at + 3 * step + rules.nRRDS)
    assert not bench.may(ACT, places[4], due - 1)
    assert bench.may(ACT, places[4], due)


@pytest.mark.parametrize("part", PARTS)
def test_all_banks_close_after_tras_and_open_after_trp_of_all(part):
    bench, at = Bench(part), 10**6
    bench.issue(ACT, BANK, at)
    assert not bench.may(PREA, BANK, at + bench.rules.nRAS - 1)
    assert bench.may(PREA, BANK, at + bench.rules.nRAS)
    bench.issue(PREA, BANK, at + bench.rules.nRAS)
    due = at + max(bench.rules.nRAS + bench.rules.nRPab, bench.rules.nRC)
    for command in (ACT, REF):
        assert not bench.may(command, BANK, due - 1)
        assert bench.may(command, BANK, due)


@pytest.mark.parametrize("part", PARTS)
def test_a_closed_page_is_open_again_after_trtp_and_trp(part):
    made, rules = description(part), Rules(description(part))
    one = server(part, page_policy='"closed"')
    far = 10**6
    done, _ = one.trace(np.array([0, far]), np.array([0, 0]), np.array([False, False]))
    assert done[1] - far == rules.nRCD + rules.nCL + rules.nBL  # no hit, no conflict
    assert int(one.channels[0, kernel.C_ACTS]) == 2
    hits = made.bank_groups * made.burst_bytes
    one.trace(np.array([2 * far, 2 * far]), np.array([0, hits]), np.array([False, False]))
    assert int(one.channels[0, kernel.C_ACTS]) == 3  # two that wait together share a row


# -- addresses, order, state ---------------------------------------------------------------------------------------


def test_a_mapping_scheme_names_fields_from_the_most_significant():
    made = description("ddr4-3200", channels=2, ranks=2, address_mapping='"RoBaRaCoCh"')
    assert made.fields == ("Ro", "Ba", "Bg", "Ra", "Co", "Ch")
    one = dram("ddr4-3200", channels=2, ranks=2, address_mapping='"RoBaRaCoCh"')
    bursts = np.array([0, 1, 2, 2 * 128, 2 * 128 * 2, 2 * 128 * 2 * 4, 2 * 128 * 2 * 16])
    expected = [[0] * 6, [1] + [0] * 5, [0] * 5 + [1], [0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0]]
    assert decoded(one, bursts).tolist() == [*expected, [0, 0, 0, 0, 1, 0]]


def test_a_transfer_is_the_trace_of_its_bursts():
    for system in ({}, {"channels": 4, "ranks": 2}, {"page_policy": '"closed"', "queue_depth": 3}):
        one, other = (server("lpddr5-6400", **system) for _ in range(2))
        at = 0
        for burst, n, writes in ((0, 64, False), (7, 300, True), (100_000, 1, False), (7, 300, False)):
            served = one.transfer(burst, 32 * n, writes=writes, start_ps=at)
            addresses = 32 * (burst + np.arange(n))
            done, _ = other.trace(np.full(n, at), addresses, np.full(n, writes))
            assert served.busy_ps + served.latency_ps == done.max() - at
            at += served.busy_ps
        for name, array in one.state().items():
            np.testing.assert_array_equal(array, other.state()[name])


def test_the_first_ready_is_served_first_and_the_oldest_of_equals():
    made = description("ddr4-3200", address_mapping='"RoBaRaCoCh"')
    one = server("ddr4-3200", address_mapping='"RoBaRaCoCh"')
    other_row = made.bank_groups * made.banks * int(made.row_size)
    one.trace(np.array([0]), np.array([0]), np.array([False]))  # opens row 0 of bank 0
    at = np.full(3, 10**6)
    done, _ = one.trace(at, np.array([64, other_row, 0]), np.zeros(3, bool))
    assert done[0] < done[2] < done[1]  # the last is ready before the row may close for the second
    done, _ = one.trace(at + 10**6, np.array([64, 0, 128]), np.zeros(3, bool))
    assert (np.diff(done) > 0).all()


def test_a_queue_of_one_serves_in_order():
    one = server("ddr4-3200", queue_depth=1)
    rng = np.random.default_rng(1)
    _, done, _ = stream(one, rng.integers(0, 2**30, 200))
    assert (np.diff(done) > 0).all()


def test_writes_drain_together():
    one = server("ddr4-3200", **QUIET)
    rng = np.random.default_rng(2)
    n = 2000
    writes = rng.random(n) < 0.5
    _, _, log = stream(one, 64 * rng.integers(0, 2**20, n), writes=writes, commands=10 * n)
    columns = [row[1] for row in log if row[1] in {RD, WR}]
    turns = sum(a != b for a, b in pairwise(columns))
    assert sum(writes) == columns.count(WR)
    assert turns < n / 8


def test_skipped_transfers_move_the_cursor_on():
    from twin.chip.dram.sheet import Access  # noqa: PLC0415

    one = server("ddr4-3200")
    number = one.register(Access(0, 0, 4, 3, 256, writes=False))
    assert one.register(Access(0, 0, 4, 3, 256, writes=False)) == number
    one.serve(number, 0)
    one.skip(number, 7)
    assert one.cursors.tolist() == [8]
    assert one.nominal(number) == server("ddr4-3200").transfer(0, 256, writes=False, start_ps=0)


# -- energy, descriptions ------------------------------------------------------------------------------------------


def test_energy_is_bursts_activations_and_what_flows_all_the_time():
    made, one = description("ddr4-3200", ranks=2), dram("ddr4-3200", ranks=2)
    assert one.energy_J(65, writes=False) == pytest.approx(2 * 512 * (5.48e-12 + 10e-12))
    assert one.energy_J(64, writes=True) == pytest.approx(512 * (4.63e-12 + 10e-12))
    assert one.background_W == pytest.approx(2 * 0.499)
    assert one.refresh_W == pytest.approx(2 * 671e-9 / 7.8e-6, rel=1e-6)
    assert made.size_B == 2 * 8 * 2**30
    assert made.service(64, writes=False) == (0, 0, one.energy_J(64, writes=False))  # the banks say how long
    assert one.activate_J == pytest.approx(4.23e-9)


@pytest.mark.parametrize(
    ("system", "message"),
    [
        ({"address_mapping": '"RoBaCoCh"'}, "memory.address_mapping .* must name each of Ch, Ra, Bg, Ba, Ro, Co once"),
        ({"nRC": 51}, "memory.nRC .* must be at least nRAS"),
        ({"nREFI": 500}, "memory.nREFI .* must be above nRFC"),
        ({"row_size": '"100 B"'}, "memory.row_size .* multiple of a burst of 64 B"),
        ({"nRCDW": 5}, "memory.nRCDW: unknown key .did you mean nRCDWR"),
        ({"page_policy": '"ajar"'}, 'memory.page_policy .* must be "open" or "closed"'),
        ({"queue_depth": 0}, "memory.queue_depth .* greater than or equal to 1"),
        ({"nCWL": 60}, "memory.nCWL .* must be at most"),
    ],
)
def test_a_dram_that_cannot_be_is_refused_in_one_line(system, message):
    with pytest.raises(TwinError, match=message) as caught:
        description("ddr4-3200", **system)
    assert "\n" not in str(caught.value)


def test_an_unknown_part_or_kind_gets_the_nearest():
    with pytest.raises(TwinError, match=r"is no dram preset .did you mean ddr4-3200"):
        description("ddr4-3300")
    with pytest.raises(TwinError, match=r"memory.kind .= sram.: must be"):
        load_chip("aimc-512", {"memory.kind": "sram"})
    assert load_chip("aimc-512").model.memory.kind == "channel"
