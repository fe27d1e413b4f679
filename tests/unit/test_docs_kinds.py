"""Do the made-up kinds of memory and link of docs/add-a-memory.md work as they stand there, as plug-ins?"""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from chip_kit import without_technology

import twin
from twin.chip import kinds
from twin.chip.service import picoseconds
from twin.config.chip import Chip
from twin.descriptions.load import load_chip
from twin.errors import TwinError

PAGE = (Path(__file__).parents[2] / "docs" / "add-a-memory.md").read_text(encoding="utf-8")
SAMPLES = 20
# Bytes of the moves of one sample of digits-mlp with SGD: 64 pixels, 64 hidden, 10 outputs, a bias line a layer
FROM_HOST, READ, WRITTEN = 64, (65, 65, 64, 64, 65, 65), (64, 64)
OVER_LINK = {"link 0.W": (65, 65, 64, 64, 64), "link 1.W": (65, 65, 64)}
BUFFER = (FROM_HOST, *READ, *WRITTEN)


def settings():
    """Return what the command line of the page sets: the text of a table by its key."""
    return dict(re.findall(r"--set '(chip\.\w+)=(\{.*?\})'", PAGE))


def tables(*keys):
    """Return the tables that the command line of the page sets, as Python has them."""
    return {key: tomllib.loads(f"table = {settings()[key]}")["table"] for key in keys}


def run(overrides, chip="aimc-512"):
    own = {"training.in_flight": 1, **overrides}
    return twin.simulate("digits-mlp", "sgd", samples=SAMPLES, epochs=1, chip=chip, overrides=own, progress=False)


