"""Does a made-up kind of memory whose service depends on what it did before take the time that it says?"""

from itertools import pairwise
from types import SimpleNamespace
from typing import ClassVar, Literal

import numpy as np
import pytest

import twin
from twin.chip import kinds
from twin.chip.mover import Served, Store
from twin.chip.service import Service, picoseconds
from twin.config.chip import Chip
from twin.config.quantity import Area, Bandwidth, Bytes, EnergyPerBit, Power, Time
from twin.descriptions.load import load_chip
from twin.descriptions.schema import json_schema
from twin.errors import TwinError

TABLE = {
    "kind": "turning",
    "size": "1 MiB",
    "bandwidth": "1 GB/s",
    "turn": "37 ns",
    "energy": "1 pJ/bit",
    "area": "1 mm^2",
    "leakage": "1 mW",
}


class Turning(Store):
    """A memory whose wires take time to turn from reads to writes and back."""

    places: ClassVar[frozenset[str]] = frozenset({"memory"})
    banked: ClassVar[bool] = True
    kind: Literal["turning"]
    preset: str | None = None
    """A file with values."""
    size: Bytes
    bandwidth: Bandwidth
    turn: Time
    energy: EnergyPerBit
    area: Area
    leakage: Power

    @property
    def size_B(self):
        return self.size

    @property
    def peak_Bps(self):
        return self.bandwidth

    @property
    def area_m2(self):
        return self.area

    @property
    def leakage_W(self):
        return self.leakage

    def service(self, n_bytes, *, writes):  # noqa: ARG002 - both ways cost the same
        return Service(0, 0, 8 * n_bytes * self.energy)

    def at_work(self, lines, in_flight, chips):  # noqa: ARG002 - one chip, no addresses
        return Wires(self)

    def diagnostics(self, spent):
        return [("transfers", float(sum(n for _, n in spent.moved)), "transfers")]


class Wires:
    """Which way the wires point, and which transfers there are."""

    activation_J = 0.0
    made: ClassVar[list["Wires"]] = []

    def __init__(self, table):
        self.table, self.known, self.log = table, [], []
        self.way = np.zeros(1, np.int64)
        self.made.append(self)

    @property
    def server(self):
        return self

    def access(self, operation, stream, n_bytes, chip):  # noqa: ARG002 - one chip
        if (n_bytes, operation.store) not in self.known:
            self.known.append((n_bytes, operation.store))
        return self.known.index((n_bytes, operation.store))

    def serve(self, number, start_ps):
        served = self.nominal(number)
        turns = bool(self.log) and self.way[0] != self.known[number][1]
        self.log.append((number, start_ps))
        self.way[0] = self.known[number][1]
        return served._replace(busy_ps=served.busy_ps + (picoseconds(self.table.turn) if turns else 0))

    def skip(self, number, times):  # noqa: ARG002 - the last way counts
        self.way[0] = self.known[number][1]

    def jump(self, elapsed_ps):
        pass

    def nominal(self, number):
        return Served(picoseconds(self.known[number][0] / self.table.bandwidth), 0, 0)

    def state(self):
        return {"way": self.way.copy()}

    def restore(self, arrays):
        self.way[:] = arrays["way"]


@pytest.fixture(autouse=True)
def plugged(monkeypatch):
    """Register the kind as an entry point would."""
    found = {group: kinds._points(group) for group in (kinds.MEMORIES, kinds.LINKS)}
    point = SimpleNamespace(name="turning", value="here:Turning", load=lambda: Turning)
    found[kinds.MEMORIES] = (*found[kinds.MEMORIES], point)
    monkeypatch.setattr(kinds, "_points", found.get)
    monkeypatch.setattr(Wires, "made", [])
    Chip.model_rebuild(force=True)
    yield
    monkeypatch.undo()
    Chip.model_rebuild(force=True)


def simulate(mode):
    own = {"chip.memory": TABLE}
    return twin.simulate("digits-mlp", "ttv2", samples=20, epochs=1, mode=mode, overrides=own, progress=False)


@pytest.mark.parametrize("mode", ["replayed", "coupled"])
def test_the_memory_is_busy_for_its_bytes_and_for_every_turn(mode):
    found = simulate(mode)
    (wires,) = [one for one in Wires.made if one.log]
    ways = [wires.known[number][1] for number, _ in wires.log]
    turns = sum(one != other for one, other in pairwise(ways))
    moved = sum(wires.known[number][0] for number, _ in wires.log)
    assert 0 < turns < len(ways)
    servers = found.tables["servers"].set_index("server")
    assert servers.loc["memory", "busy_ps"] == 1000 * moved + 37_000 * turns
    starts = [start_ps for _, start_ps in wires.log]
    assert starts == sorted(starts)
    traffic = found.tables["traffic"].groupby("path")["bytes"].sum()
    assert traffic["memory"] == moved
    joules = found.tables["energy"].groupby("component")["energy_J"].sum()
    assert joules["memory"] == pytest.approx(8e-12 * moved)
    said = found.diagnostics.set_index("what")
    assert said.loc["transfers", "value"] == len(wires.log)


def test_a_kind_with_a_preset_takes_files_of_its_own(tmp_path):
    values = {key: value for key, value in TABLE.items() if key not in {"kind", "area"}}
    lines = ["schema = 1", 'kind = "turning"', 'name = "toy"', 'description = "A toy"', "[values]"]
    lines += [f'{key} = "{value}"' for key, value in values.items()]
    lines += ["[sources]", *(f'{key} = "assumption: made up"' for key in values)]
    path = tmp_path / "toy.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    loaded = load_chip("aimc-512", {"memory": f'{{ kind = "turning", preset = "{path}", area = "2 mm^2" }}'})
    assert (loaded.model.memory.turn, loaded.model.memory.area) == (37e-9, pytest.approx(2e-6))
    assert loaded.origins["memory.turn"] == f"preset {path}"
    assert loaded.sources["memory.turn"] == ("assumption", "made up")
    assert "pattern" in json_schema("chip")["$defs"]["Turning"]["properties"]["preset"]
    path.write_text("\n".join(lines).replace('kind = "turning"', 'kind = "dram"'), encoding="utf-8")
    with pytest.raises(TwinError, match='must be "turning" in a preset of this family'):
        load_chip("aimc-512", {"memory": f'{{ kind = "turning", preset = "{path}" }}'})
    with pytest.raises(TwinError, match=r"chip.memory.preset \(= toy\): is no turning preset"):
        load_chip("aimc-512", {"memory": '{ kind = "turning", preset = "toy" }'})


def test_replayed_and_coupled_runs_end_at_the_same_picosecond():
    assert simulate("replayed").makespan_s == simulate("coupled").makespan_s
