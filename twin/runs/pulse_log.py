"""The pulses of a window of samples, on request: which device got how many in which operation.

What the machine counts a device is read before and after each operation of the window, so nothing is drawn anew and no
bit of the run changes. Rows go to parts in the run's folder where checkpoints are saved (`twin.runs.rows`).
"""

from pathlib import Path
from typing import final

import numpy as np
import numpy.typing as npt
import pandas as pd

from twin.files import write_text
from twin.kernels.records import ROW
from twin.machine.machine import Machine
from twin.operation import Kind, Opcode
from twin.results.tables import TABLES
from twin.runs.exports import PULSES, window_of
from twin.runs.plan import RunRequest
from twin.runs.rows import RowParts

PARTS = "pulses.parts"
ROWS = np.dtype([(name, "i8") for name in ("sample", "opcode", "layer", "use", "read", "output", "input", "pulses")])
KINDS = {
    Opcode.UPDATE: Kind.UPDATE,
    Opcode.UPDATE_CHOPPED: Kind.UPDATE,
    Opcode.PULSE: Kind.TRANSFER,
    Opcode.TRANSFER_UPDATE: Kind.TRANSFER,
    Opcode.PULSE_LINES: Kind.TRANSFER,
}
"""Operations that pulse devices."""
Signs = npt.NDArray[np.float32]


@final
class PulseLog:
    """Writes down pulses while a machine trains.

    Parameters
    ----------
    request : RunRequest
    folder : Path
    machine : Machine
        That counts the pulses of its devices.
    sample : int
        The first that is performed, after what a checkpoint has.

    Attributes
    ----------
    rows : RowParts
    """

    def __init__(self, request: RunRequest, folder: Path, machine: Machine, sample: int) -> None:
        self._folder, self._machine = folder, machine
        self._window = window_of(request.pulses, "--pulses")
        self.rows = RowParts(folder / PARTS, ROWS, "sample", sample)
        if self._window is not None:
            machine.watch = self._perform

    def _perform(self, program: npt.NDArray[np.void], counts: npt.NDArray[np.float64]) -> None:
        """Perform instructions; those of the window one by one, updates use by use."""
        window = self._window
        inside = np.zeros(program.size, np.bool_)
        if window is not None:
            inside = (program["sample"] >= window.first) & (program["sample"] < window.last)
        if not inside.any():
            self._machine.perform(program, counts)
            return
        for at in range(program.size):
            one, row = program[at : at + 1], counts[at : at + 1]
            opcode = Opcode(int(one["opcode"][0]))
            if not inside[at] or opcode not in KINDS:
                self._machine.perform(one, row)
            elif KINDS[opcode] is Kind.UPDATE:
                for use in range(int(one["first"][0]), int(one["first"][0] + one["uses"][0])):
                    single = one.copy()
                    single["first"], single["uses"] = use, 1
                    self._note(opcode, single, row)
            else:
                self._note(opcode, one, row)

    def _note(self, opcode: Opcode, one: npt.NDArray[np.void], row: npt.NDArray[np.float64]) -> None:
        """Perform an instruction and hold what it pulsed."""
        layer = int(one["layer"][0])
        algorithm = self._machine.designs[layer].algorithm
        matrix = algorithm.fast if KINDS[opcode] is Kind.UPDATE else algorithm.main
        signs = self._signs(opcode, one) if opcode is Opcode.PULSE_LINES else None
        before = self._machine.pulses(layer, matrix)
        self._machine.perform(one, row)
        fired = self._machine.pulses(layer, matrix) - before
        outputs, inputs = np.nonzero(fired)
        found = np.zeros(outputs.size, ROWS)
        found["sample"], found["opcode"], found["layer"] = int(one["sample"][0]), int(opcode), layer
        found["use"], found["read"] = int(one["first"][0] + one["uses"][0] - 1), int(one["read"][0])
        found["output"], found["input"] = outputs, inputs
        signed = fired * (self._signs(opcode, one) if signs is None else signs)
        found["pulses"] = np.rint(signed[outputs, inputs])
        self.rows.hold(found)

    def _signs(self, opcode: Opcode, one: npt.NDArray[np.void]) -> Signs:
        """Return the sign of a pulse on every device, (n_out, n_in), by the vectors that chose it."""
        f, record = self._machine.f, self._machine.layers[int(one["layer"][0])]
        n_in, n_out = int(record["n_in"]), int(record["n_out"])
        lines, length, by_row = int(record["lines"]), int(record["line_length"]), record["transfer_axis"] == ROW

        def vector(at: int, size: int) -> Signs:
            return np.sign(f[at : at + size])

        if opcode is Opcode.UPDATE:
            start = int(one["slot"][0]) * int(record["stride"])
            use = int(one["first"][0])
            x = vector(int(record["x"]) + start + use * n_in, n_in)
            return np.outer(vector(int(record["d"]) + start + use * n_out, n_out), x)
        if opcode is Opcode.UPDATE_CHOPPED:
            return np.outer(vector(int(record["chopped_d"]), n_out), vector(int(record["chopped_x"]), n_in))
        if opcode is Opcode.PULSE_LINES:
            chi = vector(int(record["h"]), lines * length).reshape(lines, length)
            return chi if by_row else chi.T
        along = np.ones(lines, np.float32) if opcode is Opcode.PULSE else vector(int(record["u"]), lines)
        chosen = np.outer(along, vector(int(record["s"]), length))
        return chosen if by_row else chosen.T

    def finish(self) -> None:
        """Write ``pulses.csv``, if it was asked for."""
        if self._window is None:
            return
        self.rows.save()
        rows = self.rows.read()
        table = pd.DataFrame({name: rows[name] for name in ROWS.names or ()})
        table["kind"] = [str(KINDS[Opcode(code)]) for code in rows["opcode"].tolist()]
        matrices = [(one.algorithm.fast, one.algorithm.main) for one in self._machine.designs]
        table["matrix"] = [
            matrices[layer][kind != Kind.UPDATE] for layer, kind in zip(table["layer"], table["kind"], strict=True)
        ]
        columns = [column.name for column in TABLES["pulses"].columns]
        write_text(self._folder / PULSES, table[columns].to_csv(index=False, lineterminator="\n"))
