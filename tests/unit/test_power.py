"""What parts draw beside their work, and when they are off."""

import math
from dataclasses import replace

import pandas as pd
import pytest
from blocks_kit import small
from chip_kit import without_technology
from hypothesis import given
from hypothesis import strategies as st
from report_kit import make_run

from twin.chip import ChipCosts, Component
from twin.chip.power import STANDING, idle_W
from twin.descriptions.load import load_chip, load_layout
from twin.errors import TwinError
from twin.mapping import map_layers
from twin.operation import Counts, Kind, Operation, Unit
from twin.report.pages.grids import share_grids
from twin.report.pages.markdown import markdown
from twin.results.derived import IDLE, STATIC, energy_parts
from twin.results.summary import run_summary
from twin.results.totals import totals
from twin.runs.build import build
from twin.runs.planning import plan_run
from twin.runs.timed import build_timed

MIB = 2**20
LPDDR5_W = 4 * (37.9e-3 + 16.8e-9 / (3125 * 1.25e-9))  # four channels: background, and a refresh of 16.8 nJ


def load(name="ibm-2023", **overrides):
    return load_chip(name, {key.replace("__", "."): value for key, value in overrides.items()}).model


def area(chip, kept):
    mapping = map_layers([(512, 512)], load_layout("four-array").model, chip)
    return {row.part: row for row in ChipCosts(chip, mapping, kept=kept).area()}


def leakage(chip, kept, part):
    return sum(row.leakage_W for name, row in area(chip, kept).items() if name.partition(" ")[0] == part)


def test_a_memory_stands_by_only_where_something_is_kept_there():
    chip = load()
    assert leakage(chip, {"buffer": 0, "memory": 0}, "memory") == 0
    for kept in ({"buffer": 0, "memory": 1}, {"buffer": 0, "memory": 3e9}, None):
        assert leakage(chip, kept, "memory") == pytest.approx(LPDDR5_W, rel=1e-12)


def test_a_chip_that_says_nothing_of_banks_pays_for_all_of_its_memories(tmp_path):
    chip = load_chip(without_technology(tmp_path)).model
    for kept in (None, {"buffer": 0, "memory": 0}):
        assert leakage(chip, kept, "memory") == chip.memory.leakage
        assert leakage(chip, kept, "buffer") == chip.buffer.leakage


@given(st.integers(0, MIB), st.sampled_from([1, 3, 16, 100]))
def test_a_buffer_leaks_by_the_banks_in_which_something_is_kept(n_bytes, banks):
    chip = load(power__buffer__banks=str(banks))
    found = leakage(chip, {"buffer": n_bytes, "memory": 0}, "buffer")
    assert found == pytest.approx(max(1, math.ceil(n_bytes * banks / MIB)) / banks * chip.buffer.leakage, rel=1e-12)


def test_banks_take_as_much_silicon_switched_off_as_on():
    rows = [area(load(), kept) for kept in (None, {"buffer": 0, "memory": 0})]
    assert {name: row.area_m2 for name, row in rows[0].items()} == {name: row.area_m2 for name, row in rows[1].items()}


@pytest.mark.parametrize(("algorithm", "stands_by"), [("sgd", False), ("ttv2", True)])
@pytest.mark.parametrize("trained", [False, True])
def test_a_run_pays_for_the_memory_of_h_where_its_algorithm_has_one(tmp_path, algorithm, stands_by, trained):
    workload = "digits-mlp" if trained else small(tmp_path, 1)
    layout = "four-array" if algorithm == "ttv2" else "two-array"
    plan = plan_run(workload, "aimc-512", layout, algorithm, "replayed")
    costs = build(plan).engine.costs if trained else build_timed(plan).costs
    rows = {row.part: row for row in costs.area()}
    assert (rows["memory"].leakage_W > 0) is stands_by


def tile_energy(operation, **settings):
    """Joules of an operation on a tile, by component, when its counts are those of `operation`."""
    kind, counts = operation
    chip = load(**settings)
    mapping = map_layers([(512, 512)], load_layout("two-array").model, chip)
    demand = ChipCosts(chip, mapping).demand(Operation(kind, Unit.TILE, 0, matrix="W"))
    per_count = demand.energy_J[:, 1:]
    return per_count @ [counts.get(column, 0) for column in Counts], demand.occupancy[0].per_count_ps * 1e-12


def mat_vec(driven, converted):
    return Kind.FORWARD, {Counts.PART_MVMS: 1, Counts.DRIVEN: driven, Counts.CONVERTED: converted}


ALL = {"power__tile__lines": "all"}


def test_a_line_in_use_takes_its_share_of_the_periphery_and_the_rest_nothing():
    tile = load().tile
    energy, seconds = tile_energy(mat_vec(100, 10))
    expected = 0.9 * tile.periphery_power * seconds * (100 + 10) / (512 + 512)
    assert energy[Component.PERIPHERY] == pytest.approx(expected, rel=1e-12)
    energy, seconds = tile_energy((Kind.UPDATE, {Counts.PART_PULSES: 7, Counts.FIRED: 60}))
    expected = 0.9 * tile.periphery_power * seconds * 60 / (512 + 512)
    assert energy[Component.PERIPHERY] == pytest.approx(expected, rel=1e-12)


