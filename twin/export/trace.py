"""A Perfetto trace of some samples: servers as tracks, operations as slices, one sample as a chain of arrows.

Perfetto's clock counts nanoseconds; here one of its nanoseconds is a picosecond of the chip, so that nothing is
rounded. Queries give picoseconds where the documentation of Perfetto says nanoseconds.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from twin.export.trace_counters import depths, rates
from twin.export.trace_packets import Packets
from twin.files import whole
from twin.operation import Counts, Stream
from twin.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.engine.legend import Legend
    from twin.engine.recorder import Events

SCALE = "1 ns on screen is 1 ps of the chip"
LANES = {"tile": "arrays and converters", "digital": "digital", "link": "link", "registers": "registers"}
"""Servers that every tile has for itself, in the order of their tracks."""


class About(NamedTuple):
    """What the trace is of.

    Attributes
    ----------
    run, command : str
        Name of the run, and what repeats it.
    first, last : int
        Its samples are `first` to `last` - 1.
    samples, in_flight : int
        Of the whole run.
    end_ps : int
        Of the window.
    """

    run: str
    command: str
    first: int
    last: int
    samples: int
    in_flight: int
    end_ps: int


class Visit(NamedTuple):
    """An operation at one of its servers: which event, the server, how long."""

    event: int
    server: int
    busy_ps: int


def write_trace(path: Path, events: Events, legend: Legend, about: About) -> None:
    """Write a trace for ui.perfetto.dev and the trace processor.

    Parameters
    ----------
    path : Path
    events : ndarray of `twin.engine.recorder.EVENT`
        In the order of reservation.
    legend : Legend
    about : About

    Raises
    ------
    TwinError
        When the file cannot be written.
    """
    which, server, busy_ps = legend.visits(events)
    visits = [Visit(*one) for one in zip(which.tolist(), server.tolist(), busy_ps.tolist(), strict=True)]
    with whole(path) as stream:
        packets = Packets(stream)
        _window(packets, events, legend, about)
        _samples(packets, events, about)
        tracks = _servers(packets, legend, sorted(set(server.tolist())))
        _slices(packets, events, legend, visits, tracks)
        _queues(packets, events, legend, (which, server, busy_ps))
        _bandwidth(packets, events, legend)
        _power(packets, events, legend)


def _window(packets: Packets, events: Events, legend: Legend, about: About) -> None:
    """Say what the trace is, and what cannot be drawn because it took no time."""
    track = packets.track(f"twin: {SCALE}")
    begin_ps = int(events["start_ps"].min()) if len(events) else 0
    instant = events["done_ps"] == events["start_ps"]
    arguments = {
        "time_unit": "ps",
        "twin_version": __version__,
        "command": about.command,
        "first_sample": about.first,
        "last_sample": about.last - 1,
        "operations": len(events),
        "leakage_W": legend.leakage_W,
        "joules": float(events["energy_J"].sum()),
        "joules_without_duration": float(events["energy_J"][instant].sum()),
    }
    name = f"{about.run}, samples {about.first} to {about.last - 1} of {about.samples}"
    packets.begin(track, begin_ps, name, "run", arguments)
    packets.end(track, max(about.end_ps, begin_ps))


def _samples(packets: Packets, events: Events, about: About) -> None:
    """Draw a track a place in flight, with the samples that took it, from their first ready operation to their end."""
    parent = packets.track("samples in flight")
    numbers, first = np.unique(events["sample"], return_index=True)
    slots: dict[int, int] = {}
    for number in numbers[np.argsort(first)].tolist():
        slot = number % about.in_flight if number >= 0 else 0
        if slot not in slots:
            slots[slot] = packets.track(f"place {slot}", parent, rank=slot)
        own = events[events["sample"] == number]
        for begin, end in _stretches(own) if number < 0 else [(0, len(own))]:
            part = own[begin:end]
            at_ps, end_ps = int(part["ready_ps"].min()), int(part["done_ps"].max())
            arguments = {
                "sample": number,
                "operations": len(part),
                "start_ps": at_ps,
                "duration_ps": end_ps - at_ps,
                "joules": float(part["energy_J"].sum()),
            }
            packets.begin(slots[slot], at_ps, _sample(number, about), "sample", arguments)
            packets.end(slots[slot], end_ps)


def _stretches(own: Events) -> Iterator[tuple[int, int]]:
    """Split the operations of several set-ups, which all have one number, where their numbers are not contiguous."""
    cuts = [0, *(np.flatnonzero(np.diff(own["index"]) > 1) + 1).tolist(), len(own)]
    yield from pairwise(cuts)


def _sample(number: int, about: About) -> str:
    if number < 0:
        return "set-up"
    return f"sample {number}" if number < about.samples else "read-out"


def _servers(packets: Packets, legend: Legend, used: list[int]) -> dict[int, int]:
    """Make a track for every server that was visited: chip > tile > what the tile has for itself; others below it."""
    chips: dict[int, int] = {}
    tiles: dict[tuple[int, str], int] = {}
    tracks: dict[int, int] = {}
    ranks = list(LANES)
    for number in used:
        server, chip = legend.servers[number], legend.chips[number]
        if chip not in chips:
            chips[chip] = packets.track(f"chip {chip}" if chip >= 0 else "between chips", rank=10 + chip)
        if not _lane(legend, number):
            tracks[number] = packets.track(server.name, chips[chip], rank=1_000_000 + number)
            continue
        tile = server.name.partition(" ")[2]
        if (chip, tile) not in tiles:
            tiles[chip, tile] = packets.track(f"tile {tile}", chips[chip], rank=len(tiles))
        tracks[number] = packets.track(LANES[server.kind], tiles[chip, tile], rank=ranks.index(server.kind))
    return tracks


def _lane(legend: Legend, number: int) -> bool:
    """Return whether a server belongs to one tile."""
    server = legend.servers[number]
    return server.kind in LANES and " " in server.name


def _slices(packets: Packets, events: Events, legend: Legend, visits: list[Visit], tracks: dict[int, int]) -> None:
    names = [_name(legend, k) for k in range(len(legend.templates))]
    kinds = [str(template.operation.kind) for template in legend.templates]
    arrows = _arrows(events, {visit.event for visit in visits})
    outgoing: dict[int, list[int]] = {}
    for target, source in arrows.items():
        outgoing.setdefault(source, []).append(1 + int(events["index"][target]))
    before = -1
    for visit in visits:
        event, template = events[visit.event], int(events["template"][visit.event])
        first = visit.event != before  # one slice of an operation carries its arrows
        before = visit.event
        start_ps = int(event["start_ps"])
        packets.begin(
            tracks[visit.server],
            start_ps,
            names[template],
            kinds[template],
            _arguments(event, legend) | {"duration_ps": visit.busy_ps},
            flows=outgoing.get(visit.event, []) if first else [],
            ends=[1 + int(event["index"])] if first and visit.event in arrows else [],
        )
        packets.end(tracks[visit.server], start_ps + visit.busy_ps)


def _name(legend: Legend, template: int) -> str:
    operation = legend.templates[template].operation
    place = f"{operation.layer}.{operation.matrix}" if operation.matrix else str(operation.layer)
    return f"{operation.kind} {place}" if operation.layer >= 0 else str(operation.kind)


def _arguments(event: Any, legend: Legend) -> dict[str, Any]:
    """Return what a slice says of its operation; joules and bytes are of all its servers together."""
    template = legend.templates[event["template"]]
    operation, demand = template.operation, template.demand
    found: dict[str, Any] = {
        "operation": int(event["index"]),
        "sample": int(event["sample"]),
        "layer": operation.layer,
        "start_ps": int(event["start_ps"]),
        "wait_ps": int(event["start_ps"] - event["ready_ps"]),
        "latency_ps": int(event["latency_ps"]),
        "joules": float(event["energy_J"]),
        "ready_after": legend.cause(int(event["code"])),
    }
    if operation.matrix:
        found["matrix"] = operation.matrix
    if event["server"] >= 0:
        found["waited_for"] = legend.servers[event["server"]].name
    if demand.payload is not None:
        found |= {"stream": str(demand.payload[0]), "bytes": demand.payload[1]}
    return found | {
        column.name.lower(): float(event["counts"][column])
        for column in Counts
        if event["counts"][column] and column is not Counts.LOSS
    }


def _arrows(events: Events, drawn: set[int]) -> dict[int, int]:
    """Return for each drawn operation the drawn one of its sample that made it ready, or led to what did.

    Operations without a slice, because they took no time, are passed over.
    """
    first = int(events["index"][0]) if len(events) else 0
    where = {index: k for k, index in enumerate((events["index"] - first).tolist())}
    release, sample = (events["release"] - first).tolist(), events["sample"].tolist()
    origin: dict[int, int] = {}  # the last drawn operation on the way to each
    arrows: dict[int, int] = {}
    for k in range(len(events)):
        source = where.get(release[k])
        before = origin.get(source) if source is not None and sample[source] == sample[k] else None
        if k in drawn and before is not None:
            arrows[k] = before
        if k in drawn:
            origin[k] = k
        elif before is not None:
            origin[k] = before
    return arrows


def _queues(
    packets: Packets,
    events: Events,
    legend: Legend,
    visits: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
) -> None:
    """Draw how many operations wait for every server or are in its service."""
    which, server, busy_ps = visits
    parent = packets.track("queue depth")
    for number in np.unique(server).tolist():
        mine = server == number
        own = events[which[mine]]
        track = packets.counter(legend.servers[number].name, parent, "operations", rank=number)
        for at_ps, present in depths(own["ready_ps"], own["start_ps"] + busy_ps[mine]):
            packets.count(track, at_ps, float(present))


def _bandwidth(packets: Packets, events: Events, legend: Legend) -> None:
    """Draw the bytes a second of every stream, each operation's spread evenly from its start to its completion."""
    parent = packets.track("bandwidth")
    constants, template = legend.constants, events["template"]
    payload, stream = constants.payload[template], constants.stream[template]
    for column, name in enumerate(Stream):
        mine = (stream == column) & (payload > 0)
        if mine.any():
            track = packets.counter(str(name), parent, "B/s", rank=column)
            own = events[mine]
            for at_ps, rate in rates(own["start_ps"], own["done_ps"], payload[mine]):
                packets.count(track, at_ps, rate)


def _power(packets: Packets, events: Events, legend: Legend) -> None:
    """Draw the power, each operation's energy spread evenly from its start to its completion, and leakage."""
    track = packets.counter("power", 0, "W", rank=0)
    for at_ps, watts in rates(events["start_ps"], events["done_ps"], events["energy_J"]):
        packets.count(track, at_ps, watts + legend.leakage_W)
