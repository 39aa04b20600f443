"""Updates of a batch without the array of (sample, parameter) that they would fill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import uwm
from uwm._arrays import finite_array
from uwm._overrides import refuse_overrides
from uwm.checks import kind
from uwm.protocols import Array, NetworkLike, RuleLike, SampleLike


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
    """What a rule does to each layer for each sample, reward (m,).

    Raises ValueError if the rule's unit rewards do not fit the sample, or the output layer's are
    not the reward; TypeError for a rule with a `gradient` of its own, which is not asked.
    """
    if not hasattr(rule, "unit_rewards"):
        raise TypeError(f"rule must be an object with unit_rewards, got {kind(rule)}")
    if isinstance(rule, uwm.Rule):
        refuse_overrides(rule, ("unit_rewards", "name", "norm"), "uwm.analysis")
    T = checked_unit_rewards(rule.unit_rewards(net, sample, reward), sample, reward)
    pairs = zip(T, sample.eligibilities, strict=True)
    return updates_of_slopes(net, sample, [t * np.asarray(e, np.float64) for t, e in pairs])


def checked_unit_rewards(T: Any, sample: SampleLike, reward: Array) -> list[Array]:
    """The unit rewards as arrays, or ValueError for what training would refuse too.

    >>> import uwm
    >>> sample = uwm.Network([2, 1]).forward(np.ones((1, 2)))
    >>> checked_unit_rewards([np.zeros((1, 1))], sample, np.ones(1))
    Traceback (most recent call last):
    ValueError: unit_rewards of the output layer must be the reward in every column
    """
    shapes = [np.shape(h) for h in sample.activations]
    if not isinstance(T, Sequence) or len(T) != len(shapes):
        got = len(T) if isinstance(T, Sequence) else kind(T)
        raise ValueError(f"unit_rewards must return one array per layer ({len(shapes)}), got {got}")
    arrays = [finite_array(f"unit_rewards[{ell}]", t, shapes[ell]) for ell, t in enumerate(T)]
    expected = np.asarray(reward, np.float64)[:, None]
    if (np.abs(arrays[-1] - expected) > 1e-5 * np.abs(expected)).any():
        raise ValueError("unit_rewards of the output layer must be the reward in every column")
    return arrays


def updates_of_slopes(
    net: NetworkLike, sample: SampleLike, slopes: list[Array]
) -> list[LayerUpdate]:
    """The updates that go with estimates of d E[R] / d logit, one array (m, n_l) per layer."""
    below = [np.asarray(h) for h in (sample.inputs, *sample.activations[:-1])]
    return [
        LayerUpdate(slope / layer.temperature, h)
        for slope, layer, h in zip(slopes, net.layers, below, strict=True)
    ]
