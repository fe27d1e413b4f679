"""The costs of a program on a chip whose tiles are placed as its description says."""

from collections import Counter
from collections.abc import Mapping as Table

from twin.algorithms.program import Program
from twin.chip import ChipCosts
from twin.chip.placement import Flows, fewest_byte_hops, flows
from twin.config.chip import Chip
from twin.mapping import Mapping
from twin.operation import Stream

MEASURED = 100  # samples whose traffic decides a placement: assumption, ten transfers of every 10 updates


def placed_costs(
    chip: Chip,
    mapping: Mapping,
    places: Table[Stream, str] | None,
    in_flight: int,
    program: Program,
    kept: Table[str, float],
    ruled: Table[int, Chip] = {},
) -> ChipCosts:
    """Return the costs on a chip whose tiles are placed as ``chip.mapping.placement`` says.

    "traffic" weighs what the first samples move, `MEASURED` of them.
    """
    costs = ChipCosts(chip, mapping, places, in_flight, kept=kept, ruled=ruled)
    if costs.network is None or chip.mapping.placement != "traffic":
        return costs
    found: Flows = Counter()
    for key, n in Counter(program.key(sample) for sample in range(MEASURED)).items():
        first = next(sample for sample in range(MEASURED) if program.key(sample) == key)
        for flow, n_bytes in flows(costs, program.operations(first)).items():
            found[flow] += n * n_bytes
    return ChipCosts(chip, mapping, places, in_flight, fewest_byte_hops(costs, found), kept, ruled)
