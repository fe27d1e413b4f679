"""The tables that `twin reproduce` writes beside its figures."""

from twin.results.columns import Column, Table, name

REPRODUCED: dict[str, Table] = {
    "figure": Table(
        name="figure",
        file="NAME.csv",
        meaning="a quantity at a point of a published figure",
        columns=(
            name("quantity", "what is shown, as the paper calls it"),
            name("unit", "unit of all its numbers; 1: a number"),
            Column(name="value", dtype="float64", unit="", meaning="what was measured, in the unit beside it"),
        ),
        further=Column(
            name="further",
            dtype="scalar",
            unit="",
            meaning="where on the figure (panel, device, rates, sample, seed), or a number in the unit beside it: "
            "standard_deviation or standard_error over seeds, mean_of_seeds, smoothed, optimum, closed_form",
        ),
    )
}
"""Every figure has columns of its own beside these."""
