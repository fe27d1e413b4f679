"""What a run leaves on request beside its sums: ``events.parquet`` and a trace of some samples.

Operations go to parts in the run's folder as the engine performs them, and to their files when the run is done. A part
ends where a checkpoint is saved, so a run that is resumed goes on with the parts that its checkpoint knows of.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from twin.engine import Engine
from twin.engine.legend import Legend
from twin.engine.recorder import EVENT, Recorder
from twin.files import remove, write_bytes
from twin.runs.exports import EVENTS, TRACE, Window, window_of
from twin.runs.plan import RunRequest

PARTS = "events.parts"
PART = 1 << 16  # operations, about 15 MB
Events = npt.NDArray[Any]


@final
class Recording:
    """The operations of a run on their way to its folder.

    Parameters
    ----------
    request : RunRequest
    folder : Path
    engine : Engine
        As it was built, or restored from a checkpoint.
    samples : int
        Of the run; operations with another number (set-up, calibration, extraction) are recorded too.
    """

    def __init__(self, request: RunRequest, folder: Path, engine: Engine, samples: int) -> None:
        self._folder, self._engine = folder, engine
        self._events, self._window, self._samples = request.events, window_of(request.trace), samples
        self._held: list[Events] = []
        if not self._events and self._window is None:
            return
        for path in self._parts():
            if int(path.stem) >= engine.index:  # performed again, because the run stopped before its checkpoint
                remove(path)
        engine.ledger.recorder = Recorder(engine.index, self._take)

    def save(self) -> None:
        """Write what was performed; call it where a checkpoint follows."""
        if self._held:
            events = np.concatenate(self._held)
            self._held.clear()
            content = io.BytesIO()
            np.save(content, events, allow_pickle=False)
            write_bytes(self._folder / PARTS / f"{events['index'][0]:015d}.npy", content.getvalue())

    def finish(self, name: str, command: str) -> None:
        """Write the files that were asked for, of a run of this name that this command repeats."""
        if self._engine.ledger.recorder is None:
            return
        self.save()
        costs = self._engine.costs
        legend = Legend.of(self._engine, costs.chip_of_servers())
        if self._events:
            from twin.export.events import write_events  # noqa: PLC0415 - pyarrow

            write_events(self._folder / EVENTS, self._read(), legend, name)
        if self._window is not None:
            from twin.export.trace import About, write_trace  # noqa: PLC0415 - perfetto

            events, end_ps = self._around(self._window)
            first, last = self._window.first, self._window.last
            about = About(name, command, first, last, self._samples, self._engine.slots, end_ps)
            write_trace(self._folder / TRACE, events, legend, about)

    def remove(self) -> None:
        """Remove the parts of a finished run."""
        for path in self._parts():
            remove(path)
        if (self._folder / PARTS).is_dir():
            (self._folder / PARTS).rmdir()

    def _take(self, events: Events) -> None:
        if not self._events and self._window is not None:
            sample, in_flight = events["sample"], self._engine.slots
            near = (sample >= self._window.first - in_flight) & (sample < self._window.last + in_flight)
            events = events[near | (sample < 0) | (sample >= self._samples)]
        if len(events):
            self._held.append(events.copy())
        if sum(map(len, self._held)) >= PART:
            self.save()

    def _parts(self) -> list[Path]:
        return sorted((self._folder / PARTS).glob("*.npy"))

    def _read(self) -> Iterator[Events]:
        for path in self._parts():
            yield np.load(path, allow_pickle=False)

    def _around(self, window: Window) -> tuple[Events, int]:
        """Return the operations that overlap in time with those of a window, and when the window ends.

        The first window begins with the run, the last one ends with it.
        """
        found = np.concatenate([np.zeros(0, EVENT), *self._read()])
        mine = (found["sample"] >= window.first) & (found["sample"] < window.last)
        own = found[mine]
        begin_ps = int(own["ready_ps"].min()) if window.first > 0 and len(own) else 0
        end_ps = int(own["done_ps"].max()) if window.last < self._samples and len(own) else self._engine.now_ps
        overlap = (found["start_ps"] < end_ps) & (found["done_ps"] > begin_ps)
        return found[mine | overlap], end_ps
