"""Traces and tables of single operations: whole, and in agreement with the ledger to the picosecond."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from blocks_kit import small
from perfetto.trace_processor import TraceProcessor, TraceProcessorConfig
from trace_kit import decode, track_of

from twin.engine import Engine
from twin.operation import Counts
from twin.results.derived import IDLE, STATIC
from twin.results.tables import TABLES
from twin.runs import recording
from twin.runs.folder import prepare
from twin.runs.library import Library
from twin.runs.planning import plan_request, plan_run
from twin.runs.rows import RowParts
from twin.runs.run import run

SHORT = {"training.epochs": "1", "data.samples": "24"}
PULSED = SHORT | {"data.samples": "8", "calibration.method": '"pulses"', "calibration.pairs": "3"}
RUNS = {
    "analog": plan_run("digits-mlp", "aimc-512", "three-array", "ttv2", "replayed", SHORT, {}),
    "digital": plan_run("digits-mlp", "aimc-512", "digital", "digital", "replayed", SHORT, {}),
    "dram": plan_run("digits-mlp", "aimc-512-lpddr5", "four-array", "ttv2", "coupled", PULSED, {}),
    "mesh": plan_run("digits-mlp", "aimc-512-mesh", "two-array", "sgd", "replayed", SHORT, {}),
}


def performed(plan, folder, progress=lambda *_: None):
    """Run a plan in a new folder; return the folder."""
    folder.mkdir(parents=True)
    prepare(plan, folder)
    run(folder, progress)
    return folder


def asked(plan, **changes):
    """Return a plan with changed fields."""
    return plan_request(replace(plan.request, **changes), Library())


def whole(plan):
    """Return a plan that traces all of its samples and exports its events."""
    return asked(plan, trace=f"0:{plan.request.workload_overrides['data.samples']}", events=True)


@pytest.fixture(scope="module", params=RUNS)
def folder(request, tmp_path_factory):
    """Return the folder of a run of which everything was traced and exported."""
    return performed(whole(RUNS[request.param]), tmp_path_factory.mktemp("traced") / request.param)


@pytest.fixture(scope="module")
def analog(tmp_path_factory):
    """Return the folder of an analog run of which everything was traced and exported."""
    return performed(whole(RUNS["analog"]), tmp_path_factory.mktemp("analog") / "run")


def read(folder):
    """Return events, the ledger's operations and servers."""
    return (
        pq.read_table(folder / "events.parquet").to_pandas(),
        pd.read_csv(folder / "operations.csv", keep_default_na=False),
        pd.read_csv(folder / "servers.csv"),
    )


# -- agreement with the ledger ----------------------------------------------------------------------------------


def test_every_server_is_busy_in_the_trace_as_long_as_in_the_ledger(folder):
    busy = decode(folder / "trace.perfetto-trace").busy()
    servers = pd.read_csv(folder / "servers.csv")
    assert servers["busy_ps"].sum() > 0
    for name, busy_ps in zip(servers["server"], servers["busy_ps"], strict=True):
        assert busy[track_of(name)] == busy_ps, name


@pytest.fixture(scope="module")
def official():
    """Return a function that asks the official trace processor for (busy ps, visits) by lane, and for all arrows."""
    binary = os.environ.get("TWIN_TRACE_PROCESSOR") or shutil.which("trace_processor_shell")
    if binary is None:
        pytest.skip(
            "no trace processor: put trace_processor_shell on the PATH, or name it in TWIN_TRACE_PROCESSOR "
            "(docs/trace.md); the perfetto package would fetch it over the network"
        )
    config = TraceProcessorConfig(bin_path=binary, load_timeout=120)
    lanes = (
        "select tile.name as tile, lane.name as lane, sum(slice.dur) as busy_ps, count(*) as served from slice "
        "join track lane on slice.track_id = lane.id join track tile on lane.parent_id = tile.id group by 1, 2"
    )
    problems = "select name, value from stats where severity in ('error', 'data_loss') and value > 0"

    def ask(path):
        with TraceProcessor(trace=str(path), config=config) as processor:
            assert not [(row.name, row.value) for row in processor.query(problems)]
            found = {f"{row.tile} > {row.lane}": (row.busy_ps, row.served) for row in processor.query(lanes)}
            return found, next(iter(processor.query("select count(*) as n from flow"))).n

    return ask


