"""Whether a run's numerics may depend on its schedule: only where every effect happens at its moment."""

import math

from twin.algorithms.registry import algorithm_class
from twin.descriptions.workload import Workload
from twin.errors import TwinError
from twin.runs.plan import RunRequest


def check_mode(request: RunRequest, workload: Workload) -> None:
    """Refuse a run whose numerics depend on the schedule where effects do not happen at their moment."""
    digital, consistency = algorithm_class(request.algorithm).digital, workload.training.consistency
    if digital and consistency != "strict":
        raise TwinError(
            f"training.consistency (= {consistency}): {request.algorithm} loads its weights and needs strict; "
            f"leave {request.algorithm} out of --algorithms"
        )
    calibration, sampled = workload.calibration, workload.timing.mode == "sampled"
    needs: dict[str, str] = {} if consistency == "strict" else {"training.consistency": consistency}
    if not digital:
        needs |= _lifetime(workload, request.algorithm)
        needs |= {"calibration.interval": f"{calibration.interval:g} s"} if calibration.interval else {}
    for key, value in needs.items():
        if request.mode != "coupled" or sampled:
            found = "timing.mode sampled" if sampled else "mode replayed"
            raise TwinError(
                f"{key} (= {value}): needs every effect at its moment, which {found} does not know; "
                "use --mode coupled --exact"
            )
    if calibration.every and sampled and not digital:
        raise TwinError(
            f"calibration.every (= {calibration.every}): needs every sample timed; use --exact, or leave it out"
        )


def _lifetime(workload: Workload, algorithm: str) -> dict[str, str]:
    """Return the devices' lifetimes by key where they are finite; raises TwinError where one makes no sense."""
    from twin.devices.presets import device_preset  # noqa: PLC0415 - devices import NumPy

    found = {}
    for matrix in algorithm_class(algorithm).matrices:
        device = device_preset(*workload.device.of(matrix))
        place = f"device.matrices.{matrix}" if matrix in workload.device.matrices else "device"
        if math.isfinite(device.lifetime):
            if workload.extraction is not None:
                raise TwinError(
                    f"{place}.lifetime (= {device.lifetime:g} s): [extraction] takes weights to keep still; "
                    "leave one out"
                )
            found[f"{place}.lifetime"] = f"{device.lifetime:g} s"
            continue
        for key in ("lifetime_dtod", "reference_drift"):
            if getattr(device, key):
                raise TwinError(f'{place}.{key} (= {getattr(device, key)}): needs a lifetime, e.g. lifetime = "1 ms"')
    return found