@pytest.fixture(scope="module")
def awake(tmp_path_factory):
    """Return the path of a chip that switches nothing off."""
    return without_technology(tmp_path_factory.mktemp("chip"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Install the page's classes and entry points as a package would; return the folder."""
    folder = tmp_path_factory.mktemp("site")
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        (folder / ("my_link.py" if "(Link)" in code else "my_memory.py")).write_text(code, encoding="utf-8")
    metadata = folder / "my_kinds-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-kinds\nVersion: 1.0\n", encoding="utf-8")
    points = re.search(r'```toml\n(\[project\.entry-points."twin\.memories"\].*?)```', PAGE, re.DOTALL)[1]
    points = re.sub(r'\[project\.entry-points\."(.*?)"\]', r"[\1]", points).replace('"', "")
    (metadata / "entry_points.txt").write_text(points, encoding="utf-8")
    return folder


@pytest.fixture
def plugged(installed, monkeypatch):
    """Let this process find them, and forget them afterwards."""
    monkeypatch.syspath_prepend(installed)
    kinds._points.cache_clear()
    Chip.model_rebuild(force=True)
    yield
    monkeypatch.undo()
    kinds._points.cache_clear()
    Chip.model_rebuild(force=True)


@pytest.mark.usefixtures("plugged")
def test_time_bytes_and_joules_of_a_run_are_those_of_the_formulas(awake):
    found = run(tables("chip.buffer", "chip.link"), awake)
    servers = found.tables["servers"].set_index("server")
    assert servers.loc["buffer", "busy_ps"] == SAMPLES * sum(picoseconds(n / 300e9) for n in BUFFER)
    packets = {n: -(-n // 16) for n in (64, 65)}
    for link, moves in OVER_LINK.items():
        assert servers.loc[link, "busy_ps"] == SAMPLES * sum(200 * packets[n] for n in moves)
    moved = found.tables["traffic"].groupby("path")["bytes"].sum()
    assert moved["buffer"] == SAMPLES * sum(BUFFER)
    assert moved["link"] == SAMPLES * sum(map(sum, OVER_LINK.values()))
    joules = found.tables["energy"].groupby("component")["energy_J"].sum()
    written = FROM_HOST + sum(WRITTEN)
    assert joules["buffer"] == pytest.approx(SAMPLES * 8 * (sum(READ) * 0.1e-12 + written * 0.3e-12), rel=1e-12)
    sent = sum(18 * packets[n] for moves in OVER_LINK.values() for n in moves)
    assert joules["link"] == pytest.approx(SAMPLES * 8 * sent * 0.2e-12, rel=1e-12)
    area = found.tables["area"].set_index("part")
    assert area.loc["buffer refresh", "leakage_W"] == pytest.approx(1024 * 100e-12 / 40.96e-6)
    assert area.loc["buffer", ["area_m2", "leakage_W"]].tolist() == pytest.approx([0.4e-6, 20e-3])
    assert found.leakage_W == pytest.approx(area["leakage_W"].sum())
    assert joules["leakage"] == pytest.approx(found.leakage_W * found.makespan_s)
    peaks = found.tables["channels"].set_index("path")["peak_Bps"]
    assert peaks["buffer"] == pytest.approx(300e9)


@pytest.mark.usefixtures("plugged")
def test_a_whole_run_ends_when_a_channel_of_what_refresh_leaves_would_to_the_picosecond():
    slow = tables("chip.buffer")["chip.buffer"] | {"bandwidth": "40 GB/s"}  # slower than the links, so that it counts
    found = run({"chip.buffer": slow})
    same = run({"chip.buffer.bandwidth": "30 GB/s", "chip.buffer.latency": "2 ns"})
    other = run({"chip.buffer.bandwidth": "40 GB/s", "chip.buffer.latency": "2 ns"})
    assert found.makespan_s == same.makespan_s > other.makespan_s
    assert found.test_error == same.test_error


@pytest.mark.usefixtures("plugged")
def test_a_kind_serves_as_registers_and_memory_and_on_a_mesh_too():
    table = tables("chip.buffer")["chip.buffer"]
    places = {
        "chip.registers": table | {"size": "256 KiB"},
        "chip.memory": table | {"size": "64 MiB", "row_size": "64 KiB"},
    }
    for place, where in ({"h": "registers"}, "registers"), ({"h": "memory"}, "memory"):
        own = {"training.in_flight": 1, **places, **{f"chip.placement.{key}": value for key, value in place.items()}}
        found = twin.simulate("digits-mlp", "ttv2", samples=SAMPLES, epochs=1, overrides=own, progress=False)
        traffic = found.tables["traffic"].query("stream == 'H'").groupby("path")["bytes"].sum()
        operations = found.tables["operations"]
        loads = operations.loc[operations["kind"].isin(["h_load", "h_store"]), ["kind", "count"]]
        n = loads.groupby("kind")["count"].sum()
        assert n["h_load"] == n["h_store"] > 0
        joules = found.tables["energy"].groupby("component")["energy_J"].sum()
        assert joules[where] == pytest.approx(traffic[where] / 2 * 8 * (0.1e-12 + 0.3e-12))
    mesh = {"chip.buffer": table, "chip.link": tables("chip.link")["chip.link"]}
    found = twin.simulate(
        "digits-mlp", "sgd", samples=2, epochs=1, chip="aimc-512-mesh", overrides=mesh, progress=False
    )
    busy_ps = found.tables["servers"].set_index("server").loc["buffer", "busy_ps"]
    assert busy_ps == 2 * sum(picoseconds(n / 300e9) for n in BUFFER)


@pytest.mark.usefixtures("plugged")
def test_a_system_of_chips_has_the_refresh_of_each(awake):
    found = twin.simulate("gpt2-small", "sgd", chip=awake, overrides=tables("chip.buffer"), progress=False)
    area = found.tables["area"].set_index("part")
    assert area.loc["buffer refresh", "count"] == area.loc["buffer", "count"] == found.chips > 1
    assert area.loc["buffer refresh", "leakage_W"] == pytest.approx(found.chips * 1024 * 100e-12 / 40.96e-6)


@pytest.mark.usefixtures("plugged")
def test_mistakes_in_a_table_of_the_kind_name_key_value_rule_and_fix():
    table = settings()["chip.buffer"]
    with pytest.raises(TwinError, match=r"chip.buffer.retention.*must be above 1.024e-05 s, or refresh never ends"):
        load_chip("aimc-512", {"buffer": table.replace("40.96 us", "10 us")})
    with pytest.raises(TwinError, match=r"chip.buffer.row_sise: unknown key .did you mean row_size"):
        load_chip("aimc-512", {"buffer": table.replace("row_size", "row_sise")})
    with pytest.raises(TwinError, match=r'chip.buffer.kind .= edran.: must be "channel", "edram" .did you mean edram'):
        load_chip("aimc-512", {"buffer": table.replace("edram", "edran")})


def test_another_process_finds_the_kinds_with_no_more_than_the_entry_points(installed):
    path = os.pathsep.join([str(installed), str(Path(twin.__file__).parents[1])])
    command = [sys.executable, "-m", "twin", "schema", "chip"]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True)
    assert {'"EmbeddedDram": {', '"PacketLink": {'} <= {line.strip() for line in done.stdout.splitlines()}


def test_without_the_package_its_kinds_are_unknown():
    with pytest.raises(TwinError, match=r'chip.buffer.kind .= edram.: must be "channel"'):
        load_chip("aimc-512", {"buffer": settings()["chip.buffer"]})
