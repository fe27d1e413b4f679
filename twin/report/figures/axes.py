"""Axes that can be read: logarithmic ones with plain numbers from a labelled end to a labelled end."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEPS = (1.0, 2.0, 5.0)
"""What is labelled within a decade, of few decades."""

MOST_DECADES = {"x": 1, "y": 3}
"""Up to which 1, 2 and 5 are labelled: side by side there is less room for numbers than one above the other."""

NARROW = 4.0
"""Ratio of its ends below which evenly spaced numbers say more than the two or three of 1, 2, 5."""

MOST_LABELS = 8
MARGIN = 0.04
"""Share of its length by which an axis with labels of its own goes on beyond its values."""

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LOGARITHMIC = "log scale"


def log_axis(axes: "Axes", which: str, values: Iterable[float], at: Sequence[float] = ()) -> None:
    """Make an axis logarithmic: a label at both of its ends, 1-2-5 between them, a small tick at every digit.

    Parameters
    ----------
    axes : Axes
    which : str
        ``"x"`` or ``"y"``.
    values : iterable of float
        What must lie on it; values that are not positive or not finite have no place there and are left out.
    at : sequence of float
        The few values that are labelled instead, and nothing else.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter  # noqa: PLC0415

    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    shown = [float(value) for value in values if math.isfinite(value) and value > 0] or [1.0]
    labelled, small = log_ticks(min(shown), max(shown), MOST_DECADES[which])
    first, last = labelled[0], labelled[-1]
    if at:
        margin = (max(shown) / min(shown)) ** MARGIN
        first, last = min(shown) / margin, max(shown) * margin
        labelled, small = list(at), [tick for tick in digits(first, last) if tick not in at]
    axis.set_major_locator(FixedLocator(labelled))
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))
    axis.set_minor_locator(FixedLocator(small))
    axis.set_minor_formatter(NullFormatter())
    axis.set_tick_params(which="minor", size=3, **{"bottom" if which == "x" else "left": True})
    (axes.set_xlim if which == "x" else axes.set_ylim)(first, last)


def log_ticks(low: float, high: float, few: int = MOST_DECADES["y"]) -> tuple[list[float], list[float]]:
    """Return the labelled ticks of a logarithmic axis, which begin and end it, and the small ones between them.

    Parameters
    ----------
    low, high : float
        The least and the largest value on it, both positive.
    few : int
        Decades up to which 1, 2 and 5 are labelled, of more only powers of ten.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    if last - first > few:
        apart = math.ceil((last - first) / (MOST_LABELS - 1))
        decades = range(first, first + apart * math.ceil((last - first) / apart) + 1)
        labelled = [float(f"1e{k}") for k in decades[::apart]]
        inner = [float(f"1e{k}") for k in decades] if apart > 1 else digits(labelled[0], labelled[-1])
        return labelled, [tick for tick in inner if tick not in labelled]
    every = [float(f"{step:g}e{k}") for k in range(first - 1, last + 1) for step in STEPS]
    start = max(k for k, tick in enumerate(every) if tick <= low * (1 + 1e-9))
    end = min(k for k, tick in enumerate(every) if tick >= high * (1 - 1e-9))
    labelled = every[start : max(end, start + 1) + 1]
    if high < NARROW * low:
        labelled = _even(low, high)
    return labelled, [tick for tick in digits(labelled[0], labelled[-1]) if tick not in labelled]


def digits(low: float, high: float) -> list[float]:
    """Return the numbers of one digit within a range, such as 0.9, 1, 2, 3."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = [float(f"{digit}e{k}") for k in decades for digit in range(1, 10)]
    return [number for number in every if low < number < high]


def _even(low: float, high: float) -> list[float]:
    """Return evenly spaced round numbers about a range that is too narrow for 1, 2, 5."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    margin = 0.0 if high > 1.02 * low else 0.05 * low
    ticks = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(low - margin, high + margin)
    found = [float(f"{tick:.6g}") for tick in ticks if tick > 0]
    return found if found[0] <= low else [low, *found]


def plain_axis(axes: "Axes", which: str) -> None:
    """Write plain numbers at the ticks of a linear axis: 0 and not 0.0, no power of ten at its end."""
    from matplotlib.ticker import FuncFormatter  # noqa: PLC0415

    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))


def plain_number(value: float) -> str:
    """Write the number of a tick without an exponent, but for what is very large or very small: a power of ten."""
    if abs(value) < 1e-15:
        return "0"
    if 1e-5 <= abs(value) < 1e6:
        return f"{value:,.10f}".rstrip("0").rstrip(".").replace("-", "−")
    factor, _, exponent = f"{value:e}".partition("e")
    factor = factor.rstrip("0").rstrip(".")
    power = f"10{str(int(exponent)).translate(SUPERSCRIPTS)}"
    return power if factor == "1" else f"{factor}·{power}"
