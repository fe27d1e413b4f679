"""What a trace says, read without the trace processor."""

from collections import Counter, defaultdict
from typing import NamedTuple

from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent


class Slice(NamedTuple):
    """One slice: track, begin, end (ps), name, arguments, and numbers of the arrows from and to it."""

    track: str
    begin: int
    end: int
    name: str
    arguments: dict
    leaving: list
    arriving: list


class Decoded(NamedTuple):
    """Slices in the order of the file, and counters as (track, unit) -> list of (ps, value)."""

    slices: list
    counters: dict

    def busy(self):
        """Return the time in slices by track."""
        found = Counter()
        for one in self.slices:
            found[one.track] += one.end - one.begin
        return found


def decode(path):
    """Read a trace; every end must meet a begun slice of its track."""
    trace = Trace()
    trace.ParseFromString(path.read_bytes())
    tracks, names, keys, slices, begun, counters = {}, {}, {}, [], {}, defaultdict(list)
    for packet in trace.packet:
        names |= {one.iid: one.name for one in packet.interned_data.event_names}
        keys |= {one.iid: one.name for one in packet.interned_data.debug_annotation_names}
        if packet.HasField("track_descriptor"):
            one = packet.track_descriptor
            above = f"{tracks[one.parent_uuid][0]} > " if one.parent_uuid else ""
            tracks[one.uuid] = (above + one.name, one.counter.unit_name)
        if not packet.HasField("track_event"):
            continue
        event = packet.track_event
        track, unit = tracks[event.track_uuid]
        if event.type == TrackEvent.TYPE_SLICE_BEGIN:
            values = {keys[one.name_iid]: getattr(one, one.WhichOneof("value")) for one in event.debug_annotations}
            assert track not in begun
            begun[track] = Slice(
                track,
                packet.timestamp,
                -1,
                names[event.name_iid],
                values,
                list(event.flow_ids),
                list(event.terminating_flow_ids),
            )
        elif event.type == TrackEvent.TYPE_SLICE_END:
            slices.append(begun.pop(track)._replace(end=packet.timestamp))
        else:
            counters[track, unit].append((packet.timestamp, event.double_counter_value))
    assert not begun
    return Decoded(slices, dict(counters))


def track_of(server):
    """Return the track of a server of a chip without a cluster."""
    kind, _, tile = server.partition(" ")
    lanes = {"tile": "arrays and converters", "digital": "digital", "link": "link", "registers": "registers"}
    if tile and kind in lanes and ">" not in tile:
        return f"chip 0 > tile {tile} > {lanes[kind]}"
    return f"chip 0 > {server}"
