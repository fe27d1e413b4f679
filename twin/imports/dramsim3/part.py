"""A memory part of the twin from a configuration of DRAMsim3 (Li et al., IEEE CAL 19:106, 2020; commit 2981759).

Clocks of commands are those of its ``src/timing.cc``, energies those of its ``InitPowerParams``: supply voltage times
currents times clocks, for all devices of a rank. Defaults are those of its ``src/configuration.cc``.
"""

from dataclasses import dataclass, field
from typing import Any

from twin.imports.dramsim3.ini import Ini

SHORT = 2
"""Transfers of a data wire a clock, but of those in `FAST`."""
FAST = {"GDDR5": 4, "GDDR5X": 8, "GDDR6": 16}
TWO_DELAYS = ("GDDR5", "GDDR5X", "GDDR6", "HBM", "HBM2")
"""Protocols with clocks of their own from opening a row to reads and to writes."""
PROTOCOLS = ("DDR3", "DDR4", "LPDDR", "LPDDR3", "LPDDR4", *TWO_DELAYS)
MEGA = 1024
POLICIES = {"OPEN_PAGE": "open", "CLOSE_PAGE": "closed"}
FIELDS = ("ch", "ra", "bg", "ba", "ro", "co")
WITHOUT_EFFECT = {
    ("dram_structure", "num_dies"): "dies of a stack",
    ("timing", "trfc2"): "fine refresh",
    ("timing", "trfc4"): "fine refresh",
    ("timing", "trefib"): "refresh of single banks",
    ("timing", "trfcb"): "refresh of single banks",
    ("timing", "twr2"): "another write preamble",
    ("timing", "trpre"): "no effect in DRAMsim3 either",
    ("timing", "twpre"): "no effect in DRAMsim3 either",
    ("timing", "tcke"): "power-down",
    ("timing", "tckesr"): "self-refresh",
    ("timing", "tcksre"): "self-refresh",
    ("timing", "txs"): "self-refresh",
    ("timing", "txp"): "power-down",
    ("power", "ipp0"): "no effect in DRAMsim3 either",
    ("power", "idd2p"): "power-down",
    ("power", "idd3p"): "power-down",
    ("power", "idd5pb"): "refresh of single banks",
    ("power", "idd6x"): "self-refresh",
    ("system", "queue_structure"): "one queue a channel",
    ("system", "cmd_queue_size"): "one queue a channel, of trans_queue_size bursts",
    ("system", "unified_queue"): "queues of their own for reads and writes",
    ("system", "write_buf_size"): "as many writes as reads wait",
    ("system", "refresh_policy"): "all banks of a rank at once",
    ("other", "epoch_period"): "output of DRAMsim3",
    ("other", "output_level"): "output of DRAMsim3",
    ("other", "output_prefix"): "output of DRAMsim3",
}
"""Keys that the twin's DRAM has no use for, and why."""
LOSSES = {("timing", "tppd"): (0, "clocks between closings of two rows: none"),
          ("timing", "t32aw"): (None, "a window of 32 openings: none")}  # fmt: skip
"""Keys whose effect is lost where they have another value than this."""


@dataclass
class Part:
    """A part, the controller that the file describes, and what is not as in DRAMsim3.

    Attributes
    ----------
    name, description : str
    values, sources : dict of str
        Of the part, by key.
    controller : dict of str
        `channels`, `ranks`, `page_policy`, `address_mapping` and `queue_depth` of a chip's memory.
    lost : list of str
        A line each.
    """

    name: str
    description: str
    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    controller: dict[str, Any] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)


