"""The layers of a run as programs and placement take them, whether it is trained or only timed."""

from collections.abc import Sequence

from twin.algorithms.nodes import learner_of, wiring_of
from twin.algorithms.steps import LayerSteps
from twin.chip import Kept
from twin.config.chip import Chip
from twin.config.optimiser import Optimiser
from twin.descriptions.workload import Training
from twin.errors import TwinError
from twin.machine.design import Design
from twin.mapping import Mapping
from twin.networks.lowering import FAN_OUT
from twin.networks.network import Network, input_words
from twin.operation import Stream


def layer_steps(
    network: Network,
    mapping: Mapping,
    designs: Sequence[Design],
    prefetch: Sequence[int],
    optimiser: Optimiser | None,
    *,
    stored_pulses: bool,
    batch: int,
) -> list[LayerSteps]:
    """Return the layers of a network as programs take them; `designs` and `prefetch` are by layer."""
    mains = tuple(one.algorithm.main for one in designs)
    learnt = [k for k, one in enumerate(designs) if one.settings.optimised]
    cadences = [one.settings.cadence(layer, batch) for layer, one in zip(network.layers, designs, strict=True)]
    return [
        LayerSteps(
            layer,
            mapping,
            0 if design.settings.gathers(batch) else every,
            design.settings.transfer_axis,
            network.stepwise(layer),
            ahead,
            stored_pulses,
            wired=wiring_of(network.flow, layer.index) if network.flow else None,
            learner=learner_of(network, layer.index, optimiser, learnt) if layer.index in learnt else None,
            batch=batch,
            mains=mains,
            events=events,
            n_reads=design.settings.n_reads_per_transfer,
        )
        for layer, design, ahead, (every, events) in zip(network.layers, designs, prefetch, cadences, strict=True)
    ]


def kept(
    network: Network,
    designs: Sequence[Design],
    chip: Chip,
    training: Training,
    optimiser: Optimiser | None = None,
) -> list[Kept]:
    """Return what is kept at once: digital matrices, vectors of every sample in flight, and samples that came ahead."""
    in_flight, early = training.in_flight * training.batch, chip.placement.prefetch_input * training.batch
    mains = [one.algorithm.main for one in designs]
    found = (
        [Kept(Stream.ACTIVATIONS, early * input_words(network.layers[0], network.flow), -1, mains[0])] if early else []
    )
    for layer, design in zip(network.layers, designs, strict=True):
        settings, main, fast = design.settings, design.algorithm.main, design.algorithm.fast
        digital = design.algorithm.digital
        pulsed = not digital and not settings.accumulates and chip.placement.pulses != "drivers"
        ahead = chip.placement.prefetch_h * settings.h_words if settings.filtered else 0
        learnt = 1 + optimiser.moments if settings.optimised and optimiser else 0  # gradients and moments
        k, weights = layer.index, layer.n_in * layer.n_out
        inputs, lines = in_flight * layer.n_in * layer.uses, in_flight * (layer.n_in + layer.answered) * layer.uses
        found += [
            Kept(Stream.H, weights * (settings.h_words + (learnt if settings.accumulates else 0)), k, fast),
            Kept(Stream.WEIGHTS, weights * (len(design.algorithm.matrices) + learnt) if digital else 0, k, main),
            Kept(Stream.ACTIVATIONS, inputs, k - 1, mains[max(k - 1, 0)]),
            Kept(Stream.ERRORS, lines, k, main),
            Kept(Stream.PULSES, lines if pulsed else 0, k, fast),
        ]
        if ahead:
            length = layer.n_in if settings.transfer_axis == "row" else layer.n_out
            found.append(Kept(Stream.H, ahead * length, k, fast, ahead=True))
    for node in network.flow.nodes if network.flow else ():
        main = mains[node.host]
        if node.kind != FAN_OUT:
            moving = in_flight * (node.size + node.cost.kept)
            found.append(Kept(Stream.ACTIVATIONS, moving, node.host, main))
            found.append(Kept(Stream.ERRORS, in_flight * sum(node.sizes), node.host, main))
        if optimiser is not None:
            found.append(Kept(Stream.WEIGHTS, node.parameters * (1 + optimiser.moments), node.host, main))
    return found


def prefetched(chip: Chip, network: Network, designs: Sequence[Design]) -> tuple[int, ...]:
    """Return by layer how many lines of H are fetched ahead; every layer must have more."""
    found = []
    for layer, settings in zip(network.layers, (one.settings for one in designs), strict=True):
        found.append(chip.placement.prefetch_h if settings.filtered else 0)
        lines = layer.n_out if settings.transfer_axis == "row" else layer.n_in
        if found[-1] >= lines:
            raise TwinError(
                f"{chip.name}: placement.prefetch_h (= {found[-1]}): layer {layer.index} has {lines} lines of H; fetch "
                f"at most {lines - 1} ahead"
            )
    return tuple(found)


def check_transfers(designs: Sequence[Design], network: Network) -> None:
    """Raise TwinError where numbers of updates are given a layer, and not one for each."""
    layers = len(network.layers)
    for design in designs:
        given = design.settings.transfer_every_per_layer
        if given and len(given) != layers:
            raise TwinError(
                f"algorithms.{design.algorithm.name}.transfer_every_per_layer (= {list(given)}): must have {layers} "
                f"numbers, one for each layer with weights; it has {len(given)}"
            )
