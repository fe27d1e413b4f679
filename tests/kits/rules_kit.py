"""Rules of optimisers in float64 NumPy."""

import numpy as np


def stepped(rule, w, gradients):
    """Apply a rule to a vector in float64, as its paper has it; see also PyTorch's documentation of each."""
    m, v = np.zeros_like(w), np.zeros_like(w)
    lr, decay = rule.learning_rate, rule.weight_decay
    for step, slope in enumerate(gradients, 1):
        g = slope if rule.kind == "adamw" else slope + decay * w
        if rule.kind in {"adam", "adamw"}:
            w = w * (1 - lr * decay) if rule.kind == "adamw" else w
            m = rule.beta1 * m + (1 - rule.beta1) * g
            v = rule.beta2 * v + (1 - rule.beta2) * g**2
            w = w - lr * (m / (1 - rule.beta1**step)) / (np.sqrt(v / (1 - rule.beta2**step)) + rule.epsilon)
            continue
        m = (rule.momentum if rule.kind != "sgd" else 0.0) * m + g
        w = w - lr * (g + rule.momentum * m if rule.kind == "nesterov" else m)
    return w
