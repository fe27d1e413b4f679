"""The cache of compiled kernels: damaged, shared, without a home, and compiled by one of several processes."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from twin.errors import TwinError
from twin.kernels import jit
from twin.machine import compiled

HOLD = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("has it", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """Give a cache of two files, as they were written, and a compiler that writes them again."""
    monkeypatch.setattr(compiled.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(compiled, "_found", set())
    files = [tmp_path / "one.nbi", tmp_path / "two.nbc"]

    def write():
        for number, path in enumerate(files):
            path.write_bytes(bytes(range(10 * number, 10 * number + 10)))
        lines = [f"{compiled.zlib.crc32(path.read_bytes()):08x} {path}\n" for path in files]
        compiled._marker().write_text("".join(lines))

    monkeypatch.setattr(compiled, "_compile", write)
    write()
    return files


def forget(monkeypatch):
    monkeypatch.setattr(compiled, "_found", set())


@pytest.mark.parametrize("damage", ["truncated", "removed", "changed", "empty marker", "marker of text", "no marker"])
def test_a_damaged_cache_is_noticed_said_and_made_again(own_cache, monkeypatch, capsys, damage):
    assert compiled.is_compiled()
    forget(monkeypatch)
    first = own_cache[0]
    match damage:
        case "truncated":
            first.write_bytes(first.read_bytes()[:4])
        case "removed":
            first.unlink()
        case "changed":
            first.write_bytes(b"x" * 10)
        case "empty marker":
            compiled._marker().write_text("")
        case "marker of text":
            compiled._marker().write_text("nothing of this kind\n")
        case "no marker":
            compiled._marker().unlink()
    assert not compiled.is_compiled()
    compiled.ensure_compiled()
    said = capsys.readouterr().err
    assert ("is damaged" in said) == (damage != "no marker")
    assert compiled.is_compiled()


def test_a_real_file_that_is_cut_short_does_not_end_the_program(tmp_path):
    """Numba itself raises EOFError on it; without the executor's manifest it counts as missing."""
    script = (
        "from twin.kernels.jit import kernel\nimport numpy as np\n"
        "def double(x):\n    return 2.0 * x\n"
        "double = kernel(double)\nprint(double(3.0), len(double.stats.cache_hits), len(double.stats.cache_misses))\n"
    )
    file = tmp_path / "doubled.py"
    file.write_text(script)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def run():
        done = subprocess.run([sys.executable, file], env=environment, capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert run() == ["6.0", "0", "1"]
    assert run() == ["6.0", "1", "0"]
    for path in (tmp_path / "cache").rglob("*.nb[ci]"):
        path.write_bytes(path.read_bytes()[:20])
    assert run() == ["6.0", "0", "1"]
    assert run() == ["6.0", "1", "0"]


def test_of_several_processes_one_compiles_and_the_others_wait_and_say_so(own_cache, monkeypatch, capsys):
    fcntl = pytest.importorskip("fcntl")
    compiled._marker().unlink()
    lock = compiled._marker().with_suffix(".lock")
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "has it\n"
    real = fcntl.flock

    def flock(stream, how):
        if not how & fcntl.LOCK_NB:  # about to wait: the other one is killed, which lets this one in
            child.kill()
        return real(stream, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    compiled.ensure_compiled()
    child.communicate()
    assert "waiting for another process that compiles the kernels" in capsys.readouterr().err
    assert compiled.is_compiled()
    assert all(path.exists() for path in own_cache)


def test_without_a_home_or_with_one_that_cannot_be_written_the_cache_is_private(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(jit.tempfile, "gettempdir", lambda: str(tmp_path))

    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(jit.Path, "home", homeless)
    folder = jit._cache_folder("kernels-0")
    assert folder.parent == tmp_path / f"analog-twin-{os.getuid()}"
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    assert jit._cache_folder("kernels-0") == folder
    monkeypatch.setattr(jit.Path, "home", lambda: Path("/dev/null"))
    assert jit._cache_folder("kernels-0") == folder


@pytest.mark.parametrize("kind", ["open to others", "link", "file", "of another user"])
def test_a_folder_that_others_could_have_made_is_not_used(tmp_path, monkeypatch, kind):
    foreseen = tmp_path / f"analog-twin-{os.getuid()}"
    match kind:
        case "open to others":
            foreseen.mkdir(mode=0o777)
            foreseen.chmod(0o777)
        case "link":
            (tmp_path / "elsewhere").mkdir(mode=0o700)
            foreseen.symlink_to(tmp_path / "elsewhere")
        case "file":
            foreseen.touch(mode=0o600)
        case "of another user":
            foreseen.mkdir(mode=0o700)
            user = os.getuid() + 1
            monkeypatch.setattr(jit.os, "getuid", lambda: user)
            (tmp_path / f"analog-twin-{user}").mkdir(mode=0o700)
    monkeypatch.setattr(jit.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(jit.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    folder = jit._cache_folder("kernels-0")
    assert foreseen not in folder.parents
    assert folder.parent.name.startswith("analog-twin-")
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    assert os.environ["NUMBA_CACHE_DIR"] == str(folder.parent)


def test_an_interpreter_that_cannot_be_started_is_one_line(own_cache, monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setattr(compiled.config, "CACHE_DIR", str(tmp_path / "new"))
    (tmp_path / "new").mkdir()
    monkeypatch.setattr(compiled, "_found", set())
    mute = tmp_path / "python"
    mute.touch(mode=0o600)
    monkeypatch.setattr(sys, "executable", str(mute))
    with pytest.raises(TwinError, match=r"cannot be started .Permission denied.; .*make it executable"):
        compiled.ensure_compiled()
    assert own_cache


def test_ctrl_c_ends_the_process_that_compiles(own_cache, monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setattr(compiled.config, "CACHE_DIR", str(tmp_path))
    children = []
    real = subprocess.Popen

    def started(*_, **options):
        children.append(real([sys.executable, "-c", "import time; time.sleep(600)"], **options))
        return children[0]

    monkeypatch.setattr(subprocess, "Popen", started)
    monkeypatch.setattr(compiled, "LATER_S", 0.01)

    def pressed(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(compiled, "say", pressed)
    with pytest.raises(KeyboardInterrupt):
        compiled._compile()
    deadline = time.monotonic() + 30
    while children[0].poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert children[0].poll() is not None
    assert own_cache


def test_a_package_of_the_same_name_in_the_folder_of_the_user_is_not_what_is_compiled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "twin").mkdir()
    (tmp_path / "twin" / "__init__.py").write_text("raise ImportError('a stranger')\n")
    monkeypatch.setattr(compiled.config, "CACHE_DIR", str(tmp_path))
    real = subprocess.Popen

    def started(command, **options):
        assert command[-2:] == ["-m", compiled.__name__]
        return real([*command[:-2], "-c", "import sys, twin; sys.exit(twin.__file__)"], **options)

    monkeypatch.setattr(subprocess, "Popen", started)
    with pytest.raises(TwinError, match=re.escape(str(Path(compiled.__file__).parents[1] / "__init__.py"))):
        compiled._compile()
