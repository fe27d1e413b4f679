"""The ledger as tidy tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.chip import Component, Path
from twin.chip.demand import SPENT_BY
from twin.engine.ledger import scaled
from twin.operation import Counts, Stream
from twin.units import PS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from twin.engine.bins import Bins
    from twin.engine.ledger import Ledger


def tables(ledger: Ledger, now_ps: int, setup_ps: int) -> dict[str, pd.DataFrame]:
    """Return the tables operations, energy, traffic, servers, bins and area; with a network, links."""
    found = {
        "operations": operations(ledger),
        "energy": energy(ledger, now_ps),
        "traffic": traffic(ledger),
        "servers": servers(ledger, now_ps).assign(bubble=bubbles(ledger, now_ps - setup_ps)),
        "bins": bins(ledger, now_ps),
        "area": area(ledger),
    }
    return found | ({"links": links(ledger, now_ps)} if ledger.carried().any() else {})


def operations(ledger: Ledger) -> pd.DataFrame:
    """Count, times and summed counts by kind, layer and matrix.

    `busy_ps` is the time from start until the last server is free, `latency_ps` what follows until
    completion, `wait_ps` the time from ready to start; those skipped wait as long as those run, on average.
    """
    import pandas as pd  # noqa: PLC0415

    ledger.constants()
    keys = [(str(t.operation.kind), t.operation.layer, t.operation.matrix) for t in ledger.templates]
    frame = pd.DataFrame(keys, columns=["kind", "layer", "matrix"])
    frame = frame.assign(count=ledger.n, busy_ps=ledger.busy_ps, wait_ps=ledger.wait_ps, latency_ps=ledger.latency_ps)
    frame["uses"] = ledger.n * [t.operation.uses for t in ledger.templates]
    for column in Counts:
        frame[column.name.lower()] = ledger.counts[:, column]
    frame["skipped"] = ledger.skipped.n
    frame = frame.groupby(["kind", "layer", "matrix"], sort=False, as_index=False).sum()
    skipped = frame.pop("skipped").to_numpy()
    frame["wait_ps"] += scaled(frame["wait_ps"].to_numpy(), skipped, frame["count"].to_numpy() - skipped)
    return frame


def energy(ledger: Ledger, now_ps: int) -> pd.DataFrame:
    """Energy by component, layer and kind; what flows without an operation is of the whole chip (layer -1)."""
    import pandas as pd  # noqa: PLC0415

    table = ledger.energy_J()
    rows = [
        (component.name.lower(), template.operation.layer, str(template.operation.kind), joules)
        for template, components in zip(ledger.templates, table.tolist(), strict=True)
        for component, joules in zip(Component, components, strict=True)
        if joules
    ]
    rows += standing_rows(ledger.standing_J(now_ps))
    frame = pd.DataFrame(rows, columns=["component", "layer", "kind", "energy_J"])
    return frame.groupby(["component", "layer", "kind"], sort=False, as_index=False).sum()


def standing_rows(joules: Mapping[Component, float]) -> list[tuple[str, int, str, float]]:
    """Return rows of the energy table for what flows without an operation."""
    return [(component.name.lower(), -1, component.name.lower(), value) for component, value in joules.items()]


def traffic(ledger: Ledger) -> pd.DataFrame:
    """Bytes by path, stream and layer."""
    import pandas as pd  # noqa: PLC0415

    delivered = ledger.delivered()
    paths, streams = [path.name.lower() for path in Path], [str(stream) for stream in Stream]
    rows = [
        (paths[path], streams[column], ledger.templates[number].operation.layer, int(delivered[number, path, column]))
        for number, path, column in np.argwhere(delivered).tolist()
    ]
    frame = pd.DataFrame(rows, columns=["path", "stream", "layer", "bytes"])
    return frame.groupby(["path", "stream", "layer"], sort=False, as_index=False).sum()


def joules(ledger: Ledger) -> NDArray[np.float64]:
    """Return the energy spent in every server, leakage left out, (n_servers,).

    The energy of an operation is shared by those of its servers in which its component is spent (`SPENT_BY`): by the
    links of a network in proportion to their bytes, by all others equally, as parts of a split matrix are alike to a
    line (assumption: their inputs and conductances too).
    """
    found = np.zeros(len(ledger.costs.servers))
    kinds = [server.kind for server in ledger.costs.servers]
    for template, spent in zip(ledger.templates, ledger.energy_J(), strict=True):
        if not template.servers:
            continue
        carried = dict(template.demand.carried)
        for component in np.flatnonzero(spent).tolist():
            if component == Component.WAKE:
                continue
            mine = [one for one in template.servers if kinds[one] in SPENT_BY[Component(component)]]
            mine = mine or list(template.servers)
            share = np.array([carried.get(one, 0) for one in mine], float)
            share = share / share.sum() if share.any() else np.full(len(mine), 1 / len(mine))
            np.add.at(found, mine, spent[component] * share)
    return found + ledger.gating.woken_J() if ledger.gating is not None else found


def servers(ledger: Ledger, now_ps: int) -> pd.DataFrame:
    """Work, energy and queue of every server.

    `mean_queue` counts those waiting and in service, by Little's law.
    """
    import pandas as pd  # noqa: PLC0415

    makespan = max(now_ps, 1)
    served, busy_ps, wait_ps = ledger.visits()
    return pd.DataFrame(
        {
            "server": [server.name for server in ledger.costs.servers],
            "kind": [server.kind for server in ledger.costs.servers],
            "served": served,
            "busy_ps": busy_ps,
            "utilisation": busy_ps / makespan,
            "wait_ps": wait_ps,
            "mean_queue": (busy_ps + wait_ps) / makespan,
            "energy_J": joules(ledger),
        }
    )


def bubbles(ledger: Ledger, elapsed_ps: int) -> NDArray[np.float64]:
    """Return the share of the time after the set-up, in which steps were under way, that every server was idle."""
    return 1.0 - (ledger.load_ps - ledger.skipped.setup_busy_ps) / max(elapsed_ps, 1)


def links(ledger: Ledger, now_ps: int) -> pd.DataFrame:
    """Bytes, load and waiting of every link of a network that carried something, busiest first."""
    frame = servers(ledger, now_ps).rename(columns={"server": "link"})
    frame = frame.assign(bytes=ledger.carried())
    frame = frame[frame["bytes"] > 0].sort_values(["busy_ps", "bytes"], ascending=False, kind="stable")
    return frame[["link", "kind", "bytes", "served", "busy_ps", "utilisation", "wait_ps"]].reset_index(drop=True)


def bins(ledger: Ledger, now_ps: int) -> pd.DataFrame:
    """Energy, leakage included, and bytes of each stream over time."""
    saved = ledger.gating.saved_until(now_ps) if ledger.gating is not None else None
    return bins_table(ledger.bins, now_ps, ledger.costs.standing.total_W, saved)


def bins_table(sums: Bins, now_ps: int, standing_W: float, saved: Bins | None = None) -> pd.DataFrame:
    """Return bins as a table: energy of operations, and what flows without them less what gating saves."""
    import pandas as pd  # noqa: PLC0415

    width = sums.width_ps
    used = min(now_ps // width + 1, len(sums.energy_J))
    t0 = np.arange(used) * width
    t1 = np.minimum(t0 + width, now_ps)
    standing_J = standing_W * (t1 - t0) * PS
    if saved is not None:
        standing_J -= saved.widened(width)[:used]
    frame = pd.DataFrame({"t0_ps": t0, "t1_ps": t1, "energy_J": sums.energy_J[:used] + standing_J})
    for column, stream in enumerate(Stream):
        frame[str(stream)] = sums.n_bytes[:used, column]
    return frame


def area(ledger: Ledger) -> pd.DataFrame:
    """Silicon and leakage by part."""
    import pandas as pd  # noqa: PLC0415

    return pd.DataFrame(ledger.costs.area(), columns=["part", "count", "area_m2", "leakage_W"])