def test_a_mat_vec_of_all_lines_takes_the_same_whether_lines_or_tiles_are_charged():
    used, whole = tile_energy(mat_vec(512, 512)), tile_energy(mat_vec(512, 512), **ALL)
    assert used[0] == pytest.approx(whole[0], rel=1e-12)
    one, every = tile_energy(mat_vec(1, 1), **ALL), tile_energy(mat_vec(512, 512), **ALL)
    assert one[0][Component.PERIPHERY] == every[0][Component.PERIPHERY]


def test_a_tile_at_work_takes_its_periphery_power_of_which_a_share_flows_all_the_time():
    chip = load()
    energy, seconds = tile_energy(mat_vec(512, 512))
    idle_J = idle_W(chip) * seconds
    assert idle_J == pytest.approx(0.1 * chip.tile.periphery_power * seconds)
    assert energy[Component.PERIPHERY] + idle_J == pytest.approx(chip.tile.periphery_power * seconds, rel=1e-12)


def test_clock_and_controller_flow_by_tile_and_by_digital_unit():
    chip = load(power__tile__clock="5 mW")
    mapping = map_layers([(512, 512 * 6)], load_layout("two-array").model, chip)
    costs = ChipCosts(chip, mapping, kept={"buffer": 0, "memory": 0})
    watts = costs.standing.watts
    assert watts[Component.CONTROLLER] == pytest.approx(6 * 53e-6)
    assert watts[Component.CLOCK] == pytest.approx(6 * 5e-3 + 2 * 22e-3)  # a unit serves four tiles
    assert watts[Component.IDLE] == pytest.approx(6 * 0.1 * chip.tile.periphery_power)
    assert watts[Component.LEAKAGE] == costs.leakage_W() == pytest.approx(sum(row.leakage_W for row in costs.area()))
    rows = {row.part: row for row in costs.area()}
    assert (rows["tile controllers"].count, rows["tile controllers"].area_m2) == (6, pytest.approx(6 * 1240e-12))


def test_what_is_off_saves_its_share_of_leakage_and_all_else():
    chip = load(power__tile__clock="5 mW")
    mapping = map_layers([(512, 512 * 6)], load_layout("two-array").model, chip)
    costs = ChipCosts(chip, mapping)
    gates = {costs.servers[number].name: gate for number, gate in costs.standing.gates.items()}
    tile, slice_ = (next(gate for name, gate in gates.items() if name.startswith(kind)) for kind in ("tile", "digital"))
    assert tile[:3] == (1_000_000, 100_000, 8.75e-9)
    saved = {
        Component.LEAKAGE: 0.9 * chip.tile.leakage,
        Component.IDLE: 0.1 * chip.tile.periphery_power,
        Component.CLOCK: 5e-3,
        Component.CONTROLLER: 53e-6,
    }
    assert tile.saved_W == pytest.approx(saved)
    assert slice_.saved_W == pytest.approx(
        {Component.CLOCK: 2 * 22e-3 / 6, Component.LEAKAGE: 0.9 * 2 * chip.digital.leakage / 6}
    )
    background_W = 4 * 37.9e-3  # the refresh goes on in power-down
    assert gates["memory"].saved_W == pytest.approx({Component.LEAKAGE: 0.6 * background_W})
    assert {name.partition(" ")[0] for name in gates} == {"tile", "digital", "buffer", "memory"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"power.tile.idle": "1.5"}, "power.tile.idle"),
        ({"power.tile": '{ gate_after = "1 us" }'}, "wake_time: is missing beside gate_after"),
        ({"power.tile.banks": "4"}, "power.tile.banks: unknown key"),
        ({"power.memory.banks": "0"}, "power.memory.banks"),
    ],
)
def test_a_mistake_in_power_is_named_in_one_line(settings, message):
    with pytest.raises(TwinError, match=message) as found:
        load_chip("aimc-512", settings)
    assert "\n" not in str(found.value)


def test_energy_divides_into_dynamic_idle_and_static_as_the_components_of_the_chip_do():
    assert {*IDLE, *STATIC} == {component.name.lower() for component in STANDING}
    run = make_run()
    table = run.tables["energy"]
    more = pd.DataFrame(
        [("idle", -1, "idle", 3.0), ("clock", -1, "clock", 2.0), ("controller", -1, "controller", 1.0),
         ("wake", 0, "forward", 4.0)], columns=table.columns,
    )  # fmt: skip
    frame = pd.concat([table, more], ignore_index=True)
    found = replace(run, tables={**run.tables, "energy": frame}, energy_J=float(frame["energy_J"].sum()))
    joules = frame.groupby("component")["energy_J"].sum()
    parts = energy_parts(found)
    assert parts.idle_J == pytest.approx(6)
    assert parts.static_J == pytest.approx(joules["leakage"])
    assert parts.dynamic_J == pytest.approx(found.energy_J - 6 - joules["leakage"])
    assert sum(parts) == pytest.approx(found.energy_J)
    energy = run_summary(found, found)["energy"]
    assert energy["without_static_J"] == pytest.approx(parts.dynamic_J + 6)
    assert totals(found)["static_J"] == parts.static_J
    text = markdown([found], "twin run")
    assert f"idle {100 * 6 / found.energy_J:.0f}" in text.replace(".0 %", " %")
    (grid,) = [grid for grid in share_grids([found]) if "without leakage" in grid.caption]
    rows = {row[0]: row[1].value for row in grid.rows}
    assert rows["with static"] == pytest.approx(found.energy_J / found.samples)
    assert rows["without static"] == pytest.approx((found.energy_J - parts.static_J) / found.samples)
