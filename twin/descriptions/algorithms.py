"""The hyper-parameters of a workload: a table for each algorithm that has one of its own."""

from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from twin.algorithms.registry import own_tables
from twin.config.part import Part


def _field(name: str, model: type[Part], meaning: str) -> Any:
    return model, Field(default=model(), description=meaning, alias=name if "-" in name else None)


if TYPE_CHECKING:

    class Algorithms(Part):
        """Hyper-parameters by algorithm."""

else:
    Algorithms = create_model(
        "Algorithms",
        __base__=Part,
        __module__=__name__,
        __doc__="Hyper-parameters by algorithm; defaults are allowed, as none sets time, energy or area by itself.",
        **{name.replace("-", "_"): _field(name, *table) for name, table in own_tables().items()},
    )
