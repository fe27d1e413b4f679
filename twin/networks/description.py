"""The description of a network: nodes, each with the nodes it takes its inputs from."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Self, Union

from pydantic import Field, model_validator

from twin.config.checks import Identifier, refusal
from twin.config.part import KeyPath, Part
from twin.config.resources import suggestion
from twin.errors import TwinError
from twin.networks.kinds import node_classes
from twin.networks.kinds.matrices import Conv, Dense, Recurrent
from twin.networks.kinds.node import Node
from twin.networks.kinds.tables import Embedding
from twin.networks.onnx.reading import Reading

if TYPE_CHECKING:
    from typing import TypeAlias

    Simple: TypeAlias = Node
else:
    Simple = Annotated[Union[node_classes()], Field(discriminator="kind")]  # noqa: UP007 - known when they are found

INPUT = "input"


class Block(Part):
    """Nodes in a row that are repeated, with weights of their own each time."""

    kind: Literal["block"]
    """Chooses a block."""
    name: Identifier
    """Name before those of its nodes: node "add" of the third copy of block "b" is "b.2.add"."""
    repeat: Annotated[int, Field(ge=1, le=10_000)] = 1
    """How often the block stands, one copy after another."""
    nodes: Annotated[tuple[Simple, ...], Field(strict=False, min_length=1, max_length=1000)]
    """Its nodes; "input" is what the block takes, the last node is what it gives."""


class Listed(NamedTuple):
    """A node with what follows from its place.

    Attributes
    ----------
    node : Node
    name : str
    inputs : tuple of str
    at : tuple
        Where the description has it.
    copy : int
        Of which copy of its block it is; 0 outside of blocks.
    """

    node: Node
    name: str
    inputs: tuple[str, ...]
    at: KeyPath
    copy: int = 0


def _reading(table: dict[str, Any]) -> Reading:
    """Return how a file is to be read, of a description that is not checked yet."""
    sizes, norms = table.get("sizes", {}), table.get("batch_norm", "kept")
    if not isinstance(sizes, dict) or any(type(one) is not int or one < 1 for one in sizes.values()):
        raise refusal(("sizes",), "must be a table of whole numbers of at least 1, e.g. { height = 32 }")
    if norms not in {"kept", "folded"}:
        raise refusal(("batch_norm",), 'must be "kept" or "folded"')
    return Reading(sizes, norms == "folded")


class Network(Part):
    """Nodes, and the loss that they are trained on."""

    loss: Literal["cross-entropy", "squared-error"]
    """What training makes small; "cross-entropy" needs a softmax last, as an activation or as a node."""
    steps: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Characters of a sample of a text (truncated back-propagation in recurrent networks); 0 for other data, whose
    samples have positions of their own."""
    digital_bias: bool = False
    """Biases of dense layers and convolutions are digital (true): added behind the converters, and learnt by the
    `optimiser`; else each is a line of its array whose input is always 1. Recurrent layers have theirs on arrays.
    """
    layers: Annotated[tuple[Annotated[Simple | Block, Field(discriminator="kind")], ...], Field(strict=False)] = ()
    """Nodes, each of which takes the one before it unless it names its inputs; the first sees the data."""
    file: Annotated[str, Field(max_length=4096)] | None = None
    """An ONNX file whose nodes these are, in place of `layers`; a relative path starts at the current folder."""
    sizes: Annotated[dict[str, Annotated[int, Field(ge=1, le=10_000_000)]], Field(max_length=16)] = Field(
        default_factory=dict
    )
    """Sizes of the file's dynamic axes, but the batch, by their names, or by their numbers where they have none."""
    batch_norm: Literal["kept", "folded"] = "kept"
    """What becomes of the file's batch norms right behind a matrix: nodes, or part of its weights."""
    described: Annotated[str, Field(max_length=4096)] = ""
    """ONNX file that the nodes were read from; written by the twin."""
    about: ClassVar[frozenset[str]] = frozenset({"described", "sizes", "batch_norm"})

    @model_validator(mode="before")
    @classmethod
    def _take_nodes_of_a_file(cls, table: Any) -> Any:
        """Read ``file = "model.onnx"``, so that its nodes become part of the description and the file may go."""
        if not isinstance(table, dict) or table.get("file") is None:
            return table
        if "layers" in table:
            raise refusal(("file",), "stands beside layers; name a file or give the nodes")
        if not isinstance(table["file"], str) or not table["file"].lower().endswith(".onnx"):
            raise refusal(("file",), 'must be the path of an ONNX file, e.g. "model.onnx"')
        from twin.networks.given.files import read_network  # noqa: PLC0415 - an extra

        try:
            found = read_network(Path(table["file"]), _reading(table))
        except TwinError as error:
            raise refusal(("file",), str(error)) from error
        unknown = sorted({*table.get("sizes", {})} - {*found.dynamic})
        if unknown:
            listed = ", ".join(found.dynamic) or "none"
            raise refusal(
                ("sizes", unknown[0]), f"is no dynamic axis of {table['file']} (it has: {listed}); leave it out"
            )
        layers = [dict(one) for one in found.layers]
        if layers and table.get("loss") == "cross-entropy":
            if layers[-1]["kind"] == "dense":
                layers[-1]["activation"] = "softmax"
            elif layers[-1]["kind"] != "softmax":
                layers.append({"kind": "softmax"})
        given = {key: value for key, value in table.items() if key != "file"}
        return {"steps": found.steps, **given, "layers": layers, "described": table["file"]}

    @property
    def reading(self) -> Reading:
        """How the ONNX file of this network is read."""
        return Reading(vars(self)["sizes"], vars(self)["batch_norm"] == "folded")

    @property
    def unrolled(self) -> bool:
        """Whether all layers go through a text step by step: recurrent layers on symbols, then dense ones, no graph."""
        listed = list(self.listed())
        kinds = [type(one) for one in vars(self)["layers"]]
        count = sum(kind is Recurrent for kind in kinds)
        alone = kinds == [Recurrent] * count + [Dense] * (len(kinds) - count)
        chain = [(INPUT,), *((one.name,) for one in listed[:-1])]
        return self.reads_text and alone and 0 < count < len(kinds) and [one.inputs for one in listed] == chain

    @property
    def reads_text(self) -> bool:
        """Whether samples are symbols of a text."""
        return bool(vars(self)["steps"] > 0)

    def read(self) -> list[Listed]:
        """Return all nodes in order, and count their names and inputs as read."""
        for one in self.layers:
            for node in (one, *(one.nodes if isinstance(one, Block) else ())):
                _ = node.name, node.kind, () if isinstance(node, Block) else node.inputs
                _ = isinstance(node, Block) and node.repeat
        return list(self.listed())

    def listed(self) -> Iterator[Listed]:
        """Yield all nodes in order, blocks as often as they repeat, each with its name and its inputs."""
        before = INPUT
        for index, one in enumerate(vars(self)["layers"]):
            at: KeyPath = ("layers", index)
            if not isinstance(one, Block):
                name = vars(one)["name"] or f"{vars(one)['kind']}-{index}"
                yield Listed(one, name, vars(one)["inputs"] or (before,), at)
                before = name
                continue
            for copy in range(vars(one)["repeat"]):
                place, entry = f"{vars(one)['name']}.{copy}.", before
                for number, node in enumerate(vars(one)["nodes"]):
                    own = place + (vars(node)["name"] or f"{vars(node)['kind']}-{number}")
                    given = tuple(entry if name == INPUT else place + name for name in vars(node)["inputs"])
                    yield Listed(node, own, given or (before,), (*at, "nodes", number), copy)
                    before = own

    @model_validator(mode="after")
    def _keys_of_files_need_one(self) -> Self:
        given = vars(self)
        for key, plain in (("sizes", {}), ("batch_norm", "kept")):
            if given[key] != plain and not given["described"]:
                raise refusal((key,), "belongs to the nodes of an ONNX file; add file, or leave it out")
        return self

    @model_validator(mode="after")
    def _unrolled_layers_have_their_biases_on_arrays(self) -> Self:
        if vars(self)["digital_bias"] and vars(self)["layers"] and self.unrolled:
            raise refusal(("digital_bias",), "is for graphs; recurrent layers on symbols have their biases on arrays")
        return self

    @model_validator(mode="after")
    def _inputs_stand_above(self) -> Self:
        """Refuse names that stand twice, and inputs that are not there or stand below: no cycles, no dangling ends."""
        above: dict[str, KeyPath] = {INPUT: ()}
        used: set[str] = set()
        listed = list(self.listed())
        if not listed:
            raise refusal(("layers",), "needs at least 1 layer")
        for node, name, inputs, at, _ in listed:
            least, most = node.inputs_least, node.inputs_most
            if not least <= len(inputs) <= most:
                rule = f"must name {least} nodes" if least > 1 or len(inputs) > 1 else "must name 1 node"
                raise refusal((*at, "inputs"), f"{rule}; kind {vars(node)['kind']} takes as many")
            for one in inputs:
                if one not in above:
                    later = any(one == other.name for other in listed)
                    rule = f"{one} is no node above {name}"
                    fix = f"; a node stands below its inputs, as there are no cycles: move {one} up, or name another"
                    raise refusal((*at, "inputs"), rule + (fix if later else suggestion(one, above)))
            if name in above:
                raise refusal((*at, "name"), f"{name} is the name of a node above; names must differ")
            above[name] = at
            used.update(inputs)
        for _, name, _, at, _ in listed[:-1]:
            if name not in used:
                raise refusal(
                    at, f"the output of {name} goes nowhere; name it among the inputs of another, or leave it out"
                )
        return self

    @model_validator(mode="after")
    def _softmax_ends_a_classifier(self) -> Self:
        listed = list(self.listed())
        for index, (node, _, _, at, _) in enumerate(listed):
            last = index == len(listed) - 1
            given: dict[str, Any] = vars(node)
            softmax = given.get("activation") == "softmax"
            if softmax and not last:
                raise refusal((*at, "activation"), "may stand in the last layer only")
            if softmax and vars(self)["loss"] != "cross-entropy":
                raise refusal((*at, "activation"), 'needs loss = "cross-entropy"')
            if last and not softmax and vars(self)["loss"] == "cross-entropy" and given["kind"] != "softmax":
                rule = 'must be "softmax" in the last layer under loss = "cross-entropy"'
                key = "activation" if "activation" in given else "kind"
                raise refusal((*at, key), rule if key == "activation" else f"{rule}; add a node of that kind behind it")
            if isinstance(node, Dense) and given["outputs"] == 0 and not last:
                raise refusal((*at, "outputs"), "must be given (at least 1) but in the last layer")
        if not any(isinstance(one.node, (Dense, Conv, Recurrent)) for one in listed):
            raise refusal(("layers",), 'needs at least 1 layer with a matrix: "dense", "conv", "lstm", "gru" or "rnn"')
        return self

    @model_validator(mode="after")
    def _texts_have_steps(self) -> Self:
        nodes = [one.node for one in self.listed()]
        if not self.reads_text and any(isinstance(node, Embedding) for node in nodes):
            raise refusal(("steps",), "must be at least 1 for an embedding, which reads a text")
        if self.reads_text and not any(isinstance(node, (Embedding, Recurrent)) for node in nodes):
            raise refusal(("steps",), "belongs to networks with recurrent layers or an embedding")
        return self
