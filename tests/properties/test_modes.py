"""The same bits however a run is executed: coupled or replayed, on one process or two, at once or in pieces."""

import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from examples_kit import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from modes_kit import RUNS, Stopped, assert_same, contents, quiet, stop_at, trained

from twin.errors import TwinError
from twin.runs import checkpoint
from twin.runs.build import build
from twin.runs.folder import prepare
from twin.runs.library import Library
from twin.runs.planning import plan_run, plan_runs
from twin.runs.pool import prepare_all, run_all
from twin.runs.run import run

SAMPLES = 80


@pytest.mark.parametrize("in_flight", [1, 4])
@pytest.mark.parametrize(("algorithm", "layout"), RUNS)
def test_coupled_and_replayed_runs_have_the_same_weights_and_ledgers(algorithm, layout, in_flight):
    own = {"training.in_flight": str(in_flight)}
    one, other = (trained("digits-mlp", algorithm, layout, mode, SAMPLES, own) for mode in ("coupled", "replayed"))
    start = trained("digits-mlp", algorithm, layout, "replayed", 1, own).machine.f
    assert not np.array_equal(one.machine.f, start)
    assert_same(one, other)


@settings(max_examples=examples(15), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    run=st.sampled_from(RUNS[1:]),
    in_flight=st.integers(1, 9),
    every=st.sampled_from([1, 2, 3, 7]),
    axis=st.sampled_from(["row", "column"]),
    pulses=st.sampled_from([1, 5, 31]),
    vectors=st.sampled_from(["one-hot", "hadamard"]),
    gamma=st.sampled_from([0.0, 0.5]),
    reset=st.sampled_from(["plain", "hysteretic"]),
    seed=st.integers(0, 2**63 - 1),
    lines=st.sampled_from([16, 48, 512]),
    calibration=st.sampled_from([{}, {"calibration.method": '"pulses"', "calibration.pairs": "5"}]),
    place=st.sampled_from(["registers", "buffer", "memory", "auto"]),
    pulses_at=st.sampled_from(["drivers", "auto", "memory"]),
    word=st.sampled_from(["4 B", "2 B", "1 B"]),
    ahead=st.integers(0, 2),
)
def test_coupled_and_replayed_agree_whatever_the_settings(
    run, in_flight, every, axis, pulses, vectors, gamma, reset, seed, lines, calibration, place, pulses_at, word, ahead
):
    algorithm, layout = run
    own = {"training.in_flight": in_flight, "training.seed": seed}
    own |= {f"algorithms.{algorithm}.update.desired_bl": pulses}
    own |= {f"algorithms.{algorithm}.update.update_bl_management": "false"}
    if algorithm != "sgd":
        own |= {f"algorithms.{algorithm}.transfer_every": every}
        own |= {f"algorithms.{algorithm}.transfer_axis": f'"{axis}"'}
    if algorithm == "shd":
        own |= {"algorithms.shd.transfer_vectors": f'"{vectors}"', "algorithms.shd.gamma": gamma}
    if algorithm == "ttv2":
        own |= {"algorithms.ttv2.reset": f'"{reset}"'}
    workload = {key: str(value) for key, value in own.items()} | calibration
    chip = {"tile.rows": str(lines), "tile.cols": str(lines), "registers.size": "1 MiB"}
    chip |= {"placement.h": place, "placement.errors": place, "placement.activations": place}
    chip |= {"placement.pulses": pulses_at, "placement.h_word": word, "placement.prefetch_h": str(ahead)}
    one, other = (
        trained("digits-mlp", algorithm, layout, mode, 30, workload, chip) for mode in ("coupled", "replayed")
    )
    assert_same(one, other)


# -- processes ---------------------------------------------------------------------------------------------


def test_one_and_two_processes_leave_the_same_files(tmp_path):
    common = {"data.samples": "100", "training.epochs": "1", "training.in_flight": "2"}
    found = []
    for jobs in (1, 2):
        plans = plan_runs("digits-mlp", "aimc-512", ["sgd", "ttv2"], [], Library(), workload_overrides=common)
        runs = prepare_all(plans, tmp_path / str(jobs))
        assert run_all(runs, jobs, lambda *_: None) == []
        found.append(contents(tmp_path / str(jobs)))
    assert found[0].keys() == found[1].keys()
    assert "runs/ttv2-three-array/summary.json" in found[0]
    assert [name for name, data in found[0].items() if found[1][name] != data] == []


# -- interruption --------------------------------------------------------------------------------------------

