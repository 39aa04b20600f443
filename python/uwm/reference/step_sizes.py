"""What follows from a network alone: its initial weights and its learning rates.

docs/step-sizes.md has the reasoning; cpp/src/network/initial_weights.cpp and
cpp/src/learn/step_sizes.cpp are the engine's.
"""

from __future__ import annotations

import numpy as np

from uwm.protocols import Array, NetworkLike

from . import random
from .outputs import resolve
from .schedules import InverseRoot

HIDDEN_DEVIATION = 3.0
COPIED = 0.75  # share of a hidden logit's variance that comes from one unit below

HIDDEN_RATE = 1.0
DECAY_STEPS, WARM_UP_STEPS = 1000, 200


def _symmetric(seed: int, ell: int, n_out: int, n_in: int) -> Array:
    """Uniform numbers in -1 ... 1 for the weights of layer ell, (n_out, n_in)."""
    words = random.philox(seed, 0, random.PARAMETERS, ell, n_out, n_in)
    return 2.0 * random.uniforms(words) - 1.0


def glorot_weights(net: NetworkLike, seed: int, ell: int, gain: float) -> tuple[Array, Array]:
    """Weights uniform in +-gain sqrt(6 / (n_in + n_out)) and biases 0 (Glorot & Bengio 2010)."""
    n_in, n_out = net.sizes[ell : ell + 2]
    bound = gain * np.sqrt(6.0 / (n_in + n_out))
    return bound * _symmetric(seed, ell, n_out, n_in), np.zeros(n_out)


def automatic_weights(net: NetworkLike, seed: int, ell: int) -> tuple[Array, Array]:
    """Weights and biases that give logits mean 0 and deviation s over the activities below.

    w_ji = tau s (sqrt((1 - r) 3 / (n var h)) u_ji + sqrt(r / var h) [i = j mod n]), u uniform in
    -1 ... 1, and b_j = -E[h] sum_i w_ji.
    """
    n_in, n_out = net.sizes[ell : ell + 2]
    first, last = ell == 0, ell == len(net.sizes) - 2
    deviation = resolve(net.output).initial_deviation if last else HIDDEN_DEVIATION
    s = deviation * float(net.temperature[ell])
    binary = not first and net.units == "binary"
    variance, mean = (0.25, 0.5) if binary else (1.0, 0.0)
    copied = 0.0 if first or last else COPIED
    weight = (
        s * np.sqrt((1.0 - copied) * 3.0 / (n_in * variance)) * _symmetric(seed, ell, n_out, n_in)
    )
    rows = np.arange(n_out)
    weight[rows, rows % n_in] += s * np.sqrt(copied / variance)
    # Added up one by one, as the engine does.
    bias = -mean * np.add.accumulate(weight, axis=1)[:, -1]
    return weight, bias


def automatic_rates(net: NetworkLike) -> list[InverseRoot]:
    """The learning rates of `Adam()`, one schedule per layer: c tau / (n_in + 1), falling.

    >>> from uwm.reference import Network
    >>> automatic_rates(Network([9, 4, 1]))[0]
    InverseRoot(0.1, 1000)
    """
    rates = []
    for ell, n_in in enumerate(net.sizes[:-1]):
        last = ell == len(net.sizes) - 2
        c = resolve(net.output).automatic_rate if last else HIDDEN_RATE
        halved = 0.5 if ell > 0 and net.units == "bipolar" else 1.0
        warm_up = WARM_UP_STEPS if ell > 0 else 0
        rate = c * halved * float(net.temperature[ell]) / (n_in + 1)
        rates.append(InverseRoot(rate, DECAY_STEPS, warm_up=warm_up))
    return rates
