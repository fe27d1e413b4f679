"""A timing-only network as data: blocks of matrices, each once or as often as it repeats."""

from collections.abc import Sequence
from dataclasses import dataclass

from twin.networks.layers import Matrix
from twin.networks.listed import Blocks, MatrixLayer
from twin.networks.work import ATTENTION, POOLS, Cost, cost


@dataclass(frozen=True, slots=True)
class BlockNetwork:
    """Layers in order and the block that each belongs to.

    Attributes
    ----------
    layers : tuple of Matrix
    blocks : tuple of range
        The layers of each block.
    names : tuple of str
        Of the blocks; a copy is ``"decoder[3]"`` where all are listed.
    copies : tuple of int
        How many blocks each one stands for.
    listed : tuple of int
        Which layer of the description each layer is.
    parameters : int
        Trainable parameters of the whole network as it is published: analog and digital, tied ones once.
    digital_parameters : int
        Those that are not on arrays.
    input_words : int
        Words a sample brings from the host.
    """

    layers: tuple[Matrix, ...]
    blocks: tuple[range, ...]
    names: tuple[str, ...]
    copies: tuple[int, ...]
    listed: tuple[int, ...]
    parameters: int
    digital_parameters: int
    input_words: int

    @classmethod
    def of(cls, config: Blocks, *, expand: bool) -> "BlockNetwork":
        """Build the network; with `expand` every copy of a block is listed, else each block once."""
        layers: list[Matrix] = []
        blocks, names, copies = [], [], []
        numbers: list[int] = []
        analog = digital = before = 0
        for block in config.blocks:
            listed = block.repeat if expand else 1
            for copy in range(listed):
                first = len(layers)
                name = f"{block.name}[{copy}]" if listed > 1 else block.name
                layers += [_matrix(len(layers) + k, name, layer) for k, layer in enumerate(block.layers)]
                blocks.append(range(first, len(layers)))
                names.append(name)
                copies.append(block.repeat // listed)
                numbers += range(before, before + len(block.layers))
            before += len(block.layers)
            for layer in block.layers:
                analog += 0 if layer.tied else block.repeat * layer.n_in * layer.n_out
                digital += block.repeat * sum(one.parameters for one in costs(layer))
        return cls(
            tuple(layers),
            tuple(blocks),
            tuple(names),
            tuple(copies),
            tuple(numbers),
            analog + digital,
            digital,
            config.input_words,
        )

    @property
    def shapes(self) -> Sequence[tuple[int, int]]:
        """(input lines, output lines) of each layer's matrix."""
        return [(layer.n_in, layer.n_out) for layer in self.layers]


def costs(layer: MatrixLayer) -> list[Cost]:
    """Return the cost of each kind of digital work of a layer."""
    return [
        cost(
            work.kind,
            work.positions or layer.uses,
            work.width or layer.n_out,
            heads=work.heads,
            causal=work.causal,
            window=work.window,
        )
        for work in layer.work
    ]


def _matrix(index: int, block: str, layer: MatrixLayer) -> Matrix:
    found = costs(layer)
    handed = layer.n_out * layer.uses
    for work in layer.work:
        if work.kind == ATTENTION or work.kind in POOLS:
            handed = (work.positions or layer.uses) * (work.width or layer.n_out)
    return Matrix(
        index,
        f"{block}.{layer.name}",
        layer.n_in,
        layer.n_out,
        layer.uses,
        layer.one_hot,
        handed,
        sum(one.kept for one in found),
        sum(one.forward for one in found),
        sum(one.backward for one in found),
    )
