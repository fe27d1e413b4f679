"""A run on a chip whose memory is a DRAM with state: the same bits in pieces, in both modes, and sampled."""

from itertools import pairwise

import numpy as np
import pytest
from modes_kit import Stopped, assert_same, contents, quiet, stop_at

from twin.runs.build import build
from twin.runs.folder import prepare
from twin.runs.planning import plan_run
from twin.runs.run import run

CHIP = "aimc-512-lpddr5"
PLACED = {f"placement.{stream}": '"memory"' for stream in ("activations", "errors", "h")}


def made(mode="replayed", samples=60, own=(), chip=(), algorithm="ttv2", layout="four-array", name=CHIP):
    overrides = {"data.samples": str(samples), "training.epochs": "1"} | dict(own)
    parts = build(plan_run("digits-mlp", name, layout, algorithm, mode, overrides, dict(chip)))
    parts.machine.set_rates(1.0)
    return parts


def trained(*args, samples=60, **more):
    parts = made(*args, samples=samples, **more)
    parts.effects.segment(0, samples)
    parts.engine.run(0, samples)  # checks every invariant
    return parts


@pytest.mark.parametrize("in_flight", [1, 4])
def test_coupled_and_replayed_runs_have_the_same_weights_banks_and_ledgers(in_flight):
    own = {"training.in_flight": str(in_flight)}
    one, other = (trained(mode, own=own, chip=PLACED) for mode in ("coupled", "replayed"))
    assert_same(one, other)
    assert one.engine.stateful.channels[:, 3].sum() > 0


def test_both_modes_agree_on_chips_with_a_dram_each():
    own, chip = {"training.in_flight": "3"}, PLACED | {"cluster.tiles": "2"}  # a layer on each of two chips
    one, other = (trained(mode, own=own, chip=chip, name="aimc-512-cluster") for mode in ("coupled", "replayed"))
    assert_same(one, other)
    opened = {name: state[:, 3].sum() for name, state in one.engine.stateful.state().items() if "channels" in name}
    assert [name for name, n in opened.items() if n] == ["0_channels", "1_channels"]


def test_the_weights_do_not_depend_on_the_memory_but_the_time_does():
    one = trained(chip=PLACED)
    channel = build(plan_run("digits-mlp", "aimc-512", "four-array", "ttv2", "replayed",
                            {"data.samples": "60", "training.epochs": "1"}, PLACED))  # fmt: skip
    channel.machine.set_rates(1.0)
    channel.effects.segment(0, 60)
    channel.engine.run(0, 60)
    assert one.machine.f.tobytes() == channel.machine.f.tobytes()
    assert one.engine.now_ps != channel.engine.now_ps
    bytes_of = [parts.engine.tables()["traffic"].query("path == 'memory'")["bytes"].sum() for parts in (one, channel)]
    assert bytes_of[0] == bytes_of[1] > 0


def test_energy_of_the_memory_is_bursts_and_activations():
    parts = trained(chip=PLACED)
    server, dram = parts.engine.stateful, parts.engine.stateful.dram
    opened = int(server.channels[:, 3].sum())
    assert parts.engine.ledger.activations.sum() == opened
    table = parts.engine.tables()
    moved = [
        (template.demand.access, int(n))
        for template, n in zip(parts.engine.ledger.templates, parts.engine.ledger.n, strict=True)
        if template.access >= 0
    ]
    expected = opened * dram.activate_J + sum(
        n * dram.energy_J(server.accesses[k].n_bytes, writes=server.accesses[k].writes) for k, n in moved
    )
    memory = table["energy"].query("component == 'memory'")["energy_J"].sum()
    assert memory == pytest.approx(expected)
    area = table["area"].set_index("part")
    assert area.loc["memory refresh", "leakage_W"] == pytest.approx(dram.refresh_W)


