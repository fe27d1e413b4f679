"""What the long runs of Gokmen 2021 train: devices, rates, epochs, seeds, and how a case becomes a network."""

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from twin.runs.build import Parts, build
from twin.runs.planning import plan_run

sys.path.insert(0, str(Path(__file__).parents[1]))
from papers.training import first_loss, kept

WHOLE = 28_764  # sequences of 100 characters of the training text
VALIDATION = 2_876  # the last tenth of them, where rates are sought
PIECE = 576  # 2 %
LAYOUTS = {"digital": "digital", "sgd": "two-array", "shd": "four-array", "ttv2": "four-array"}
SYMMETRIC = '{preset = "symmetric-1200", w_max = 100.0, w_min = -100.0}'  # slopes of zero bound nothing
STATES_1200 = '{preset = "gokmen-1200"}'


@dataclass(frozen=True)
class Case:
    """One curve.

    Attributes
    ----------
    name, algorithm : str
    device : str
        Inline table of TOML.
    rates : dict of str to str
        Of the algorithm's table, as TOML.
    decay : float
        What the rates that decay are multiplied by after every epoch.
    epochs, seed : int
    samples : int
        Sequences an epoch; 0: the whole training text.
    validation : bool
        Whether the last tenth of the training text is kept from training and tested instead of the test text.
    average_from : int
        Epoch from which weights are averaged until the end; 0: none.
    chip : dict of str to str
        Overrides of the chip.
    """

    name: str
    algorithm: str
    device: str
    rates: dict[str, str]
    decay: float
    epochs: int
    seed: int = 1
    samples: int = 0
    validation: bool = False
    average_from: int = 0
    chip: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Return what tells a case from all others, fit for a file name."""
        return f"{self.name.replace(', ', '-').replace(' ', '-')}-{self.seed}"


def ttv2(fast_lr: float, transfer_lr: float, **more: str) -> dict[str, str]:
    """Return rates of TTv2 or SHD."""
    return {"fast_lr": str(fast_lr), "transfer_lr": str(transfer_lr)} | more


def sgd(rate: float) -> dict[str, str]:
    """Return the rate of SGD, analog or digital."""
    return {"learning_rate": str(rate)}


def device(dw_min: float, noise: float = 0.3, *, additive: bool = False) -> str:
    """Return the array model with another step."""
    multiplicative = str(not additive).lower()
    return f'{{preset = "gokmen-1200", dw_min = {dw_min:g}, dw_min_std = {noise:g}, mult_noise = {multiplicative}}}'


NOISELESS = {"tile.io.out_noise": "0.0"}
QUIET_TRANSFER = {"tile.io.transfer": "{ out_noise = 0.0 }"}
EXACT_TRANSFER = {"tile.io.transfer": "{ out_noise = 0.0, out_res = 0 }"}
SYMMETRIC_C = '{preset = "gokmen-1200", matrices = { C = { slope = 1e-4, up_down_dtod = 0.0 } }}'
SAME_STEP = '{preset = "gokmen-1200", up_down_dtod = 0.0}'  # in both directions, as the Array Model has it
ALIKE = '{preset = "gokmen-1200", dw_min_dtod = 0.0, up_down_dtod = 0.0, slope_dtod = 0.0}'
MODELS = {
    "Model III": (device(0.01, additive=True), ttv2(0.05, 0.4)),
    "Model II": (device(0.02, additive=True), ttv2(0.1, 0.2)),
    "Model I": (device(0.08, 1.0, additive=True), ttv2(0.2, 0.03)),
}
PLAIN = {"reset": '"plain"'}
TABLE = [
    Case(name, "ttv2", made, rates, 0.94, 50, average_from=40) for name, (made, rates) in MODELS.items()
]  # fmt: skip
TABLE += [replace(case, seed=2) for case in TABLE[:2]]  # the two that lie close together
TTV2 = Case("TTv2, 1200 states", "ttv2", STATES_1200, ttv2(0.02, 2.0), 0.97, 50)
SYMMETRIC_SGD = Case("SGD, symmetric, 1200 states", "sgd", SYMMETRIC, sgd(0.08), 0.93, 50)
FIG3 = [  # seed 2 last
    Case("digital", "digital", STATES_1200, sgd(0.08), 0.93, 50),
    TTV2,
    SYMMETRIC_SGD,
    Case("SHD, 1200 states", "shd", STATES_1200, ttv2(0.01, 0.01), 0.97, 50),
    Case("SGD, 1200 states", "sgd", STATES_1200, sgd(0.01), 0.97, 50),
    replace(SYMMETRIC_SGD, seed=2),
    replace(TTV2, seed=2),
]
FIG5 = [  # with the hysteretic reset it is Model I
    Case("SGD, 15 states", "sgd", MODELS["Model I"][0], sgd(0.01), 0.94, 5),
    Case("TTv2 plain, 15 states", "ttv2", MODELS["Model I"][0], MODELS["Model I"][1] | PLAIN, 0.94, 50),
]


THIRD = WHOLE // 3


def short(name: str, algorithm: str, made: str, rates: dict[str, str], decay: float = 0.85, **more: object) -> Case:
    """Return a case of 6 epochs of the first third of the text, held against the validation text."""
    return Case(name, algorithm, made, rates, decay, 6, samples=THIRD, validation=True, **more)  # type: ignore[arg-type]


TEN = {"transfer_update": "{ desired_bl = 10 }"}  # pulses of C a crossing
PARTS = [  # what keeps TTv2 on 1200 states from SGD on symmetric devices: one change at a time
    short("SGD, symmetric", "sgd", SYMMETRIC, sgd(0.08)),
    short("TTv2", "ttv2", STATES_1200, ttv2(0.02, 2.0)),
    short("TTv2, reads of A without noise", "ttv2", STATES_1200, ttv2(0.02, 2.0), chip=QUIET_TRANSFER),
    short("TTv2, all reads without noise", "ttv2", STATES_1200, ttv2(0.02, 2.0), chip=NOISELESS),
    short("TTv2, a read an update", "ttv2", STATES_1200, ttv2(0.02, 0.4, transfer_every="1")),
    short("TTv2, automatic scale", "ttv2", STATES_1200, ttv2(0.2, 2.0, auto_scale="true")),
    short("TTv2, slow transfer", "ttv2", STATES_1200, ttv2(0.02, 0.5), 0.95),
    short("SGD, symmetric, all reads without noise", "sgd", SYMMETRIC, sgd(0.08), chip=NOISELESS),
    short("digital", "digital", STATES_1200, sgd(0.08)),
    short("TTv2, 120 states", "ttv2", device(0.01), ttv2(0.05, 0.4)),
    short("TTv2, reads of A exact", "ttv2", STATES_1200, ttv2(0.02, 2.0), chip=EXACT_TRANSFER),
    short("TTv2, rates of 120 states", "ttv2", STATES_1200, ttv2(0.05, 4.0)),
    short("TTv2, a read an update, as strong", "ttv2", STATES_1200, ttv2(0.02, 2.0, transfer_every="1")),
    short("TTv2, C symmetric", "ttv2", SYMMETRIC_C, ttv2(0.02, 2.0)),
    short("TTv2, ten pulses a crossing", "ttv2", STATES_1200, ttv2(0.02, 20.0, **TEN)),
    short("TTv2, one step for both directions", "ttv2", SAME_STEP, ttv2(0.02, 2.0)),
    short("TTv2, devices alike", "ttv2", ALIKE, ttv2(0.02, 2.0)),
    short("TTv2, no cycle noise", "ttv2", device(0.001, 0.0), ttv2(0.02, 2.0)),
]
BOUNDED = '{preset = "symmetric-1200"}'  # at 0.6 with a spread of 0.2, where the slopes of gokmen-1200 end
COARSE_A, COARSE_C = (f'{{preset = "gokmen-1200", matrices = {{ {name} = {{ dw_min = 0.01 }} }}}}' for name in "AC")
ROOM = {"update.desired_bl": "1000"}  # pulses of an update of A; the workload's 31 clip more than 31 dw_min
GAP = [  # what is left: the range of weights, which of the two matrices wants fewer states, and room for pulses
    short("SGD, symmetric, bounded", "sgd", BOUNDED, sgd(0.08)),
    short("TTv2, 120 states of C alone", "ttv2", COARSE_C, ttv2(0.05, 0.4)),
    short("TTv2, 120 states of A alone", "ttv2", COARSE_A, ttv2(0.02, 2.0)),
    short("TTv2, rates of 120 states, 1000 pulses", "ttv2", STATES_1200, ttv2(0.05, 4.0, **ROOM)),
    short("TTv2, 120 states of C alone, 1000 pulses", "ttv2", COARSE_C, ttv2(0.05, 0.4, **ROOM)),
    short("TTv2, rates of 120 states, and ten a crossing", "ttv2", STATES_1200, ttv2(0.05, 4.0, **ROOM, **TEN)),
    Case("SGD, symmetric, bounded, 50 epochs", "sgd", BOUNDED, sgd(0.08), 0.93, 50),
]
TRIALS = {  # three settings of each algorithm at each step of a device
    "ttv2": {
        6e-4: [(0.02, 2.0), (0.02, 4.0), (0.01, 4.0)],
        6e-3: [(0.04, 0.5), (0.04, 1.0), (0.02, 1.0)],
        0.06: [(0.15, 0.05), (0.2, 0.05), (0.15, 0.1)],
    },
    "shd": {
        6e-4: [(0.01, 0.01), (0.02, 0.01), (0.01, 0.03)],
        6e-3: [(0.05, 0.01), (0.02, 0.01), (0.02, 0.03)],
        0.06: [(0.1, 0.01), (0.05, 0.01), (0.1, 0.03)],
    },
    "sgd": {
        6e-4: [(0.005,), (0.01,), (0.02,)],
        6e-3: [(0.005,), (0.01,), (0.02,)],
        0.06: [(0.01,), (0.02,), (0.05,)],
    },
}


def trial(algorithm: str, dw_min: float, rates: tuple[float, ...], every: int = 5) -> Case:
    """Return a point of Fig. 4 at one setting: 3 epochs of the first third of the text, all rates x 0.7 an epoch."""
    own = sgd(*rates) if algorithm == "sgd" else ttv2(*rates)
    name = f"{algorithm} at {dw_min:g} with {' '.join(f'{rate:g}' for rate in rates)}"
    if every != 5:  # as in the workload
        own, name = own | {"transfer_every": str(every)}, f"{name} every {every}"
    return Case(name, algorithm, device(dw_min), own, 0.7, 3, samples=THIRD, validation=True)


FIG4 = [  # the first setting of every point before the second of any
    trial(name, dw_min, tried[number])
    for number in range(3)
    for dw_min in (6e-4, 0.06, 6e-3)
    for name, steps in TRIALS.items()
    for tried in [steps[dw_min]]
]
FIG4 += [  # a fourth at the smallest step: A read after every update
    trial("ttv2", 6e-4, (0.02, 4.0), 1),
    trial("shd", 6e-4, (0.01, 0.03), 1),
    trial("sgd", 6e-4, (0.015,)),
]
ALONE = [  # of TTv2 only, so none may be a point of the figure
    trial("ttv2", 6e-4, (0.02, 10.0), 1),
    trial("ttv2", 6e-4, (0.04, 2.0), 1),
    trial("ttv2", 0.06, (0.15, 0.2)),
    trial("ttv2", 0.06, (0.1, 0.1)),
]
RATES = [  # is it the rates that put Model III above Model II? The first pair of each is that of `MODELS`
    short(f"{name} with {fast:g} {slow:g}", "ttv2", MODELS[name][0], ttv2(fast, slow))
    for name, fast, slow in [
        ("Model III", 0.05, 0.4),
        ("Model III", 0.05, 0.8),
        ("Model III", 0.025, 0.8),
        ("Model III", 0.05, 0.2),
        ("Model III", 0.1, 0.2),
        ("Model II", 0.1, 0.2),
    ]
]
COARSE = [  # rates of TTv2 for the coarsest devices
    short(f"TTv2 at 0.1 with {fast:g} {slow:g}", "ttv2", device(0.1), ttv2(fast, slow))
    for fast, slow in [(0.2, 0.06), (0.15, 0.06), (0.2, 0.1), (0.3, 0.06), (0.2, 0.04), (0.3, 0.04), (0.4, 0.04)]
]
STEPS = [  # the points of Fig. 4 at 50 epochs that Fig. 3 lacks
    Case("TTv2 at 0.01", "ttv2", device(0.01), ttv2(0.05, 0.4), 0.94, 50),
    Case("TTv2 at 0.06", "ttv2", device(0.06), ttv2(0.2, 0.08), 0.94, 50),
    Case("TTv2 at 0.0006", "ttv2", device(6e-4), ttv2(0.02, 2.0, transfer_every="1"), 0.94, 50),
    Case("TTv2 at 0.0006, every 5", "ttv2", device(6e-4), ttv2(0.02, 4.0), 0.97, 50),  # as the others read A; given up
    Case("SHD at 0.06", "shd", device(0.06), ttv2(0.1, 0.01), 0.97, 50),
    Case("SGD at 0.06", "sgd", device(0.06), sgd(0.05), 0.97, 50),
    Case("TTv2 at 0.1", "ttv2", device(0.1), ttv2(0.3, 0.06), 0.94, 50),
]
LISTS = {
    "fig4": FIG4,
    "fig4-ttv2": ALONE,
    "fig4-coarse": COARSE,
    "fig4-long": STEPS,
    "table1": TABLE,
    "rates": RATES,
    "fig3": FIG3,
    "fig5": FIG5,
    "parts": PARTS,
    "gap": GAP,
}


def overrides(case: Case, samples: int, epochs: int) -> dict[str, str]:
    """Return what a case changes in the workload lstm-wp."""
    own = {"device": case.device, "training.epochs": str(epochs), "training.seed": str(case.seed)}
    own |= {f"algorithms.{case.algorithm}.{key}": value for key, value in case.rates.items()}
    if case.algorithm != "digital":  # every coincidence by itself
        own[f"algorithms.{case.algorithm}.update.kernel"] = '"exact"'
    if case.decay < 1:
        own["training.decay_at"] = str([round(k / epochs, 6) for k in range(1, epochs)])
        own["training.decay_factor"] = str(case.decay)
    if samples:
        own["data.samples"] = str(samples)
    return own


def parts_of(case: Case, samples: int = 0, epochs: int = 0) -> Parts:
    """Build the network of a case, which learns the first `samples` sequences (0: as the case says)."""
    learnt = samples or case.samples or (WHOLE - VALIDATION if case.validation else 0)
    own = overrides(case, learnt, epochs or case.epochs)
    parts = build(plan_run("lstm-wp", "aimc-512", LAYOUTS[case.algorithm], case.algorithm, "replayed", own, case.chip))
    if case.validation:
        parts.machine.data = kept(parts, WHOLE - VALIDATION, WHOLE)
    return parts


def piece(case: Case) -> float:
    """Return the mean training loss of the first 2 % of the first epoch."""
    return first_loss(parts_of(replace(case, validation=False), PIECE, 1), PIECE)
