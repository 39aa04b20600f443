"""The exact gradient of the expected reward, and the exact mean of a rule's update.

For given inputs a network of stochastic units has finitely many activities, so both are finite
sums. Their difference is the bias of the rule, to rounding. The two are computed in different ways
on purpose: the gradient from the parameters alone, layer by layer; the mean update by handing the
rule every activity there is, each weighted by its probability.

A Gaussian output is no finite sum, but an integral of a function as smooth as the reward times a
Gaussian. On the whole line the trapezoid rule has then no error of any power of its step: with a
step of h standard deviations it is of the order exp(-2 pi^2 / h^2), which is below 1e-300 at the
h = 0.1 used (a rule's own ratios of densities leave exp(-2 pi^2 / (h d)), with d the deviations by
which a flip moves the mean). One grid serves all hidden activities, 10 deviations beyond the
lowest and the highest mean: ratios that move weight from one activity to another then meet the same
points again, and a jump in the reward costs the same on both sides of the comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uwm.reference.arrays import Array, NetworkLike, RuleLike, finite_array, whole_number
from uwm.reference.network import log_sigmoid, log_softmax
from uwm.reference.rules import LayerGradient

Reward = Callable[[Array], Any]

LIMIT = 2**24  # activities; more take too long, and too much memory
_BLOCK = 2**14  # activities at a time


def exact_gradient(
    net: NetworkLike, x: Any, reward: Reward, *, quadrature: int = 200
) -> list[LayerGradient]:
    """Gradient of the expected reward with respect to every parameter, exact to rounding.

    x: inputs, (n_in,) or (batch, n_in); the mean over rows is taken.
    reward: function of outputs (m, n_out) -> (m,): 0/1 for Bernoulli units, one-hot for softmax.
    quadrature: points per 20 standard deviations of a Gaussian output.
    Returns one LayerGradient per layer, weight (n_out, n_in) and bias (n_out,), float64.
    Raises ValueError if some two neighbouring layers have more than 2^24 joint activities.

    With alpha(h) the probability of a layer's activity and V(h) = E[R | h], both by recursion from
    layer to layer, the gradient is sum alpha(h') Pr(h | h') V(h) d log Pr(h | h').

    >>> from uwm.reference import Network
    >>> net = Network([2, 3, 1])
    >>> gradient = exact_gradient(net, [1.0, -1.0], lambda output: output[:, 0])
    >>> [layer.weight.shape for layer in gradient]
    [(3, 2), (1, 3)]
    """
    inputs = _inputs(net, x)
    spaces = _spaces(net, inputs, quadrature)
    for below, above in pairwise(spaces):
        _check_count(below.count * above.count, "two neighbouring layers")

    # Backwards: V, the expected reward given the activity of each layer
    V = [np.zeros(0)] * len(spaces)
    V[-1] = _rewards(reward, spaces[-1].actions(np.arange(spaces[-1].count)))
    for ell in reversed(range(len(net.layers))):
        V[ell] = np.zeros(spaces[ell].count)
        for rows, columns, P, _ in _transitions(net, spaces, ell):
            V[ell][rows] += P @ V[ell + 1][columns]

    # Forwards: alpha, the probability of each activity, and the gradient
    alpha = np.full(len(inputs), 1.0 / len(inputs))
    expected = float(alpha @ V[0])  # subtracting a constant changes nothing but the rounding
    gradient = []
    for ell, layer in enumerate(net.layers):
        alpha_above = np.zeros(spaces[ell + 1].count)
        weight, bias = np.zeros(layer.weight.shape), np.zeros(layer.bias.shape)
        last = ell == len(net.layers) - 1
        variance = net.sigma**2 if last and net.output == "gaussian" else 1.0
        for rows, columns, P, mean in _transitions(net, spaces, ell):
            actions = spaces[ell + 1].actions(np.arange(columns.start, columns.stop))
            gain = V[ell + 1][columns] - expected
            weighted = alpha[rows, None] * P
            # sum_h alpha Pr(h | h') V(h) (h - mean), a row for each h' below
            e = weighted @ (gain[:, None] * actions) - (weighted @ gain)[:, None] * mean
            e /= variance * layer.temperature
            h_below = spaces[ell].activations(np.arange(rows.start, rows.stop))
            weight += e.T @ h_below
            bias += e.sum(axis=0)
            alpha_above[columns] += weighted.sum(axis=0)
        alpha = alpha_above
        gradient.append(LayerGradient(weight, bias))
    return gradient


def expected_update(
    net: NetworkLike, rule: RuleLike, x: Any, reward: Reward, *, quadrature: int = 200
) -> list[LayerGradient]:
    """Mean of a rule's update T_i e_i h_m / temperature, exact to rounding.

    x, reward, quadrature and the result are as in `exact_gradient`. The rule is anything with
    `unit_rewards`, the network anything with `clamp`; float32 networks are converted first.
    Raises ValueError if the network has more than 2^24 activities.

    >>> from uwm.reference import Network, UnbiasedWeightMax
    >>> net = Network([2, 3, 1])
    >>> reward = lambda output: output[:, 0]
    >>> mean = expected_update(net, UnbiasedWeightMax(), [1.0, -1.0], reward)
    >>> bool(np.allclose(mean[0].weight, exact_gradient(net, [1.0, -1.0], reward)[0].weight))
    True
    """
    net = _float64(net)
    total = [
        LayerGradient(np.zeros(layer.weight.shape), np.zeros(layer.bias.shape))
        for layer in net.layers
    ]
    for updates in weighted_updates(net, rule, x, reward, quadrature=quadrature):
        for layer, update in zip(total, updates, strict=True):
            weighted = update.probability[:, None] * update.delta
            layer.weight += weighted.T @ update.below
            layer.bias += weighted.sum(axis=0)
    return total


@dataclass(frozen=True)
class LayerUpdates:
    """Updates of one layer for a block of activities: d_weight = delta_j below_m, d_bias = delta_j.

    `delta` (m, n_out), `below` (m, n_in), `probability` (m,) of each activity.
    """

    delta: Array
    below: Array
    probability: Array


def weighted_updates(
    net: NetworkLike, rule: RuleLike, x: Any, reward: Reward, *, quadrature: int = 200
) -> Iterator[list[LayerUpdates]]:
    """Every update that the rule may make, with its probability, in blocks of activities.

    Arguments as in `expected_update`. Rows of x are equally probable.

    >>> from uwm.reference import Network, Reinforce
    >>> blocks = weighted_updates(Network([2, 1]), Reinforce(), [1, 0], lambda output: output[:, 0])
    >>> [float(block[0].probability.sum()) for block in blocks]
    [1.0]
    """
    net = _float64(net)
    inputs = _inputs(net, x)
    for row in inputs:
        spaces = _spaces(net, row[None, :], quadrature)[1:]
        counts = [space.count for space in spaces]
        total = 1
        for count in counts:
            total *= count
        _check_count(total * len(inputs), "the network")
        rewards = _rewards(reward, spaces[-1].actions(np.arange(counts[-1])))
        for start in range(0, total, _BLOCK):
            which = np.arange(start, min(start + _BLOCK, total))
            index = np.unravel_index(which, counts)
            activations = [s.activations(k) for s, k in zip(spaces, index, strict=True)]
            sample = net.clamp(np.tile(row, (len(which), 1)), activations)
            probability = np.full(len(which), 1.0 / len(inputs))
            for space, k, z in zip(spaces, index, sample.logits, strict=True):
                probability *= np.exp(space.log_probability(np.asarray(z), space.actions(k)))
            T = rule.unit_rewards(net, sample, rewards[index[-1]])
            below = [np.asarray(sample.inputs), *(np.asarray(a) for a in sample.activations[:-1])]
            yield [
                LayerUpdates(
                    np.asarray(T[ell]) * np.asarray(sample.eligibilities[ell]) / layer.temperature,
                    below[ell],
                    probability,
                )
                for ell, layer in enumerate(net.layers)
            ]


# The activities of one layer, numbered from 0


class _Inputs:
    """The rows of x, as if they were the activities of a layer."""

    def __init__(self, x: Array) -> None:
        self._x = x
        self.count = len(x)

    def activations(self, k: NDArray[Any]) -> Array:
        return np.asarray(self._x[k], dtype=np.float64)

    actions = activations

    def log_probability(self, z: Array, actions: Array) -> Array:
        raise NotImplementedError


class _Bernoulli:
    """Number k is the activity whose unit i fires if bit i of k is set."""

    def __init__(self, n: int, bipolar: bool) -> None:
        self._n, self._bipolar = n, bipolar
        self.count = 2**n

    def actions(self, k: NDArray[Any]) -> Array:
        return np.asarray((k[:, None] >> np.arange(self._n)) & 1, dtype=np.float64)

    def activations(self, k: NDArray[Any]) -> Array:
        fired = self.actions(k)
        return 2.0 * fired - 1.0 if self._bipolar else fired

    def mean(self, z: Array) -> Array:
        return np.asarray(np.exp(log_sigmoid(z)))

    def log_probability(self, z: Array, actions: Array) -> Array:
        """Logarithm of Pr(actions[r]) under logits z[r], (r,)."""
        return np.asarray(log_sigmoid((2.0 * actions - 1.0) * z).sum(axis=1))

    def probabilities(self, z: Array, actions: Array) -> Array:
        """Pr of every actions[c] under every z[r], (r, c)."""
        log_p, log_not_p = log_sigmoid(z), log_sigmoid(-z)
        return np.asarray(np.exp(log_p @ actions.T + log_not_p @ (1.0 - actions).T))


class _Softmax:
    """Number k is the action k."""

    def __init__(self, n: int) -> None:
        self.count = n

    def actions(self, k: NDArray[Any]) -> Array:
        return np.asarray(np.eye(self.count)[k])

    activations = actions

    def mean(self, z: Array) -> Array:
        return np.asarray(np.exp(log_softmax(z)))

    def log_probability(self, z: Array, actions: Array) -> Array:
        return np.asarray((log_softmax(z) * actions).sum(axis=1))

    def probabilities(self, z: Array, actions: Array) -> Array:
        return np.asarray(np.exp(log_softmax(z) @ actions.T))


class _Gaussian:
    """Number k is the k-th point of a grid; its probability is density times cell."""

    def __init__(self, low: Array, high: Array, sigma: float, quadrature: int) -> None:
        step = 20.0 * sigma / quadrature
        self._sigma = sigma
        self._axes = [
            a + step * np.arange(int(np.ceil((b - a) / step)) + 1)
            for a, b in zip(low - 10.0 * sigma, high + 10.0 * sigma, strict=True)
        ]
        self._log_factor = len(low) * (np.log(step / sigma) - 0.5 * np.log(2.0 * np.pi))
        self.count = 1
        for axis in self._axes:
            self.count *= len(axis)

    def actions(self, k: NDArray[Any]) -> Array:
        index = np.unravel_index(k, [len(axis) for axis in self._axes])
        return np.stack([axis[i] for axis, i in zip(self._axes, index, strict=True)], axis=1)

    activations = actions

    def mean(self, z: Array) -> Array:
        return z

    def log_probability(self, z: Array, actions: Array) -> Array:
        squares = (((actions - z) / self._sigma) ** 2).sum(axis=-1)
        return np.asarray(self._log_factor - 0.5 * squares)

    def probabilities(self, z: Array, actions: Array) -> Array:
        return np.asarray(np.exp(self.log_probability(z[:, None, :], actions[None, :, :])))


_Space = _Inputs | _Bernoulli | _Softmax | _Gaussian


def _spaces(net: NetworkLike, inputs: Array, quadrature: int) -> list[_Space]:
    """The activities of the inputs and of every layer."""
    quadrature = whole_number("quadrature", quadrature, 2)
    bipolar = net.units == "bipolar"
    spaces: list[_Space] = [_Inputs(inputs)]
    spaces.extend(_Bernoulli(n, bipolar) for n in net.sizes[1:-1])
    if net.output == "bernoulli":
        spaces.append(_Bernoulli(net.sizes[-1], False))
    elif net.output == "softmax":
        spaces.append(_Softmax(net.sizes[-1]))
    else:
        low, high = _range_of_means(net, inputs)
        spaces.append(_Gaussian(low, high, net.sigma, quadrature))
    return spaces


def _range_of_means(net: NetworkLike, inputs: Array) -> tuple[Array, Array]:
    """Lowest and highest logit that each output can have."""
    layer = net.layers[-1]
    w, b = np.asarray(layer.weight, np.float64), np.asarray(layer.bias, np.float64)
    if len(net.layers) == 1:
        z = (inputs @ w.T + b) / layer.temperature
        return z.min(axis=0), z.max(axis=0)
    at_rest = -w if net.units == "bipolar" else np.zeros_like(w)
    low = (np.minimum(w, at_rest).sum(axis=1) + b) / layer.temperature
    high = (np.maximum(w, at_rest).sum(axis=1) + b) / layer.temperature
    return low, high


def _transitions(
    net: NetworkLike, spaces: list[_Space], ell: int
) -> Iterator[tuple[slice, slice, Array, Array]]:
    """Pr(activity of layer l | activity below) in blocks: rows below, columns above, and the mean.

    The mean is that of the action given the activity below, (rows, n_l).
    """
    layer, below, above = net.layers[ell], spaces[ell], spaces[ell + 1]
    assert not isinstance(above, _Inputs)
    w, b = np.asarray(layer.weight, np.float64), np.asarray(layer.bias, np.float64)
    width = min(above.count, _BLOCK)
    height = min(below.count, max(1, 16 * _BLOCK // width))
    for top in range(0, below.count, height):
        rows = slice(top, min(top + height, below.count))
        h = below.activations(np.arange(rows.start, rows.stop))
        z = (h @ w.T + b) / layer.temperature
        mean = above.mean(z)
        for left in range(0, above.count, width):
            columns = slice(left, min(left + width, above.count))
            actions = above.actions(np.arange(columns.start, columns.stop))
            yield rows, columns, above.probabilities(z, actions), mean


def _float64(net: NetworkLike) -> NetworkLike:
    if np.dtype(net.dtype) != np.float64 and hasattr(net, "astype"):
        converted: NetworkLike = net.astype("float64")
        return converted
    return net


def _inputs(net: NetworkLike, x: Any) -> Array:
    shape = (None, net.sizes[0]) if np.ndim(x) == 2 else (net.sizes[0],)
    return np.atleast_2d(finite_array("x", x, shape))


def _rewards(reward: Reward, outputs: Array) -> Array:
    return finite_array("reward(output)", reward(outputs), (len(outputs),))


def _check_count(count: int, what: str) -> None:
    if count > LIMIT:
        raise ValueError(f"expected at most {LIMIT} activities of {what} to enumerate, got {count}")
