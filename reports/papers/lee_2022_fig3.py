"""Lee 2022, Fig. 3: gradient schedulers t(k) of SGD, momentum and Tiki-Taka with ideal devices.

t(k) is how much the gradient of step k counts in the update of step T. On the machine it is measured: the target of
step k is changed a little, and t(k) is by how much the last update of the weight changes.
"""

import numpy as np
import pandas as pd

from papers.asymmetry import Array, momentum_scheduler, sgd_scheduler, tiki_taka_scheduler
from papers.experiment import CHIP, ONE_WEIGHT, SHD
from papers.lee_2022_line import SOURCE
from papers.lee_2022_line_draw import draw_schedulers
from papers.output import Advance, Claim, Reproduction
from twin.operation import N_COUNTS
from twin.runs.build import build
from twin.runs.planning import plan_run

STEPS, BETAS = 7, (0.9, 0.5)
RATE, CHANGE = 1e-3, 1.0
TOLERANCE = 0.01
COLUMNS = ("optimizer", "step", "quantity", "unit", "value", "closed_form")
IDEAL = {"device": '{preset = "ideal"}', "data.slope": "0.5", "data.noise": "0.05", **ONE_WEIGHT}
PLANS = {
    "SGD": ("two-array", "sgd", {"algorithms.sgd.learning_rate": str(RATE)}),
    "Tiki-Taka": (
        "four-array",
        "shd",
        SHD | {"algorithms.shd.fast_lr": str(RATE), "algorithms.shd.transfer_lr": str(RATE)},
    ),
}


def measured(optimizer: str, seed: int, steps: int = STEPS) -> Array:
    """Return t(k), k = 1..steps, of one weight that learns a line on ideal devices, relative to t(steps).

    Each target is changed by itself, and the run repeated; the difference of the last update is taken relative to the
    input of the step, which turns a change of the target into one of the gradient.
    """
    layout, algorithm, values = PLANS[optimizer]
    overrides = IDEAL | values | {"training.seed": str(seed)}
    parts = build(plan_run("linear", "aimc-512", layout, algorithm, "replayed", overrides, CHIP))
    machine, start = parts.machine, parts.machine.f.copy()
    machine.set_rates(1.0)
    program, starts = parts.effects.encoder.encode(0, steps)
    rows = [parts.effects.encoder.rows(step) for step in range(steps)]

    def last_update() -> float:
        machine.f[:] = start
        before = 0.0
        for k in range(steps):
            before = float(machine.weights(0, parts.algorithm.main)[0, 0])
            block = program[starts[k] : starts[k + 1]]
            machine.execute(block, np.zeros((block.size, N_COUNTS)))
        return float(machine.weights(0, parts.algorithm.main)[0, 0]) - before

    found = np.zeros(steps)
    for k, row in enumerate(rows):
        ends = []
        for sign in (1, -1):
            machine.data.targets[row] += sign * CHANGE
            ends.append(last_update())
            machine.data.targets[row] -= sign * CHANGE
        found[k] = (ends[0] - ends[1]) / float(machine.data.inputs[row, 0])
    return np.asarray(found / found[-1])


def claims(found: dict[str, Array]) -> tuple[Claim, ...]:
    """Hold the measured schedulers against the paper's."""
    sgd, tiki_taka = found["SGD"], found["Tiki-Taka"]
    off = float(np.abs(sgd - sgd_scheduler(len(sgd))).max())
    spread = float(np.abs(tiki_taka - 1).max())
    return (
        Claim(
            "SGD: the current gradient alone counts",
            f"largest |t(k)| of an earlier step {off:.4f} of the last one's ({TOLERANCE} allowed)",
            off <= TOLERANCE,
        ),
        Claim(
            "Tiki-Taka with ideal devices remembers all gradients with equal importance",
            f"largest |t(k) - 1| over {len(tiki_taka)} steps {spread:.4f} ({TOLERANCE} allowed)",
            spread <= TOLERANCE,
        ),
        Claim(
            "so it resembles momentum with beta -> 1",
            f"largest |t(k) - beta^(T-k)| for beta = 0.999: "
            f"{np.abs(tiki_taka - momentum_scheduler(len(tiki_taka), 0.999)).max():.4f} ({TOLERANCE} allowed)",
            bool(np.abs(tiki_taka - momentum_scheduler(len(tiki_taka), 0.999)).max() <= TOLERANCE),
        ),
    )


def reproduce(seed: int, advance: Advance) -> Reproduction:
    """Compute Fig. 3."""
    found = {}
    for number, optimizer in enumerate(PLANS):
        found[optimizer] = measured(optimizer, seed)
        advance(number + 1, len(PLANS))
    forms = {
        "SGD": sgd_scheduler(STEPS),
        **{f"momentum {beta:g}": momentum_scheduler(STEPS, beta) for beta in BETAS},
        "Tiki-Taka": tiki_taka_scheduler(np.ones(STEPS)),
    }
    rows = [
        {
            "optimizer": name,
            "step": k + 1,
            "quantity": "t(k) / t(T)",
            "unit": "1",
            "value": found[name][k] if name in found else np.nan,
            "closed_form": form[k],
        }
        for name, form in forms.items()
        for k in range(STEPS)
    ]
    return Reproduction(
        f"{SOURCE}, Fig. 3",
        draw_schedulers(found, forms),
        claims(found),
        pd.DataFrame(rows),
        {
            "measured": f"one weight on ideal devices, rates {RATE}, so small that the weight hardly moves, "
            f"T = {STEPS}; the target of each step in turn changed by +-{CHANGE:g}",
            "Tiki-Taka": "ns = 1, u = 1, gamma = 0, as in the paper",
            "momentum": "closed form only; the twin has no momentum",
        },
        COLUMNS,
    )
