"""Held-out pulses of devices, foretold by `twin device fit` and by the fit utility of aihwkit; needs aihwkit, lmfit.

Run ``python benchmarks/fit_against_aihwkit.py [--traces N]``. Each trace is a device of one of six kinds whose bounds
and steps are drawn, with a cycle noise of 30 % and a read noise of 1 % of its range: three cycles of up and down
pulses, of which both sides fit the first two. The third is foretold from its first read, pulse by pulse, without
noise; the figure is the root mean square of what is measured beside it, in shares of the range.

The twin chooses the family by itself. aihwkit's utility takes one: it gets three in turn (soft bounds, linear and
exponential step) with the parameters that say their mean steps, and the one with the least residual on the
fitted cycles is taken.
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from harness import has_aihwkit

import twin
from twin.devices import device_preset

PULSES, CYCLES = 50, 3  # of one direction, and cycles
CYCLE_NOISE, READ_NOISE = 0.3, 0.01
Array = npt.NDArray[np.float64]
EVALUATIONS = 300  # of aihwkit's utility by family
FLAT = dict.fromkeys(("dw_min_dtod", "up_down_dtod", "w_max_dtod", "w_min_dtod"), 0.0)
KINDS: dict[str, dict[str, Any]] = {
    "constant-step": {},
    "soft-bounds": {},
    "linear-step": {"gamma_up": 0.6, "gamma_down": 0.5, "gamma_up_dtod": 0.0, "gamma_down_dtod": 0.0},
    "exponential-step": {"A_up": 0.3, "A_down": 0.2, "gamma_up": 1.5, "gamma_down": 1.2, "a": 1.0, "b": 0.0},
    "power-step": {"pow_gamma": 1.6, "pow_gamma_dtod": 0.0},
    "piecewise-step": {"piecewise_up": [1.5, 1.1, 0.9, 0.8, 0.2], "piecewise_down": [0.3, 0.8, 0.9, 1.2, 1.4]},
}


def way() -> Array:
    """Return the directions of all pulses, +1 and -1."""
    return np.tile(np.repeat([1.0, -1.0], PULSES), CYCLES)


def response_of(fields: dict[str, Any], family: str) -> Any:
    """Return one device of a family, without spread."""
    return device_preset("gokmen-60", fields | {"family": family}).populate((1, 1), np.random.default_rng(0))


def walk(response: Any, start: float, pulses: Array, noise: Callable[[], float]) -> Array:
    """Return the weights before each pulse and after the last; a step is multiplied by 1 + noise."""
    w = np.full((1, 1), start, np.float32)
    found = [float(w[0, 0])]
    for pulse in pulses:
        step = response.up(w) if pulse > 0 else -response.down(w)
        w = np.clip(w + step * np.float32(1.0 + noise()), response.w_min, response.w_max)
        found.append(float(w[0, 0]))
    return np.array(found)


def trace(number: int) -> tuple[str, Array]:
    """Return the kind of a device and its reads, in uS: one before each pulse and one after the last."""
    rng = np.random.default_rng([15, number])
    kind = list(KINDS)[number % len(KINDS)]
    high, low = rng.uniform(0.7, 1.3, 2)
    size = rng.uniform(0.03, 0.06) * (2.0 if kind == "power-step" else 1.0)
    own = {"dw_min": size, "up_down": rng.uniform(-0.15, 0.15), "w_max": high, "w_min": -low}
    device = response_of(FLAT | own | KINDS[kind], kind)
    weights = walk(device, -low, way(), lambda: CYCLE_NOISE * rng.standard_normal())
    reads = weights + READ_NOISE * (high + low) * rng.standard_normal(weights.size)
    return kind, 15.0 + 5.0 * reads


def ours(reads: Array, folder: Path) -> tuple[str, Array]:
    """Fit two cycles here; return the family and what the third is foretold to be."""
    fitted = 2 * PULSES * (CYCLES - 1)
    rows = ["pulse,direction,conductance"]
    names = ["up" if pulse > 0 else "down" for pulse in way()[:fitted]]
    # a read stands with the train that it begins
    rows += [f"{k},{names[min(k, fitted - 1)]},{reads[k]:.5f}" for k in range(fitted + 1)]
    path = folder / "trace.csv"
    path.write_text("\n".join(rows) + "\n")
    made = twin.fit_device(path, progress=False)
    middle = (made.fitted.high[0] + made.fitted.low[0]) / 2
    unit = 2 / made.fitted.span
    fields = {"dw_min_std": 0.0} | FLAT | dict(made.chosen.fields)
    response = response_of(fields, made.chosen.family)
    foretold = walk(response, (reads[fitted] - middle) * unit, way()[fitted:], lambda: 0.0)
    return made.chosen.name, foretold / unit + middle


def theirs(reads: Array) -> tuple[str, Array]:
    """Fit two cycles by aihwkit's utility, one family after another; return the best one and what it foretells."""
    from aihwkit.simulator.configs import devices  # noqa: PLC0415 - only where it is installed
    from aihwkit.utils.fitting import fit_measurements, model_response  # noqa: PLC0415

    fitted = 2 * PULSES * (CYCLES - 1)
    low, high = reads[:fitted].min(), reads[:fitted].max()
    values = (reads - (low + high) / 2) * 2 / (high - low)
    common = {"dw_min": (0.05, 0.005, 0.5), "up_down": (0.0, -0.8, 0.8)}
    ends = {"w_max": (1.1, 0.7, 4.0), "w_min": (-1.1, -4.0, -0.7)}
    shapes: dict[str, tuple[Any, dict[str, Any]]] = {
        "SoftBounds": (devices.SoftBoundsDevice(), common | ends),
        "LinearStep": (
            devices.LinearStepDevice(w_max=1.0, w_min=-1.0),
            common | {"gamma_up": (0.3, 0.0, 1.0), "gamma_down": (0.3, 0.0, 1.0)},
        ),
        "ExpStep": (
            devices.ExpStepDevice(w_max=1.0, w_min=-1.0, a=1.0, b=0.0),
            common
            | dict.fromkeys(("A_up", "A_down"), (0.2, -2.0, 2.0))
            | dict.fromkeys(("gamma_up", "gamma_down"), (1.5, 0.0, 5.0)),
        ),
    }
    best: tuple[float, str, Any, Any] | None = None
    for name, (device, parameters) in shapes.items():
        result, _, _ = fit_measurements(parameters, way()[:fitted], values[:fitted], device, max_nfev=EVALUATIONS)
        residual = float(np.sum(np.square(result.residual)))
        if best is None or residual < best[0]:
            best = residual, name, result.params, device
    assert best is not None
    _, name, params, device = best
    left = way()[fitted:]
    # a response has one value a pulse, the first before any: one more pulse, whose step is not looked at
    config = single(device)
    found = model_response(params, np.append(left, 1.0), values[fitted:], config, verbose=False, only_response=True)
    return name, np.asarray(found, np.float64).ravel() * (high - low) / 2 + (low + high) / 2


