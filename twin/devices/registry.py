"""Registry of device families: one line each; plug-ins come through the same door.

A plug-in package adds a family with an entry point of its own::

    [project.entry-points."twin.devices"]
    my-family = "my_package.my_module:MyFamily"
"""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from twin.devices.family import DeviceFamily
from twin.errors import TwinError

GROUP = "twin.devices"

_BUILT_IN = {
    "ideal": "twin.devices.ideal:Ideal",
    "constant-step": "twin.devices.constant_step:ConstantStep",
    "linear-step": "twin.devices.linear_step:LinearStep",
    "soft-bounds": "twin.devices.soft_bounds:SoftBounds",
    "slope-soft-bounds": "twin.devices.slope_soft_bounds:SlopeSoftBounds",
    "asymmetry-factor": "twin.devices.asymmetry_factor:AsymmetryFactor",
    "exponential-step": "twin.devices.exponential_step:ExponentialStep",
    "power-step": "twin.devices.power_step:PowerStep",
    "piecewise-step": "twin.devices.piecewise_step:PiecewiseStep",
    "one-sided": "twin.devices.one_sided:OneSidedPair",
}


@cache
def _points() -> dict[str, EntryPoint]:
    """Entry points by name, built-ins first.

    Raises
    ------
    TwinError
        If two families have one name.
    """
    points = {name: EntryPoint(name, value, GROUP) for name, value in _BUILT_IN.items()}
    for point in entry_points(group=GROUP):
        if point.name in points:
            raise TwinError(
                f"device family {point.name} (= {point.value}): is already {points[point.name].value}; "
                f"rename the plug-in's entry point in group {GROUP}"
            )
        points[point.name] = point
    return points


def family_names() -> tuple[str, ...]:
    """Names of all families, built-ins first."""
    return tuple(_points())


def family_of(name: str) -> type[DeviceFamily]:
    """Load the family of that name.

    Raises
    ------
    TwinError
        If there is no such family, or a plug-in cannot be loaded or is no `DeviceFamily`.
    """
    points = _points()
    if name not in points:
        raise TwinError(f"device family {name!r}: unknown; {suggest(name, points)}")
    point = points[name]
    try:
        family = point.load()
    except (ImportError, AttributeError) as error:
        raise TwinError(f"device family {name} (= {point.value}): cannot be loaded: {error}") from error
    if not (isinstance(family, type) and issubclass(family, DeviceFamily)):
        raise TwinError(f"device family {name} (= {point.value}): must be a subclass of DeviceFamily")
    return family


def suggest(name: object, known: Iterable[str]) -> str:
    """Say the nearest of the known names, or all of them.

    Parameters
    ----------
    name : object
        What the user wrote.
    known : iterable of str
    """
    names = list(known)
    near = get_close_matches(str(name), names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}"
