"""Rules that hand credit down along the weights, with delta_j = T_j e_j.

straight-through      T_i = c_i q_i sum_j w_ji delta_j
Weight Maximization   T_i = h_i sum_j |w_ji|^(p-1) sgn(w_ji) delta_j
"""

from __future__ import annotations

from typing import Any

import numpy as np

from uwm.checks import finite
from uwm.protocols import Array, NetworkLike, SampleLike

from ..arrays import finite_product
from ..flips import action_logits, outgoing_weights, signs
from ..sigmoid import log_sigmoid
from .base import Rule, checked_reward, everywhere


class Backward(Rule):
    """T_i from sum_j v_ji delta_j, delta_j = T_j e_j, with w_ji or another v_ji in its place."""

    def unit_rewards(self, net: NetworkLike, sample: SampleLike, reward: Any) -> list[Array]:
        R = checked_reward(net, sample, reward)
        rewards = [everywhere(R, net.sizes[-1])]
        for ell in reversed(range(len(net.layers) - 1)):
            e = np.asarray(sample.eligibilities[ell + 1], dtype=np.float64)
            sums = finite_product([rewards[0], e], self._passed_on(net, ell))
            rewards.insert(0, self._factor(sample, ell) * sums)
        return rewards

    def _factor(self, sample: SampleLike, ell: int) -> Array:
        """What unit i multiplies the sum with."""
        raise NotImplementedError

    def _passed_on(self, net: NetworkLike, ell: int) -> Array:
        """v_ji (n_{l+1}, n_l), the temperature divided out."""
        return outgoing_weights(net, ell)


class ThroughMeans(Backward):
    """The factor c_i q_i makes T_i e_i = p_i (1 - p_i) sum_j v_ji delta_j."""

    def _factor(self, sample: SampleLike, ell: int) -> Array:
        q = np.exp(log_sigmoid(action_logits(sample, ell)))
        return signs(sample, ell) * q


def slope(net: NetworkLike) -> float:
    """By how much the mean activation, 2p - 1 or p, grows with p."""
    return 2.0 if net.units == "bipolar" else 1.0


class StraightThrough(ThroughMeans):
    """Straight-through backpropagation (Bengio et al. 2013): T_i = c_i q_i sum_j w_ji delta_j.

    Then T_i e_i = p_i (1 - p_i) sum_j w_ji delta_j, as if the mean activation had been passed on.
    Biased, to first order in w right.

    >>> StraightThrough().name
    'ste'
    """

    @property
    def name(self) -> str:
        return "ste"

    def _passed_on(self, net: NetworkLike, ell: int) -> Array:
        return slope(net) * outgoing_weights(net, ell)


class WeightMax(Backward):
    """Weight Maximization (Chung 2022): T_i = h_i sum_j |w_ji|^(norm-1) sgn(w_ji) delta_j.

    With norm 2 that is the change of half the squared norm of the unit's outgoing weights.
    Biased, to first order in w right for norm 2. Raises ValueError unless norm >= 1.

    >>> WeightMax(norm=1).name
    'weight_max'
    """

    def __init__(self, norm: float = 2.0) -> None:
        self.norm = float(finite("norm", norm, least=1))

    @property
    def name(self) -> str:
        return "weight_max"

    def __repr__(self) -> str:
        return f"WeightMax(norm={self.norm:g})"

    def _factor(self, sample: SampleLike, ell: int) -> Array:
        return np.asarray(sample.activations[ell], dtype=np.float64)

    def _passed_on(self, net: NetworkLike, ell: int) -> Array:
        w = outgoing_weights(net, ell)
        with np.errstate(over="ignore"):
            power = np.abs(w) ** (self.norm - 1.0)
        return np.asarray(np.minimum(power, np.finfo(np.float64).max) * np.sign(w))
