"""Updates of a batch without the array of (sample, parameter) that they would fill."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from uwm.reference.arrays import Array, NetworkLike, RuleLike, SampleLike, finite_array


@dataclass(frozen=True)
class LayerUpdate:
    """One update of a layer per sample: d_weight = delta_j below_m, d_bias = delta_j.

    `delta` (m, n_out) is T_j e_j / temperature, `below` (m, n_in) what the layer looked at.

    >>> update = LayerUpdate(np.array([[2.0]]), np.array([[1.0, 0.0]]))
    >>> update.dot(update)
    array([8.])
    """

    delta: Array
    below: Array

    def dot(self, other: LayerUpdate) -> Array:
        """Inner products with another update of the same samples, (m,)."""
        delta = np.einsum("mj,mj->m", self.delta, other.delta)
        below = np.einsum("mi,mi->m", self.below, other.below)
        return np.asarray(delta * (1.0 + below))

    def size(self) -> LayerUpdate:
        """The update with every number replaced by its magnitude."""
        return LayerUpdate(np.abs(self.delta), np.abs(self.below))

    def total(self, weights: Array) -> tuple[Array, Array]:
        """Sums of d_weight and d_bias over the samples, each with its weight, weights (m,)."""
        weighted = weights[:, None] * self.delta
        return weighted.T @ self.below, weighted.sum(axis=0)


def updates_of_rule(
    net: NetworkLike, sample: SampleLike, rule: RuleLike, reward: Array
) -> list[LayerUpdate]:
    """What a rule does to each layer for each sample, reward (m,)."""
    if not hasattr(rule, "unit_rewards"):
        raise TypeError(f"rule: expected an object with unit_rewards, got a {type(rule).__name__}")
    T = rule.unit_rewards(net, sample, reward)
    if len(T) != len(net.layers):
        raise ValueError(f"unit rewards: expected {len(net.layers)} arrays, got {len(T)}")
    slopes = []
    for ell, (t, e) in enumerate(zip(T, sample.eligibilities, strict=True)):
        e = np.asarray(e, np.float64)
        slopes.append(finite_array(f"unit rewards of layer {ell}", t, e.shape) * e)
    return updates_of_slopes(net, sample, slopes)


def updates_of_slopes(
    net: NetworkLike, sample: SampleLike, slopes: list[Array]
) -> list[LayerUpdate]:
    """The updates that go with estimates of d E[R] / d logit, one array (m, n_l) per layer."""
    below = [np.asarray(h) for h in (sample.inputs, *sample.activations[:-1])]
    return [
        LayerUpdate(slope / layer.temperature, h)
        for slope, layer, h in zip(slopes, net.layers, below, strict=True)
    ]
