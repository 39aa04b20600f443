"""The logistic function and the softmax, in logarithms."""

from __future__ import annotations

import numpy as np

from uwm.protocols import Array


def log_sigmoid(z: Array) -> Array:
    """Logarithm of 1 / (1 + exp(-z)), without overflow at either end.

    >>> log_sigmoid(np.array([-1e4, 0.0]))
    array([-1.00000000e+04, -6.93147181e-01])
    """
    return np.asarray(-np.logaddexp(0.0, -z), dtype=np.float64)


def log_softmax(z: Array, axis: int = -1) -> Array:
    """Logarithm of exp(z_k) / sum exp(z), without overflow.

    >>> log_softmax(np.array([1e4, 0.0]))
    array([     0., -10000.])
    """
    shifted = z - z.max(axis=axis, keepdims=True)
    e = np.exp(shifted)
    # The largest term is 1. Left to log1p, it does not swallow the digits of the others.
    np.put_along_axis(e, np.expand_dims(z.argmax(axis=axis), axis), 0.0, axis)
    return np.asarray(shifted - np.log1p(e.sum(axis=axis, keepdims=True)), dtype=np.float64)
