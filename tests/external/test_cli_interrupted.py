"""Runs that are interrupted, meet a full disk or each other: what is left, and how it goes on."""

import contextlib
import errno
import os
import resource
import signal
import subprocess
import sys
import time

import pytest
from figure_kit import UNDRAWN
from signal_kit import pressed_at_every_child

import twin.cli as cli_package
from twin.__main__ import main as command
from twin.runs import checkpoint

COMMAND = (sys.executable, "-c", "from twin.cli.app import main; main()")
SMALL = ("--samples", "100", "--epochs", "1")


# -- interruption ------------------------------------------------------------------------------------------------


def started(arguments, cwd, patience_s):
    """Start a run in a group of its own and return it once a checkpoint stands, or after `patience_s`."""
    child = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell without job control starts background jobs deaf to Ctrl-C, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )
    deadline = time.monotonic() + patience_s
    while not list(cwd.rglob(checkpoint.NAME)) and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    return child


def interrupt(arguments, cwd):
    """Press Ctrl-C once a run has a checkpoint; return code and errors."""
    child = started(arguments, cwd, patience_s=60)
    os.killpg(child.pid, signal.SIGINT)
    _, err = child.communicate(timeout=30)
    return child.returncode, err


class Impatient:
    """Presses Ctrl-C when the command line is about to be imported."""

    def find_spec(self, name, *_):
        if name == "twin.cli.app":
            raise KeyboardInterrupt


def test_ctrl_c_during_the_imports_leaves_no_traceback(monkeypatch, capsys):
    monkeypatch.setattr(sys, "meta_path", [Impatient(), *sys.meta_path])
    monkeypatch.delitem(sys.modules, "twin.cli.app", raising=False)
    monkeypatch.delattr(cli_package, "app", raising=False)
    with pytest.raises(SystemExit) as ended:
        command()
    assert ended.value.code == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("jobs", [pytest.param("1", marks=pytest.mark.slow), "2"])
def test_ctrl_c_says_how_to_resume_and_resuming_finishes(twin, tmp_path, jobs):
    long = ("--samples", "100", "--epochs", "3", "--set", "training.checkpoint_every=25")
    arguments = ("compare", "digits-mlp", *long, "--algorithms", "digital,sgd", "--jobs", jobs)
    code, err = interrupt(arguments, tmp_path)
    assert code == 130
    assert "Traceback" not in err
    (hint,) = [line for line in err.splitlines() if "twin resume" in line]
    code, out, _ = twin(*hint[hint.index("twin resume") :].split()[1:], "--jobs", "1")
    assert code == 0
    assert "sgd two-array" in out
    assert not list(tmp_path.rglob(checkpoint.NAME))


@pytest.mark.parametrize("stage", ["twin.machine.compiled.ensure_compiled", "twin.report.write.write_report"])
def test_ctrl_c_before_training_and_while_the_report_is_written_says_how_to_go_on(twin, monkeypatch, stage):
    def pressed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stage, pressed)
        code, out, err = twin("run", *SMALL, "--algorithm", "sgd", "--out", "cut")
    assert (code, out) == (130, "")
    assert err == "interrupted; continue with: twin resume cut\n"
    assert twin("resume", "cut")[0] == 0


def test_workers_leave_ctrl_c_to_their_parent_from_their_first_instruction_on(twin):
    with pressed_at_every_child():
        code, _, _ = twin("compare", *SMALL, "--algorithms", "digital,sgd", "--jobs", "2")
    assert code == 0


def begun(arguments, cwd):
    """Start a comparison on two workers, wait for a checkpoint; return it and its processes."""
    child = started(arguments, cwd, patience_s=120)
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(child.pid)], capture_output=True, text=True, check=False)
    return child, [int(pid) for pid in found.stdout.split()]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return not state.startswith("Z") and bool(state.strip())


LONG = ("--samples", "400", "--epochs", "4", "--set", "training.checkpoint_every=50", "--jobs", "2", "--out", "cut")


