"""Flip difference: T_i = q_i sum_j (1 - kappa_ji) T_j."""

from __future__ import annotations

from uwm.protocols import Array, NetworkLike

from ..extended import Extended
from ..flips import action_logits
from ..network import Sample
from .base import everywhere
from .flip_pass import Comparing, ratios_above


class FlipDifference(Comparing):
    """T_i = q_i sum_j (1 - kappa_ji) T_j: the two-sided rule without its product. Biased.

    Below the output it is the recursion of path sample-analytic gradients (PSA; Shekhovtsov, Yanush
    and Flach, 2020). It adds up what each unit j above would
    have noticed of the flip, and ignores that they act together.

    >>> FlipDifference().name
    'flip_difference'
    """

    @property
    def name(self) -> str:
        return "flip_difference"

    def _block(self, net: NetworkLike, sample: Sample, R: Array) -> list[Array]:
        last = len(net.layers) - 2
        joint = net.output != "bernoulli"
        T = Extended.of(everywhere(R, 1 if joint else net.sizes[-1]))
        rewards = [everywhere(R, net.sizes[-1])]
        for ell in reversed(range(last + 1)):
            one_minus_k = ratios_above(net, sample, ell, joint and ell == last)[1]
            q = Extended.sigmoid(action_logits(sample, ell))
            T = q * (one_minus_k * T[:, :, None]).sum(axis=1)
            rewards.insert(0, T.value())
        return rewards