PIECES = {"training.epochs": "3", "data.samples": "60", "training.checkpoint_every": "25"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Run once without interruption, by mode: the plan and the files."""
    made = {}
    for mode in ("replayed", "coupled"):
        folder = tmp_path_factory.mktemp(f"whole-{mode}")
        plan = plan_run("digits-mlp", "aimc-512", "three-array", "ttv2", mode, PIECES | {"training.in_flight": "3"})
        prepare(plan, folder)
        run(folder, quiet)
        made[mode] = plan, contents(folder)
    return made


@settings(max_examples=examples(6), deadline=None, suppress_health_check=list(HealthCheck))
@given(stops=st.lists(st.integers(1, 180), min_size=1, max_size=3), mode=st.sampled_from(["replayed", "coupled"]))
def test_a_run_interrupted_anywhere_ends_in_the_same_files(tmp_path_factory, whole, stops, mode):
    plan, expected = whole[mode]
    folder = tmp_path_factory.mktemp("pieces")
    prepare(plan, folder)
    for stop in sorted(stops):
        with pytest.raises(Stopped):
            run(folder, stop_at(stop))
        assert not (folder / "summary.json").exists()
    run(folder, quiet)
    assert contents(folder) == expected


def test_a_killed_process_resumes_to_the_same_files(tmp_path):
    plan = plan_run("digits-mlp", "aimc-512", "two-array", "sgd", workload_overrides=PIECES | {"training.epochs": "20"})
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
        prepare(plan, folder)
    run(whole, quiet)
    script = "import sys, pathlib; from twin.runs.run import run; run(pathlib.Path(sys.argv[1]), print)"
    child = subprocess.Popen([sys.executable, "-c", script, killed], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (killed / checkpoint.NAME).exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(0.1)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    with np.load(killed / checkpoint.NAME) as state:
        assert 0 < state["sample"][0] < 20 * 60
    run(killed, quiet)
    assert contents(killed) == contents(whole)


# -- checkpoints that cannot be used ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """Leave an interrupted run with a checkpoint."""
    folder = tmp_path_factory.mktemp("stopped")
    prepare(plan_run("digits-mlp", "aimc-512", "two-array", "sgd", "replayed", PIECES, {}), folder)
    with pytest.raises(Stopped):
        run(folder, stop_at(40))
    return folder, (folder / checkpoint.NAME).read_bytes()


def refused(folder: Path, data: bytes) -> str:
    (folder / checkpoint.NAME).write_bytes(data)
    with pytest.raises(TwinError) as caught:
        run(folder, quiet)
    message = str(caught.value)
    assert "\n" not in message
    assert checkpoint.NAME in message
    assert "remove it" in message
    return message


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.999])
def test_a_truncated_checkpoint_is_refused(stopped, kept):
    folder, data = stopped
    size = int(kept * len(data)) if isinstance(kept, float) else kept
    assert "damaged" in refused(folder, data[:size])


def saved(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def test_what_is_no_checkpoint_is_refused(stopped):
    folder, data = stopped
    single = io.BytesIO()
    np.save(single, np.zeros(3))
    with np.load(io.BytesIO(data)) as loaded:
        state = dict(loaded)
    lacking = {name: values for name, values in state.items() if name != "arena"}
    pickled = io.BytesIO()
    np.savez(pickled, **(state | {"arena": np.array([{}], object)}))
    for wrong in (b"no zip at all", single.getvalue(), saved(**lacking), saved(a=np.zeros(2)), pickled.getvalue()):
        refused(folder, wrong)
    assert "format" in refused(folder, saved(**(state | {"format": np.array([99])})))
    assert "network" in refused(folder, saved(**(state | {"arena": state["arena"][1:]})))
    assert "damaged" in refused(folder, saved(**(state | {"engine.scalars": state["engine.scalars"][:-1]})))


@settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_without_consequence(stopped, place, bit):
    folder, data = stopped
    wrong = bytearray(data)
    wrong[int(place * len(data))] ^= 1 << bit
    (folder / checkpoint.NAME).write_bytes(wrong)
    facts = json.loads((folder / "run.json").read_text())
    parts = build(plan_run("digits-mlp", "aimc-512", "two-array", "sgd", "replayed", PIECES, {}))
    try:
        restored = checkpoint.restore(folder, facts["id"], parts)
    except TwinError:
        return
    assert restored is not None
    with np.load(io.BytesIO(data)) as loaded:
        np.testing.assert_array_equal(parts.machine.f, loaded["arena"])


def test_the_checkpoint_of_another_run_is_refused(stopped, tmp_path):
    _, data = stopped
    other = PIECES | {"training.seed": "77"}
    prepare(plan_run("digits-mlp", "aimc-512", "two-array", "sgd", "replayed", other, {}), tmp_path)
    assert "another run" in refused(tmp_path, data)


def test_finished_runs_keep_no_checkpoint(whole):
    for _, files in whole.values():
        assert checkpoint.NAME not in files
        assert not [name for name in files if name.endswith(".tmp")]
