"""Rules of a mixed design: which nodes' matrices are digital, and what the others have of their own."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from twin.algorithms.registry import algorithm_class
from twin.config.checks import Name, refusal
from twin.config.layout import Layout
from twin.config.part import Part
from twin.config.resources import suggestion
from twin.config.tile import InputOutput
from twin.descriptions.device import Device
from twin.errors import TwinError
from twin.networks.kinds import names_of
from twin.networks.kinds.matrices import MATRICES

Pattern = Annotated[str, Field(min_length=1, max_length=200)]
ANALOG = ("layout", "device", "io", "out_scaling")


def _layout(given: Any) -> Any:
    """Read a layout that is named, so that its values become part of the workload, as those of a device's file do."""
    if not isinstance(given, str):
        return given
    from twin.descriptions.load import load_layout  # noqa: PLC0415 - it loads workloads too

    try:
        return load_layout(given).model
    except TwinError as error:
        raise ValueError(f"must be the name or the path of a layout: {error}") from error


class Rule(Part):
    """What decides about the matrices of some nodes: those whose name and kind it matches."""

    nodes: Annotated[tuple[Pattern, ...], Field(strict=False, min_length=1)] | None = None
    """Names of nodes, in which * stands for any letters: ["first", "head*"]."""
    kind: str | None = None
    """Kind of the nodes: "dense", "conv", "lstm", "gru" or "rnn"."""
    algorithm: Name | None = None
    """What learns these matrices in place of the run's algorithm; "digital" keeps them in digital memory."""
    layout: Annotated[Layout | None, BeforeValidator(_layout, json_schema_input_type=str | Layout | None)] = None
    """Name or file of the layout of their arrays; without it, that of the run if it fits the algorithm, else the first
    that the algorithm has by default.
    """
    device: Device | None = None
    """Devices of their arrays, in place of the workload's."""
    io: Annotated[dict[str, int | float | str], Field(min_length=1)] | None = None
    """What of the chip's `tile.io` is other for their tiles, e.g. { out_res = 62 }; what the chip derives follows."""
    out_scaling: Annotated[float, Field(gt=0, le=1e6)] | Literal["weights"] | None = None
    """Network weight / device weight, in place of mapping.out_scaling; "weights" maps the largest first weight of each
    matrix onto the mean range of its devices.
    """

    @model_validator(mode="after")
    def _chooses_nodes(self) -> Self:
        if vars(self)["nodes"] is None and vars(self)["kind"] is None:
            raise refusal(("nodes",), 'is missing; name nodes, e.g. nodes = ["head*"], or their kind')
        if all(vars(self)[key] is None for key in ("algorithm", *ANALOG)):
            raise refusal((), 'decides nothing; give it e.g. algorithm = "digital"')
        return self

    @model_validator(mode="after")
    def _io_is_that_of_a_tile(self) -> Self:
        known = list(InputOutput.model_fields)
        for key in vars(self)["io"] or {}:
            if key not in known:
                raise refusal(("io", key), f"tile.io has no such key{suggestion(key, known)}")
        return self

    @model_validator(mode="after")
    def _algorithm_and_layout_fit(self) -> Self:
        own = vars(self)
        name, layout = own["algorithm"], own["layout"]
        if name is None:
            return self
        try:
            found = algorithm_class(name)
        except TwinError as error:
            raise refusal(("algorithm",), str(error).partition(": ")[2]) from error
        for key in ANALOG if found.digital else ():
            if own[key] is not None:
                raise refusal((key,), f'is for arrays, and algorithm = "{name}" has none; leave it out')
        if layout is not None and not found.fits(layout):
            needs = ", ".join(found.matrices)
            rule = f"does not have what {name} needs, arrays of {needs}; use e.g. {', '.join(found.default_layouts)}"
            raise refusal(("layout",), f"{vars(layout)['name']} {rule}")
        return self

    def matches(self, name: str, kind: str) -> bool:
        """Return whether the rule is about a node of this name and kind."""
        own = vars(self)
        named = own["nodes"] is None or any(fnmatchcase(name, pattern) for pattern in own["nodes"])
        return named and own["kind"] in {None, kind}

    def home(self) -> str:
        """Say where the matrices live and what is their own, e.g. "arrays (ttv2, three-array)"."""
        own = vars(self)
        if own["algorithm"] is not None and algorithm_class(own["algorithm"]).digital:
            return str(own["algorithm"])
        layout, device, io, scale = (own[key] for key in ANALOG)
        parts = [
            own["algorithm"],
            vars(layout)["name"] if layout is not None else None,
            vars(device)["preset"] if device is not None else None,
            *(f"{key} {value}" for key, value in (io or {}).items()),
            f"out_scaling {scale}" if scale is not None else None,
        ]
        return f"arrays ({', '.join(one for one in parts if one)})"

    def read(self) -> None:
        """Count what chooses the nodes as read."""
        _ = self.nodes, self.kind


def decided(nodes: Sequence[tuple[str, str]], rules: Sequence[Rule]) -> dict[str, int]:
    """Return by node which rule decides about its matrix: the last that matches; nodes without one are left out.

    Parameters
    ----------
    nodes : sequence of (str, str)
        Name and kind of every node; those without a matrix are passed over.
    rules : sequence of Rule

    Raises
    ------
    PydanticCustomError
        Where a rule matches no node with a matrix, or rules below decide about all that it matches.
    """
    with_matrix = {name for kind in MATRICES for name in names_of(kind)}
    own = [(name, kind) for name, kind in nodes if kind in with_matrix]
    found: dict[str, int] = {}
    for index, rule in enumerate(rules):
        matched = [name for name, kind in own if rule.matches(name, kind)]
        if not matched:
            raise refusal(("rules", index, *_at_fault(rule, own)), _no_match(rule, own))
        found |= dict.fromkeys(matched, index)
    for index in range(len(rules)):
        if index not in found.values():
            raise refusal(
                ("rules", index),
                "decides about no node, as rules below it match the same ones, and the last decides; put it below "
                "them or leave it out",
            )
    return found


def _at_fault(rule: Rule, own: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    kinds = {kind for _, kind in own}
    return ("kind",) if vars(rule)["kind"] is not None and vars(rule)["kind"] not in kinds else ("nodes",)


def _no_match(rule: Rule, own: Sequence[tuple[str, str]]) -> str:
    if _at_fault(rule, own) == ("kind",):
        kinds = sorted({kind for _, kind in own})
        return f"matches no node with a matrix, whose kinds are {', '.join(kinds)}"
    names = [name for name, _ in own]
    listed = suggestion(vars(rule)["nodes"][0], names) or f"; there are {', '.join(names[:5])}"
    return f"matches no node with a matrix{listed}"
