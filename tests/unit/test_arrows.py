"""Which room may import which: nothing imports upwards, and every exception is listed with its reason."""

import networkx as nx
import pytest
from imports_kit import MODULES, PACKAGE, file_arrows, imported, room_arrows, room_of

GROUND = {"arrays", "console", "errors", "files", "operation", "units", "version"}
"""Whatever stands above may know these."""

ALLOWED = {
    "kernels": set(),  # of the ground only operation, see below
    "config": set(),
    "devices": {"config"},
    "data": {"config"},
    "technology": set(),
    "networks": {"config"},
    "descriptions": {"algorithms", "config", "devices", "networks", "technology"},
    "imports": {"config", "descriptions", "devices"},
    "mapping": {"config"},
    "algorithms": {"config", "mapping", "networks"},
    "chip": {"config", "mapping", "technology"},
    "machine": {"algorithms", "config", "data", "devices", "kernels", "mapping", "networks"},
    "engine": {"algorithms", "chip"},
    "extraction": {"config", "engine", "kernels", "machine", "mapping", "networks"},
    "results": set(),
    "export": {"engine", "results"},
    "report": {"results"},
    "runs": {
        *("algorithms", "chip", "config", "data", "devices", "engine", "export", "extraction", "kernels", "machine"),
        *("descriptions", "mapping", "networks", "results"),
    },
    "sweep": {"algorithms", "config", "descriptions", "results", "runs"},
    "study": {"config", "descriptions", "report", "results", "runs", "sweep"},
    "api": {
        *("config", "descriptions", "devices", "extraction", "machine", "report", "results", "runs", "sweep"),
    },
    "cli": {
        *("api", "chip", "config", "devices", "export", "extraction", "machine", "mapping", "report"),
        *("descriptions", "imports", "results", "runs", "study", "sweep"),
    },
    "twin": {"api"},
    "__main__": {"cli"},
}

EXCEPTIONS = {
    ("twin.chip.dram.kernel", "kernels"): "the bank model is compiled too",
    ("twin.config.kinds", "chip"): "a kind of memory or link is described where its costs are",
}
"""Arrows of single files that are not allowed to their room."""


def test_every_room_imports_only_what_it_may():
    forbidden = {
        (module, other): f"{module} imports {other}"
        for (room, other), modules in room_arrows().items()
        if other not in GROUND | ALLOWED.get(room, set())
        for module in modules
    }
    ground = {room for room, _ in room_arrows()} & GROUND
    for room in ground - {"arrays", "files"}:
        forbidden |= {(room, room): f"{room} is on the ground and imports {imported(MODULES[f'twin.{room}'])}"}
    assert {pair: text for pair, text in forbidden.items() if pair not in EXCEPTIONS} == {}


def test_every_exception_and_every_allowed_arrow_is_still_needed():
    arrows = room_arrows()
    needed = {(module, other) for (room, other), modules in arrows.items() for module in modules}
    assert set(EXCEPTIONS) - needed == set()
    allowed = {(room, other) for room, others in ALLOWED.items() for other in others}
    assert allowed - set(arrows) == set()
    assert {room for room, _ in arrows} - GROUND == set(ALLOWED) - (
        {"config", "kernels"} - {room for room, _ in arrows}
    )


def test_the_compiled_language_knows_operations_and_nothing_else():
    assert {other for (room, other) in room_arrows() if room == "kernels"} == {"operation"}


def test_runs_never_import_pages():
    pages = {"report", "cli", "api", "study", "sweep"}
    assert {
        other for (room, other) in room_arrows() if room in {"runs", "results", "engine", "machine"}
    } & pages == set()


def test_the_allowed_arrows_go_round_in_no_circle():
    graph = nx.DiGraph([(room, other) for room, others in ALLOWED.items() for other in others])
    assert nx.is_directed_acyclic_graph(graph)


def test_no_ring_of_files_has_more_than_three_members():
    rings = [sorted(ring) for ring in nx.strongly_connected_components(nx.DiGraph(file_arrows())) if len(ring) > 3]
    assert rings == []


def test_imports_are_found_wherever_they_stand(tmp_path, monkeypatch):
    source = tmp_path / "twin" / "one.py"
    source.parent.mkdir()
    source.write_text(
        "from typing import TYPE_CHECKING\nimport twin.units\nif TYPE_CHECKING:\n    from twin.chip import tile\n"
        "def late():\n    from twin.errors import TwinError\n    from twin import version\n"
    )
    monkeypatch.setattr("imports_kit.PACKAGE", source.parent)
    assert imported(source) == {"twin.units", "twin.chip.tile", "twin.errors", "twin.version"}


@pytest.mark.parametrize(
    ("module", "room"), [("twin", "twin"), ("twin.errors", "errors"), ("twin.chip.dram.sheet", "chip")]
)
def test_a_room_is_what_lies_right_below_the_package(module, room):
    assert room_of(module) == room
    assert PACKAGE.name == "twin"