def test_busy_time_by_the_official_trace_processor_is_that_of_the_ledger(folder, official):
    found, flows = official(folder / "trace.perfetto-trace")
    servers = pd.read_csv(folder / "servers.csv")
    assert servers["busy_ps"].sum() > 0
    for name, busy_ps, served in servers[["server", "busy_ps", "served"]].itertuples(index=False, name=None):
        place = " > ".join(track_of(name).split(" > ")[-2:])
        assert found.get(place, (0, 0)) == (busy_ps, served)
    assert flows == sum(len(one.arriving) for one in decode(folder / "trace.perfetto-trace").slices) > 0


def test_the_official_trace_processor_reads_a_window_as_the_decoder_of_these_tests_does(official, tmp_path):
    path = performed(asked(RUNS["analog"], trace="9:4"), tmp_path / "run") / "trace.perfetto-trace"
    decoded = decode(path)
    found, flows = official(path)
    lanes = {track: busy_ps for track, busy_ps in decoded.busy().items() if track.count(" > ") > 1}
    assert len(lanes) > 5
    for track, busy_ps in lanes.items():
        assert found[" > ".join(track.split(" > ")[-2:])][0] == busy_ps
    assert flows == sum(len(one.arriving) for one in decoded.slices) > 0


def test_events_sum_to_the_ledger(folder):
    events, operations, servers = read(folder)
    assert len(events) == operations["count"].sum()
    visits = events[["servers", "server_busy_ps"]].explode(["servers", "server_busy_ps"]).dropna()
    busy = visits.groupby("servers")["server_busy_ps"].sum()
    served = visits.groupby("servers").size()
    visited = servers[servers["served"] > 0].set_index("server")
    assert busy[visited.index].tolist() == visited["busy_ps"].tolist()
    assert served[visited.index].tolist() == visited["served"].tolist()
    energy = pd.read_csv(folder / "energy.csv")
    dynamic = energy.loc[~energy["component"].isin([*IDLE, *STATIC]), "energy_J"].sum()
    assert events["energy_J"].sum() == pytest.approx(dynamic, rel=1e-9)
    sums = events.groupby(["kind", "layer", "matrix"]).sum(numeric_only=True)
    for row in operations.itertuples():
        own = sums.loc[row.kind, row.layer, row.matrix]
        assert own["latency_ps"] == row.latency_ps
        for column in Counts:
            assert own[column.name.lower()] == pytest.approx(getattr(row, column.name.lower()))


def test_the_depth_of_a_queue_integrates_to_waiting_and_service(folder):
    counters = decode(folder / "trace.perfetto-trace").counters
    servers = pd.read_csv(folder / "servers.csv").set_index("server")
    for (track, unit), points in counters.items():
        if not track.startswith("queue depth"):
            continue
        at_ps, depth = np.array(points).T.astype(np.int64)
        own = servers.loc[track.partition(" > ")[2]]
        assert unit == "operations"
        assert depth.min() >= 0
        assert depth[-1] == 0
        assert int((np.diff(at_ps) * depth[:-1]).sum()) == own["busy_ps"] + own["wait_ps"]


def test_bandwidth_and_power_integrate_to_bytes_and_joules(folder):
    events, _, _ = read(folder)
    decoded = decode(folder / "trace.perfetto-trace")
    about = decoded.slices[0].arguments
    bytes_by_stream = events.groupby("stream")["bytes"].sum().drop("")
    amounts = {(f"bandwidth > {name}", "B/s"): float(n) for name, n in bytes_by_stream.items()}
    amounts["power", "W"] = about["joules"] - about["joules_without_duration"]
    for key, amount in amounts.items():
        at_ps, rate = np.array(decoded.counters[key]).T
        if key[0] == "power":
            rate -= about["leakage_W"]
        assert float((np.diff(at_ps) * rate[:-1]).sum()) * 1e-12 == pytest.approx(amount, rel=1e-6)
    assert about["joules_without_duration"] == 0.0
    assert about["time_unit"] == "ps"


# -- one sample, and windows ------------------------------------------------------------------------------------


