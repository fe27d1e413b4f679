"""What a run leaves on request beside its sums: ``events.parquet`` and a trace of some samples.

Operations go to parts in the run's folder as the engine performs them (`twin.runs.rows`), and to their files when the
run is done.
"""

from pathlib import Path
from typing import final

from twin.engine import Engine
from twin.engine.legend import Legend
from twin.engine.recorder import EVENT, Recorder
from twin.runs.exports import EVENTS, TRACE, Window, window_of
from twin.runs.plan import RunRequest
from twin.runs.rows import RowParts, Rows

PARTS = "events.parts"
PART = 1 << 16  # operations, about 15 MB


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

    Attributes
    ----------
    rows : RowParts
    """

    def __init__(self, request: RunRequest, folder: Path, engine: Engine, samples: int) -> None:
        self._folder, self._engine = folder, engine
        self._events, self._window, self._samples = request.events, window_of(request.trace), samples
        self.rows = RowParts(folder / PARTS, EVENT, "index", engine.index)
        if self._events or self._window is not None:
            engine.ledger.recorder = Recorder(engine.index, self._take)

    def finish(self, name: str, command: str) -> None:
        """Write the files that were asked for, of a run of this name that this command repeats."""
        if self._engine.ledger.recorder is None:
            return
        self.rows.save()
        costs = self._engine.costs
        legend = Legend.of(self._engine, costs.chip_of_servers())
        if self._events:
            from twin.export.events import write_events  # noqa: PLC0415 - pyarrow

            write_events(self._folder / EVENTS, self.rows.parts(), legend, name)
        if self._window is not None:
            from twin.export.trace import About, write_trace  # noqa: PLC0415 - perfetto

            events, end_ps = self._around(self._window)
            first, last = self._window.first, self._window.last
            about = About(name, command, first, last, self._samples, self._engine.slots, end_ps)
            write_trace(self._folder / TRACE, events, legend, about)

    def _take(self, events: Rows) -> None:
        if not self._events and self._window is not None:
            sample, in_flight = events["sample"], self._engine.slots
            near = (sample >= self._window.first - in_flight) & (sample < self._window.last + in_flight)
            events = events[near | (sample < 0) | (sample >= self._samples)]
        self.rows.hold(events.copy())
        if self.rows.held >= PART:
            self.rows.save()

    def _around(self, window: Window) -> tuple[Rows, int]:
        """Return the operations that overlap in time with those of a window, and when the window ends.

        The first window begins with the run, the last one ends with it.
        """
        found = self.rows.read()
        mine = (found["sample"] >= window.first) & (found["sample"] < window.last)
        own = found[mine]
        begin_ps = int(own["ready_ps"].min()) if window.first > 0 and len(own) else 0
        end_ps = int(own["done_ps"].max()) if window.last < self._samples and len(own) else self._engine.now_ps
        overlap = (found["start_ps"] < end_ps) & (found["done_ps"] > begin_ps)
        return found[mine | overlap], end_ps
