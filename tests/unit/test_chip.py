"""What operations cost."""

import inspect
import sys

import numpy as np
import pytest
from chip_kit import cluster_chip, of_kind

from twin.chip import ChipCosts, ChipPart, Component, Path
from twin.chip.host import Host
from twin.chip.kinds import kinds_at
from twin.chip.service import picoseconds
from twin.config.kinds import KINDS
from twin.descriptions.load import load_chip, load_layout
from twin.errors import TwinError
from twin.mapping import map_layers
from twin.operation import Counts, Kind, Operation, Stream, Unit


def load(name="aimc-512", **overrides):
    return load_chip(name, {key.replace("__", "."): value for key, value in overrides.items()}).model


def costs(layout="four-array", shapes=((512, 512),), chip=None):
    chip = chip or load()
    return ChipCosts(chip, map_layers(list(shapes), load_layout(layout).model, chip))


def read(kind, matrix="C", **more):
    return Operation(kind, Unit.TILE, 0, matrix=matrix, **more)


def names(it, demand):
    return [it.servers[o.server].name for o in demand.occupancy]


def parts_below(kind):
    """All classes of parts that can be built; dataclasses with slots leave a first draft of each behind."""
    for one in kind.__subclasses__():
        if vars(sys.modules[one.__module__]).get(one.__name__) is one:
            yield from parts_below(one) if inspect.isabstract(one) or one.__subclasses__() else [one]


def test_the_contract_finds_the_parts_that_chips_are_made_of():
    names = ["Tile", "Converters", "DigitalUnit", "Host", "Router", "ChipLink"]
    assert {*names} <= {part.__name__ for part in parts_below(ChipPart)}


@pytest.mark.parametrize("kind", [*parts_below(ChipPart)], ids=lambda kind: kind.__name__)
def test_every_part_takes_more_time_and_energy_for_more_work_and_has_area_and_leakage(kind):
    part = kind.of(cluster_chip(**{"vector.rate": "8 TFLOP/s"}))
    little, much = part.service(1), part.service(1_000_000)
    assert 0 <= little.busy_ps <= much.busy_ps
    assert 0 <= little.energy_J <= much.energy_J
    assert little.latency_ps >= 0
    assert part.area_m2 >= 0
    assert part.leakage_W >= 0


@pytest.mark.parametrize(("place", "name"), [(place, name) for place in KINDS for name in kinds_at(place)])
@pytest.mark.parametrize("writes", [False, True])
def test_every_kind_of_memory_or_link_costs_more_for_more_work_and_has_area_and_leakage(place, name, writes):
    part = of_kind(place, name)
    assert part.kind == name
    little, much = part.service(1, writes=writes), part.service(1_000_000, writes=writes)
    assert 0 <= little.busy_ps <= much.busy_ps
    assert 0 < little.energy_J < much.energy_J
    assert little.latency_ps >= 0
    rows = part.silicon(place, 3)
    assert (rows[0].part, rows[0].count) == (place, 3)
    assert sum(row.area_m2 for row in rows) == pytest.approx(3 * part.area_m2)
    assert sum(row.leakage_W for row in rows) == pytest.approx(3 * part.leakage_W)
    if place != "link":
        assert part.size_B >= 1
        assert part.ports >= 1
        assert part.remedy.format(place=place)
        least_ps = picoseconds(1_000_000 / part.peak_Bps)
        assert (much.busy_ps == 0) if part.banked else (much.busy_ps >= least_ps)
        assert (part.at_work(lambda _: 1, 1, 1) is not None) is part.banked


@pytest.mark.parametrize("place", ["buffer", "memory", "link"])
def test_a_channel_has_its_bandwidth_latency_and_energy_per_bit(place):
    table = getattr(load(), place)
    service = table.service(10**6, writes=True)
    assert service.busy_ps == picoseconds(10**6 / table.bandwidth)
    assert service.latency_ps == picoseconds(table.latency)
    assert service.energy_J == pytest.approx(8e6 * table.energy)
    assert service == table.service(10**6, writes=False)


def test_the_link_of_the_host_has_its_bandwidth_latency_and_energy_per_bit():
    description, service = load().host, Host.of(load()).service(10**6)
    assert service.busy_ps == picoseconds(10**6 / description.bandwidth)
    assert service.latency_ps == picoseconds(description.latency)
    assert service.energy_J == pytest.approx(8e6 * description.energy)


