"""Small programs, effects and costs to drive the engine with."""

from twin.algorithms.operation import N_COUNTS, Counts, Kind, Opcode, Operation, Resource, Stream, Unit
from twin.chip import Component, Demand, Path, Server
from twin.chip.demand import Occupancy, no_energy


class Costs:
    """Servers by number: an operation's `parts` are its servers, `words` their time, `lines` the time
    per pulse, `flops` its latency."""

    def __init__(self, n_servers):
        self.servers = tuple(Server(f"s{k}", "tile") for k in range(n_servers))

    def demand(self, operation):
        energy = no_energy()
        energy[Component.DIGITAL, 0] = 1e-12 * operation.words
        energy[Component.PULSES, 1 + Counts.FIRED] = 2e-12
        column = Counts.PULSES if operation.lines else -1
        occupancy = tuple(Occupancy(s, operation.words, operation.lines) for s in operation.parts or ())
        moved = ((Path.LINK, Stream.H, operation.words),) if operation.stream else ()
        payload = (Stream.H, operation.words) if operation.stream else None
        return Demand(occupancy, column, operation.flops, energy, moved, payload)

    def area(self):
        return []

    def leakage_W(self):
        return 0.5


class Program:
    """The same operations for every sample, or one list per `sample % len(programs)`."""

    def __init__(self, *programs, setup=()):
        self.programs, self._setup = programs, setup

    def key(self, sample):
        return sample % len(self.programs)

    def operations(self, sample):
        return self.programs[self.key(sample)]

    def setup(self):
        return self._setup


class Effects:
    """Notes who asks when; `pulses` says how many each operation finds."""

    def __init__(self, pulses=lambda _sample, _position: 1, setup=()):
        self.pulses, self.rows, self.calls = pulses, setup, []

    def setup_counts(self):
        return self.rows

    def counts(self, sample, position):
        self.calls.append((sample, position))
        return counts(self.pulses(sample, position))


def counts(pulses):
    row = [0.0] * N_COUNTS
    row[Counts.PULSES] = row[Counts.FIRED] = float(pulses)
    return row


def op(servers=(), time=0, *, latency=0, reads="", writes="", per_pulse=0, effect=False, moves=False):
    """An operation; resources are letters, private ones lower case."""
    return Operation(
        Kind.UPDATE,
        Unit.TILE,
        0,
        tuple(Resource(r, r.islower()) for r in reads),
        tuple(Resource(r, r.islower()) for r in writes),
        Opcode.UPDATE if effect or per_pulse else Opcode.NONE,
        parts=tuple(servers),
        words=time,
        flops=latency,
        lines=per_pulse,
        stream=Stream.H if moves else None,
    )
