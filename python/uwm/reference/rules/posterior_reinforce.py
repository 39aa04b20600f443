"""Posterior REINFORCE: T_i = R q_i (1 - lambda_i) / (q_i + (1 - q_i) lambda_i)."""

from __future__ import annotations

from uwm.protocols import Array, NetworkLike

from ..extended import Extended
from ..flips import action_logits, joint_lambda
from ..network import Sample
from .base import everywhere
from .flip_pass import Comparing


class PosteriorReinforce(Comparing):
    """T_i = R q_i (1 - lambda_i) / (q_i + (1 - q_i) lambda_i), REINFORCE with h_i averaged out.

    It is Hindsight Network Credit Assignment (HNCA; Young, 2022). Then
    T_i e_i = R (Pr(h_i = 1 | layer l + 1) - p_i): unbiased, bounded, still one global reward.

    >>> PosteriorReinforce().name
    'posterior_reinforce'
    """

    @property
    def name(self) -> str:
        return "posterior_reinforce"

    def _block(self, net: NetworkLike, sample: Sample, R: Array) -> list[Array]:
        rewards = []
        for ell in range(len(net.layers) - 1):
            (ratio, gain), y = joint_lambda(net, sample, ell), action_logits(sample, ell)
            q, not_q = Extended.sigmoid(y), Extended.sigmoid(-y)
            T = Extended.of(R[:, None]) * q * gain / (q + not_q * ratio)
            rewards.append(T.value())
        return [*rewards, everywhere(R, net.sizes[-1])]
