"""A DRAM at work: its banks' state, carried on from transfer to transfer, and traces of single bursts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from twin.chip.dram import kernel
from twin.chip.mover import Served

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.chip.dram.sheet import Access, DataSheet

CHUNK: Final = 1024  # bursts of a channel that are gathered at once
LONG_AGO: Final = -(2**60)
STATE: Final = ("banks", "groups", "ranks", "channels")
COMMANDS: Final = ("ACT", "PRE", "RD", "WR", "REF", "PREab", "auto-PRE")


class DramServer:
    """The banks of all channels, and the counters that walk through regions.

    Parameters
    ----------
    dram : DataSheet

    Attributes
    ----------
    accesses : list of Access
        The transfers that `serve` knows by number.
    """

    def __init__(self, dram: DataSheet) -> None:
        self.dram = dram
        self.accesses: list[Access] = []
        rules, channels = dram.rules, dram.channels
        n_ranks = int(rules[kernel.RANKS])
        n_groups = n_ranks * int(rules[kernel.GROUPS])
        self.banks = np.zeros((channels, n_groups * int(rules[kernel.BANKS]), 6), np.int64)
        self.banks[:, :, kernel.OPEN] = kernel.NO_ROW
        self.groups = np.zeros((channels, n_groups, 3), np.int64)
        self.ranks = np.zeros((channels, n_ranks, 9), np.int64)
        self.ranks[:, :, kernel.R_FAW : kernel.R_DUE] = LONG_AGO
        # Ranks take turns, so that not all of them are refreshed at once.
        self.ranks[:, :, kernel.R_DUE] = rules[kernel.T_REFI] * (1 + np.arange(n_ranks)) // n_ranks
        self.channels = np.zeros((channels, 7), np.int64)
        self.cursors = np.zeros(0, np.int64)
        self._queues = np.zeros((3, 1 + max(int(rules[kernel.DEPTH]), self.banks.shape[1])), np.int64)
        self._requests = np.zeros((channels, CHUNK, 7), np.int64)
        self._counts = np.zeros(channels, np.int64)
        self._log = np.zeros((0, 6), np.int64)

    # -- transfers of many bytes, for the engine ---------------------------------------------------------------------

    def register(self, access: Access) -> int:
        """Note a transfer; return the number by which `serve` knows it."""
        if access not in self.accesses:
            self.accesses.append(access)
            missing = access.cursor + 1 - self.cursors.size
            self.cursors = np.concatenate([self.cursors, np.zeros(max(missing, 0), np.int64)])
        return self.accesses.index(access)

    def serve(self, number: int, start_ps: int) -> Served:
        """Perform the next line of a registered transfer."""
        access = self.accesses[number]
        line = int(self.cursors[access.cursor]) % access.lines
        self.cursors[access.cursor] += 1
        return self.transfer(access.base + line * access.pitch, access.n_bytes, writes=access.writes, start_ps=start_ps)

    def skip(self, number: int, times: int) -> None:
        """Walk on as if a registered transfer had been performed."""
        self.cursors[self.accesses[number].cursor] += times

    def jump(self, elapsed_ps: int) -> None:
        """Let the clock jump: the banks wait meanwhile, rows stay open, and refresh goes on where it was."""
        self.banks[:, :, kernel.B_ACT : kernel.B_MET] += elapsed_ps
        self.groups += elapsed_ps
        self.ranks[:, :, : kernel.R_WAITS] += elapsed_ps
        for column in (kernel.C_ROW, kernel.C_COLUMN, kernel.C_LAST):
            self.channels[:, column] += elapsed_ps

    def nominal(self, number: int) -> Served:
        """Return what a registered transfer takes while all banks are closed and no refresh is due."""
        access = self.accesses[number]
        return DramServer(self.dram).transfer(access.base, access.n_bytes, writes=access.writes, start_ps=0)

    def transfer(self, burst: int, n_bytes: int, *, writes: bool, start_ps: int) -> Served:
        """Move `n_bytes` from burst number `burst` on, from `start_ps`, which never lies before an earlier one."""
        dram = self.dram
        end_ps, done_ps, activations = kernel.transfer(
            dram.rules, dram.order, dram.sizes, self.banks, self.groups, self.ranks, self.channels,
            self._requests, self._counts, self._queues, self._log, burst, dram.bursts(n_bytes), writes, start_ps,
        )  # fmt: skip
        return Served(int(end_ps) - start_ps, int(done_ps - end_ps), int(activations))

    def state(self) -> dict[str, NDArray[np.int64]]:
        """Return everything that is carried on, as plain arrays."""
        return {name: getattr(self, name).copy() for name in (*STATE, "cursors")}

    def restore(self, arrays: dict[str, NDArray[np.int64]]) -> None:
        """Take what `state` returned; ValueError where it is of another DRAM."""
        for name in STATE:
            if arrays[name].shape != getattr(self, name).shape:
                raise ValueError(f"{name} of another DRAM")
            getattr(self, name)[:] = arrays[name]
        self.cursors = arrays["cursors"].copy()

    # -- traces of single bursts, for validation ---------------------------------------------------------------------

    def trace(
        self,
        arrival_ps: NDArray[np.int64],
        address: NDArray[np.int64],
        writes: NDArray[np.bool_],
        commands: int = 0,
    ) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
        """Serve single bursts in the order of their arrival.

        Parameters
        ----------
        arrival_ps : ndarray of int64, (n,)
            Not decreasing. Of a channel whose queue is full, the following requests wait outside.
        address : ndarray of int64, (n,)
            Bytes; the burst that holds it is moved.
        writes : ndarray of bool, (n,)
        commands : int
            How many commands of each channel to record.

        Returns
        -------
        done_ps : ndarray of int64, (n,)
            When the last beat of data was on the wires.
        commands : list of ndarray of int64, (n_commands, 6)
            Of each channel: time, number in `COMMANDS`, rank, group and bank (numbered through the channel), row.
        """
        fields = decoded(self.dram, np.asarray(address, np.int64) // self.dram.burst_bytes)
        done, logs = np.zeros(len(fields), np.int64), []
        for channel in range(self.dram.channels):
            mine = np.flatnonzero(fields[:, 0] == channel)
            requests = np.zeros((mine.size, 7), np.int64)
            rank, group, bank, row = fields[mine, 1:5].T
            group += rank * self.dram.rules[kernel.GROUPS]
            bank += group * self.dram.rules[kernel.BANKS]
            for column, values in enumerate((np.asarray(arrival_ps)[mine], rank, group, bank, row)):
                requests[:, column] = values
            requests[:, kernel.WRITES] = np.asarray(writes)[mine]
            log = np.zeros((commands, 6), np.int64)
            state = (self.banks[channel], self.groups[channel], self.ranks[channel], self.channels[channel])
            _, n = kernel.serve(self.dram.rules, *state, requests, self._queues, log)
            done[mine] = requests[:, kernel.DONE]
            logs.append(log[: min(n, commands)])
        return done, logs


def decoded(dram: DataSheet, burst: NDArray[np.int64]) -> NDArray[np.int64]:
    """Split numbers of bursts into channel, rank, group, bank, row and column, (n, 6)."""
    fields, rest = np.zeros((burst.size, 6), np.int64), burst.copy()
    for field in dram.order:
        rest, fields[:, field] = np.divmod(rest, dram.sizes[field])
    return fields
