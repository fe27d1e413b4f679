"""Gradient descent with or without momentum, and Nesterov's form of it (Sutskever 2013, Eq. 1 to 4).

As PyTorch has it: v <- momentum v + g, then w <- w - rate v, or w - rate (g + momentum v) in Nesterov's form.
"""

import numpy as np

from twin.kernels.jit import kernel

F32 = np.float32


@kernel
def descend(w, gradient, v, rate, momentum, nesterov, decay, share):
    """Step all parameters and clear their gradients.

    Parameters
    ----------
    w, gradient, v : float32 (n)
        Parameters, summed negative gradients, velocities.
    rate, momentum, decay, share : float32
        `decay` of weights is added to the gradient; `share` is 1 / samples of the batch.
    """
    for i in range(w.size):
        g = decay * w[i] - share * gradient[i]
        gradient[i] = F32(0.0)
        if momentum > F32(0.0):
            v[i] = momentum * v[i] + g
            g = g + momentum * v[i] if nesterov else v[i]
        w[i] -= rate * g