@pytest.mark.parametrize(
    ("name", "code", "group"),
    [
        ("SIGKILL", -9, False),
        pytest.param("SIGTERM", 143, False, marks=pytest.mark.slow),
        pytest.param("SIGTERM", 143, True, marks=pytest.mark.slow),
        pytest.param("SIGHUP", 129, False, marks=pytest.mark.slow),
        pytest.param("SIGHUP", 129, True, marks=pytest.mark.slow),
        pytest.param("SIGKILL", -9, True, marks=pytest.mark.slow),
    ],
)
def test_however_a_comparison_is_ended_no_worker_is_left_and_it_can_be_resumed(twin, tmp_path, name, code, group):
    child, workers = begun(("compare", "digits-mlp", "--algorithms", "digital,sgd", *LONG), tmp_path)
    assert len(workers) >= 2
    number = getattr(signal, name)
    if group:
        os.killpg(child.pid, number)
    else:
        child.send_signal(number)
    _, err = child.communicate(timeout=60)  # ends where nobody holds the pipes any more
    assert child.returncode == code
    assert "Traceback" not in err
    assert ("twin resume cut" in err) == (name != "SIGKILL")
    deadline = time.monotonic() + 60
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [pid for pid in workers if alive(pid)] == []
    (tmp_path / "cut" / "runs" / "sgd-two-array" / "run.json").read_text()
    if name == "SIGTERM":
        assert twin("resume", "cut", "-j1")[0] == 0


def test_a_signal_that_is_ignored_stays_so(tmp_path):
    """As `nohup` has it for the end of the terminal."""
    script = (
        "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from twin.cli.app import _obey_signals\n_obey_signals()\n"
        "print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_workers_that_cannot_be_started_leave_no_folder(twin, tmp_path, monkeypatch):
    mute = tmp_path / "python"
    mute.touch(mode=0o600)
    monkeypatch.setattr(sys, "executable", str(mute))
    monkeypatch.setattr(os, "access", lambda path, mode: not (str(path) == str(mute) and mode == os.X_OK))
    code, out, err = twin("compare", *SMALL, "--algorithms", "sgd,ttv2", "--jobs", "2", "--out", "none")
    assert (code, out) == (2, "")
    assert err == f"error: --jobs (= 2): this user may not execute {mute}; use --jobs 1\n"
    assert not (tmp_path / "none").exists()


# -- a full disk, and company ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def no_file_above(n_bytes):
    """Let no file grow beyond a size: the same failure, at the same call, as a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_ends_in_one_line_and_keeps_finished_runs(twin, tmp_path):
    arguments = ("compare", *SMALL, "--algorithms", "sgd,ttv2", "--layouts", "two-array,three-array")
    twin(*arguments, "-j1", "--out", "warm")  # compiles and caches the kernels
    reference = (tmp_path / "warm" / "summary.json").read_bytes()
    with no_file_above(450_000):  # between the checkpoints of the two
        code, out, err = twin(*arguments, "-j1", "--out", "full")
    assert code == 2
    errors = [line for line in err.splitlines() if line.startswith("error")]
    assert len(errors) == 1
    assert os.strerror(errno.EFBIG) in errors[0]
    assert "twin resume full" in errors[0]
    assert "sgd two-array" in out
    assert (tmp_path / "full" / "runs" / "sgd-two-array" / "summary.json").exists()
    assert not (tmp_path / "full" / "runs" / "ttv2-three-array" / "summary.json").exists()
    assert not list((tmp_path / "full").rglob("*.tmp"))
    assert twin("resume", "full", "-j1")[0] == 0
    found = (tmp_path / "full" / "summary.json").read_bytes()
    assert found.replace(b"--out full", b"--out warm") == reference


def test_two_runs_at_once_get_two_folders(tmp_path):
    arguments = ("run", "digits-mlp", *SMALL, "--algorithm", "sgd")
    children = [
        subprocess.Popen(
            [sys.executable, "-c", UNDRAWN + COMMAND[-1], *arguments],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    outputs = [child.communicate(timeout=120)[0] for child in children]
    assert [child.returncode for child in children] == [0, 0]
    assert outputs[0] == outputs[1]
    folders = sorted((tmp_path / "runs").iterdir())
    assert len(folders) == 2
    assert folders[1].name == f"{folders[0].name}-2"
    assert all((folder / "report.html").exists() for folder in folders)