def test_a_kind_stands_where_its_class_allows():
    with pytest.raises(TwinError, match=r'chip.buffer.kind \(= dram\): must be "channel"'):
        load(buffer__kind="dram")
    with pytest.raises(TwinError, match=r'chip.link.kind \(= chanel\): must be "channel" \(did you mean channel\?\)'):
        load(link__kind="chanel")
    with pytest.raises(TwinError, match=r"chip.buffer \(= large\): must be a table"):
        load(buffer="large")


def test_durations_are_rounded_half_up_to_picoseconds():
    assert picoseconds(8 / 1.2e9) == 6667
    assert picoseconds(33.333e-9) == 33333
    assert picoseconds(0.5e-12) == 1
    assert picoseconds(5e-9) == 5000


def test_a_mat_vec_of_512_lines_takes_40_ns_on_aimc_512():
    demand = costs().demand(read(Kind.FORWARD))
    assert [o.per_count_ps for o in demand.occupancy] == [40_000]
    assert (demand.column, demand.latency_ps) == (Counts.MVMS, 0)


def test_time_follows_the_lines_that_are_converted():
    it = costs(shapes=[(512, 64)])
    kinds = {Kind.FORWARD: 33_333 + 833, Kind.BACKWARD: 40_000, Kind.READ_OUT: 33_333 + 833}
    for kind, busy_ps in kinds.items():
        assert it.demand(read(kind)).occupancy[0].per_count_ps == busy_ps
    assert it.demand(read(Kind.READ_OUT, lines=512)).occupancy[0].per_count_ps == 40_000
    assert it.demand(read(Kind.READ_OUT, lines=65)).occupancy[0].per_count_ps == 33_333 + 1667


def test_overlapped_conversion_is_latency():
    it = costs(chip=load(tile__conversion_overlap="true"))
    demand = it.demand(read(Kind.FORWARD))
    assert (demand.occupancy[0].per_count_ps, demand.latency_ps) == (33_333, 6_667)


@pytest.mark.parametrize(("phases", "slot"), [("1", 5000), ("2", 10_000)])
@pytest.mark.parametrize("kind", [Kind.UPDATE, Kind.TRANSFER, Kind.CALIBRATION])
def test_a_pulse_takes_its_slot_in_every_sign_phase(kind, phases, slot):
    demand = costs(chip=load(tile__sign_phases=phases)).demand(read(kind, "A"))
    assert demand.occupancy[0].per_count_ps == slot
    assert demand.column == Counts.PULSES


def test_split_matrices_occupy_all_their_tiles_or_the_parts_named():
    it = costs(shapes=[(785, 256)])
    assert names(it, it.demand(read(Kind.FORWARD))) == ["tile 0.C[0]", "tile 0.C[1]"]
    assert names(it, it.demand(read(Kind.READ_OUT, "A", parts=(1,)))) == ["tile 0.A[1]"]


def test_energy_of_a_mat_vec_by_component():
    chip = load()
    tile, energy = chip.tile, costs(chip=chip).demand(read(Kind.FORWARD)).energy_J
    assert energy[Component.DRIVERS, 1 + Counts.DRIVEN] == tile.input_energy
    assert energy[Component.CONVERTERS, 1 + Counts.CONVERTED] == tile.converter.energy
    conduction = tile.read_voltage**2 / tile.mean_resistance * tile.integration_time
    assert energy[Component.CONDUCTION, 1 + Counts.CONDUCTION] == pytest.approx(conduction)
    line_J = 0.9 * tile.periphery_power * 40e-9 / 1024  # a tenth flows all the time
    for used in (Counts.DRIVEN, Counts.CONVERTED):
        assert energy[Component.PERIPHERY, 1 + used] == pytest.approx(line_J, rel=1e-6, abs=0)
    assert np.count_nonzero(energy) <= 5


