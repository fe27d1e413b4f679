"""How old the weights were that every forward and backward mat-vec read.

Staleness of a read by sample n: n minus the oldest sample before n whose update of the matrix the read did not see,
0 where it saw them all. Where it saw them all and an update of a later sample besides, n minus the newest of these,
which is negative. In program order it is always 0.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from twin.engine.binding import Template


class Staleness:
    """Counts reads of weight matrices by their staleness, in samples.

    Attributes
    ----------
    reads : Counter
        By (template, staleness).
    """

    def __init__(self) -> None:
        self._due: defaultdict[int, deque[int]] = defaultdict(deque)  # samples let in whose write is to come
        self._newest: dict[int, int] = {}  # sample whose write was last performed, the newest of them
        self.reads: Counter[tuple[int, int]] = Counter()

    def enter(self, sample: int, written: tuple[int, ...]) -> None:
        """Note that a sample is let in which will write these matrices."""
        for resource in written:
            self._due[resource].append(sample)

    def note(self, read: int, written: int, sample: int, template: int) -> None:
        """Count the read of a matrix (-1: none), and note the last write of a sample to one (-1: none)."""
        if read >= 0:
            due, seen = self._due.get(read), sample
            if due and due[0] < sample:
                seen = due[0]
            elif self._newest.get(read, sample) > sample:
                seen = self._newest[read]
            key = template, sample - seen
            self.reads[key] = self.reads.get(key, 0) + 1
        if written >= 0:
            self._due[written].remove(sample)
            if self._newest.get(written, -1) < sample:
                self._newest[written] = sample

    def table(self, templates: list[Template]) -> pd.DataFrame:
        """Return the reads by kind, layer, matrix and staleness."""
        import pandas as pd  # noqa: PLC0415

        rows = [
            (str(template.operation.kind), template.operation.layer, template.operation.matrix, samples, n)
            for (index, samples), n in self.reads.items()
            for template in [templates[index]]
        ]
        keys = ["kind", "layer", "matrix", "staleness_samples"]
        frame = pd.DataFrame(rows, columns=[*keys, "reads"])
        frame = frame.astype({"layer": int, "staleness_samples": int, "reads": int})  # also where there is no row
        return frame.groupby(keys, as_index=False).sum()

    def state(self) -> NDArray[np.int64]:
        """Return the counts as (n, 3): template, staleness, reads."""
        rows = [(*key, n) for key, n in sorted(self.reads.items())]
        return np.array(rows, np.int64).reshape(-1, 3)

    def restore(self, rows: NDArray[np.int64]) -> None:
        """Take what `state` returned."""
        self.reads = Counter({(template, samples): n for template, samples, n in rows.tolist()})
