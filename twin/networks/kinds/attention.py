"""Attention."""

from typing import Annotated, ClassVar, Literal, final

from pydantic import Field

from twin.networks.kinds.node import MisfitError, Node, Shape, Shapes, written
from twin.networks.work import Cost, cost


@final
class Attention(Node):
    """Scaled dot-product attention (Vaswani 2017, Eq. 1) of queries, keys and values, its inputs in this order."""

    kind: Literal["attention"]
    """Chooses attention."""
    heads: Annotated[int, Field(ge=1, le=10_000)]
    """Heads; each takes an equal share of the features."""
    causal: bool = False
    """Let a position see itself and those before it only."""
    inputs_least: ClassVar[int] = 3
    inputs_most: ClassVar[int] = 3

    def shape(self, *inputs: Shape) -> Shape:
        """Return that of the values; all three must agree."""
        if len(set(inputs)) > 1 or len(inputs[0]) != 2:
            raise MisfitError(
                "queries, keys and values must have one shape (positions x features), and are "
                + ", ".join(map(written, inputs))
                + "; give the dense nodes before them the same outputs"
            )
        if inputs[0][1] % vars(self)["heads"]:
            raise MisfitError(f"heads (= {self.heads}) must divide the {inputs[0][1]} features")
        return inputs[0]

    def cost(self, shapes: Shapes) -> Cost:
        """Return the work of scores, softmax and mixtures; `twin.networks.work`."""
        return cost(self.kind, *shapes.rows, heads=self.heads, causal=self.causal)

    def record(self, shapes: Shapes) -> dict[str, float]:
        """Return heads and mask."""
        return {"heads": self.heads, "causal": self.causal}

    def kept(self, shapes: Shapes) -> int:
        """Return the weights of all pairs."""
        return self.heads * shapes.output[0] * shapes.output[0]