def test_lines_of_h_lie_one_behind_the_other_and_come_round():
    parts = trained(samples=40, own={"algorithms.ttv2.transfer_every": "1"})
    accesses = parts.engine.stateful.accesses
    loads = [access for access in accesses if not access.writes]
    stores = [access for access in accesses if access.writes]
    assert [(a.base, a.pitch, a.lines) for a in loads] == [(a.base, a.pitch, a.lines) for a in stores]
    ends = sorted((a.base, a.base + a.lines * a.pitch) for a in loads)
    assert all(end <= base for (_, end), (base, _) in pairwise(ends))
    assert parts.engine.stateful.cursors.tolist() == [40] * 4


def test_a_run_interrupted_anywhere_ends_in_the_same_files(tmp_path):
    pieces = {"training.epochs": "2", "data.samples": "40", "training.checkpoint_every": "15"}
    plan = plan_run("digits-mlp", CHIP, "three-array", "ttv2", "replayed", pieces | {"training.in_flight": "3"}, PLACED)
    for folder in (tmp_path / "whole", tmp_path / "pieces"):
        folder.mkdir()
        prepare(plan, folder)
    run(tmp_path / "whole", quiet)
    for stop in (17, 38, 71):
        with pytest.raises(Stopped):
            run(tmp_path / "pieces", stop_at(stop))
    run(tmp_path / "pieces", quiet)
    assert contents(tmp_path / "whole") == contents(tmp_path / "pieces")


def test_sampled_timing_estimates_what_the_whole_run_takes(tmp_path):
    timing = {"timing.mode": '"sampled"', "timing.warmup": "2", "timing.measured": "8", "timing.period": "67"}
    results = []
    for name, own in (("exact", {}), ("sampled", timing)):
        folder = tmp_path / name
        folder.mkdir()
        overrides = {"training.epochs": "1", "data.samples": "700"} | own
        prepare(plan_run("digits-mlp", CHIP, "four-array", "ttv2", "replayed", overrides, PLACED), folder)
        results.append(run(folder, quiet))
    exact, sampled = results
    assert sampled.test_error == exact.test_error
    assert sampled.makespan_interval_s > 0
    assert sampled.makespan_s == pytest.approx(exact.makespan_s, rel=0.02)
    for name in ("served", "busy_ps"):
        one, other = (r.tables["servers"].set_index("server").loc["memory", name] for r in results)
        assert other == pytest.approx(one, rel=0 if name == "served" else 0.05)
    energies = [r.tables["energy"].query("component == 'memory'")["energy_J"].sum() for r in results]
    assert energies[1] == pytest.approx(energies[0], rel=0.05)
    found = [r.diagnostics.query("matrix == 'memory'").set_index("what")["value"] for r in results]
    assert found[0]["column accesses"] == found[1]["column accesses"] > found[0]["rows opened"] > 0
    parts_J = found[0]["energy of activations"] + found[0]["energy of column accesses and wires"]
    assert parts_J == pytest.approx(energies[0])
    leaked_J = exact.tables["area"].set_index("part").loc[["memory", "memory refresh"], "leakage_W"] * exact.makespan_s
    assert found[0]["energy of background"] == pytest.approx(leaked_J["memory"])
    assert found[0]["energy of refresh"] == pytest.approx(leaked_J["memory refresh"])
    traffic = [r.tables["traffic"]["bytes"].sum() for r in results]
    assert traffic[0] == traffic[1]


def test_a_checkpoint_of_another_dram_is_refused():
    parts, other = trained(), made(chip={"memory.ranks": "2"})
    with pytest.raises(ValueError, match="another DRAM"):
        other.engine.restore(parts.engine.state())


def test_closed_pages_and_one_channel_hold_all_invariants_too():
    for system in ({"memory.page_policy": '"closed"'}, {"memory.channels": "1", "memory.queue_depth": "2"}):
        parts = trained(samples=20, chip=PLACED | system, own={"training.in_flight": "3"})
        load = parts.engine.ledger.load_ps
        assert 0 < load[-2] <= parts.engine.now_ps  # the memory comes before the host
        assert np.isfinite(parts.engine.ledger.energy_J()).all()
