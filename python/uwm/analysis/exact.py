"""The exact gradient of the expected reward, and the exact moments of a rule's update.

For given inputs a network of stochastic units has finitely many activities, so both are finite
sums. Their difference is the bias of the rule, to rounding. The two are computed in different ways
on purpose: the gradient from the parameters alone, layer by layer; the moments by handing the
rule every activity there is, each weighted by its probability. A Gaussian output is no finite sum,
but an integral on a grid: see activities.py.

Activities are made in blocks, so that memory does not grow with their number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from uwm._arrays import finite_array
from uwm.protocols import Array, NetworkLike, RuleLike
from uwm.reference.rules import LayerGradient

from .activities import Activities, Inputs, blocks, numbers, spaces
from .progress import Progress, tell
from .updates import LayerUpdate, updates_of_rule

Reward = Callable[[Array], Any]

LIMIT = 2**24  # activities; more take too long
BLOCK = 2**13  # activities at a time


def exact_gradient(
    net: NetworkLike, x: Any, reward: Reward, *, quadrature: int = 200
) -> list[LayerGradient]:
    """Gradient of the expected reward with respect to every parameter, exact to rounding.

    x: inputs, (n_in,) or (n, n_in); the mean over rows is taken.
    reward: function of outputs (m, n_out), 0/1 for Bernoulli units, one-hot for softmax. Returns
    (m,) or, if the reward depends on the input, (n, m): a row for each row of x.
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
    layers = _Layers(net, inputs, quadrature)
    rewards, kind = _kinds(_rewards(reward, layers.output, len(inputs)), len(inputs))
    V = layers.values(rewards)
    # alpha, the probability of each activity; a column for each kind of reward
    alpha = np.zeros((len(inputs), len(rewards)))
    alpha[np.arange(len(inputs)), kind] = 1.0 / len(inputs)
    # A baseline for each kind changes nothing but the rounding.
    baseline = (alpha * V[0]).sum(axis=0) / alpha.sum(axis=0)
    gradient = []
    for ell, layer in enumerate(net.layers):
        alpha_above = np.zeros((layers.spaces[ell + 1].count, len(rewards)))
        weight, bias = np.zeros(layer.weight.shape), np.zeros(layer.bias.shape)
        last = ell == len(net.layers) - 1
        variance = net.output.settings.get("sigma", 1.0) ** 2 if last else 1.0
        for rows, columns, P, mean in layers.transitions(ell):
            actions = layers.actions(ell + 1, columns)
            gain = P * (alpha[rows] @ (V[ell + 1][columns] - baseline).T)
            # sum_h alpha Pr(h | h') V(h) (h - mean), a row for each h' below
            e = gain @ actions - gain.sum(axis=1)[:, None] * mean
            e /= variance * layer.temperature
            weight += e.T @ layers.spaces[ell].activations(numbers(rows))
            bias += e.sum(axis=0)
            alpha_above[columns] += P.T @ alpha[rows]
        alpha = alpha_above
        gradient.append(LayerGradient(weight, bias))
    _check_finite(gradient)
    return gradient


def expected_reward(net: NetworkLike, x: Any, reward: Reward, *, quadrature: int = 200) -> Array:
    """E[R] of every row of x, (n,), exact to rounding; arguments and errors as `exact_gradient`.

    >>> from uwm.reference import Network
    >>> expected_reward(Network([2, 3, 1]), [[0.0, 0.0]], lambda output: 0 * output[:, 0] + 2)
    array([2.])
    """
    inputs = _inputs(net, x)
    layers = _Layers(net, inputs, quadrature)
    rewards, kind = _kinds(_rewards(reward, layers.output, len(inputs)), len(inputs))
    return np.asarray(layers.values(rewards)[0][np.arange(len(inputs)), kind])


def expected_update(
    net: NetworkLike, rule: RuleLike, x: Any, reward: Reward, *, quadrature: int = 200
) -> list[LayerGradient]:
    """Mean of a rule's update T_i e_i h_m / temperature, exact to rounding.

    x, reward, quadrature and the result are as in `exact_gradient`. The rule is anything with
    `unit_rewards`, the network anything with `clamp`; float32 networks are converted first.
    Raises ValueError if the network has more than 2^24 activities, all rows of x together.

    >>> from uwm.reference import Network, UnbiasedWeightMax
    >>> net = Network([2, 3, 1])
    >>> reward = lambda output: output[:, 0]
    >>> mean = expected_update(net, UnbiasedWeightMax(), [1.0, -1.0], reward)
    >>> bool(np.allclose(mean[0].weight, exact_gradient(net, [1.0, -1.0], reward)[0].weight))
    True
    """
    return moments(net, [rule], x, reward, quadrature=quadrature)[0].mean


