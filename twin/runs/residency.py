"""What a timing-only network keeps on each chip, and where it goes when the buffer is too small."""

from collections import Counter
from collections.abc import Mapping

from twin.algorithms.settings import Settings
from twin.chip.capacity import check_capacity
from twin.chip.streams import FIELDS
from twin.config.chip import Chip
from twin.errors import TwinError
from twin.mapping.chips import Placement
from twin.networks.blocks import BlockNetwork
from twin.operation import Stream

PLACES = ("buffer", "memory")
SPILLING = (Stream.ERRORS, Stream.ACTIVATIONS, Stream.H, Stream.WEIGHTS)
"""Streams in the order in which they leave a buffer that is too small."""


def check_described(chip: Chip, *, several: bool) -> None:
    """Refuse what the costs of timing-only workloads do not describe, of one chip (or cluster) or of `several`.

    Raises
    ------
    TwinError
        Naming the table or the key.
    """
    placement = chip.placement
    places = {"h": placement.h, "activations": placement.activations, "errors": placement.errors}
    wrong = next((f"placement.{key} (= {place!r})" for key, place in places.items() if place not in PLACES), "")
    if placement.pulses != "drivers":
        wrong = f"placement.pulses (= {placement.pulses!r})"
    if placement.prefetch_h:
        wrong = f"placement.prefetch_h (= {placement.prefetch_h})"
    if wrong:
        raise TwinError(f"{chip.name}: {wrong}: is not described for timing-only workloads; use buffer or memory")
    if not several:
        return
    if chip.memory.banked:
        wrong = f"memory.kind (= {chip.memory.kind!r})"
    if chip.network is not None:
        wrong = "network"
    if chip.mapping.pack or any(copies > 1 for copies in chip.mapping.replicate):
        wrong = "mapping"
    if wrong:
        raise TwinError(
            f"{chip.name}: {wrong}: is described for one chip or a [cluster], and the network takes several of a "
            "[system]; use a chip with a memory channel and links, e.g. aimc-512"
        )


def resident_per_chip(
    network: BlockNetwork, placement: Placement | None, settings: Settings, algorithm: str, in_flight: int, shared: int
) -> dict[Stream, int]:
    """Return the words of each stream kept at once on a chip: of the fullest block, or of a network on `shared` chips.

    A layer keeps for every sample in flight what it hands on and what its way back needs, and errors of its inputs
    and outputs; words lie in equal shares on the chips of a block.
    """
    if placement is None:
        whole = _resident(network, range(len(network.layers)), settings, algorithm, in_flight)
        return {stream: -(-words // shared) for stream, words in whole.items()}
    chips = Counter(placement.block)
    shares: dict[Stream, int] = {}
    for number, layers in enumerate(network.blocks):
        for stream, words in _resident(network, layers, settings, algorithm, in_flight).items():
            shares[stream] = max(shares.get(stream, 0), -(-words // chips[number]))
    return shares


def _resident(
    network: BlockNetwork, layers: range, settings: Settings, algorithm: str, in_flight: int
) -> dict[Stream, int]:
    own = [network.layers[k] for k in layers]
    weights = sum(layer.n_in * layer.n_out for layer in own)
    return {
        Stream.H: weights * settings.h_words,
        Stream.WEIGHTS: weights if algorithm == "digital" else 0,
        Stream.ACTIVATIONS: in_flight * sum(layer.handed + layer.kept for layer in own),
        Stream.ERRORS: in_flight * sum((layer.n_in + layer.n_out) * layer.uses for layer in own),
    }


def spilled(chip: Chip, resident: Mapping[Stream, int]) -> tuple[Chip, list[str]]:
    """Return the chip with streams that do not fit the buffer placed in memory, and a line about each."""
    lines: list[str] = []
    for stream in SPILLING:
        try:
            check_capacity(chip, resident)
        except TwinError:
            field = FIELDS[stream]
            if getattr(chip.placement, field) == "buffer" and resident.get(stream):
                moved = chip.placement.model_copy(update={field: "memory"})
                chip = chip.model_copy(update={"placement": moved})
                lines.append(f"placement.{field}: {resident[stream]:,} words a chip leave the buffer for the memory")
    return chip, lines
