"""Recurrent and convolutional networks in float64 NumPy, written from their formulas and sharing no code with twin.

A matrix is (outputs, inputs); where a layer has a bias, its last column stands for an input that is always 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

FUNCTIONS = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0.0),
    "identity": lambda z: z,
}
SLOPES = {  # in terms of y = f(z)
    "sigmoid": lambda y: y * (1 - y),
    "tanh": lambda y: 1 - y * y,
    "relu": lambda y: (y > 0) * 1.0,
    "identity": np.ones_like,
}


def softmax(z):
    """Return probabilities over the last axis."""
    grown = np.exp(z - z.max(axis=-1, keepdims=True))
    return grown / grown.sum(axis=-1, keepdims=True)


def with_one(x, bias):
    """Append the input that is always 1, where there is a bias."""
    return np.append(x, 1.0) if bias else x


# -- sequences ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """A recurrent layer on [input, h of the step before, 1]: "lstm" (gates i, f, o, g), "gru" (z, r, n) or "rnn".

    The n of a GRU takes [input, r h, 1].
    """

    kind: str
    hidden: int
    bias: bool = True


@dataclass(frozen=True)
class Full:
    """A dense layer used at every step, or once."""

    function: str
    bias: bool = True


def start(layers):
    """Return the state (h, c) of every layer at the start of a text."""
    return [(np.zeros(one.hidden), np.zeros(one.hidden)) if isinstance(one, Cell) else None for one in layers]


def step_forward(layer, w, x, state):
    """Return output, state and all that the way back needs, of one layer at one step."""
    if isinstance(layer, Full):
        v = with_one(x, layer.bias)
        y = softmax(w @ v) if layer.function == "softmax" else FUNCTIONS[layer.function](w @ v)
        return y, None, (v, y)
    h, c = state
    v = with_one(np.concatenate([x, h]), layer.bias)
    if layer.kind == "rnn":
        h = np.tanh(w @ v)
        return h, (h, c), (v, h)
    if layer.kind == "gru":
        z, r = np.split(FUNCTIONS["sigmoid"](w[: 2 * layer.hidden] @ v), 2)
        u = with_one(np.concatenate([x, r * h]), layer.bias)
        n = np.tanh(w[2 * layer.hidden :] @ u)
        new = (1 - z) * n + z * h
        return new, (new, c), (v, u, z, r, n, h)
    z_i, z_f, z_o, z_g = np.split(w @ v, 4)
    i, f, o = (FUNCTIONS["sigmoid"](z) for z in (z_i, z_f, z_o))
    g = np.tanh(z_g)
    new = f * c + i * g
    h = o * np.tanh(new)
    return h, (h, new), (v, i, f, o, g, c, new)


def gru_backward(layer, w, kept, dh):
    """Return dL/dw of a GRU at one step, and dL/d[input, h of the step before]."""
    v, u, z, r, n, h = kept
    size = layer.hidden
    dn = dh * (1 - z) * (1 - n**2)
    du = w[2 * size :].T @ dn
    inputs = len(v) - size - layer.bias
    dr = du[inputs : inputs + size] * h
    gates = np.concatenate([dh * (h - n) * z * (1 - z), dr * r * (1 - r)])
    back = w[: 2 * size].T @ gates
    back[:inputs] += du[:inputs]
    back[inputs : inputs + size] += dh * z + du[inputs : inputs + size] * r
    return np.concatenate([np.outer(gates, v), np.outer(dn, u)]), back


def step_backward(layer, kept, dh, dc):
    """Return dL/dz of one recurrent layer at one step, and dL/dc of the step before."""
    if layer.kind == "rnn":
        return dh * (1 - kept[1] ** 2), dc
    _, i, f, o, g, c, new = kept
    dc = dc + dh * o / np.cosh(new) ** 2
    parts = (dc * g * i * (1 - i), dc * c * f * (1 - f), dh * np.tanh(new) * o * (1 - o), dc * i * (1 - g**2))
    return np.concatenate(parts), dc * f


def unroll(layers, weights, xs, state):
    """Run a sequence forward; return what is kept of every step and layer, the outputs and the state left."""
    history, outputs = [], []
    for x in xs:
        kept, state, y = [], list(state), x
        for k, layer in enumerate(layers):
            y, state[k], one = step_forward(layer, weights[k], y, state[k])
            kept.append(one)
        history.append(kept)
        outputs.append(y)
    return history, outputs, state


def sequence_loss(layers, weights, xs, labels, state):
    """Return the cross-entropies of all steps, added, and the state left."""
    _, outputs, state = unroll(layers, weights, xs, state)
    return -sum(np.log(y[label]) for y, label in zip(outputs, labels, strict=True)), state


def sequence_gradients(layers, weights, xs, labels, state):
    """Return the derivatives of `sequence_loss` by all weights, by back-propagation to the sequence's first step.

    The state that it begins with counts as given, which is what truncates the propagation.
    """
    history, outputs, _ = unroll(layers, weights, xs, state)
    gradients = [np.zeros_like(w) for w in weights]
    from_later = [np.zeros(getattr(one, "hidden", 0)) for one in layers]
    of_cells = [np.zeros(getattr(one, "hidden", 0)) for one in layers]
    for kept, y, label in zip(reversed(history), reversed(outputs), reversed(labels), strict=True):
        error = None
        for k in reversed(range(len(layers))):
            layer, w = layers[k], weights[k]
            if getattr(layer, "kind", "") == "gru":
                gradient, back = gru_backward(layer, w, kept[k], error + from_later[k])
                gradients[k] += gradient
                inputs = len(back) - layer.hidden - layer.bias
                from_later[k], error = back[inputs : inputs + layer.hidden], back[:inputs]
                continue
            if isinstance(layer, Cell):
                dz, of_cells[k] = step_backward(layer, kept[k], error + from_later[k], of_cells[k])
            elif error is None:
                dz = y - np.eye(len(y))[label]
            else:
                dz = error * SLOPES[layer.function](kept[k][1])
            gradients[k] += np.outer(dz, kept[k][0])
            back = w.T @ dz
            if isinstance(layer, Cell):
                inputs = len(back) - layer.hidden - layer.bias
                from_later[k] = back[inputs : inputs + layer.hidden]
                error = back[:inputs]
            else:
                error = back[: len(back) - layer.bias]
    return gradients


def train_text(layers, weights, codes, labels, rate, samples):
    """Train on `samples` sequences in order, again from the first after the last; state carried, reset at the first.

    Parameters
    ----------
    codes, labels : int, (sequences, steps)

    Returns
    -------
    weights, losses (mean over the steps of each sample), state
    """
    weights = [np.array(w, np.float64) for w in weights]
    symbols = np.eye(weights[0].shape[1] - layers[0].hidden - layers[0].bias)
    state, losses = start(layers), []
    for sample in range(samples):
        row = sample % len(codes)
        if row == 0:
            state = start(layers)
        xs = symbols[codes[row]]
        gradients = sequence_gradients(layers, weights, xs, labels[row], state)
        loss, state = sequence_loss(layers, weights, xs, labels[row], state)
        losses.append(loss / len(xs))
        weights = [w - rate * gradient for w, gradient in zip(weights, gradients, strict=True)]
    return weights, losses, state


# -- images ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Windows:
    """A convolution of a map (height, width, channels), its activation, then max-pooling by `pool`."""

    function: str
    kernel: int
    stride: int = 1
    padding: int = 0
    pool: int = 1
    bias: bool = True


def correlate(layer, w, image):
    """Return the weighted sums (height, width, outputs) of all windows."""
    n = layer.kernel
    border = [(layer.padding, layer.padding)] * 2 + [(0, 0)]
    windows = sliding_window_view(np.pad(image, border), (n, n), axis=(0, 1))[:: layer.stride, :: layer.stride]
    kernels = w[:, : n * n * image.shape[2]].reshape(-1, n, n, image.shape[2])
    z = np.einsum("ijcab,oabc->ijo", windows, kernels)
    return z + w[:, -1] if layer.bias else z


def pooled(layer, y):
    """Return the greatest of every pooling window, and a map that says for each output whether it was that."""
    n = layer.pool
    height, width, channels = y.shape[0] // n, y.shape[1] // n, y.shape[2]
    blocks = y[: height * n, : width * n].reshape(height, n, width, n, channels).transpose(0, 2, 4, 1, 3)
    flat = blocks.reshape(height, width, channels, n * n)
    chosen = np.eye(n * n)[flat.argmax(axis=-1)].reshape(height, width, channels, n, n)
    mask = np.zeros_like(y)
    mask[: height * n, : width * n] = chosen.transpose(0, 3, 1, 4, 2).reshape(height * n, width * n, channels)
    return flat.max(axis=-1), mask


def unpooled(layer, error, mask):
    """Return the error of all outputs from that of the pooled ones."""
    grown = np.zeros_like(mask)
    repeated = error.repeat(layer.pool, axis=0).repeat(layer.pool, axis=1)
    grown[: repeated.shape[0], : repeated.shape[1]] = repeated
    return grown * mask


def window_gradient(layer, w, image, dz):
    """Return dL/dw and dL/d(image) of a convolution from dL/dz, one offset of the kernel after the other."""
    n, p, s = layer.kernel, layer.padding, layer.stride
    height, width, channels = image.shape
    whole = np.pad(image, [(p, p), (p, p), (0, 0)])
    error, gradient = np.zeros_like(whole), np.zeros_like(w)
    kernels = w[:, : n * n * channels].reshape(-1, n, n, channels)
    for a in range(n):
        for b in range(n):
            rows, columns = slice(a, a + s * dz.shape[0], s), slice(b, b + s * dz.shape[1], s)
            at = (a * n + b) * channels
            gradient[:, at : at + channels] = np.einsum("ijo,ijc->oc", dz, whole[rows, columns])
            error[rows, columns] += dz @ kernels[:, a, b]
    if layer.bias:
        gradient[:, -1] = dz.sum(axis=(0, 1))
    return gradient, error[p : p + height, p : p + width]


def image_forward(layers, weights, image):
    """Return the output for an image (height, width, channels) and what the way back needs."""
    x, kept = image, []
    for layer, w in zip(layers, weights, strict=True):
        if isinstance(layer, Windows):
            y = FUNCTIONS[layer.function](correlate(layer, w, x))
            out, mask = pooled(layer, y)
            kept.append((x, y, mask))
            x = out
        else:
            shape, v = x.shape, with_one(x.ravel(), layer.bias)
            x = softmax(w @ v) if layer.function == "softmax" else FUNCTIONS[layer.function](w @ v)
            kept.append((v, x, shape))
    return x, kept


def image_loss(layers, weights, image, label):
    """Return the cross-entropy of one image."""
    return -np.log(image_forward(layers, weights, image)[0][label])


def image_gradients(layers, weights, image, label):
    """Return the derivatives of `image_loss` by all weights."""
    y, kept = image_forward(layers, weights, image)
    gradients = []
    error = None
    for k in reversed(range(len(layers))):
        layer, w = layers[k], weights[k]
        if isinstance(layer, Windows):
            x, out, mask = kept[k]
            dz = unpooled(layer, error, mask) * SLOPES[layer.function](out)
            gradient, error = window_gradient(layer, w, x, dz)
        else:
            v, out, shape = kept[k]
            dz = y - np.eye(len(y))[label] if error is None else error.ravel() * SLOPES[layer.function](out)
            gradient = np.outer(dz, v)
            error = (w.T @ dz)[: len(v) - layer.bias].reshape(shape)
        gradients.insert(0, gradient)
    return gradients


def train_images(layers, weights, images, labels, rate):
    """Train on images (n, height, width, channels) in order; return weights and losses."""
    weights = [np.array(w, np.float64) for w in weights]
    losses = []
    for image, label in zip(images.astype(np.float64), labels, strict=True):
        losses.append(image_loss(layers, weights, image, label))
        gradients = image_gradients(layers, weights, image, label)
        weights = [w - rate * gradient for w, gradient in zip(weights, gradients, strict=True)]
    return weights, losses


# -- finite differences ------------------------------------------------------------------------------------


def finite_differences(loss, weights, h=1e-5):
    """Return the central differences of loss(weights) by every single weight."""
    slopes = []
    for w in weights:
        slope = np.zeros_like(w)
        for at in np.ndindex(w.shape):
            was, ends = w[at], []
            for value in (was + h, was - h):
                w[at] = value
                ends.append(loss(weights))
            w[at] = was
            slope[at] = (ends[0] - ends[1]) / (2 * h)
        slopes.append(slope)
    return slopes
