"""Chips with a network, of any topology, alone and in clusters."""

import re
from pathlib import Path

from twin.chip.kinds import kinds_at
from twin.config.part import dimension_of
from twin.config.resources import shipped
from twin.descriptions.load import load_chip
from twin.descriptions.resolved import resolved_toml

NETWORK = {
    "network.routing": "shortest-path",
    "network.concentration": "1",
    "network.buffer": "n0",
    "network.memory": "n0",
    "network.host": "n0",
    "network.flit": "4 B",
    "network.bandwidth": "4 GB/s",
    "network.router_delay": "3 ns",
    "network.energy": "0.5 pJ/bit",
    "network.router_area": "0.047 mm^2",
    "network.router_leakage": "0.41 mW",
}
CLUSTER = {
    "cluster.topology": "ring",
    "cluster.routing": "shortest-path",
    "cluster.chips": "2",
    "cluster.tiles": "4",
    "cluster.gate": "n0",
    "cluster.bandwidth": "1 GB/s",
    "cluster.latency": "50 ns",
    "cluster.energy": "10 pJ/bit",
    "cluster.area": "5.72 mm^2",
    "cluster.leakage": "1 mW",
}
CORNER = {"network.buffer": "r0c0", "network.memory": "r0c0", "network.host": "r0c0"}


def network_chip(topology, **more):
    """aimc-512 with a network of `topology`; the parts beside the tiles sit at its first node."""
    settings = {**NETWORK, "network.topology": topology, **_dotted(more)}
    if topology in ("mesh", "torus"):
        settings = {**settings, "network.routing": "dimension-ordered", **CORNER, **_dotted(more)}
    if topology == "tree":
        settings.setdefault("network.branching", "3")
    return load_chip("aimc-512", settings).model


def cluster_chip(topology="ring", **more):
    """As `network_chip`, several of them."""
    gate = {"cluster.gate": "r0c0"} if topology in ("mesh", "torus") else {}
    return network_chip(topology, **{**CLUSTER, **gate, **_dotted(more)})


def of_kind(place, name):
    """Return a table of a kind: that of a shipped chip, else one of every quantity's example."""
    for chip in shipped("chip"):
        table = getattr(load_chip(chip).model, place)
        if table is not None and table.kind == name:
            return table
    kind = kinds_at(place)[name]
    needed = {key: dimension_of(field) for key, field in kind.model_fields.items() if field.is_required()}
    return kind.model_validate({key: one.example for key, one in needed.items() if one} | {"kind": name})


def without_technology(folder):
    """Write aimc-512 as a chip that gives all of its values and derives none, and return the path."""
    text = re.sub(r"  # .*", "", resolved_toml(load_chip("aimc-512")).partition("\n")[2])
    text = re.sub(r"^\[(technology|power[a-z.]*)\]\n(?:[^\[\n].*\n|\n)*", "", text, flags=re.MULTILINE)
    lines = [line for line in text.splitlines() if not re.match(r'"?(technology|power|tile\.(write_|half_))', line)]
    lines = [line for line in lines if not line.startswith(("write_", "half_select"))]
    path = Path(folder) / "given.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def _dotted(more):
    return {key.replace("__", "."): value for key, value in more.items()}