class Reading:
    """One configuration on its way to a part."""

    def __init__(self, ini: Ini, name: str) -> None:
        self.ini, self.file = ini, ini.label.rpartition("/")[2]
        self.protocol = ini.text("dram_structure", "protocol", "DDR3")
        if self.protocol not in PROTOCOLS:
            line = ini.line("dram_structure", "protocol")
            why = "is reached through links of packets" if self.protocol == "HMC" else "is unknown"
            rule = f"{why}; a part is one of {', '.join(PROTOCOLS)}"
            raise ini.refused(line, f"protocol (= {self.protocol[:40]!r}): {rule}")
        self.part = Part(name, f"{self.protocol} of the DRAMsim3 configuration {self.file}")

    def put(self, key: str, value: Any, *keys: str, rule: str = "", section: str = "timing") -> None:
        """Enter a value with the lines it comes from."""
        lines = sorted({self.ini.line(section, own) for own in keys if self.ini.has(section, own)})
        missing = [own for own in keys if not self.ini.has(section, own)]
        where = f"DRAMsim3 {self.file}" + (f", line{'s' * (len(lines) > 1)} {_joined(lines)}" if lines else "")
        text = f"{rule}, {where}" if rule else where
        if missing:
            text += f"; {_joined(missing)} not in the file: DRAMsim3's default"
        self.part.values[key] = value
        self.part.sources[key] = f"{'D' if rule or missing else 'S'}: {text}"

    def assume(self, key: str, value: Any, reason: str) -> None:
        """Enter a value that the file does not have."""
        self.part.values[key], self.part.sources[key] = value, f"assumption: {reason}"

    def clocks(self, key: str, default: int) -> int:
        """Return a number of clocks."""
        return self.ini.count("timing", key, default)

    def structure(self) -> None:
        """Read sizes: of a burst, of a rank, of a channel."""
        ini, part = self.ini, self.part
        groups = ini.count("dram_structure", "bankgroups", 2, least=1, most=64)
        banks = ini.count("dram_structure", "banks_per_group", 2, least=1, most=64)
        if not ini.flag("dram_structure", "bankgroup_enable", default=True):
            groups, banks = 1, groups * banks
        rows = ini.count("dram_structure", "rows", 1 << 16, least=1, most=1 << 24)
        columns = ini.count("dram_structure", "columns", 1 << 10, least=1, most=1 << 20)
        device = ini.count("dram_structure", "device_width", 8, least=1, most=1024)
        beats = ini.count("dram_structure", "BL", 8, least=1, most=256)
        bus = ini.count("system", "bus_width", 64, least=1, most=65_536)
        if bus % device:
            rule = f"must be a multiple of device_width ({device}): a rank is whole devices"
            raise self._at("system", "bus_width", f"bus_width (= {bus}): {rule}")
        self.devices = bus // device
        a_clock = FAST.get(self.protocol, SHORT)
        if beats % a_clock:
            rule = f"must be a multiple of {a_clock}, the transfers of a wire a clock of {self.protocol}"
            raise self._at("dram_structure", "BL", f"BL (= {beats}): {rule}")
        self.burst, self.bits = beats // a_clock, bus * beats
        if self.protocol in FAST:
            columns *= beats
        elif self.protocol.startswith("HBM"):
            columns *= 2
        row = columns * device * self.devices // 8
        where = "dram_structure"
        self.put("bus_width", bus, "bus_width", section="system")
        self.put("burst_length", beats, "BL", section=where)
        self.put("bank_groups", groups, "bankgroups", section=where)
        self.put("banks", banks, "banks_per_group", section=where)
        self.put("rows", rows, "rows", section=where)
        self.put("row_size", f"{row} B", "columns", "device_width", section=where, rule="columns of all devices")
        two = self.protocol.startswith("HBM") and ini.flag(where, "hbm_dual_cmd", default=True)
        self.put("command_buses", 1 + two, "protocol", section=where, rule="two with HBM")
        self.put("nBL", self.burst, "BL", section=where, rule=f"{beats} beats, {a_clock} a clock")
        megabytes = row * groups * banks * rows // MEGA // MEGA
        size = ini.count("system", "channel_size", 1024, least=1)
        part.controller["channels"] = ini.count("system", "channels", 1, least=1, most=65_536)
        part.controller["ranks"] = max(1, size // max(1, megabytes))

    def timing(self) -> None:
        """Read clocks from command to command (`src/timing.cc`)."""
        tck = self.ini.number("timing", "tCK", 1.0, least=1e-3, most=1e3)
        self.tck = tck
        added, switch = self.clocks("AL", 0), self.clocks("tRTRS", 2)
        reads, writes = added + self.clocks("CL", 12), added + self.clocks("CWL", 12)
        opens, closes = self.clocks("tRAS", 24), self.clocks("tRP", 10)
        self.put("tCK", f"{tck:g} ns", "tCK")
        self.put("nCL", reads, "CL")
        self.put("nCWL", writes, "CWL")
        if self.protocol in TWO_DELAYS:
            self.put("nRCD", self.clocks("tRCDRD", 24), "tRCDRD")
            self.put("nRCDWR", self.clocks("tRCDWR", 20), "tRCDWR")
        else:
            self.put("nRCD", max(0, self.clocks("tRCD", 10) - added), "tRCD")
            self.put("nRCDWR", self.part.values["nRCD"], "tRCD")
        self.put("nRP", closes, "tRP")
        self.put("nRPab", closes, "tRP")
        self.put("nRAS", opens, "tRAS")
        self.put("nRC", opens + closes, "tRAS", "tRP", rule="tRAS + tRP")
        self.pair("nCCD", "tCCD", 4, 6, least=self.burst)
        self.pair("nRRD", "tRRD", 4, 4)
        self.put("nFAW", self.clocks("tFAW", 50), "tFAW")
        self.put("nWR", self.clocks("tWR", 10), "tWR")
        self.pair("nWTR", "tWTR", 5, 5)
        short = "tRTP" if self.ini.has("timing", "tRTP") or not self.ini.has("timing", "tRTP_L") else "tRTP_L"
        self.put("nRTP", added + self.clocks(short, 5), short)
        turn = max(1, reads + self.burst - writes + switch)
        self.put("nRTW", turn, "CL", "CWL", "tRTRS", rule="CL + burst - CWL + tRTRS")
        self.put("nCS", switch, "tRTRS")
        self.put("nRFC", self.clocks("tRFC", 74), "tRFC")
        self.put("nREFI", self.ini.count("timing", "tREFI", 7800, least=1), "tREFI")

    def pair(self, key: str, own: str, other: int, same: int, *, least: int = 0) -> None:
        """Read clocks between accesses to two bank groups and to one; a rank without groups has the former alone."""
        apart = max(least, self.clocks(f"{own}_S", other))
        within = max(least, self.clocks(f"{own}_L", same))
        self.put(f"{key}S", apart, f"{own}_S")
        if self.part.values["bank_groups"] == 1:
            self.put(f"{key}L", apart, f"{own}_S", rule="one bank group")
        else:
            self.put(f"{key}L", within, f"{own}_L")

    def power(self) -> None:
        """Read energies: V x mA x ns is pJ."""
        volt = self.ini.number("power", "VDD", 1.2, least=0.01, most=100.0)
        idd0, idle, open_ = self.current("IDD0", 48), self.current("IDD2N", 34), self.current("IDD3N", 43)
        timed = {key: self.part.values[key] for key in ("nRC", "nRAS", "nRP", "nRFC")}
        scale = volt * self.tck * self.devices
        opening = scale * (idd0 * timed["nRC"] - open_ * timed["nRAS"] - idle * timed["nRP"])
        self.energy("activate_energy", opening, "pJ", "VDD (IDD0 tRC - IDD3N tRAS - IDD2N tRP)", "IDD0")
        for key, own, default in (("read_energy", "IDD4R", 135), ("write_energy", "IDD4W", 123)):
            burst = scale * (self.current(own, default) - open_) * self.burst
            self.energy(key, burst / self.bits, "pJ/bit", f"VDD ({own} - IDD3N) a burst", own)
        for key in ("read_io_energy", "write_io_energy"):
            self.assume(key, "0 pJ/bit", "DRAMsim3 counts no energy of the wires; set it to count them")
        refresh = scale * (self.current("IDD5AB", 250) - open_) * timed["nRFC"]
        self.energy("refresh_energy", refresh, "pJ", "VDD (IDD5AB - IDD3N) tRFC", "IDD5AB")
        self.energy("background", volt * open_ * self.devices, "mW", "VDD IDD3N, active standby", "IDD3N")

    def current(self, key: str, default: float) -> float:
        """Return a current in mA."""
        return self.ini.number("power", key, default, most=1e6)

    def energy(self, key: str, value: float, unit: str, rule: str, own: str) -> None:
        """Enter an energy of all devices of a rank.

        Raises
        ------
        TwinError
            When it is negative.
        """
        if value < 0:
            raise self._at(
                "power", own, f"{own}: {key} becomes negative ({value:g} {unit}) by {rule}; check the currents"
            )
        self.put(key, f"{value:.6g} {unit}", "VDD", own, section="power", rule=f"{rule} of {self.devices} devices")

    def system(self) -> None:
        """Read how the controller works."""
        mapping = self.ini.text("system", "address_mapping", "chrobabgraco")
        fields = [mapping[at : at + 2].lower() for at in range(0, len(mapping), 2)]
        if sorted(fields) != sorted(FIELDS):
            rule = f"must name {', '.join(FIELDS)} once each"
            raise self._at("system", "address_mapping", f"address_mapping (= {mapping[:40]!r}): {rule}")
        policy = self.ini.text("system", "row_buf_policy", "OPEN_PAGE")
        if policy not in POLICIES:
            rule = f"must be {' or '.join(POLICIES)}"
            raise self._at("system", "row_buf_policy", f"row_buf_policy (= {policy[:40]!r}): {rule}")
        self.part.controller |= {
            "page_policy": POLICIES[policy],
            "address_mapping": "".join(field.capitalize() for field in fields),
            "queue_depth": self.ini.count("system", "trans_queue_size", 32, least=1, most=1024),
        }

    def losses(self) -> None:
        """List what is not as in DRAMsim3."""
        ini, lost = self.ini, self.part.lost
        for (section, key), (without, instead) in LOSSES.items():
            if ini.has(section, key) and ini.count(section, key, 0) != without:
                lost.append(
                    f"line {ini.line(section, key)}: {section}.{key} = {ini.text(section, key, '')}; here: {instead}"
                )
        for key in ("enable_self_refresh", "aggressive_precharging_enabled"):
            if ini.flag("system", key, default=False):
                lost.append(f"line {ini.line('system', key)}: system.{key} = true; here: none")
        if ini.text("system", "refresh_policy", "") == "BANK_LEVEL_STAGGERED":
            line = ini.line("system", "refresh_policy")
            lost.append(f"line {line}: system.refresh_policy = BANK_LEVEL_STAGGERED; here: all banks of a rank at once")
        for section, key, entry in ini.untaken():
            if (section, key) not in WITHOUT_EFFECT and section not in ("thermal", "hmc") and key[:5] != "trtp_":
                lost.append(f"line {entry.line}: {section}.{key} = {entry.text[:40]}; unknown, also to DRAMsim3")

    def _at(self, section: str, key: str, rule: str) -> Exception:
        return self.ini.refused(self.ini.line(section, key) if self.ini.has(section, key) else 1, rule)


def read_part(ini: Ini, name: str) -> Part:
    """Make a part of a configuration.

    Raises
    ------
    TwinError
        For a value out of range, a protocol without banks of its own, energies below zero.
    """
    reading = Reading(ini, name)
    for step in (reading.structure, reading.timing, reading.power, reading.system, reading.losses):
        step()
    return reading.part


def _joined(items: list[Any]) -> str:
    return " and ".join(filter(None, (", ".join(map(str, items[:-1])), str(items[-1]))))
