"""Small programs, effects and costs to drive the engine with."""

import numpy as np
from hypothesis import strategies as st

from twin.chip import Component, Demand, Path, Server
from twin.chip.demand import Occupancy, no_energy
from twin.chip.power import Standing
from twin.operation import N_COUNTS, Counts, Kind, Opcode, Operation, Resource, Stream, Unit


class Costs:
    """Servers by number: an operation's `parts` are its servers, `words` their time, `lines` the time
    per pulse, `flops` its latency."""

    stateful = None

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

    standing = Standing({Component.LEAKAGE: 0.5}, {})


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


class Ahead(Effects):
    """Effects of `program` that can be performed ahead, three samples a block."""

    def __init__(self, program, pulses=lambda _sample, _position: 1, setup=()):
        super().__init__(pulses, setup)
        self.program = program

    def segment(self, first, last):
        pass

    def skip(self, first, last):
        for start in range(first, last, 3):
            end, groups = min(start + 3, last), {}
            for sample in range(start, end):
                effects = [k for k, o in enumerate(self.program.operations(sample)) if o.opcode is not Opcode.NONE]
                rows = np.array([self.counts(sample, k) for k in effects]).reshape(-1, N_COUNTS)
                groups.setdefault(self.program.key(sample), (sample, []))[1].append(rows)
            yield end, [(sample, np.array(rows)) for sample, rows in groups.values()]


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


@st.composite
def operations(draw):
    """Draw an operation on four servers and five resources."""
    pick = st.sets(st.sampled_from("ABCxy"), max_size=2).map(sorted)
    return op(
        sorted(draw(st.sets(st.integers(0, 3), max_size=3))),
        draw(st.sampled_from([0, 1, 3, 10, 50])),
        latency=draw(st.sampled_from([0, 0, 7])),
        reads="".join(draw(pick)),
        writes="".join(draw(pick)),
        per_pulse=draw(st.sampled_from([0, 0, 4])),
        effect=draw(st.booleans()),
        moves=draw(st.booleans()),
    )


programs = st.lists(operations(), min_size=1, max_size=8)