def test_arrows_lead_from_what_made_an_operation_ready_within_one_sample(folder):
    events, _, _ = read(folder)
    by_number = events.set_index("operation")
    slices = decode(folder / "trace.perfetto-trace").slices
    source = {number: one for one in slices for number in one.leaving}
    arrows = [(source[number], one) for one in slices for number in one.arriving]
    assert len(arrows) == len(source) > len(events) / 3
    for before, after in arrows:
        assert before.arguments["sample"] == after.arguments["sample"]
        assert before.end <= after.begin
        released_by = by_number.loc[after.arguments["operation"], "released_by"]
        while released_by != before.arguments["operation"]:  # over operations that took no time
            assert by_number.loc[released_by, "server_busy_ps"].size == 0
            released_by = by_number.loc[released_by, "released_by"]


def test_a_window_holds_what_the_whole_trace_holds_in_its_time(analog, tmp_path):
    folder = performed(asked(RUNS["analog"], trace="9:4"), tmp_path / "run")
    assert not (folder / "events.parquet").exists()
    assert not (folder / recording.PARTS).exists()
    part, all_ = (decode(one / "trace.perfetto-trace").slices for one in (folder, analog))
    own = [one for one in all_ if one.arguments.get("sample") in range(9, 13) and "operation" in one.arguments]
    begin_ps = min(one.begin - one.arguments["wait_ps"] for one in own)
    end_ps = max(one.end + one.arguments["latency_ps"] for one in own)
    found = {(one.track, one.begin, one.end, one.name) for one in part if "operation" in one.arguments}
    assert {(one.track, one.begin, one.end, one.name) for one in own} < found
    inside = [one for one in all_ if "operation" in one.arguments and one.end > begin_ps and one.begin < end_ps]
    assert {(one.track, one.begin, one.end, one.name) for one in inside} <= found
    assert {one.arguments["sample"] for one in part if "operation" in one.arguments} > set(range(9, 13))


def test_slices_say_what_their_operation_did(analog):
    events, _, _ = read(analog)
    by_number = events.set_index("operation")
    seen = 0
    for one in decode(analog / "trace.perfetto-trace").slices:
        if "operation" not in one.arguments:
            continue
        row, said = by_number.loc[one.arguments["operation"]], one.arguments
        assert one.name.split()[0] == row["kind"]
        assert (said["sample"], said["layer"], said["joules"]) == (row["sample"], row["layer"], row["energy_J"])
        assert (said["start_ps"], said["duration_ps"]) == (one.begin, one.end - one.begin)
        assert one.begin == row["start_ps"]
        assert said.get("bytes", 0) == row["bytes"]
        assert said.get("waited_for", "") == (row["waited_for"] if isinstance(row["waited_for"], str) else "")
        seen += 1
    assert seen > len(events)


# -- how it is written ------------------------------------------------------------------------------------------


