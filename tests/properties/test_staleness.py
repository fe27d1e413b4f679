"""Relaxed consistency in coupled runs: nothing is staler than allowed, and numerics read what the schedule says."""

import numpy as np
import pytest
from examples_kit import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from modes_kit import trained

from twin.errors import TwinError
from twin.operation import Opcode
from twin.runs.build import build
from twin.runs.diagnostics import MEAN_STALENESS, MOST_STALENESS, collect
from twin.runs.planning import plan_run

RUNS = [
    ("sgd", "two-array"),
    ("shd", "four-array"),
    ("shd", "three-array"),
    ("ttv2", "four-array"),
    ("ttv2", "three-array"),
]


def consistency(mode, staleness=0):
    return {"training.consistency": f'"{mode}"', "training.staleness": str(staleness)}


def staleness(parts):
    table = parts.engine.tables()["staleness"]
    assert table["reads"].sum() == sum(
        row["count"]
        for _, row in parts.engine.tables()["operations"].iterrows()
        if row["kind"] in ("forward", "backward")
    )
    return set(table["staleness_samples"])


@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    run=st.sampled_from(RUNS),
    in_flight=st.integers(1, 9),
    allowed=st.integers(0, 5),
    every=st.sampled_from([1, 3, 7]),
    gamma=st.sampled_from([0.0, 0.5]),
    seed=st.integers(0, 2**63 - 1),
    lines=st.sampled_from([16, 512]),
    host=st.sampled_from(["6.4 GB/s", "64 GB/s"]),
)
def test_no_read_is_staler_than_allowed(run, in_flight, allowed, every, gamma, seed, lines, host):
    algorithm, layout = run
    own = {"training.in_flight": str(in_flight), "training.seed": str(seed)}
    if algorithm != "sgd":
        own |= {f"algorithms.{algorithm}.transfer_every": str(every)}
    if algorithm == "shd":
        own |= {"algorithms.shd.gamma": str(gamma)}
    chip = {"tile.rows": str(lines), "tile.cols": str(lines), "host.bandwidth": f'"{host}"'}

    def found(mode, bound=0):
        return trained("digits-mlp", algorithm, layout, "coupled", 24, own | consistency(mode, bound), chip)

    strict, bounded, none = found("strict"), found("bounded", allowed), found("none")
    assert staleness(strict) == {0}
    assert max(map(abs, staleness(bounded))) <= min(allowed, in_flight - 1)
    assert max(map(abs, staleness(none))) <= in_flight - 1
    if allowed == 0 or in_flight == 1:
        assert bounded.machine.f.tobytes() == strict.machine.f.tobytes()
        assert bounded.engine.now_ps == strict.engine.now_ps


@pytest.mark.parametrize(("in_flight", "allowed"), [(4, 1), (8, 3), (8, 7)])
def test_a_mat_vec_reads_the_weights_that_the_schedule_has_at_its_moment(in_flight, allowed):
    own = {"training.in_flight": str(in_flight), "data.samples": "60", "training.epochs": "1"}
    plan = plan_run("digits-mlp", "aimc-512", "two-array", "sgd", "coupled", own | consistency("bounded", allowed), {})
    parts = build(plan)
    layers = range(len(parts.network.layers))
    versions = {layer: {-1: parts.machine.weights(layer, "W").copy()} for layer in layers}
    found = {layer: [] for layer in layers}
    execute = parts.machine.execute

    def watched(program, counts):
        sample, layer, opcode = int(program["sample"][0]), int(program["layer"][0]), int(program["opcode"][0])
        if opcode == Opcode.FORWARD:
            newest = max(versions[layer])
            np.testing.assert_array_equal(parts.machine.weights(layer, "W"), versions[layer][newest])
            found[layer].append(sample - 1 - newest)
        execute(program, counts)
        if opcode == Opcode.UPDATE:
            versions[layer][sample] = parts.machine.weights(layer, "W").copy()

    parts.machine.execute = watched
    parts.machine.set_rates(1.0)
    parts.effects.segment(0, 60)
    parts.engine.run(0, 60)
    table = parts.engine.tables()["staleness"]
    for layer in layers:
        own_rows = table[(table["kind"] == "forward") & (table["layer"] == layer)]
        counted = dict(zip(own_rows["staleness_samples"], own_rows["reads"], strict=True))
        assert counted == {age: found[layer].count(age) for age in set(found[layer])}
    assert max(max(ages) for ages in found.values()) > 0
    whole = [age for ages in found.values() for age in ages]
    initial = [parts.machine.weights(layer, "W") for layer in layers]
    said = collect(parts, parts.engine.tables(), initial)[0].set_index("what")["value"]
    assert said[MEAN_STALENESS] == pytest.approx(np.mean(whole))
    assert said[MOST_STALENESS] == max(whole)


@pytest.mark.parametrize(
    ("mode", "algorithm", "own", "message"),
    [
        ("replayed", "sgd", consistency("none"), r"training.consistency \(= none\).*mode replayed.*--mode coupled"),
        ("coupled", "sgd", consistency("bounded", 2) | {"timing.mode": '"sampled"'}, r"bounded.*sampled.*--exact"),
        ("coupled", "digital", consistency("none"), "digital loads its weights"),
        ("coupled", "sgd", consistency("strict", 2), r'staleness \(= 2\).*must be 0 unless consistency = "bounded"'),
        ("coupled", "sgd", consistency("bounded", -1), "staleness"),
        ("coupled", "sgd", {"training.consistency": '"loose"'}, "consistency"),
    ],
)
def test_what_cannot_be_relaxed_is_refused_in_one_line(mode, algorithm, own, message):
    layout = "digital" if algorithm == "digital" else "two-array"
    with pytest.raises(TwinError, match=message) as caught:
        (plan_run("digits-mlp", "aimc-512", layout, algorithm, mode, own, {}))
    assert "\n" not in str(caught.value)
