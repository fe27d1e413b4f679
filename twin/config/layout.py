"""The description of a layout: which matrices have which arrays, and which arrays share a tile."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import Identifier, first_repeated, refusal
from twin.config.description import Description
from twin.config.part import Part
from twin.config.resources import suggestion


class LayoutTile(Part):
    """One tile and the arrays behind its periphery; they take turns."""

    name: Identifier
    """What the tile is called in tables and figures."""
    arrays: Annotated[tuple[Identifier, ...], Field(strict=False, min_length=1)]
    """Names of the arrays on the tile."""


class Matrix(Part):
    """A matrix of the algorithm: analog (main minus reference array) or digital."""

    main: Identifier | None = None
    """Array that holds the matrix."""
    reference: Identifier | None = None
    """Array on the same tile that is subtracted from the main one."""
    digital: bool = False
    """Keep the matrix in digital memory; it then has no arrays."""

    @model_validator(mode="after")
    def _either_analog_or_digital(self) -> Self:
        arrays = (vars(self)["main"], vars(self)["reference"])
        if vars(self)["digital"] and any(arrays):
            raise refusal((), "is digital and has arrays; keep one of the two")
        if not vars(self)["digital"] and not all(arrays):
            raise refusal((), "needs a main and a reference array, or digital = true")
        return self


class Reference(Part):
    """A reference array sits at the symmetry point of one matrix's main array."""

    symmetry_point_of: Identifier
    """Matrix at the symmetry points of whose main array the reference array is set."""


class Layout(Description):
    """Tiles of one layer, the arrays on them, and what the arrays are for."""

    kind: Literal["layout"]
    """Says that this file describes a layout."""
    tiles: Annotated[tuple[LayoutTile, ...], Field(strict=False)] = ()
    """Tiles that every block of a layer takes; none where all is digital."""
    matrices: Annotated[dict[Identifier, Matrix], Field(min_length=1)]
    """Matrix of the algorithm (W, A, C) to its arrays."""
    references: dict[Identifier, Reference] = Field(default_factory=dict)
    """Reference array to what it is set to."""

    @model_validator(mode="after")
    def _arrays_exist(self) -> Self:
        own = vars(self)
        tile_of = _arrays(own["tiles"])
        for name, matrix in own["matrices"].items():
            _check_matrix(name, vars(matrix), tile_of, own["references"])
        for name, reference in own["references"].items():
            _check_reference(name, vars(reference)["symmetry_point_of"], tile_of, own["matrices"])
        _check_use(own["tiles"], own["matrices"])
        return self


def _arrays(tiles: tuple[LayoutTile, ...]) -> dict[str, str]:
    """Map every array to its tile; names of tiles and of arrays are unique."""
    repeated = first_repeated(vars(tile)["name"] for tile in tiles)
    if repeated:
        raise refusal(("tiles", repeated[0], "name"), "is the name of a tile above; names must differ")
    tile_of: dict[str, str] = {}
    for index, tile in enumerate(tiles):
        for position, array in enumerate(vars(tile)["arrays"]):
            if array in tile_of:
                raise refusal(
                    ("tiles", index, "arrays", position),
                    "names an array that is listed before; names must differ",
                )
            tile_of[array] = vars(tile)["name"]
    return tile_of


def _check_matrix(name: str, matrix: dict[str, str], tile_of: dict[str, str], references: dict[str, Reference]) -> None:
    if matrix["digital"]:
        return
    for role in ("main", "reference"):
        if matrix[role] not in tile_of:
            raise refusal(("matrices", name, role), f"is on no tile{suggestion(matrix[role], tile_of)}")
    if matrix["reference"] not in references:
        raise refusal(
            ("matrices", name, "reference"),
            f"is not described in [references]{suggestion(matrix['reference'], references)}",
        )
    if matrix["main"] in references:
        raise refusal(("matrices", name, "main"), "is a reference array; a matrix needs an array of its own")
    if tile_of[matrix["main"]] != tile_of[matrix["reference"]]:
        raise refusal(
            ("matrices", name, "reference"),
            f"must share a tile with {matrix['main']}, from which it is subtracted",
        )


def _check_reference(name: str, target: str, tile_of: dict[str, str], matrices: dict[str, Matrix]) -> None:
    if name not in tile_of:
        raise refusal(("references", name), f"is on no tile{suggestion(name, tile_of)}")
    if target not in matrices:
        raise refusal(
            ("references", name, "symmetry_point_of"),
            f"is no matrix of the layout{suggestion(target, matrices)}",
        )
    if vars(matrices[target])["reference"] != name:
        raise refusal(
            ("references", name, "symmetry_point_of"),
            f"is a matrix that does not use {name} as its reference",
        )


def _check_use(tiles: tuple[LayoutTile, ...], matrices: dict[str, Matrix]) -> None:
    mains = [(name, vars(matrix)["main"]) for name, matrix in matrices.items() if vars(matrix)["main"]]
    repeated = first_repeated(main for _, main in mains)
    if repeated:
        raise refusal(("matrices", mains[repeated[0]][0], "main"), "is the main array of another matrix")
    used = {array for matrix in matrices.values() for array in (vars(matrix)["main"], vars(matrix)["reference"])}
    for index, tile in enumerate(tiles):
        for position, array in enumerate(vars(tile)["arrays"]):
            if array not in used:
                raise refusal(("tiles", index, "arrays", position), "is used by no matrix")
