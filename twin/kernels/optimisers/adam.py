"""Adam (Kingma 2015, Algorithm 1) and AdamW, whose decay of weights is apart from the gradient (Loshchilov 2019)."""

import numpy as np

from twin.kernels.jit import kernel

F32 = np.float32
ONE = F32(1.0)


@kernel
def adapt(w, gradient, m, v, rate, beta1, beta2, epsilon, decay, apart, share, step):
    """Step all parameters and clear their gradients.

    Parameters
    ----------
    w, gradient, m, v : float32 (n)
        Parameters, summed negative gradients, first and second moments.
    rate, beta1, beta2, epsilon, decay, share : float32
    apart : bool
        Whether `decay` shrinks the weights (AdamW) or is added to the gradient (Adam).
    step : float32
        1 for the first.
    """
    first, second = ONE - beta1**step, ONE - beta2**step
    for i in range(w.size):
        g = -share * gradient[i]
        gradient[i] = F32(0.0)
        if apart:
            w[i] *= ONE - rate * decay
        else:
            g += decay * w[i]
        m[i] = beta1 * m[i] + (ONE - beta1) * g
        v[i] = beta2 * v[i] + (ONE - beta2) * g * g
        w[i] -= rate * (m[i] / first) / (F32(np.sqrt(v[i] / second)) + epsilon)
