"""What a run's memory has to say beside its servers' rows, such as what the rows of a DRAM did."""

from twin.chip import ChipCosts, Component
from twin.chip.mover import Spent
from twin.engine import Engine
from twin.units import PS

Row = tuple[int, str, str, float, str]


def memory_rows(engine: Engine) -> list[Row]:
    """Return rows of diagnostics; what skipped samples opened is estimated."""
    costs, ledger = engine.costs, engine.ledger
    if not isinstance(costs, ChipCosts):
        return []
    moved = [
        (template.demand.payload[1], int(n))
        for template, n in zip(ledger.templates, ledger.n, strict=True)
        if template.access >= 0 and template.demand.payload is not None
    ]
    spent = Spent(
        joules=float(ledger.energy_J()[:, Component.MEMORY].sum()),
        activations=float(ledger.activations.sum()),
        moved=moved,
        seconds=engine.now_ps * PS * (costs.network.n_chips if costs.network else 1) * costs.on["memory"],
    )
    return [(-1, "memory", *row) for row in costs.moves.stores["memory"].diagnostics(spent)]
