"""DRAMs to test, and the rules of their data sheets as a checker that knows nothing of the model."""

from collections import deque

import numpy as np

from twin.chip.dram.server import COMMANDS, DramServer
from twin.config.presets import presets
from twin.descriptions.load import load_chip

PARTS = sorted(presets("dram"))
SYSTEM = {
    "channels": "1",
    "ranks": "1",
    "page_policy": '"open"',
    "address_mapping": '"RoRaBaCoBgCh"',
    "queue_depth": "32",
    "area": '"0 mm^2"',
}


def description(part, **system):
    """Return the description of a DRAM; `system` overrides what `SYSTEM` says or the part gives."""
    values = SYSTEM | {"kind": '"dram"', "preset": f'"{part}"'} | {key: str(value) for key, value in system.items()}
    table = ", ".join(f"{key} = {value}" for key, value in values.items())
    return load_chip("aimc-512", {"memory": f"{{ {table} }}"}).model.memory


def dram(part, **system):
    return description(part, **system).sheet()


def server(part, **system):
    return DramServer(dram(part, **system))


def stream(server, addresses, *, writes=False, every_ps=0, commands=0):
    """Ask for one burst each `every_ps`; return arrivals, times of completion and commands of channel 0."""
    n = len(addresses)
    arrival = np.arange(n, dtype=np.int64) * every_ps
    done, logs = server.trace(arrival, np.asarray(addresses, np.int64), np.broadcast_to(writes, n), commands)
    return arrival, done, logs[0]


class Rules:
    """The data sheet: how many ps must lie between two commands of one channel."""

    def __init__(self, part):
        self.part = part
        for name in type(part).model_fields:
            if name[0] == "n" and name[1].isupper():
                setattr(self, name, int(getattr(part, name) * part.tCK * 1e12 + 0.5))
        self.tCK = int(part.tCK * 1e12 + 0.5)

    def gap(self, before, after):
        """Return the ps that `after` must come later than `before`; 0 where they do not care."""
        first, second = before.name, after.name
        same_rank, same_group, same_bank = (
            getattr(before, place) == getattr(after, place) for place in ("rank", "group", "bank")
        )
        write_end = self.nCWL + self.nBL
        if first in {"RD", "WR"} and second in {"RD", "WR"}:
            return self.columns(first + second, same_rank=same_rank, same_group=same_group)
        if not same_rank:
            return 0
        if same_bank:
            rule = {
                "ACT RD": self.nRCD, "ACT WR": self.nRCDWR, "ACT PRE": self.nRAS, "ACT ACT": self.nRC,
                "RD PRE": self.nRTP, "WR PRE": write_end + self.nWR, "PRE ACT": self.nRP, "PRE REF": self.nRP,
            }.get(f"{first} {second}", 0)  # fmt: skip
            if rule:
                return rule
        if (first, second) == ("ACT", "ACT"):
            return self.nRRDL if same_group else self.nRRDS
        return {
            "ACT PREab": self.nRAS, "RD PREab": self.nRTP, "WR PREab": write_end + self.nWR, "PREab ACT": self.nRPab,
            "PREab REF": self.nRPab, "REF ACT": self.nRFC, "REF REF": self.nRFC, "PRE REF": self.nRP,
            "ACT REF": self.nRC,
        }.get(f"{first} {second}", 0)  # fmt: skip

    def columns(self, pair, *, same_rank, same_group):
        write_end, both = self.nCWL + self.nBL, max(self.nCCDL if same_group else self.nCCDS, self.nBL)
        if same_rank:
            to_read = write_end + (self.nWTRL if same_group else self.nWTRS)
            return {"RDRD": both, "WRWR": both, "RDWR": self.nRTW, "WRRD": to_read}[pair]
        apart = self.nBL + self.nCS
        return {
            "RDRD": apart, "WRWR": apart, "RDWR": self.nCL + apart - self.nCWL, "WRRD": write_end + self.nCS - self.nCL,
        }[pair]  # fmt: skip


class Command:
    def __init__(self, row):
        self.at, command, self.rank, self.group, self.bank, self.row = (int(value) for value in row)
        self.kind = COMMANDS[command]
        self.name = "PRE" if self.kind == "auto-PRE" else self.kind

    def __repr__(self):
        return f"{self.kind} of rank {self.rank} bank {self.bank} row {self.row} at {self.at} ps"


def violations(part, log, remember=40):  # noqa: C901, PLR0912 - one branch a kind of command
    """Name every rule of the part that a sequence of commands breaks.

    Looks back over `remember` commands, which last longer than any gap but the one after a refresh.
    """
    rules, found = Rules(part), []
    commands = sorted((Command(row) for row in log), key=lambda command: command.at)
    past, refreshes = deque(maxlen=remember), {}
    rows, activations, buses, data = {}, {}, {}, [(-(10**9), -1)]
    for one in commands:
        found += [f"{one} after {old}" for old in past if one.at - old.at < rules.gap(old, one)]
        last = refreshes.get(one.rank)
        if last and one.at - last.at < rules.gap(last, one):
            found.append(f"{one} after {last}")
        banks = [bank for bank, (rank, _) in rows.items() if rank == one.rank]
        if one.name == "ACT":
            recent = activations.setdefault(one.rank, deque(maxlen=4))
            if len(recent) == 4 and one.at - recent[0] < rules.nFAW:
                found.append(f"{one}: five activations in tFAW")
            recent.append(one.at)
            if one.bank in rows:
                found.append(f"{one}: the bank is open")
            rows[one.bank] = one.rank, one.row
        elif one.name in {"RD", "WR"}:
            if rows.get(one.bank) != (one.rank, one.row):
                found.append(f"{one}: that row is not open")
            begin = one.at + (rules.nCL if one.name == "RD" else rules.nCWL)
            if begin < data[-1][0]:
                found.append(f"{one}: its data meet others on the wires")
            data.append((begin + rules.nBL, one.rank))
        elif one.name == "PRE":
            if rows.pop(one.bank, None) is None:
                found.append(f"{one}: the bank is closed")
        elif one.name == "PREab":
            for bank in banks:
                del rows[bank]
        else:
            if banks:
                found.append(f"{one}: banks {banks} are open")
            refreshes[one.rank] = one
        if one.kind != "auto-PRE":
            bus = "column" if one.name in {"RD", "WR"} and part.command_buses == 2 else "row"
            if one.at - buses.get(bus, -(10**9)) < rules.tCK:
                found.append(f"{one}: two commands in one clock")
            buses[bus] = one.at
        past.append(one)
    return found
