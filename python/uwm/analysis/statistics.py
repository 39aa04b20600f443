"""Bias, cosine and noise of a rule's update against the exact gradient, without sampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from uwm.reference.arrays import Array, NetworkLike, RuleLike, positive_number
from uwm.reference.rules import LayerGradient

from .exact import Reward, exact_gradient, expected_update, weighted_updates


@dataclass(frozen=True)
class RuleStatistics:
    """Statistics of a rule's update u for one sample, a number per layer (weights and biases).

    With g the exact gradient: `relative_bias` |E u - g| / |g|; `cosine` of the angle between E u
    and g; `standard_deviation` sqrt(trace of the covariance of u) / |g|, the noise-to-signal ratio
    (inputs count as drawn at random from the rows given); `gradient_norm` |g|.
    """

    relative_bias: tuple[float, ...]
    cosine: tuple[float, ...]
    standard_deviation: tuple[float, ...]
    gradient_norm: tuple[float, ...]


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
    exact = [_flat(g) for g in exact_gradient(net, x, reward, quadrature=quadrature)]
    mean = [np.zeros_like(g) for g in exact]
    square = [0.0] * len(exact)
    for updates in weighted_updates(net, rule, x, reward, quadrature=quadrature):
        for ell, update in enumerate(updates):
            weighted = update.probability[:, None] * update.delta
            mean[ell] += _flat(LayerGradient(weighted.T @ update.below, weighted.sum(axis=0)))
            length = (update.delta**2).sum(axis=1) * (1.0 + (update.below**2).sum(axis=1))
            square[ell] += float(update.probability @ length)
    pairs = list(zip(mean, exact, strict=True))
    variance = [max(0.0, s - float(m @ m)) for s, m in zip(square, mean, strict=True)]
    return RuleStatistics(
        relative_bias=tuple(_ratio(_norm(m - g), _norm(g)) for m, g in pairs),
        cosine=tuple(_ratio(float(m @ g), _norm(m) * _norm(g)) for m, g in pairs),
        standard_deviation=tuple(
            _ratio(float(np.sqrt(v)), _norm(g)) for v, g in zip(variance, exact, strict=True)
        ),
        gradient_norm=tuple(_norm(g) for g in exact),
    )


def relative_bias(
    net: NetworkLike, rule: RuleLike, x: Any, reward: Reward, *, quadrature: int = 200
) -> tuple[float, ...]:
    """|mean update - exact gradient| / |exact gradient| of each layer, weights and biases together.

    Arguments and errors as in `expected_update`.

    >>> from uwm.reference import Network, WeightMax
    >>> max(relative_bias(Network([2, 2, 1]), WeightMax(), [1.0, 1.0], lambda o: o[:, 0])) > 0.01
    True
    """
    exact = exact_gradient(net, x, reward, quadrature=quadrature)
    mean = expected_update(net, rule, x, reward, quadrature=quadrature)
    pairs = [(_flat(m), _flat(g)) for m, g in zip(mean, exact, strict=True)]
    return tuple(_ratio(_norm(m - g), _norm(g)) for m, g in pairs)


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
    positive_number("tolerance", tolerance)
    return all(b < tolerance for b in relative_bias(net, rule, x, reward, quadrature=quadrature))


def _flat(gradient: LayerGradient) -> Array:
    return np.concatenate([gradient.weight.ravel(), gradient.bias])


def _norm(vector: Array) -> float:
    return float(np.linalg.norm(vector))


def _ratio(part: float, whole: float) -> float:
    if whole > 0:
        return part / whole
    return 0.0 if part == 0 else float("inf")
