"""`twin run`."""

from dataclasses import replace

from twin.cli.options import Card, ToError, asking
from twin.config.options import Algorithm, Layout, Options


@asking(without={"algorithms", "layouts", "baselines", "batch", "jobs"})
def run(
    *,
    algorithm: Algorithm = "ttv2",
    layout: Layout = "",
    options: Options,
    card: Card = False,
    to_error: ToError = None,
) -> None:
    """Train with one algorithm on one layout; its figures are SVG, and `twin figures FOLDER` adds them as PDF."""
    from twin.cli.running import run_comparison
    from twin.runs.planning import first_layout

    layouts = (layout,) if layout else first_layout(algorithm)
    run_comparison(replace(options, algorithms=(algorithm,), layouts=layouts), card=card, to_error=to_error)