def single(device: Any) -> Any:
    """Return the configuration that the utility makes of a device: one pulse an update, no noise, no spread."""
    from aihwkit.simulator.configs import SingleRPUConfig, UpdateParameters  # noqa: PLC0415

    names = [name for name in vars(device) if name.endswith(("dtod", "std"))]
    quiet = replace(device, **dict.fromkeys(names, 0.0))
    update = UpdateParameters(desired_bl=1, update_bl_management=False, update_management=False)
    return SingleRPUConfig(device=quiet, update=update)


def main() -> None:
    """Print a line a trace, and what all say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=int, default=90)
    count = parser.parse_args().traces
    if not has_aihwkit():
        return
    errors = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            kind, reads = trace(number)
            measured = reads[2 * PULSES * (CYCLES - 1) :]
            span = reads.max() - reads.min()
            made = {"twin": ours(reads, Path(folder)), "aihwkit": theirs(reads)}
            found = {
                side: float(np.sqrt(np.mean((foretold - measured) ** 2))) / span for side, (_, foretold) in made.items()
            }
            errors.append((found["twin"], found["aihwkit"]))
            said = "; ".join(f"{side}: {made[side][0]}, {100 * found[side]:.2f} %" for side in made)
            print(f"{number + 1:3} {kind:17} {said}", flush=True)
    own, other = np.array(errors).T
    better = int(np.sum(own <= other))
    shares = f"twin {100 * own.mean():.2f} %, aihwkit {100 * other.mean():.2f} %"
    print(f"rms of held-out pulses, mean of {count} traces: {shares}")
    print(f"twin is the closer one in {better} of {count}; median of twin / aihwkit: {np.median(own / other):.3f}")


if __name__ == "__main__":
    main()
