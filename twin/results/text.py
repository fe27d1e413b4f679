"""Numbers as people read them: three digits and a prefix."""

import math
from collections.abc import Sequence

from quantiphy import Quantity

ABSENT = "–"


class _Number(Quantity):
    """A quantity that writes micro as µ; a class of its own keeps the preference to itself."""


_Number.set_prefs(map_sf=Quantity.map_sf_to_greek)


def si(value: float, unit: str = "") -> str:
    """Three significant digits with an SI prefix, e.g. ``"1.23 ms"``; an en dash for NaN."""
    if not math.isfinite(value):
        return ABSENT
    return str(_Number(value, unit).render(form="si", prec=2, strip_zeros=False)) if value else "0"


def fixed(value: float, scale: float = 1.0) -> str:
    """Three significant digits without prefix (thousands separated), after dividing by `scale`."""
    if not math.isfinite(value):
        return ABSENT
    value /= scale
    if value == 0:
        return "0"
    magnitude = int(f"{value:.2e}".partition("e")[2])  # once rounded: 0.9996 is 1.00
    if magnitude < -3:
        return f"{value:.2e}"
    return f"{value:,.{max(0, 2 - magnitude)}f}"


def percent(fraction: float) -> str:
    """Give a fraction in percent: two decimals below ten, one above; an en dash for NaN."""
    if not math.isfinite(fraction):
        return ABSENT
    value = 100 * fraction
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def common_end(values: Sequence[float]) -> float:
    """Where a common axis ends: at the largest value, unless the others could not be read then.

    A largest value more than three times the next is left out: the axis ends half above the next.
    """
    *others, largest = sorted(values)
    return 1.5 * others[-1] if others and largest > 3 * others[-1] > 0 else largest


def scale(largest: float, unit: str) -> tuple[float, str]:
    """Give the factor and the prefixed unit that bring values up to `largest` below 1000."""
    prefixes = ((1e15, "f"), (1e12, "p"), (1e9, "n"), (1e6, "µ"), (1e3, "m"), (1.0, ""), (1e-3, "k"), (1e-6, "M"))
    for factor, symbol in prefixes:
        if largest * factor < 1000:
            return factor, symbol + unit
    return 1e-9, "G" + unit
