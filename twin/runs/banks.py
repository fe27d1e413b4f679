"""What a DRAM's rows did in a run, and where its energy went."""

from twin.chip import ChipCosts, Component
from twin.engine import Engine
from twin.units import PS

Row = tuple[int, str, str, float, str]


def memory_rows(engine: Engine) -> list[Row]:
    """Return rows of diagnostics, none without a DRAM; what skipped samples opened is estimated."""
    costs, ledger = engine.costs, engine.ledger
    if not isinstance(costs, ChipCosts) or costs.dram is None:
        return []
    dram, opened = costs.dram, float(ledger.activations.sum())
    accesses = sum(
        int(n) * dram.bursts(template.demand.payload[1])
        for template, n in zip(ledger.templates, ledger.n, strict=True)
        if template.access >= 0 and template.demand.payload is not None
    )
    joules = float(ledger.energy_J()[:, Component.MEMORY].sum())
    seconds = engine.now_ps * PS * (costs.network.n_chips if costs.network else 1)
    return [
        (-1, "memory", "column accesses", float(accesses), "bursts"),
        (-1, "memory", "rows opened", opened, "activations"),
        (-1, "memory", "energy of activations", opened * dram.activate_J, "J"),
        (-1, "memory", "energy of column accesses and wires", joules - opened * dram.activate_J, "J"),
        (-1, "memory", "energy of refresh", dram.refresh_W * seconds, "J"),
        (-1, "memory", "energy of background", dram.background_W * seconds, "J"),
    ]
