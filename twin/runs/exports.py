"""Which files a run leaves on request beside its sums, and whether it can."""

import importlib.util
import re
from dataclasses import dataclass

from twin.config.timing import Timing
from twin.errors import TwinError
from twin.runs.plan import RunRequest

EVENTS = "events.parquet"
PULSES = "pulses.csv"
TRACE = "trace.perfetto-trace"
EXPORTS = (TRACE, EVENTS, PULSES)
EXTRAS = {"--trace": ("perfetto", "trace"), "--events": ("pyarrow", "parquet")}


@dataclass(frozen=True, slots=True)
class Window:
    """Samples `first` to `last` - 1."""

    first: int
    last: int


def window_of(text: str, option: str = "--trace") -> Window | None:
    """Read ``"40:8"``, the value of an option: 8 samples from number 40 on; none where there is no text.

    Raises
    ------
    TwinError
        On anything else.
    """
    if not text:
        return None
    found = re.fullmatch(r"(\d{1,12}):(\d{1,12})", text)
    if found is None or int(found[2]) == 0:
        raise TwinError(f"{option} (= {text}): must read FIRST:COUNT with a COUNT of at least 1, e.g. {option} 40:8")
    return Window(int(found[1]), int(found[1]) + int(found[2]))


def check_extras(trace: str, *, events: bool) -> None:
    """Raise TwinError where what is asked for cannot be read, or needs a package that is not there."""
    wanted = {"--trace": window_of(trace) is not None, "--events": events}
    for option, (package, extra) in EXTRAS.items():
        if wanted[option] and importlib.util.find_spec(package) is None:
            raise TwinError(f"{option}: needs {package}; pip install 'analog-twin[{extra}]', or leave it out")


def check_recording(request: RunRequest, samples: int, in_flight: int, timing: Timing | None = None) -> None:
    """Raise TwinError where the samples of a trace are not all run, or files cannot be written for want of a package.

    Parameters
    ----------
    request : RunRequest
    samples, in_flight : int
        Of the run.
    timing : Timing, optional
        Of a run that may be sampled.
    """
    check_extras(request.trace, events=request.events)
    window, pulsed = window_of(request.trace), window_of(request.pulses, "--pulses")
    for option, text, asked in (("--trace", request.trace, window), ("--pulses", request.pulses, pulsed)):
        if asked is not None and asked.last > samples:
            raise TwinError(
                f"{option} (= {text}): ends with sample {asked.last - 1}, but the run has samples 0 to {samples - 1}"
            )
    if window is None:
        return
    if timing is not None and timing.mode == "sampled":
        timed = min(samples, timing.warmup + timing.measured + 2 * in_flight)
        if window.last > timed:
            raise TwinError(
                f"--trace (= {request.trace}): sampled timing runs samples 0 to {timed - 1} and then windows; "
                "trace some of these, or time every sample with --exact"
            )
