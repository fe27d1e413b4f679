"""Lee 2022, Fig. 6: the gradient scheduler t(k) and A along the paths of Fig. 5.

t(k) = MF_A,k MF_C,k (Eq. 15) from the recorded weights and signs: MF_A by the sign of the gradient that A takes, MF_C
by the sign of A, which is what C takes. As in the paper, raw values pass an exponential moving average and a natural
smoothing spline.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from papers import lee_2022_fig5 as fig5
from papers.asymmetry import Array, mismatch_factor, tiki_taka_scheduler
from papers.lee_2022_line import FAST_LR, SOURCE, Steps, settings
from papers.lee_2022_line_draw import draw_scheduler_paths
from papers.output import Advance, Claim, Reproduction

SAMPLES, SEEDS, SPAN, WINDOW = 600, 8, 25, 80
INTERCEPT, OFF = 1, 0.06
COLUMNS = ("AF_A", "AF_C", "sample", "quantity", "unit", "value", "smoothed")


def factors(one: Steps) -> tuple[Array, Array]:
    """Return MF_A and MF_C at every sample, shape (samples, 2)."""
    af_a, af_c = one.case.af
    a, c = one.weights["A"], one.weights["C"]
    return (
        mismatch_factor(af_a, a[:-1], one.gradient),
        mismatch_factor(af_c, c[:-1], -np.sign(a[1:])),
    )


def scheduler(one: Steps) -> Array:
    """Return t(k) at every sample, shape (samples, 2)."""
    mf_a, mf_c = factors(one)
    return tiki_taka_scheduler(mf_a) * mf_c


def moving_average(values: Array, span: float = SPAN) -> Array:
    """Return the exponential moving average along the first axis, weight 2 / (span + 1), unbiased at its start."""
    frame = pd.DataFrame(values.reshape(len(values), -1))
    return frame.ewm(span=span, adjust=True).mean().to_numpy().reshape(values.shape)


def spline(values: Array) -> Array:
    """Return a natural cubic smoothing spline through values at 0, 1, 2, ..., its smoothness by cross-validation."""
    from scipy.interpolate import make_smoothing_spline  # noqa: PLC0415

    every = max(1, len(values) // 120)  # cross-validation would follow the moving average's own correlation
    x = np.arange(0, len(values), every)
    return np.asarray(make_smoothing_spline(x, values[x])(np.arange(len(values))))


def response(runs: Sequence[Steps]) -> float:
    """Return the slope of A's changes over -eta gradient MF_A: 1 where A takes gradients as Eq. 12 says."""
    taken = np.concatenate([np.diff(one.weights["A"], axis=0).ravel() for one in runs])
    asked = np.concatenate([(-FAST_LR * one.gradient * factors(one)[0]).ravel() for one in runs])
    return float(taken @ asked / (asked @ asked))


def reversal(one: Steps) -> int:
    """Return the first step at which the averaged gradient of the intercept has another sign than at first."""
    mean = moving_average(one.gradient[:, INTERCEPT])
    return int(np.argmax(np.sign(mean) != np.sign(mean[SPAN])))


def abruptness(runs: Sequence[Steps]) -> float:
    """Return t(k) after the first reversal of the gradient over t(k) before it, `WINDOW` steps each, mean over runs."""
    ratios = []
    for one in runs:
        at, t = reversal(one), scheduler(one)[:, INTERCEPT]
        ratios.append(t[at : at + WINDOW].mean() / t[max(at - WINDOW, 0) : at].mean())
    return float(np.mean(ratios))


def claims(found: fig5.Runs) -> tuple[Claim, ...]:
    """Hold schedulers and A against what the paper says."""
    slopes = {pair: response(runs) for pair, runs in found.items()}
    off = max(abs(slope - 1) for slope in slopes.values())
    jumps = [abruptness(found[pair]) for pair in fig5.OVER_A]
    signs = [fig5.turns(found[pair]) for pair in fig5.OVER_C]
    symmetric = max(float(np.abs(factors(one)[0] - 1).max()) for one in found[fig5.OVER_A[0]])
    decline = _decline(found[fig5.OVER_C[2]])
    return (
        Claim(
            "A takes each gradient times MF_A,k (Eq. 12, 15)",
            f"slope of A's changes over -eta gradient MF_A within {off:.3f} of 1 in all cases ({OFF} allowed: "
            "the pulses of one update see A move)",
            off <= OFF,
        ),
        Claim(
            "AF_A = 0: MF_A = 1 at all steps, so t(k) = MF_C",
            f"largest |MF_A - 1| {symmetric:g}",
            symmetric == 0,
        ),
        Claim(
            "AF_A = 2 and 4: t(k) rises abruptly where the sign of the gradient inverts, the more the larger AF_A",
            f"t(k) over {WINDOW} steps after / before, AF_A 0, 2, 4: " + ", ".join(f"{jump:.2f}" for jump in jumps),
            jumps[0] < jumps[1] < jumps[2] and jumps[1] > 1.2,
        ),
        Claim(
            "with large AF_C, A changes its sign frequently",
            "sign changes of A, AF_C 0, 2, 4: " + ", ".join(f"{count:.1f}" for count in signs),
            signs[0] < signs[1] < signs[2],
        ),
        Claim(
            "MF_C falls while A keeps its sign: adaptive gradients",
            f"AF_C 4: MF_C at the first reversal of A is {decline:.2f} of its first value",
            decline < 0.8,
        ),
    )


def _decline(runs: Sequence[Steps]) -> float:
    """Return MF_C where A is about to change its sign for the first time, over MF_C at the start; mean over runs."""
    shares = []
    for one in runs:
        a, mf = one.weights["A"][1:, INTERCEPT], factors(one)[1][:, INTERCEPT]
        later = np.nonzero((np.sign(a) < 0) & (np.arange(len(a)) > SPAN))[0]
        end = int(later[0]) if later.size else len(a)
        shares.append(mf[end - SPAN : end].mean() / mf[:5].mean())
    return float(np.mean(shares))


def _rows(found: Mapping[fig5.Pair, Sequence[Steps]]) -> Iterator[dict[str, object]]:
    for (af_a, af_c), runs in found.items():
        one = runs[0]
        for name, raw in (("t(k)", scheduler(one)[:, INTERCEPT]), ("A", one.weights["A"][1:, INTERCEPT])):
            smooth = spline(moving_average(raw))
            for sample in range(0, len(raw), 5):
                yield {
                    "AF_A": af_a,
                    "AF_C": af_c,
                    "sample": sample + 1,
                    "quantity": f"{name} of the intercept",
                    "unit": "1" if name == "t(k)" else "half range",
                    "value": raw[sample],
                    "smoothed": smooth[sample],
                }


def reproduce(seed: int, advance: Advance) -> Reproduction:
    """Compute Fig. 6."""
    found = fig5.measure(seed, advance, SAMPLES, SEEDS)
    smooth = {
        pair: (
            spline(moving_average(scheduler(runs[0])[:, INTERCEPT])),
            spline(moving_average(runs[0].weights["A"][1:, INTERCEPT])),
        )
        for pair, runs in found.items()
    }
    return Reproduction(
        f"{SOURCE}, Fig. 6",
        draw_scheduler_paths(smooth, fig5.OVER_A, fig5.OVER_C),
        claims(found),
        pd.DataFrame(_rows(found)),
        settings(SAMPLES, f"{SEEDS} a pair, from {seed}, the same for all; drawn: the first")
        | {"smoothing": f"exponential moving average of span {SPAN}, natural smoothing spline (SciPy)"},
        COLUMNS,
    )
