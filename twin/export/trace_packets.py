"""Packets of a Perfetto trace, one after another into a file."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import TracePacket, TrackDescriptor, TrackEvent
from perfetto.trace_builder.proto_builder import StreamingTraceProtoBuilder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SEQUENCE = 1


class Packets:
    """Writes tracks, slices and counters; names are written once and referred to by number.

    Slices of one track are written in the order of their time, and end before the next begins.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._builder = StreamingTraceProtoBuilder(stream)
        self._uuid = 0
        self._names: dict[str, dict[str, int]] = {
            "event_names": {},
            "event_categories": {},
            "debug_annotation_names": {},
        }
        packet = self._packet()
        packet.sequence_flags = TracePacket.SEQ_INCREMENTAL_STATE_CLEARED
        packet.first_packet_on_sequence = True
        self._builder.write_packet(packet)

    def track(self, name: str, parent: int = 0, *, rank: int = 0) -> int:
        """Make a track below another, `rank` among its siblings; return its number."""
        packet = self._describe(name, parent, rank)
        self._builder.write_packet(packet)
        return self._uuid

    def counter(self, name: str, parent: int, unit: str, *, rank: int = 0) -> int:
        """Make a track of numbers; return its number."""
        packet = self._describe(name, parent, rank)
        packet.track_descriptor.counter.unit_name = unit
        self._builder.write_packet(packet)
        return self._uuid

    def begin(
        self,
        track: int,
        at_ps: int,
        name: str,
        category: str,
        arguments: Mapping[str, Any],
        flows: Sequence[int] = (),
        ends: Sequence[int] = (),
    ) -> None:
        """Begin a slice, from which the arrows `flows` start and at which the arrows `ends` do."""
        packet = self._event(track, at_ps, TrackEvent.TYPE_SLICE_BEGIN)
        event = packet.track_event
        event.name_iid = self._number(packet, "event_names", name)
        event.category_iids.append(self._number(packet, "event_categories", category))
        for key, value in arguments.items():
            annotation = event.debug_annotations.add()
            annotation.name_iid = self._number(packet, "debug_annotation_names", key)
            if isinstance(value, str):
                annotation.string_value = value
            elif isinstance(value, float):
                annotation.double_value = value
            else:
                annotation.int_value = value
        event.flow_ids.extend(flows)
        event.terminating_flow_ids.extend(ends)
        self._builder.write_packet(packet)

    def end(self, track: int, at_ps: int) -> None:
        """End the slice that the track has begun."""
        self._builder.write_packet(self._event(track, at_ps, TrackEvent.TYPE_SLICE_END))

    def count(self, track: int, at_ps: int, value: float) -> None:
        """Give a counter a value."""
        packet = self._event(track, at_ps, TrackEvent.TYPE_COUNTER)
        packet.track_event.double_counter_value = value
        self._builder.write_packet(packet)

    def _packet(self) -> Any:
        packet = self._builder.create_packet()
        packet.trusted_packet_sequence_id = SEQUENCE
        return packet

    def _describe(self, name: str, parent: int, rank: int) -> Any:
        self._uuid += 1
        packet = self._packet()
        descriptor = packet.track_descriptor
        descriptor.uuid, descriptor.name, descriptor.sibling_order_rank = self._uuid, name, rank
        descriptor.child_ordering = TrackDescriptor.EXPLICIT
        if parent:
            descriptor.parent_uuid = parent
        return packet

    def _event(self, track: int, at_ps: int, kind: int) -> Any:
        packet = self._packet()
        packet.timestamp = at_ps
        packet.sequence_flags = TracePacket.SEQ_NEEDS_INCREMENTAL_STATE
        packet.track_event.type, packet.track_event.track_uuid = kind, track
        return packet

    def _number(self, packet: Any, table: str, name: str) -> int:
        """Return the number of a name, which the packet defines where it is new."""
        known = self._names[table]
        number = known.get(name)
        if number is None:
            number = known[name] = len(known) + 1
            entry = getattr(packet.interned_data, table).add()
            entry.iid, entry.name = number, name
        return number
