"""A line of H that is fetched ahead costs the same bytes and less time: docs/placement.md."""

import numpy as np
import pytest

from twin.data import Dataset
from twin.operation import Kind

SMALL = ((3, "identity", False),)
SLOW = {"memory.bandwidth": "1 GB/s", "memory.latency": "200 ns"}  # 12 bytes a line: 12 ns + 200 ns


def data(width=6):
    made = np.random.default_rng(3)
    x = made.uniform(-1, 1, (5, width)).astype("float32")
    y = made.uniform(-1, 1, (5, 3)).astype("float32")
    return Dataset(x, y, x, y)


def run(ran, prefetch, samples=12, every=1, axis="column", in_flight=1, layers=SMALL, chip=None, algorithm="ttv2"):
    layout = "three-array-c" if algorithm == "agad" else "three-array"
    return ran(
        algorithm,
        layout,
        samples,
        {"transfer_every": every, "transfer_axis": axis, "transfer_lr": 5.0},
        layers=layers,
        data=data(),
        in_flight=in_flight,
        chip={"placement.prefetch_h": str(prefetch)} | (chip or {}),
    )


def times(engine, kind, layer=0):
    """(ready, start, done) of the operations of a kind, in the order of their transfers."""
    rows = [row for row in engine.ledger.recent().tolist() if engine.ledger.templates[row[0]].operation.kind is kind]
    rows = [row for row in rows if engine.ledger.templates[row[0]].operation.layer == layer]
    return [tuple(row[1:4]) for row in rows]


def test_an_unloaded_chip_saves_exactly_the_load_of_every_transfer(ran):
    samples = 12
    plain, ahead = (run(ran, n, samples) for n in (0, 1))
    load_ps = {done - start for _, start, done in times(plain, Kind.H_LOAD)}
    assert len(load_ps) == 1
    assert plain.now_ps - ahead.now_ps == samples * load_ps.pop()


def test_a_load_that_takes_longer_than_its_sample_is_hidden_in_part(ran):
    plain, ahead = (run(ran, n, chip=SLOW) for n in (0, 1))
    hidden = [
        min(read[2], load[2]) - load[1]
        for load, read in zip(times(ahead, Kind.H_LOAD), times(ahead, Kind.READ_OUT), strict=True)
    ]
    assert plain.now_ps - ahead.now_ps == sum(hidden)
    assert [f[0] for f in times(ahead, Kind.FILTER)] == [
        max(read[2], load[2]) for load, read in zip(times(ahead, Kind.H_LOAD), times(ahead, Kind.READ_OUT), strict=True)
    ]


def test_without_prefetch_the_load_waits_for_the_read_out(ran):
    engine = run(ran, 0)
    assert [t[0] for t in times(engine, Kind.H_LOAD)] == [t[2] for t in times(engine, Kind.READ_OUT)]


def test_with_it_the_load_is_ready_when_its_sample_starts(ran):
    engine = run(ran, 1)
    assert [t[0] for t in times(engine, Kind.H_LOAD)] == [t[0] for t in times(engine, Kind.INPUT, -1)]


@pytest.mark.parametrize("prefetch", [1, 2, 3])
def test_a_load_is_ready_at_the_picosecond_in_which_registers_become_free(ran, prefetch):
    """Samples are let in long before; what they wait for is the filter `prefetch` transfers earlier."""
    engine = run(ran, prefetch, in_flight=prefetch + 2, chip=SLOW)
    loads, filters = times(engine, Kind.H_LOAD), times(engine, Kind.FILTER)
    inputs = times(engine, Kind.INPUT, -1)
    freed = [0] * prefetch + [done for _, _, done in filters[:-prefetch]]
    assert [ready for ready, _, _ in loads] == [max(f, i[0]) for f, i in zip(freed, inputs, strict=True)]
    assert any(f > i[0] for f, i in zip(freed, inputs, strict=True))


@pytest.mark.parametrize("latency", ["0 ns", "2 us"])
@pytest.mark.parametrize("in_flight", [1, 4])
@pytest.mark.parametrize("prefetch", [1, 2])
def test_no_line_is_fetched_before_its_last_store_is_complete(ran, prefetch, in_flight, latency):
    """Three lines take turns, so that a line comes back after three transfers."""
    engine = run(ran, prefetch, 15, axis="row", in_flight=in_flight, chip={"memory.latency": latency})
    loads, stores = times(engine, Kind.H_LOAD), times(engine, Kind.H_STORE)
    assert all(load[1] >= store[2] for load, store in zip(loads[3:], stores, strict=False))
    # h is free for the next line in the picosecond in which the line before is stored
    filters, reads = times(engine, Kind.FILTER), times(engine, Kind.READ_OUT)
    for k in range(1, 15):
        assert filters[k][0] == max(loads[k][2], reads[k][2], stores[k - 1][2])


@pytest.mark.parametrize(("algorithm", "rows"), [("ttv2", 1), ("cttv2", 1), ("agad", 3)])
@pytest.mark.parametrize("every", [1, 3])
def test_bytes_are_the_same_with_and_without(ran, every, algorithm, rows):
    layers = ((4, "sigmoid", True), (3, "identity", True))
    runs = [run(ran, n, 14, every, in_flight=2, layers=layers, algorithm=algorithm) for n in (0, 1, 2)]
    tables = [engine.tables()["traffic"].groupby(["path", "stream"])["bytes"].sum().to_dict() for engine in runs]
    assert tables[0] == tables[1] == tables[2]
    assert tables[0]["memory", "H"] == 2 * rows * (4 + 3) * 4 * (14 // every)
    assert runs[1].now_ps < runs[0].now_ps
    assert runs[2].now_ps < runs[0].now_ps
