"""A dense layer between its mat-vecs: y = f(z), d = e f'(z), and at the end of a network the loss of y."""

from twin.kernels.jit import inline
from twin.kernels.nodes.activations import activate, loss_and_delta, multiply_by_derivative


@inline
def fetch_row(f, layer, shift, use, x):
    """Copy the input of one use to the lines of the array; the bias line stays."""
    width = layer.n_in - layer.bias
    start = layer.source + shift + use * width
    row = f[start : start + width]
    for k in range(row.size):
        x[k] = row[k]


@inline
def activate_use(f, layer, shift, use):
    """y = f(z) of one use."""
    start = layer.z + shift + use * layer.n_out
    z = f[start : start + layer.n_out]
    start = layer.y + shift + use * layer.y_step
    activate(layer.activation, z, f[start : start + layer.n_out])


@inline
def derive_use(f, layer, shift, use):
    """d = e f'(z) of one use, with the error e of its output."""
    start = layer.y + shift + use * layer.y_step
    y = f[start : start + layer.n_out]
    start = layer.error + shift + use * layer.error_step
    e = f[start : start + layer.n_out]
    start = layer.d + shift + use * layer.n_out
    multiply_by_derivative(layer.activation, y, e, f[start : start + layer.n_out])


@inline
def lose_use(f, layer, shift, target, use):
    """y = f(z) of one use of the last layer, and d, the negative gradient of its loss by z; (loss, 1.0 if wrong)."""
    start = layer.z + shift + use * layer.n_out
    z = f[start : start + layer.n_out]
    start = layer.y + shift + use * layer.y_step
    y = f[start : start + layer.n_out]
    start = layer.d + shift + use * layer.n_out
    d = f[start : start + layer.n_out]
    activate(layer.activation, z, y)
    return loss_and_delta(layer.loss, layer.activation, y, target, use, d)
