"""The description of how digital parameters learn."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import refusal
from twin.config.part import Part

Share = Annotated[float, Field(ge=0, lt=1)]
_BELONGS = {
    "momentum": ("momentum", "nesterov"),
    "beta1": ("adam", "adamw"),
    "beta2": ("adam", "adamw"),
    "epsilon": ("adam", "adamw"),
}


class Optimiser(Part):
    """The optimiser of digital parameters: scales, shifts, embeddings, positions."""

    kind: Literal["sgd", "momentum", "nesterov", "adam", "adamw"]
    """The rule: gradient descent, with momentum, in Nesterov's form of it, Adam, or Adam with decay apart."""
    learning_rate: Annotated[float, Field(gt=0, le=1e6)]
    """Step by the mean gradient of a batch; `training.decay_at` shrinks it, too."""
    momentum: Share = 0.9
    """Share of the velocity that stays at every step (Sutskever 2013); of "momentum" and "nesterov"."""
    beta1: Share = 0.9
    """Share of the mean gradient that stays at every step (Kingma 2015)."""
    beta2: Share = 0.999
    """Share of the mean square that stays at every step (Kingma 2015)."""
    epsilon: Annotated[float, Field(gt=0, le=1)] = 1e-8
    """Added to the root of the mean square (Kingma 2015)."""
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Pull towards 0: part of the gradient, apart from it for "adamw" (Loshchilov 2019)."""

    clip_norm: Annotated[float, Field(ge=0, le=1e9)] = 0.0
    """Largest norm of the mean gradient of a step, of all parameters of the optimiser together; a longer one is scaled
    down to it (Pascanu 2013). 0: off. Rank-one updates of arrays are no part of it and are not scaled."""

    @property
    def first(self) -> float:
        """What stays of the first moment: 0 for plain gradient descent."""
        if self.kind == "sgd":
            return 0.0
        return self.momentum if self.kind in _BELONGS["momentum"] else self.beta1

    @property
    def moments(self) -> int:
        """Words that it keeps a parameter."""
        return {"sgd": 0, "momentum": 1, "nesterov": 1}.get(self.kind, 2)

    @property
    def sparse(self) -> bool:
        """Whether a parameter without a gradient stays as it is."""
        return self.kind == "sgd" and not self.weight_decay

    @property
    def flops(self) -> int:
        """Floating-point operations a parameter and step: one an operation of the formula."""
        decay = 2 if self.weight_decay else 0
        return {"sgd": 2, "momentum": 4, "nesterov": 6}.get(self.kind, 14) + decay

    @model_validator(mode="after")
    def _keys_belong_to_the_kind(self) -> Self:
        for key, kinds in _BELONGS.items():
            given = vars(self)[key] != type(self).model_fields[key].default
            if given and vars(self)["kind"] not in kinds:
                names = " and ".join(f'"{kind}"' for kind in kinds)
                raise refusal((key,), f"belongs to kind = {names}")
        return self
