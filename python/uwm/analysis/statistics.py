"""Bias, cosine and noise of a rule's update against the exact gradient, without sampling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from uwm.reference.arrays import Array, NetworkLike, RuleLike, positive_number
from uwm.reference.rules import LayerGradient

from .exact import Progress, Reward, exact_gradient, expected_update, update_moments


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

    Arguments and errors as in `expected_update`; progress(done, total) counts activities.

    >>> import uwm
    >>> net = uwm.Network([2, 2, 1])
    >>> rules = [uwm.rule(name) for name in ("ste", "unbiased_weight_max")]
    >>> ste, unbiased = exact_statistics(net, rules, [1.0, 1.0], lambda output: output[:, 0])
    >>> unbiased.relative_bias[0] < 1e-9 < ste.relative_bias[0]
    True
    """
    exact = [flat(g) for g in exact_gradient(net, x, reward, quadrature=quadrature)]
    moments = update_moments(net, rules, x, reward, quadrature=quadrature, progress=progress)
    return [_statistics([flat(layer) for layer in mean], square, exact) for mean, square in moments]


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

    Arguments and errors as in `expected_update`.

    >>> from uwm.reference import Network, WeightMax
    >>> max(relative_bias(Network([2, 2, 1]), WeightMax(), [1.0, 1.0], lambda o: o[:, 0])) > 0.01
    True
    """
    exact = exact_gradient(net, x, reward, quadrature=quadrature)
    mean = expected_update(net, rule, x, reward, quadrature=quadrature)
    pairs = [(flat(m), flat(g)) for m, g in zip(mean, exact, strict=True)]
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


def flat(gradient: LayerGradient) -> Array:
    """Weights and biases of a layer as one vector.

    >>> flat(LayerGradient(np.ones((1, 2)), np.zeros(1)))
    array([1., 1., 0.])
    """
    return np.concatenate([np.ravel(gradient.weight), np.ravel(gradient.bias)])


def _statistics(mean: list[Array], square: list[float], exact: list[Array]) -> RuleStatistics:
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


def _norm(vector: Array) -> float:
    return float(np.linalg.norm(vector))


def _ratio(part: float, whole: float) -> float:
    if whole > 0:
        return part / whole
    return 0.0 if part == 0 else float("inf")
