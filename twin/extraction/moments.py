"""Linear regression from sums alone: M_xx += x x^T, M_xy += x y^T, then W = (M_xx^-1 M_xy)^T.

Gokmen 2021, Eq. 4 and "Accurate Model Average": neither inputs nor outputs need to be kept.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.errors import TwinError

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """What a regression found.

    Attributes
    ----------
    weights : float64 array, shape (n_out, n_in)
    standard_error : float64 array, shape (n_out, n_in)
        Of every weight, from the residuals; NaN where there are no more mat-vecs than inputs.
    reads : int
        Mat-vecs that entered.
    """

    weights: Array
    standard_error: Array
    reads: int


class Moments:
    """The sums of one regression y = W x + noise, in float64.

    Parameters
    ----------
    n_in, n_out : int
        Lengths of x and y.

    Attributes
    ----------
    xx : float64 array, shape (n_in, n_in)
    xy : float64 array, shape (n_in, n_out)
    yy : float64 array, shape (n_out,)
        Sums of y^2, for the residuals.
    reads : int
    """

    __slots__ = ("n_in", "n_out", "reads", "xx", "xy", "yy")

    def __init__(self, n_in: int, n_out: int) -> None:
        self.n_in, self.n_out, self.reads = n_in, n_out, 0
        self.xx, self.xy, self.yy = np.zeros((n_in, n_in)), np.zeros((n_in, n_out)), np.zeros(n_out)

    def add(self, x: npt.ArrayLike, y: npt.ArrayLike, weight: npt.ArrayLike = 1.0) -> None:
        """Add mat-vecs.

        Parameters
        ----------
        x : shape (n_in,) or (k, n_in)
        y : shape (n_out,) or (k, n_out)
        weight : scalar or shape (k,)
            Proportional to 1 / noise variance of each mat-vec; those of weight 0 do not count.
        """
        inputs, outputs = np.atleast_2d(np.asarray(x, np.float64)), np.atleast_2d(np.asarray(y, np.float64))
        shapes = (len(outputs), self.n_in), (len(inputs), self.n_out)
        if (inputs.shape, outputs.shape) != shapes:
            raise ValueError(f"x {inputs.shape} and y {outputs.shape}: must be {shapes[0]} and {shapes[1]}")
        weights = np.broadcast_to(np.asarray(weight, np.float64), len(inputs))[:, None]
        self.xx += inputs.T @ (weights * inputs)
        self.xy += inputs.T @ (weights * outputs)
        self.yy += (weights * outputs * outputs).sum(axis=0)
        self.reads += int(np.count_nonzero(weights))

    def solve(self) -> Estimate:
        """Solve for the weights.

        Raises
        ------
        TwinError
            When the mat-vecs do not determine every weight: too few, or inputs that do not span all lines.
        """
        from scipy.linalg import LinAlgError, cho_factor, cho_solve  # noqa: PLC0415 - 0.1 s

        if self.reads < self.n_in:
            raise TwinError(
                f"extraction (= {self.reads} mat-vecs): must be at least {self.n_in}, one an input line; read more"
            )
        scale = 1 / np.sqrt(np.maximum(self.xx.diagonal(), np.finfo(float).tiny))  # unit diagonal: well conditioned
        try:
            factor = cho_factor(self.xx * scale * scale[:, None])
        except LinAlgError as error:
            raise TwinError(
                f"extraction (= {self.reads} mat-vecs): the inputs do not span all {self.n_in} lines; "
                "use random inputs, or more of them"
            ) from error
        weights = (cho_solve(factor, self.xy * scale[:, None]) * scale[:, None]).T
        inverse = cho_solve(factor, np.eye(self.n_in)).diagonal() * scale**2
        residual = np.maximum(self.yy - (weights * self.xy.T).sum(axis=1), 0.0)
        freedom = self.reads - self.n_in
        variance = residual / freedom if freedom else np.full(self.n_out, np.nan)
        return Estimate(weights, np.sqrt(variance[:, None] * inverse), self.reads)

    def state(self) -> dict[str, npt.NDArray[np.float64]]:
        """Return the sums as plain arrays, for a checkpoint."""
        return {"xx": self.xx, "xy": self.xy, "yy": self.yy, "reads": np.array([self.reads], np.float64)}

    def restore(self, arrays: dict[str, npt.NDArray[np.float64]]) -> None:
        """Carry on from `state`."""
        self.xx[:], self.xy[:], self.yy[:] = arrays["xx"], arrays["xy"], arrays["yy"]
        self.reads = int(arrays["reads"][0])
