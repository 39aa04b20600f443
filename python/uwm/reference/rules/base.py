"""What all rules share: the update that unit rewards give, and the reward of the output layer.

Every unit does REINFORCE with a reward of its own, dw_im = T_i e_i h_m with the eligibility
e_i = d log Pr(h_i) / dz_i, and a rule is nothing but the way rewards are handed from layer l + 1
(units j) down to layer l (units i). At the output layer T = R; a baseline is subtracted from R
before. Indices in comments are those of the manual; arrays are (batch, j, i).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from uwm._arrays import finite_array
from uwm.gradient import Gradient
from uwm.protocols import Array, NetworkLike, SampleLike


@dataclass
class LayerGradient:
    """Direction of ascent for one layer: weight (n_out, n_in), bias (n_out,).

    >>> LayerGradient(np.zeros((1, 2)), np.zeros(1)).weight.shape
    (1, 2)
    """

    weight: Array
    bias: Array


class Rule:
    """Base of all rules; a rule of your own overrides `unit_rewards` and, if you like, `name`.

    >>> from uwm.reference import Network
    >>> class Plain(Rule):
    ...     def unit_rewards(self, net, sample, reward):
    ...         return [np.outer(reward, np.ones(n)) for n in net.sizes[1:]]
    >>> net = Network([3, 2, 1])
    >>> gradient = Plain().gradient(net, net.forward(np.ones((4, 3))), np.ones(4))
    >>> [layer.weight.shape for layer in gradient]
    [(2, 3), (1, 2)]
    """

    @classmethod
    def forms(cls) -> Sequence[Rule]:
        """The built-in rules that this class makes: one, or as many as it has forms.

        >>> from uwm.reference import UnbiasedWeightMax
        >>> [form.name for form in UnbiasedWeightMax.forms()][:2]
        ['unbiased_weight_max', 'unbiased_weight_max_posterior']
        """
        return (cls(),)

    @property
    def name(self) -> str:
        """Name on the command line and in results."""
        return type(self).__name__

    def unit_rewards(self, net: NetworkLike, sample: SampleLike, reward: Any) -> Sequence[Array]:
        """One reward per unit: reward (batch,) -> a list of (batch, n_l), the last one the reward.

        The built-in rules give finite numbers: one too large is cut off at 1e300 or beyond.
        Raises ValueError or TypeError if reward or sample do not fit.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define unit_rewards")

    def gradient(self, net: NetworkLike, sample: SampleLike, reward: Any) -> Gradient:
        """Batch mean of T_j e_j h_m / temperature for every layer: the direction of ascent.

        Raises ValueError or TypeError if reward or sample do not fit, or if the gradient overflows.
        """
        return self._update(net, sample, self._deltas(net, sample, reward))

    def input_gradient(self, net: NetworkLike, sample: SampleLike, reward: Any) -> Array:
        """An estimate of d E[R] / d x: sum_i T_i e_i w_i / temperature, (batch, n_in).

        The units i are those of the first layer. A row for each sample, no mean over the batch.
        Raises ValueError or TypeError if reward or sample do not fit, or if it overflows.

        >>> from uwm.reference import Network, Reinforce
        >>> net = Network([3, 2, 1])
        >>> Reinforce().input_gradient(net, net.forward(np.ones((4, 3))), np.ones(4)).shape
        (4, 3)
        """
        return self._of_input(net, self._deltas(net, sample, reward))

    def both_gradients(
        self, net: NetworkLike, sample: SampleLike, reward: Any
    ) -> tuple[Gradient, Array]:
        """`gradient` and `input_gradient` of the same unit rewards; errors as there."""
        deltas = self._deltas(net, sample, reward)
        return self._update(net, sample, deltas), self._of_input(net, deltas)

    def _deltas(self, net: NetworkLike, sample: SampleLike, reward: Any) -> list[Array]:
        """T_i e_i / temperature of every layer, (batch, n_l)."""
        rewards = self.unit_rewards(net, sample, reward)
        if len(rewards) != len(net.layers):
            raise ValueError(
                f"unit_rewards must return one array per layer ({len(net.layers)}),"
                f" got {len(rewards)}"
            )
        deltas = []
        for ell, layer in enumerate(net.layers):
            shape = (sample.batch_size, net.sizes[ell + 1])
            T = finite_array(f"unit rewards of layer {ell}", rewards[ell], shape)
            e = np.asarray(sample.eligibilities[ell])
            with np.errstate(over="ignore", invalid="ignore"):
                deltas.append(np.asarray(T * e / layer.temperature))
        return deltas

    def _update(self, net: NetworkLike, sample: SampleLike, deltas: list[Array]) -> Gradient:
        gradient = []
        for ell, delta in enumerate(deltas):
            below = np.asarray(sample.activations[ell - 1] if ell > 0 else sample.inputs)
            with np.errstate(over="ignore", invalid="ignore"):
                mean = delta / sample.batch_size
                made = LayerGradient(mean.T @ below, mean.sum(axis=0))
            if not (np.all(np.isfinite(made.weight)) and np.all(np.isfinite(made.bias))):
                raise ValueError(f"gradient of layer {ell} must be finite, but overflows")
            gradient.append(made)
        return Gradient(gradient)

    def _of_input(self, net: NetworkLike, deltas: list[Array]) -> Array:
        with np.errstate(over="ignore", invalid="ignore"):
            gradient = np.asarray(deltas[0] @ np.asarray(net.layers[0].weight))
        if not np.all(np.isfinite(gradient)):
            raise ValueError("gradient of the input must be finite, but overflows")
        return gradient

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def everywhere(R: Array, n: int) -> Array:
    """The reward itself, for each of n units."""
    return np.repeat(R[:, None], n, axis=1)


def checked_reward(net: NetworkLike, sample: SampleLike, reward: Any) -> Array:
    widths = tuple(np.shape(a)[1] for a in (sample.inputs, *sample.activations))
    if widths != tuple(net.sizes):
        raise ValueError(f"sample must be of a {tuple(net.sizes)} network, got one of {widths}")
    return finite_array("reward", reward, (sample.batch_size,))
