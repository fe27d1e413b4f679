"""One forward, backward and update of a layer of 3 inputs and 2 outputs, by hand from the file of aimc-512."""

import pytest

from twin.chip import ChipCosts, Component
from twin.descriptions.load import load_chip, load_layout
from twin.mapping import map_layers
from twin.operation import Counts, Kind, Operation, Unit

# [tile]: 512 x 512 lines, 33.333 ns, 64 converters at 1.2 GS/s; [technology]: 14 nm, 400 nm, silicon, gokmen-1200
VOLT, OHM, SLOT = 1.0, 24e6, 5e-9
READ_ps = 33_333 + 833  # one conversion of the 1 or 2 in use by each of 64 converters
PERIPHERY_W = 0.7 / 4096 * 512
LINE_W = 0.9 * PERIPHERY_W / 1024  # of a line in use: a tenth flows all the time
# a line of the HERMES core less its periphery and its converter of 8 bit
INPUT_J = 12.5e-9 / 256 - 0.7 / 4096 * 130e-9 - 0.28976993e-12
CONVERSION_J = 0.8959909e-12  # 9 bit at 1.2 GS/s, 14 nm: hwcomponents-adc (docs/technology.md)
DEVICE_J = VOLT**2 / OHM * 33.333e-9
HALF_A = 512 * (VOLT / 2) / OHM
GATES_F = 2 * (HALF_A / 1000) * 1e-9  # two transistors of 1 mA/um and 1 fF/um
PULSE_J = (2e-10 * 512 * 400e-9 + GATES_F) * (VOLT / 2) ** 2 + (VOLT / 2) * HALF_A * SLOT
COINCIDENCE_J = VOLT**2 / OHM * SLOT / 2


def spent(kind, counts):
    """Return joules by component, and picoseconds, of an operation on the one tile with such counts."""
    chip = load_chip("aimc-512").model
    costs = ChipCosts(chip, map_layers([(2, 3)], load_layout("two-array").model, chip))
    demand = costs.demand(Operation(kind, Unit.TILE, 0, matrix="W"))
    (tile,) = demand.occupancy
    times = counts[Counts.MVMS] if kind in {Kind.FORWARD, Kind.BACKWARD} else counts[Counts.PULSES]
    joules = demand.energy_J[:, 0] + demand.energy_J[:, 1:] @ [counts.get(column, 0) for column in Counts]
    found = {component: value for component, value in zip(Component, joules, strict=True) if value}
    return found, tile.fixed_ps + times * tile.per_count_ps


@pytest.mark.parametrize(("kind", "driven", "converted"), [(Kind.FORWARD, 3, 2), (Kind.BACKWARD, 2, 3)])
def test_a_mat_vec_takes_every_picosecond_and_joule_of_the_hand_computation(kind, driven, converted):
    conducted = 4.5  # sum of |input| x conductance over the six devices
    counts = {
        Counts.MVMS: 1,
        Counts.PART_MVMS: 1,
        Counts.DRIVEN: driven,
        Counts.CONVERTED: converted,
        Counts.CONDUCTION: conducted,
    }
    joules, ps = spent(kind, counts)
    assert ps == READ_ps
    assert joules == pytest.approx(
        {
            Component.DRIVERS: driven * INPUT_J,
            Component.CONVERTERS: converted * CONVERSION_J,
            Component.CONDUCTION: conducted * DEVICE_J,
            Component.PERIPHERY: 5 * LINE_W * READ_ps * 1e-12,
        },
        rel=1e-6,
        abs=0,
    )


def test_an_update_takes_every_picosecond_and_joule_of_the_hand_computation():
    counts = {Counts.PULSES: 4, Counts.PART_PULSES: 4, Counts.FIRED: 11, Counts.COINCIDENCES: 5}
    joules, ps = spent(Kind.UPDATE, counts)
    assert ps == 4 * 5000
    assert joules == pytest.approx(
        {
            Component.PULSES: 11 * PULSE_J + 5 * COINCIDENCE_J,
            Component.PERIPHERY: 11 * LINE_W * SLOT,
        },
        rel=1e-6,
        abs=0,
    )
