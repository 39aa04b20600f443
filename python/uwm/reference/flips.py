"""What if unit i of layer l had chosen otherwise? The ratios kappa.

kappa_ji = Pr(h_j | h with unit i flipped) / Pr(h_j | h), for i in layer l and j in layer l + 1.
"""

from __future__ import annotations

import numpy as np

from uwm.protocols import Array, NetworkLike, SampleLike

from .extended import Extended, where
from .outputs import Bernoulli, resolve


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


def kappa(net: NetworkLike, sample: SampleLike, ell: int) -> tuple[Extended, Extended]:
    """kappa_ji and 1 - kappa_ji, (batch, j, i), for Bernoulli units j of layer l + 1."""
    y = action_logits(sample, ell + 1)[:, :, None]
    y_flipped, d = flipped_action_logits(net, sample, ell), -signs(sample, ell + 1)[:, :, None]
    d = d * logit_shifts(net, sample, ell)
    # with a = exp(-y) and x = exp(-y_flipped): 1 - kappa = (x - a) / (1 + x), which 1 and kappa
    # would lose where j is nearly certain; x - a in turn where the flip does little
    one, a, x = Extended.of(1.0), Extended.exp(-y), Extended.exp(-y_flipped)
    slight = a * Extended.of(np.expm1(np.clip(d, -1.0, 1.0)))
    difference = where(np.abs(d) < 1.0, slight, x - a)
    return (one + a) / (one + x), difference / (one + x)


def joint_lambda(net: NetworkLike, sample: SampleLike, ell: int) -> tuple[Extended, Extended]:
    """lambda_i and 1 - lambda_i, (batch, i), for layer l + 1 as a whole."""
    is_output = ell + 1 == len(net.layers) - 1
    output = resolve(net.output)
    if not is_output or isinstance(output, Bernoulli):
        k, one_minus_k = kappa(net, sample, ell)
        return product_of(k, one_minus_k)
    z, action = (
        np.asarray(a[ell + 1], dtype=np.float64) for a in (sample.logits, sample.activations)
    )
    log = output.log_ratio(z, action, logit_shifts(net, sample, ell))
    return Extended.exp(log), Extended.one_minus_exp(log)


def product_of(k: Extended, one_minus_k: Extended) -> tuple[Extended, Extended]:
    """lambda_i, the product of kappa_ji over j, and 1 - lambda_i.

    The latter is the sum over j of (prod_{k<j} kappa_ki) (1 - kappa_ji) too. That keeps its digits
    where all of it is small, and loses them where large terms cancel.
    """
    ratio, terms = k.product(), k.before() * one_minus_k
    small = terms.magnitude().sum(axis=1).value() < 1.0
    return ratio, where(small, terms.sum(axis=1), Extended.of(1.0) - ratio)
