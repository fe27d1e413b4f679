"""Pulse probabilities move no bytes at the drivers, and two moves of one word a line where they are kept."""

import pytest

from twin.operation import Kind, Stream

LINES = (785 + 256) + (257 + 128) + (129 + 10)


def run(ran, place, algorithm="sgd", layout="two-array", settings=None):
    chip = {"placement.pulses": place, "placement.pulse_word": "1 B"}
    return ran(algorithm, layout, 5, settings or {"learning_rate": 0.05}, chip=chip)


def traffic(engine):
    table = engine.tables()["traffic"]
    return table.groupby(["stream", "path"])["bytes"].sum().to_dict()


@pytest.mark.parametrize("place", ["registers", "buffer", "memory"])
def test_kept_pulses_are_stored_and_loaded_once_an_update(ran, place):
    plain, kept = traffic(run(ran, "drivers")), traffic(run(ran, place))
    moved = {path: n for (stream, path), n in kept.items() if stream == "pulses"}
    paths = {"registers"} if place == "registers" else {"link", place}
    assert moved == dict.fromkeys(paths, 5 * 2 * LINES)
    assert {key: n for key, n in kept.items() if key[0] != "pulses"} == plain


def test_an_update_fires_in_the_picosecond_in_which_its_pulses_are_loaded(ran):
    for place in ("registers", "buffer", "memory"):
        engine = run(ran, place)
        templates = engine.ledger.templates
        below = [row for row in engine.ledger.recent().tolist() if templates[row[0]].operation.layer == 0]
        rows = [(templates[row[0]].operation, row[1:4]) for row in below]
        chosen = [t for o, t in rows if o.kind is Kind.UPDATE_MANAGEMENT]
        stores = [t for o, t in rows if o.stream is Stream.PULSES and o.store]
        loads = [t for o, t in rows if o.stream is Stream.PULSES and not o.store]
        fired = [t for o, t in rows if o.kind is Kind.UPDATE]
        assert len(chosen) == len(stores) == len(loads) == len(fired) == 5
        for before, after in ((chosen, stores), (stores, loads), (loads, fired)):
            assert [t[0] for t in after] == [t[2] for t in before]


def test_the_signs_of_a_transfer_are_no_pulses(ran):
    every = {"transfer_every": 1}
    assert (
        sum(
            n
            for (stream, _), n in traffic(run(ran, "memory", "ttv2", "three-array", every)).items()
            if stream == "pulses"
        )
        == 2 * 5 * 2 * LINES
    )  # link and memory