def test_energy_of_an_update_by_component():
    chip = load()
    tile, energy = chip.tile, costs(chip=chip).demand(read(Kind.UPDATE)).energy_J
    assert energy[Component.PULSES, 1 + Counts.FIRED] == tile.pulse_energy
    assert energy[Component.PULSES, 1 + Counts.COINCIDENCES] == tile.coincidence_energy
    line_J = 0.9 * tile.periphery_power * 5e-9 / 1024
    assert energy[Component.PERIPHERY, 1 + Counts.FIRED] == pytest.approx(line_J, rel=1e-6, abs=0)


def test_digital_work_is_divided_over_the_slices_beside_the_matrix():
    chip = load()
    it = costs(shapes=[(785, 256)], chip=chip)
    demand = it.demand(Operation(Kind.ACTIVATION, Unit.DIGITAL, 0, matrix="A", flops=1024))
    assert names(it, demand) == ["digital 0.A[0]", "digital 0.A[1]"]
    assert {o.fixed_ps for o in demand.occupancy} == {picoseconds(512 / 175e9)}
    assert demand.energy_J[Component.DIGITAL, 0] == pytest.approx(1024 * chip.digital.energy)


def test_without_tiles_the_digital_unit_works_at_its_full_rate():
    it = costs("digital")
    demand = it.demand(Operation(Kind.FORWARD, Unit.DIGITAL, 0, matrix="W", flops=7000))
    assert names(it, demand) == ["digital"]
    assert demand.occupancy[0].fixed_ps == 10_000


def test_a_move_takes_the_links_and_where_the_stream_is_placed():
    chip = load(placement__h="memory", placement__h_word="1 B")
    it = costs(shapes=[(785, 256)], chip=chip)
    move = Operation(Kind.H_LOAD, Unit.MOVE, 0, matrix="C", words=1000, stream=Stream.H)
    demand = it.demand(move)
    assert names(it, demand) == ["link 0.C[0]", "link 0.C[1]", "memory"]
    assert [o.fixed_ps for o in demand.occupancy] == [
        *2 * [picoseconds(500 / chip.link.bandwidth)],
        picoseconds(1000 / chip.memory.bandwidth),
    ]
    assert demand.latency_ps == picoseconds(chip.link.latency) + picoseconds(chip.memory.latency)
    assert demand.traffic == ((Path.LINK, Stream.H, 1000), (Path.MEMORY, Stream.H, 1000))
    assert demand.energy_J[Component.LINK, 0] == pytest.approx(8000 * chip.link.energy)
    assert demand.energy_J[Component.MEMORY, 0] == pytest.approx(8000 * chip.memory.energy)
    assert costs(chip=load(placement__h="buffer")).demand(move).traffic[1][0] is Path.BUFFER


def test_the_input_comes_from_the_host_into_the_buffer():
    it = costs(chip=load(placement__input_word="1 B"))
    demand = it.demand(Operation(Kind.INPUT, Unit.MOVE, -1, words=784, stream=Stream.INPUT))
    assert names(it, demand) == ["host", "buffer"]
    assert demand.payload == (Stream.INPUT, 784)


def test_fractions_of_bytes_are_rounded_up_once():
    it = costs(chip=load(placement__h_word="0.5 B"))
    move = Operation(Kind.H_LOAD, Unit.MOVE, 0, matrix="C", words=3, stream=Stream.H)
    assert it.demand(move).payload == (Stream.H, 2)


def test_area_and_leakage_add_up_over_parts():
    chip = load()
    it = costs(shapes=[(785, 256), (257, 10)], chip=chip)
    rows = {row.part: row for row in it.area()}
    assert rows["arrays"].count == 12
    assert rows["arrays"].area_m2 == pytest.approx(12 * chip.tile.array_area)
    assert rows["tile periphery"].area_m2 == pytest.approx(6 * 1024 * chip.tile.line_area)
    assert rows["converters"].count == 6 * 2 * chip.tile.converter.count
    assert rows["digital units"].count == 2
    assert it.leakage_W() == pytest.approx(sum(row.leakage_W for row in it.area()))
    leakage = 6 * (chip.tile.leakage + chip.link.leakage) + 2 * chip.digital.leakage
    assert it.leakage_W() == pytest.approx(leakage + chip.buffer.leakage + chip.memory.leakage)


def test_a_chip_without_tiles_has_no_arrays_to_pay_for():
    assert [row.part for row in costs("digital").area()] == ["digital units", "buffer", "memory"]


