"""What if unit i of layer l had chosen otherwise? The ratios kappa.

kappa_ji = Pr(h_j | h with unit i flipped) / Pr(h_j | h), for i in layer l and j in layer l + 1.
"""

from __future__ import annotations

import numpy as np

from .arrays import Array, NetworkLike, SampleLike
from .network import log_sigmoid, log_softmax


def signs(sample: SampleLike, ell: int) -> Array:
    """c_i = +1 where the unit fired, -1 where it did not, (batch, n_l)."""
    return np.where(np.asarray(sample.activations[ell]) > 0, 1.0, -1.0)


def action_logits(sample: SampleLike, ell: int) -> Array:
    """y_i = c_i z_i, (batch, n_l): the action taken had the probability q_i = sigmoid(y_i)."""
    return signs(sample, ell) * np.asarray(sample.logits[ell], dtype=np.float64)


def outgoing_weights(net: NetworkLike, ell: int) -> Array:
    """w_ji from layer l to layer l + 1, over the latter's temperature, (n_{l+1}, n_l)."""
    above = net.layers[ell + 1]
    return np.asarray(above.weight, dtype=np.float64) / above.temperature


def logit_shifts(net: NetworkLike, sample: SampleLike, ell: int) -> Array:
    """How far z_j moves when unit i flips, (batch, j, i): by w_ji; by 2 w_ji if -1/+1 encoded."""
    distance = 2.0 if net.units == "bipolar" else 1.0
    return -signs(sample, ell)[:, None, :] * distance * outgoing_weights(net, ell)


def flipped_action_logits(net: NetworkLike, sample: SampleLike, ell: int) -> Array:
    """y_j as it would be had i flipped, (batch, j, i), for Bernoulli units j of layer l + 1."""
    shift = logit_shifts(net, sample, ell)
    y, s = action_logits(sample, ell + 1), signs(sample, ell + 1)
    return y[:, :, None] + s[:, :, None] * shift


def log_kappa(net: NetworkLike, sample: SampleLike, ell: int) -> Array:
    """Logarithm of kappa_ji, (batch, j, i), for Bernoulli units j of layer l + 1."""
    y = action_logits(sample, ell + 1)[:, :, None]
    return log_sigmoid(flipped_action_logits(net, sample, ell)) - log_sigmoid(y)


def log_lambda(net: NetworkLike, sample: SampleLike, ell: int) -> Array:
    """Sum over j of log kappa_ji, (batch, i): log lambda_i, for layer l + 1 as a whole."""
    is_output = ell + 1 == len(net.layers) - 1
    if not is_output or net.output == "bernoulli":
        return np.asarray(log_kappa(net, sample, ell).sum(axis=1))
    shift = logit_shifts(net, sample, ell)
    action = np.asarray(sample.activations[ell + 1], dtype=np.float64)[:, :, None]
    z = np.asarray(sample.logits[ell + 1], dtype=np.float64)[:, :, None]
    if net.output == "softmax":
        change = log_softmax(z + shift, axis=1) - log_softmax(z, axis=1)
        return np.asarray((action * change).sum(axis=1))
    # Gaussian: ((a - z)^2 - (a - z - d)^2) / 2 sigma^2, multiplied out
    return np.asarray((shift * (action - z - shift / 2.0)).sum(axis=1) / net.sigma**2)