def test_an_interrupted_run_leaves_the_same_files(analog, tmp_path):
    plan = asked(whole(RUNS["analog"]), workload_overrides=SHORT | {"training.checkpoint_every": "5"})

    def stop(done, _total):
        if done == 13:
            raise KeyboardInterrupt

    straight = performed(plan, tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        performed(plan, tmp_path / "cut", stop)
    parts = sorted((tmp_path / "cut" / recording.PARTS).glob("*"))
    assert len(parts) == 2
    shutil.copy(parts[-1], parts[-1].with_name(f"{10**9:015d}.npy"))  # as if written before a checkpoint that was not
    run(tmp_path / "cut", lambda *_: None)
    for name in ("events.parquet", "trace.perfetto-trace"):
        assert (tmp_path / "cut" / name).read_bytes() == (straight / name).read_bytes()
    assert not (tmp_path / "cut" / recording.PARTS).exists()
    assert pq.read_table(straight / "events.parquet").num_rows == pq.read_table(analog / "events.parquet").num_rows


def test_events_are_written_by_the_part_and_never_held_together(analog, tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "PART", 50)
    monkeypatch.setattr("twin.engine.ledger.Ledger.CHUNK", 9 * 20)
    held = []
    save = RowParts.save

    def note(self):
        held.append(self.held)
        save(self)

    monkeypatch.setattr(RowParts, "save", note)
    folder = performed(asked(RUNS["analog"], events=True), tmp_path / "run")
    file = pq.ParquetFile(folder / "events.parquet")
    assert file.num_row_groups > 5
    assert max(held) < 170  # a part, a chunk of the ledger, and four samples of 24 operations in flight
    assert file.read().equals(pq.read_table(analog / "events.parquet"))


def test_without_the_options_nothing_is_recorded(tmp_path):
    plan = RUNS["analog"]
    seen = []
    advance = Engine.advance

    def look(self, *arguments):
        seen.append(self.ledger.recorder)
        advance(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "advance", look)
        folder = performed(plan, tmp_path / "run")
    assert seen
    assert not any(seen)
    assert not [*folder.glob("*.parquet"), *folder.glob("*trace"), *folder.glob(recording.PARTS)]


def test_events_carry_the_units_of_their_published_schema(analog):
    schema = pq.read_schema(analog / "events.parquet")
    about = json.loads(schema.metadata[b"twin"])
    assert (about["table"], about["schema"]) == ("events", 1)
    columns = TABLES["events"].columns
    assert schema.names == [column.name for column in columns]
    for column in columns:
        field = schema.field(column.name)
        assert field.metadata[b"unit"].decode() == column.unit
        assert field.metadata[b"meaning"].decode() == column.meaning
        assert str(field.type).replace("string", "str").replace("double", "float64").startswith(column.dtype[:4])


def test_options_do_not_change_the_identity_of_a_run(tmp_path):
    identities = []
    for number, plan in enumerate((RUNS["analog"], whole(RUNS["analog"]))):
        (tmp_path / str(number)).mkdir()
        prepare(plan, tmp_path / str(number))
        identities.append(json.loads((tmp_path / str(number) / "run.json").read_text())["id"])
    assert identities[0] == identities[1]


# -- several chips ----------------------------------------------------------------------------------------------


def test_tiles_of_a_system_stand_below_their_chip(tmp_path):
    every, system = {"timing.reuse": "false"}, {"system.tiles": "7"}
    plan = plan_run(str(small(tmp_path, 1)), "aimc-512", "two-array", "sgd", "replayed", every, system, "0:1")
    folder = performed(plan, tmp_path / "run")
    decoded = decode(folder / "trace.perfetto-trace")
    chips = {one.track.partition(" > ")[0] for one in decoded.slices if one.track.startswith("chip ")}
    assert len(chips) > 1
    servers = pd.read_csv(folder / "servers.csv")
    tiles = servers[servers["kind"] == "tile"].set_index("server")["busy_ps"]
    busy = {track.split(" > ")[1]: ps for track, ps in decoded.busy().items() if track.endswith("converters")}
    assert busy == {name: ps for name, ps in tiles.items() if ps}


# -- mistakes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--trace", "5"), "--trace (= 5): must read FIRST:COUNT"),
        (("--trace", "5:0"), "must read FIRST:COUNT with a COUNT of at least 1"),
        (("--trace", "20:5", "--samples", 24, "--epochs", 1), "ends with sample 24, but the run has samples 0 to 23"),
        (
            ("--trace", "20:1", "--sampled", "--samples", 400),
            "sampled timing runs samples 0 to 17 and then windows; trace some of these, or time every sample with",
        ),
    ],
)
def test_a_window_that_cannot_be_traced_is_refused_in_one_line(twin, options, said):
    code, _, errors = twin("run", "digits-mlp", *options)
    assert code == 2
    assert errors.startswith("error: ")
    assert said in errors
    assert errors.count("\n") == 1
    assert not Path("runs").exists()


def test_a_missing_extra_is_named_in_one_line(twin, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name in {"perfetto", "pyarrow"} else name)
    for option, package, extra in (("--trace=0:1", "perfetto", "trace"), ("--events", "pyarrow", "parquet")):
        code, _, errors = twin("run", "digits-mlp", option)
        assert code == 2
        assert f"needs {package}; pip install 'analog-twin[{extra}]', or leave it out" in errors


def test_equal_blocks_that_are_simulated_once_cannot_be_traced(twin, tmp_path):
    code, _, errors = twin("compare", small(tmp_path, 3), "--set", "chip.system.tiles=7", "--events")
    assert code == 2
    assert "--events: needs every operation" in errors
    assert "--set timing.reuse=false" in errors
