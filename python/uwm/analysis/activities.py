"""The activities of one layer, numbered from 0, with their probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uwm.checks import whole_number
from uwm.protocols import Array, NetworkLike
from uwm.reference.sigmoid import log_sigmoid, log_softmax

MOST_POINTS = 2**24  # of a Gaussian output, as many as there may be activities


class Inputs:
    """The rows of x, as if they were the activities of a layer."""

    def __init__(self, x: Array) -> None:
        self._x = x
        self.count = len(x)

    def activations(self, k: NDArray[Any]) -> Array:
        return np.asarray(self._x[k], dtype=np.float64)


class BernoulliActivities:
    """Number k is the activity whose unit i fires if bit i of k is set."""

    def __init__(self, n: int, bipolar: bool) -> None:
        self.n, self._bipolar = n, bipolar
        self.count = 2**n

    def actions(self, k: NDArray[Any]) -> Array:
        octets = np.asarray(k, dtype="<u4")[:, None].view(np.uint8)
        return np.unpackbits(octets, axis=1, count=self.n, bitorder="little").astype(np.float64)

    def activations(self, k: NDArray[Any]) -> Array:
        fired = self.actions(k)
        return 2.0 * fired - 1.0 if self._bipolar else fired

    def mean(self, z: Array) -> Array:
        return np.asarray(np.exp(log_sigmoid(z)))

    def probability(self, z: Array, actions: Array) -> Array:
        """Pr(actions[r]) under logits z[r], (r,): each factor to rounding, however small."""
        with np.errstate(over="ignore"):
            return np.asarray(1.0 / (1.0 + np.exp((1.0 - 2.0 * actions) * z)).prod(axis=1))

    def probabilities(self, z: Array, actions: Array) -> Array:
        """Pr of every actions[c] under every z[r], (r, c)."""
        log_p, log_not_p = log_sigmoid(z), log_sigmoid(-z)
        return np.asarray(np.exp(log_p @ actions.T + log_not_p @ (1.0 - actions).T))


class SoftmaxActivities:
    """Number k is the action k."""

    def __init__(self, n: int) -> None:
        self.count = n

    def actions(self, k: NDArray[Any]) -> Array:
        return np.asarray(np.eye(self.count)[k])

    activations = actions

    def mean(self, z: Array) -> Array:
        return np.asarray(np.exp(log_softmax(z)))

    def probability(self, z: Array, actions: Array) -> Array:
        return np.asarray(np.exp((log_softmax(z) * actions).sum(axis=1)))

    def probabilities(self, z: Array, actions: Array) -> Array:
        return np.asarray(np.exp(log_softmax(z) @ actions.T))


class GaussianActivities:
    """Number k is the k-th point of a grid; its probability is density times cell.

    On the whole line the trapezoid rule has no error of any power of its step: with a step of h
    standard deviations it is of the order exp(-2 pi^2 / h^2), which is below 1e-300 at the h = 0.1
    used (a rule's own ratios of densities leave exp(-2 pi^2 / (h d)), with d the deviations by
    which a flip moves the mean). One grid serves all hidden activities, 10 deviations beyond the
    lowest and the highest mean: ratios that move weight from one activity to another then meet the
    same points again, and a jump in the reward costs the same on both sides of a comparison.
    """

    def __init__(self, low: Array, high: Array, sigma: float, quadrature: int) -> None:
        step = 20.0 * sigma / quadrature
        self._sigma, self._step, self._low = sigma, step, low - 10.0 * sigma
        # Counted, not made: a range of many deviations is refused before it fills the memory.
        self._points = [int(np.ceil(n)) + 1 for n in (high - low + 20.0 * sigma) / step]
        self._log_factor = len(low) * (np.log(step / sigma) - 0.5 * np.log(2.0 * np.pi))
        self.count = math.prod(self._points)

    def actions(self, k: NDArray[Any]) -> Array:
        index = np.unravel_index(k, self._points)
        return np.asarray(self._low + self._step * np.stack(index, axis=1))

    activations = actions

    def mean(self, z: Array) -> Array:
        return z

    def probability(self, z: Array, actions: Array) -> Array:
        squares = (((actions - z) / self._sigma) ** 2).sum(axis=-1)
        return np.asarray(np.exp(self._log_factor - 0.5 * squares))

    def probabilities(self, z: Array, actions: Array) -> Array:
        return self.probability(z[:, None, :], actions[None, :, :])


Activities = BernoulliActivities | SoftmaxActivities | GaussianActivities


def spaces(
    net: NetworkLike, inputs: Array, quadrature: int
) -> tuple[list[BernoulliActivities], Activities]:
    """The activities of every hidden layer, and those of the output."""
    quadrature = whole_number("quadrature", quadrature, 2, MOST_POINTS)
    hidden = [BernoulliActivities(n, net.units == "bipolar") for n in net.sizes[1:-1]]
    if net.output == "bernoulli":
        return hidden, BernoulliActivities(net.sizes[-1], False)
    if net.output == "softmax":
        return hidden, SoftmaxActivities(net.sizes[-1])
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = _range_of_means(net, inputs)
        spans = high - low
    sigma = net.output.settings["sigma"]
    if not np.all(np.isfinite(spans / sigma)):
        raise ValueError("net must have finite means of the output, but they overflow")
    return hidden, GaussianActivities(low, high, sigma, quadrature)


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


def blocks(count: int, size: int) -> Iterator[slice]:
    """Cut 0 ... count - 1 into slices of at most `size`."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def numbers(block: slice) -> NDArray[np.int64]:
    """The numbers in a slice."""
    return np.arange(block.start, block.stop)