def update_moments(
    net: NetworkLike,
    rules: Sequence[RuleLike],
    x: Any,
    reward: Reward,
    *,
    quadrature: int = 200,
    progress: Progress | None = None,
) -> list[tuple[list[LayerGradient], list[float]]]:
    """Exact mean of each rule's update, and the exact mean of its square, by one enumeration.

    The square of an update is summed over the parameters of a layer: one number per layer. Other
    arguments and errors are as in `expected_update`; progress(done, total) counts activities. When
    it returns False, `uwm.Interrupted` is raised.

    >>> from uwm.reference import Network, Reinforce
    >>> net = Network([1, 1])
    >>> (mean, square), = update_moments(net, [Reinforce()], [0.0], lambda output: output[:, 0])
    >>> mean[0].bias, square
    (array([0.25]), [0.125])
    """
    found = moments(net, rules, x, reward, quadrature=quadrature, progress=progress)
    return [(each.mean, each.checked_square()) for each in found]


@dataclass(frozen=True)
class Moments:
    """Of a rule's update, per layer: its mean, the mean of its square and of its magnitude.

    The magnitude tells how far rounding reaches in the mean, whose terms may cancel.
    """

    mean: list[LayerGradient]
    square: list[float]
    size: list[LayerGradient]

    def checked_square(self) -> list[float]:
        """The squares, which may overflow where the means do not; ValueError then."""
        if not np.all(np.isfinite(self.square)):
            raise ValueError("reward(output) must be smaller: the squares of the updates overflow")
        return self.square


def moments(
    net: NetworkLike,
    rules: Sequence[RuleLike],
    x: Any,
    reward: Reward,
    *,
    quadrature: int = 200,
    progress: Progress | None = None,
) -> list[Moments]:
    """What `update_moments` gives, and the size of the terms; arguments and errors as there.

    >>> from uwm.reference import Network, Reinforce
    >>> (found,) = moments(Network([1, 1]), [Reinforce()], [0.0], lambda output: [1.0, 1.0])
    >>> found.mean[0].bias, found.size[0].bias
    (array([0.]), array([0.5]))
    """
    found = [Moments(_zeros(net), [0.0] * len(net.layers), _zeros(net)) for _ in rules]
    done, total = 0, count_activities(net, x, quadrature=quadrature)
    with np.errstate(over="ignore", invalid="ignore"):
        for probability, updates in weighted_updates(net, rules, x, reward, quadrature=quadrature):
            for layers, each in zip(updates, found, strict=True):
                for ell, update in enumerate(layers):
                    _add(each.mean[ell], update.total(probability))
                    _add(each.size[ell], update.size().total(probability))
                    each.square[ell] += float(probability @ update.dot(update))
            done += len(probability)
            tell(progress, done, total)
    for each in found:
        _check_finite(each.size)
    return found


def _zeros(net: NetworkLike) -> list[LayerGradient]:
    shapes = [(layer.weight.shape, layer.bias.shape) for layer in net.layers]
    return [LayerGradient(np.zeros(weight), np.zeros(bias)) for weight, bias in shapes]


def _add(to: LayerGradient, terms: tuple[Array, Array]) -> None:
    weight, bias = terms
    to.weight[...] += weight
    to.bias[...] += bias


def _check_finite(gradient: list[LayerGradient]) -> None:
    if not all(np.all(np.isfinite(a)) for layer in gradient for a in (layer.weight, layer.bias)):
        raise ValueError(
            "updates must be finite, but overflow: rewards, inputs or weights are too large"
        )


def weighted_updates(
    net: NetworkLike,
    rules: Sequence[RuleLike],
    x: Any,
    reward: Reward,
    *,
    quadrature: int = 200,
) -> Iterator[tuple[Array, list[list[LayerUpdate]]]]:
    """Every update that rules may make, with its probability, in blocks of activities.

    Arguments as in `update_moments`; rows of x are equally probable. Yields the probabilities (m,)
    of a block, and for each rule its update of each layer.

    >>> from uwm.reference import Network, Reinforce
    >>> reward = lambda output: output[:, 0]
    >>> blocks = weighted_updates(Network([2, 1]), [Reinforce()], [1, 0], reward)
    >>> [float(probability.sum()) for probability, updates in blocks]
    [1.0]
    """
    net = as_float64(net)
    inputs = _inputs(net, x)
    hidden, output = spaces(net, inputs, quadrature)
    total = count_activities(net, x, quadrature=quadrature)
    _check_count(total, "the network")
    table = _rewards(reward, output, len(inputs))
    counts = [len(inputs), *(space.count for space in hidden), output.count]
    for block in blocks(total, BLOCK):
        row, *index = np.unravel_index(numbers(block), counts)
        h = [space.activations(k) for space, k in zip(hidden, index[:-1], strict=True)]
        sample = net.clamp(inputs[row], [*h, output.actions(index[-1])])
        probability = np.full(len(row), 1.0 / len(inputs))
        for space, k, z in zip([*hidden, output], index, sample.logits, strict=True):
            probability *= space.probability(np.asarray(z), space.actions(k))
        rewards = table[row if len(table) > 1 else 0, index[-1]]
        yield (
            probability,
            [updates_of_rule(net, sample, rule, rewards) for rule in rules],
        )