def test_a_digital_matrix_cannot_be_read_on_a_tile():
    with pytest.raises(TwinError, match="matrix 'W' of layer 0 is digital"):
        costs("digital").demand(read(Kind.FORWARD, "W"))


REGISTERS = {"placement__h": "registers", "placement__activations": "registers", "placement__h_word": "1 B"}


def test_registers_are_built_only_where_something_may_be_placed_there():
    plain = costs(chip=load())
    assert "registers" not in {server.kind for server in plain.servers}
    assert "registers" not in {row.part for row in plain.area()}
    for setting in ({"placement__h": "registers"}, {"placement__errors": "auto"}, {"placement__prefetch_h": "1"}):
        chip = load(**setting)
        it = costs(chip=chip)
        assert [s.name for s in it.servers if s.kind == "registers"] == ["registers 0.A", "registers 0.C"]
        row = next(row for row in it.area() if row.part == "registers")
        assert (row.count, row.area_m2, row.leakage_W) == (2, 2 * chip.registers.area, 2 * chip.registers.leakage)
        assert it.leakage_W() == pytest.approx(plain.leakage_W() + row.leakage_W)


def test_a_tiles_own_words_in_registers_pass_no_link():
    chip = load(**REGISTERS)
    it = costs(shapes=[(785, 256)], chip=chip)
    for store in (False, True):
        move = Operation(Kind.H_LOAD, Unit.MOVE, 0, matrix="A", words=1000, stream=Stream.H, store=store)
        demand = it.demand(move)
        assert names(it, demand) == ["registers 0.A[0]", "registers 0.A[1]"]
        assert {o.fixed_ps for o in demand.occupancy} == {picoseconds(500 / chip.registers.bandwidth)}
        assert demand.latency_ps == picoseconds(chip.registers.latency)
        assert demand.traffic == ((Path.REGISTERS, Stream.H, 1000),)
        assert demand.energy_J[Component.REGISTERS, 0] == pytest.approx(8000 * chip.registers.energy)
        assert np.count_nonzero(demand.energy_J) == 1


def test_words_in_another_tiles_registers_pass_both_links():
    chip = load(**REGISTERS)
    it = costs(shapes=[(100, 50), (50, 10)], chip=chip)
    move = Operation(Kind.LOAD, Unit.MOVE, 1, matrix="C", words=50, stream=Stream.ACTIVATIONS, home=(0, "C"))
    demand = it.demand(move)
    assert names(it, demand) == ["link 1.C", "link 0.C", "registers 0.C"]
    assert demand.latency_ps == 2 * picoseconds(chip.link.latency) + picoseconds(chip.registers.latency)
    assert [path for path, _, _ in demand.traffic] == [Path.LINK, Path.LINK, Path.REGISTERS]


def test_what_the_host_sent_waits_in_the_buffer_whatever_the_place_of_activations():
    it = costs(chip=load(**REGISTERS))
    move = Operation(Kind.LOAD, Unit.MOVE, 0, matrix="C", words=50, stream=Stream.ACTIVATIONS, home=(-1, "C"))
    assert names(it, it.demand(move)) == ["link 0.C", "buffer"]


@pytest.mark.parametrize(("phases", "expected_ns"), [("1", 56.3), ("2", 83.8)])
def test_the_terms_of_a_ttv2_update_on_aimc_512_add_up_to_the_published_time(phases, expected_ns):
    """Rasch 2024, Table 1: N = 512, 5 pulses an update, a transfer of one pulse every 2 samples."""
    it = costs(chip=load(tile__sign_phases=phases))

    def time_ps(operation, count=0):
        (occupancy,) = it.demand(operation).occupancy
        return occupancy.fixed_ps + occupancy.per_count_ps * count

    def digital(kind):
        return Operation(kind, Unit.DIGITAL, 0, matrix="A", flops=2 * 512)

    every = time_ps(digital(Kind.UPDATE_MANAGEMENT)) + time_ps(read(Kind.UPDATE, "A"), 5)
    second = time_ps(read(Kind.READ_OUT, "A"), 1) + time_ps(digital(Kind.FILTER))
    second += time_ps(read(Kind.TRANSFER), 1)
    assert (every + second / 2) / 1000 == pytest.approx(expected_ns, abs=0.05)
