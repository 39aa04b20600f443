"""Updates of a batch without the array of (sample, parameter) that they would fill."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from uwm.reference.arrays import Array, NetworkLike, RuleLike, SampleLike


@dataclass(frozen=True)
class LayerUpdate:
    """One update of a layer per sample: d_weight = delta_j below_m, d_bias = delta_j.

    `delta` (m, n_out) is T_j e_j / temperature, `below` (m, n_in) what the layer looked at.

    >>> update = LayerUpdate(np.array([[2.0]]), np.array([[1.0, 0.0]]))
    >>> update.squares()
    array([8.])
    """

    delta: Array
    below: Array

    @staticmethod
    def of_rule(
        net: NetworkLike, sample: SampleLike, rule: RuleLike, reward: Array
    ) -> list[LayerUpdate]:
        """What a rule does to each layer for each sample, reward (m,)."""
        T = rule.unit_rewards(net, sample, reward)
        below = [sample.inputs, *sample.activations[:-1]]
        return [
            LayerUpdate(
                np.asarray(T[ell]) * np.asarray(sample.eligibilities[ell]) / layer.temperature,
                np.asarray(below[ell]),
            )
            for ell, layer in enumerate(net.layers)
        ]

    def squares(self) -> Array:
        """Squared length of each sample's update, (m,)."""
        delta = np.einsum("mj,mj->m", self.delta, self.delta)
        below = np.einsum("mi,mi->m", self.below, self.below)
        return np.asarray(delta * (1.0 + below))
