"""Inputs, outputs and updates: IOParameters become the io of a chip's tiles, UpdateParameters tables of algorithms."""

from collections.abc import Mapping
from math import floor, log2
from typing import Any

from twin.imports.aihwkit.found import Found
from twin.imports.aihwkit.settings import Settings

READ = ("inp_res", "out_res", "out_bound", "out_noise")
"""What every direction has in aihwkit, and all directions share here."""
NOISES = ("w_noise", "inp_noise")
"""Younger than the first chips: 0 unless given."""
BOUND = {"NONE": "none", "ITERATIVE": "iterative"}
NOISE = {"NONE": "none", "ABS_MAX": "abs_max"}
PULSES = {"NONE": "none", "STOCHASTIC": "stochastic", "STOCHASTIC_COMPRESSED": "stochastic"}
NEAREST = {"ITERATIVE_WORST_CASE": "iterative", "SHIFT": "none", "NONE_WITH_DEVICE": "none"}
"""What comes nearest to a member that has no equal; other noise management is nearest to the last of `NOISE`."""
Values = dict[str, tuple[Any, int]]
"""Values by key, each with its line."""
GRID = 1e-6
MOST_STEPS = 2**24
LARGEST_FACTOR = 2**30
PERFECT = {"inp_res": 0, "out_res": 0, "out_bound": 0.0, "out_noise": 0.0}
WHOLE = {"noise_management": "abs_max"}
"""Without it inputs beyond 1 are clipped, which a perfect io does not do."""


def forward_io(config: Settings, found: Found) -> dict[str, Any]:
    """Enter the io of the chip's tiles from the forward pass, return it, and list where the backward pass differs."""
    io = config.below("forward", "IOParameters")
    if io.flag("is_perfect"):
        values: Values = {key: (value, io.line) for key, value in (PERFECT | WHOLE).items()}
        values["bound_management"] = ("none", io.line)
        pass_over(io)
    else:
        values = {key: (_read(io, key), io.get(key).line) for key in READ}
        values |= {key: noise for key, noise in _noises(io).items() if noise[0]}
        if values["out_res"][0] and not values["out_bound"][0]:
            values["out_res"] = (0, io.get("out_res").line)
            io.lose("out_bound", "without a bound there is no out_res")
        values["noise_management"] = _word(io, "noise_management", NOISE)
        values["bound_management"] = _word(io, "bound_management", BOUND)
        if values["noise_management"][0] == "none":
            io.pass_over("nm_thres")
        if values["bound_management"][0] == "iterative":
            values["max_bm_factor"] = _most_repeats(io, values["inp_res"][0])
            if values["out_res"][0]:
                here = "repeats where an output reaches the bound before it is converted"
                io.differs(
                    "bound_management", here, "where the converted one is beyond it, 10 standard errors at 30 steps"
                )
        io.pass_over("max_bm_factor", "max_bm_res", "ir_drop_g_ratio", "bm_test_negative_bound")
    found.put_all("chip.tile.io", values)
    own = {key: value for key, (value, _) in values.items()}
    own_conversion(config.below("backward", "IOParameters"), own, found, "backward")
    return own


def pass_over(io: Settings) -> None:
    """Note that a perfect io reads none of its other values."""
    io.pass_over(*(key for key in io.fields() if key != "is_perfect"))


def own_conversion(io: Settings, forward: Mapping[str, Any], found: Found, direction: str) -> None:
    """Enter what a direction, ``"backward"`` or ``"transfer"``, converts otherwise than the forward pass does.

    Bound management is not compared: aihwkit repeats in the forward pass alone. The inputs of a transfer's read are 0
    and 1, which every converter has, so neither their steps nor noise management count there.
    """
    own: Values
    if io.flag("is_perfect"):
        whole = WHOLE if direction == "backward" else {}
        own = {key: (value, io.line) for key, value in (PERFECT | dict.fromkeys(NOISES, 0.0) | whole).items()}
        pass_over(io)
    else:
        keys = READ[1:] if direction == "transfer" else READ
        own = {key: (_read(io, key), io.get(key).line) for key in keys}
        own |= _noises(io)
        if own["out_res"][0] and not own["out_bound"][0]:
            own["out_res"] = (0, io.get("out_res").line)
        if direction == "backward":
            own["noise_management"] = _word(io, "noise_management", NOISE)
            if own["noise_management"][0] == "none":
                io.pass_over("nm_thres")
        io.pass_over("bound_management", "max_bm_factor", "max_bm_res", "ir_drop_g_ratio", "bm_test_negative_bound")
        if direction == "transfer":
            io.pass_over("inp_res", "noise_management", "nm_thres")
    differing = {key: one for key, one in own.items() if one[0] != forward.get(key, 0.0)}
    found.put_all(f"chip.tile.io.{direction}", differing)