def count_activities(net: NetworkLike, x: Any, *, quadrature: int = 200) -> int:
    """How many activities of the whole network the rows of x have, hidden and output units.

    >>> from uwm.reference import Network
    >>> count_activities(Network([2, 3, 3, 1]), [[0, 1], [1, 0]])
    256
    """
    inputs = _inputs(net, x)
    hidden, output = spaces(net, inputs, quadrature)
    return math.prod([len(inputs), *(space.count for space in hidden), output.count])


def can_differentiate(net: NetworkLike, x: Any, *, quadrature: int = 200) -> bool:
    """Whether the network is small enough for `exact_gradient`.

    >>> from uwm.reference import Network
    >>> can_differentiate(Network([2, 12, 12, 1]), [0, 1])
    True
    >>> can_differentiate(Network([2, 64, 32, 1]), [0, 1])
    False
    """
    inputs = _inputs(net, x)
    hidden, output = spaces(net, inputs, quadrature)
    counts = [len(inputs), *(space.count for space in hidden), output.count]
    return all(below * above <= LIMIT for below, above in pairwise(counts))


class _Layers:
    """The inputs and the layers of a network as sets of activities, with what links neighbours."""

    def __init__(self, net: NetworkLike, inputs: Array, quadrature: int) -> None:
        hidden, self.output = spaces(net, inputs, quadrature)
        self._net = net
        self._units: list[Activities] = [*hidden, self.output]
        self.spaces: list[Inputs | Activities] = [Inputs(inputs), *self._units]
        for below, above in pairwise(self.spaces):
            _check_count(below.count * above.count, "two neighbouring layers")

    def actions(self, ell: int, which: slice) -> Array:
        return self._units[ell - 1].actions(numbers(which))

    def values(self, rewards: Array) -> list[Array]:
        """V, the expected reward given the activity of each layer, (count, kinds of reward)."""
        V = [np.zeros((0, 0))] * len(self.spaces)
        V[-1] = rewards.T
        for ell in reversed(range(len(self._units))):
            V[ell] = np.zeros((self.spaces[ell].count, len(rewards)))
            for rows, columns, P, _ in self.transitions(ell):
                V[ell][rows] += P @ V[ell + 1][columns]
        return V

    def transitions(self, ell: int) -> Iterator[tuple[slice, slice, Array, Array]]:
        """Pr(activity of layer l | activity below) in blocks: rows below, columns above, the mean.

        The mean is that of the action given the activity below, (rows, n_l).
        """
        layer, below, above = self._net.layers[ell], self.spaces[ell], self._units[ell]
        w, b = np.asarray(layer.weight, np.float64), np.asarray(layer.bias, np.float64)
        width = min(above.count, BLOCK)
        for rows in blocks(below.count, max(1, 32 * BLOCK // width)):
            with np.errstate(over="ignore", invalid="ignore"):
                z = (below.activations(numbers(rows)) @ w.T + b) / layer.temperature
            if not np.all(np.isfinite(z)):
                raise ValueError(
                    f"logits of layer {ell} must be finite, but overflow: inputs or weights are"
                    " too large"
                )
            mean = above.mean(z)
            for columns in blocks(above.count, width):
                yield rows, columns, above.probabilities(z, above.actions(numbers(columns))), mean


def as_float64(net: NetworkLike) -> NetworkLike:
    """The network, or a float64 copy of it."""
    if np.dtype(net.dtype) != np.float64 and hasattr(net, "astype"):
        converted: NetworkLike = net.astype("float64")
        return converted
    return net


def _inputs(net: NetworkLike, x: Any) -> Array:
    """x as rows, with the network's parameters checked beside it."""
    for ell, layer in enumerate(net.layers):
        shape_of_weight = (net.sizes[ell + 1], net.sizes[ell])
        finite_array(f"layers[{ell}].weight", layer.weight, shape_of_weight)
        finite_array(f"layers[{ell}].bias", layer.bias, shape_of_weight[:1])
    shape = ("rows", net.sizes[0]) if np.ndim(x) == 2 else (net.sizes[0],)
    return np.atleast_2d(finite_array("x", x, shape))


def _rewards(reward: Reward, output: Activities, rows: int) -> Array:
    """Rewards of every output, (1, outputs), or (rows, outputs) if they depend on the input."""
    given = reward(output.actions(np.arange(output.count)))
    depends = np.ndim(given) == 2 and len(given) == rows
    shape = (rows, output.count) if depends else (output.count,)
    return np.atleast_2d(finite_array("reward(output)", given, shape))


def _kinds(table: Array, rows: int) -> tuple[Array, Any]:
    """The distinct rewards, (kinds, outputs), and of which kind each input is."""
    rewards, kind = np.unique(table, axis=0, return_inverse=True)
    return rewards, np.broadcast_to(kind.reshape(-1), (rows,))


def _check_count(count: int, what: str) -> None:
    if count > LIMIT:
        got = str(count) if count < 10**15 else f"about 2^{count.bit_length() - 1}"
        raise ValueError(f"activities of {what} to enumerate must be at most {LIMIT}, got {got}")
