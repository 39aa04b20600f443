"""Bias, cosine and noise of a rule's update against the exact gradient, without sampling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from uwm.checks import finite
from uwm.protocols import Array, NetworkLike, RuleLike
from uwm.reference.rules import LayerGradient, Reinforce

from .exact import Moments, Reward, exact_gradient, moments
from .progress import Progress

ROUNDING = 1e-13  # of a sum, relative to the sum of its terms' magnitudes


@dataclass(frozen=True)
class RuleStatistics:
    """Statistics of a rule's update u for one sample, a number per layer (weights and biases).

    With g the exact gradient: `relative_bias` |E u - g| / |g|; `cosine` of the angle between E u
    and g; `noise_to_signal` the standard deviation of u, sqrt(trace of its covariance), over |g|
    (inputs count as drawn at random from the rows given); `gradient_norm` |g|.

    A length that the rounding of its terms accounts for is 0. Where |g| is 0, as under a constant
    reward, the relative bias is 0 for an unbiased rule and infinite for another, the cosine is NaN,
    and the noise-to-signal of an update that varies is infinite.
    """

    relative_bias: tuple[float, ...]
    cosine: tuple[float, ...]
    noise_to_signal: tuple[float, ...]
    gradient_norm: tuple[float, ...]


def exact_statistics(
    net: NetworkLike,
    rules: Sequence[RuleLike],
    x: Any,
    reward: Reward,
    *,
    quadrature: int = 200,
    progress: Progress | None = None,
) -> list[RuleStatistics]:
    """Exact statistics of several rules on a network, by one enumeration: see RuleStatistics.

    Arguments and errors as in `expected_update`; progress(done, total) counts activities. When it
    returns False, `uwm.Interrupted` is raised.

    >>> import uwm
    >>> net = uwm.Network([2, 2, 1])
    >>> rules = [uwm.rule(name) for name in ("ste", "unbiased_weight_max_posterior")]
    >>> ste, unbiased = exact_statistics(net, rules, [1.0, 1.0], lambda output: output[:, 0])
    >>> unbiased.relative_bias[0] < 1e-9 < ste.relative_bias[0]
    True
    """
    exact = exact_gradient(net, x, reward, quadrature=quadrature)
    *found, reinforce = moments(
        net, [*rules, Reinforce()], x, reward, quadrature=quadrature, progress=progress
    )
    return [_statistics(each, reinforce, exact) for each in found]


def rule_statistics(
    net: NetworkLike, rule: RuleLike, x: Any, reward: Reward, *, quadrature: int = 200
) -> RuleStatistics:
    """Exact statistics of a rule on a network: see RuleStatistics.

    Arguments and errors as in `expected_update`.

    >>> from uwm.reference import Network, Reinforce
    >>> found = rule_statistics(Network([2, 2, 1]), Reinforce(), [1.0, 1.0], lambda o: o[:, 0])
    >>> max(found.relative_bias) < 1e-9
    True
    """
    return exact_statistics(net, [rule], x, reward, quadrature=quadrature)[0]


def relative_bias(
    net: NetworkLike, rule: RuleLike, x: Any, reward: Reward, *, quadrature: int = 200
) -> tuple[float, ...]:
    """|mean update - exact gradient| / |exact gradient| of each layer, weights and biases together.

    A length that the rounding of its terms accounts for is 0, and 0 / 0 is 0: see RuleStatistics.
    Arguments and errors as in `expected_update`.

    >>> from uwm.reference import Network, WeightMax
    >>> max(relative_bias(Network([2, 2, 1]), WeightMax(), [1.0, 1.0], lambda o: o[:, 0])) > 0.01
    True
    """
    exact = exact_gradient(net, x, reward, quadrature=quadrature)
    mean, reinforce = moments(net, [rule, Reinforce()], x, reward, quadrature=quadrature)
    return tuple(each.relative_bias for each in _comparisons(mean, reinforce, exact))


def is_unbiased(
    net: NetworkLike,
    rule: RuleLike,
    x: Any,
    reward: Reward,
    tolerance: float = 1e-9,
    *,
    quadrature: int = 200,
) -> bool:
    """Whether the relative bias of every layer is below `tolerance`.

    Other arguments and errors as in `expected_update`.

    >>> from uwm.reference import Network, UnbiasedWeightMax
    >>> is_unbiased(Network([2, 2, 1]), UnbiasedWeightMax(), [1.0, 1.0], lambda o: o[:, 0])
    True
    """
    finite("tolerance", tolerance, above=0)
    return all(b < tolerance for b in relative_bias(net, rule, x, reward, quadrature=quadrature))


def flat(gradient: LayerGradient) -> Array:
    """Weights and biases of a layer as one vector.

    >>> flat(LayerGradient(np.ones((1, 2)), np.zeros(1)))
    array([1., 1., 0.])
    """
    return np.concatenate([np.ravel(gradient.weight), np.ravel(gradient.bias)])


@dataclass(frozen=True)
class _Comparison:
    """A mean update beside the gradient; lengths that rounding alone accounts for are 0."""

    mean: Array
    gradient: Array
    rounding: float

    def length(self, vector: Array) -> float:
        found = norm(vector)
        return found if found > self.rounding else 0.0

    @property
    def relative_bias(self) -> float:
        return ratio(self.length(self.mean - self.gradient), self.length(self.gradient))

    @property
    def cosine(self) -> float:
        lengths = self.length(self.mean), self.length(self.gradient)
        if 0.0 in lengths:
            return float("nan")
        cosine = float((self.mean / lengths[0]) @ (self.gradient / lengths[1]))
        return min(max(cosine, -1.0), 1.0)

    def noise_to_signal(self, square: float) -> float:
        variance = square - float(self.mean @ self.mean)
        deviation = float(np.sqrt(variance)) if variance > ROUNDING * square else 0.0
        return ratio(deviation, self.length(self.gradient))


def _comparisons(
    found: Moments, reinforce: Moments, exact: list[LayerGradient]
) -> list[_Comparison]:
    """One per layer. REINFORCE's terms are those whose sum is the gradient."""
    made = []
    for mean, own, terms, g in zip(found.mean, found.size, reinforce.size, exact, strict=True):
        rounding = ROUNDING * (norm(flat(own)) + norm(flat(terms)))
        made.append(_Comparison(flat(mean), flat(g), rounding))
    return made


def _statistics(found: Moments, reinforce: Moments, exact: list[LayerGradient]) -> RuleStatistics:
    layers = _comparisons(found, reinforce, exact)
    squares = found.checked_square()
    return RuleStatistics(
        relative_bias=tuple(each.relative_bias for each in layers),
        cosine=tuple(each.cosine for each in layers),
        noise_to_signal=tuple(
            each.noise_to_signal(square) for each, square in zip(layers, squares, strict=True)
        ),
        gradient_norm=tuple(each.length(each.gradient) for each in layers),
    )


def norm(vector: Array) -> float:
    """Euclidean length, whatever the size of the numbers.

    >>> norm(np.array([3e200, 4e200]))
    5e+200
    """
    most = float(np.max(np.abs(vector), initial=0.0))
    return most * float(np.linalg.norm(vector / most)) if most > 0 else 0.0


def ratio(part: float, whole: float) -> float:
    """part / whole; of 0 / 0, 0; infinite where only the whole is 0."""
    if whole > 0:
        return part / whole
    return 0.0 if part == 0 else float("inf")