def _noises(io: Settings) -> Values:
    """Return the deviations of the noise of weights and of inputs."""
    return {"w_noise": _weight_noise(io), "inp_noise": (max(io.number("inp_noise"), 0.0), io.get("inp_noise").line)}


def _weight_noise(io: Settings) -> tuple[float, int]:
    """Return the deviation of noise that every weight has in every mat-vec; other noise of weights is listed."""
    sigma, line = io.number("w_noise"), io.get("w_noise").line
    kind = io.word("w_noise_type")
    if kind == "ADDITIVE_CONSTANT":
        return max(sigma, 0.0), line
    if kind != "NONE" and sigma > 0:
        io.lose("w_noise_type", "no noise of weights but one that is the same for all")
    return 0.0, line


def same_conversion(io: Settings, forward: Mapping[str, Any], *, one_hot: bool = False) -> None:
    """List what a pass converts otherwise than the forward pass does.

    Management of noise and bounds is not compared: aihwkit repeats in the forward pass alone, and the inputs of a read
    of one line, `one_hot`, are 0 and 1, which every converter has.
    """
    if io.flag("is_perfect"):
        pass_over(io)
        if any(forward[key] for key in READ):
            io.lose("is_perfect", "the io of the forward pass")
        return
    for key, (noise, _) in _noises(io).items():
        if noise != forward.get(key, 0.0):
            io.lose(key, "the io of the forward pass")
    for key in READ[1:] if one_hot else READ:
        if _read(io, key) != forward[key]:
            io.lose(key, "the io of the forward pass")
    managed = ("noise_management", "bound_management", "max_bm_factor", "max_bm_res", "nm_thres")
    io.pass_over(*managed, "inp_res", "ir_drop_g_ratio", "bm_test_negative_bound")


def _read(io: Settings, key: str) -> float | int:
    """Return the steps of a converter, or a bound or noise; 0 turns it off."""
    value = max(io.number(key), 0)
    if key not in {"inp_res", "out_res"}:
        return value
    return _steps(io, key, value)


def _steps(io: Settings, key: str, value: float) -> int:
    """Turn a resolution (1 / steps, or steps where it is above 1) into an even number of steps."""
    if value == 0:
        return 0
    steps = value if value > 1 else 1 / value
    if not steps <= MOST_STEPS:
        io.lose(key, f"{MOST_STEPS:,} steps, the most that are distinguished")
        return MOST_STEPS
    even = max(2, 2 * round(steps / 2))
    if abs(steps - even) > GRID * steps:
        io.lose(key, f"{even} steps: an even number of them")
    return even


def _word(settings: Settings, key: str, known: dict[str, str]) -> tuple[str, int]:
    """Translate a member of an enumeration; one that has no equal is listed with the nearest."""
    word = settings.word(key)
    value = known.get(word) or NEAREST.get(word) or list(known.values())[-1]
    if word not in known:
        settings.lose(key, f'"{value}"')
    return value, settings.get(key).line


def _most_repeats(io: Settings, steps: int) -> tuple[int, int]:
    line = io.get("max_bm_factor").line
    return largest_factor(io.number("max_bm_factor"), io.number("max_bm_res"), steps), line


def largest_factor(most: float, most_steps: float, steps: int) -> int:
    """Return the largest factor by which inputs shrink, by `max_bm_factor` and `max_bm_res`.

    aihwkit doubles it until it is beyond `max_bm_factor`, or beyond `max_bm_res` of the input's steps from 0 to 1, half
    of all: it multiplies `inp_res` by the converter's range, 2, before it compares.
    """
    if steps:
        most = min(most, most_steps * steps / 2)
    doublings = floor(log2(min(most, LARGEST_FACTOR))) + 1 if most >= 1 else 0
    return int(min(2**doublings, LARGEST_FACTOR))


def update_of(update: Settings) -> Values:
    """Translate the settings of a pulsed update."""
    values: Values = {
        "pulse_type": _word(update, "pulse_type", PULSES),
        "desired_bl": (update.count("desired_bl"), update.get("desired_bl").line),
    }
    for key in ("update_management", "update_bl_management"):
        values[key] = (update.flag(key), update.get(key).line)
    if values["update_bl_management"][0] and not values["update_management"][0]:
        update.lose("update_management", "trains as long as the larger of both vectors needs, so nothing is clipped")
    return values
