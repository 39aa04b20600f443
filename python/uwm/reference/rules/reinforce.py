"""REINFORCE: T_i = R for every unit."""

from __future__ import annotations

from typing import Any

from uwm.protocols import Array, NetworkLike, SampleLike

from .base import Rule, checked_reward, everywhere


class Reinforce(Rule):
    """REINFORCE (Williams 1992): T_i = R. Unbiased; its variance grows with the number of units.

    >>> Reinforce().name
    'reinforce'
    """

    @property
    def name(self) -> str:
        return "reinforce"

    def unit_rewards(self, net: NetworkLike, sample: SampleLike, reward: Any) -> list[Array]:
        R = checked_reward(net, sample, reward)
        return [everywhere(R, n) for n in net.sizes[1:]]
