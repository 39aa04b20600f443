"""The unbiased rules in decimal arithmetic of any precision: slow, and beyond doubt at extremes.

Sums and products stand as in the manual, on one sample at a time. Numbers may be as large as
10^(10^17) here, so nothing overflows; `digits` must exceed the span of the numbers that are added.
Logits that are whole numbers save time: exp(z) is then a power of e.
"""

from __future__ import annotations

import decimal
import functools
from decimal import Decimal
from typing import Any

import numpy as np

FORMS = (
    "unbiased_weight_max",
    "unbiased_weight_max_blended",
    "unbiased_weight_max_two_sided",
    "unbiased_weight_max_one_sided",
)


def unit_rewards(net: Any, rule: str, x: Any, activations: Any, R: float, digits: int) -> Any:
    """Rewards of the hidden units, one array per layer, for inputs x (n_in,); cut off at 1e300."""
    context = decimal.Context(prec=digits, Emax=10**17, Emin=-(10**17))
    context.traps[decimal.Underflow] = context.traps[decimal.Subnormal] = False
    with decimal.localcontext(context):
        return [_floats(layer) for layer in _unit_rewards(net, rule, x, activations, Decimal(R))]


def _floats(values: list[Decimal]) -> Any:
    largest = Decimal("1e300")
    return np.array([float(min(max(v, -largest), largest)) for v in values])


def _unit_rewards(net: Any, rule: str, x: Any, activations: Any, R: Decimal) -> Any:
    n_layers = len(net.layers)
    h = [[Decimal(float(v)) for v in a] for a in (x, *activations)]
    z = [_logits(layer, h[ell]) for ell, layer in enumerate(net.layers)]
    flip = 2 if net.units == "bipolar" else 1
    rewards: list[list[Decimal]] = []
    above: list[tuple[Decimal, Decimal, Decimal]] = []  # A, B, lambda
    for ell in reversed(range(n_layers - 1)):
        last = ell == n_layers - 2
        layer = net.layers[ell + 1]
        found, here = [], []
        for i, h_i in enumerate(h[ell + 1]):
            c = 1 if h_i > 0 else -1
            q, other = _probability(c * z[ell][i]), _probability(-c * z[ell][i])
            moved = [
                z_j - c * flip * Decimal(float(w)) / Decimal(float(layer.temperature))
                for z_j, w in zip(z[ell + 1], layer.weight[:, i], strict=True)
            ]
            kappa, T, T_flipped = [], [], []
            if last and net.output != "bernoulli":
                kappa, T, T_flipped = [_joint(net, h[-1], z[-1], moved)], [R], [R]
            else:
                for j, h_j in enumerate(h[ell + 2]):
                    s = 1 if h_j > 0 else -1
                    q_j, not_q_j = _probability(s * z[ell + 1][j]), _probability(-s * z[ell + 1][j])
                    u, not_u = _probability(s * moved[j]), _probability(-s * moved[j])
                    kappa.append(u / q_j)
                    T.append(R if last else _reward(rule, s, q_j, not_q_j, *above[j]))
                    T_flipped.append(R if last else _reward(rule, s, u, not_u, *above[j]))
            n = len(kappa)
            A = sum((_product(kappa[:j]) * (1 - kappa[j]) * T[j] for j in range(n)), Decimal(0))
            B = sum(
                (_product(kappa[j + 1 :]) * (kappa[j] - 1) * T_flipped[j] for j in range(n)),
                Decimal(0),
            )
            ratio = _product(kappa)
            if rule == "unbiased_weight_max_blended" and not last:
                share = _two_or_more(kappa, h[ell + 2], z[ell + 1])
                A += share * ((1 - ratio) * R - A)
                B += share * (-(1 - ratio) * R - B)
            here.append((A, B, ratio))
            found.append(_reward(rule, c, q, other, *here[-1]))
        rewards.insert(0, found)
        above = here
    return rewards


def _reward(
    rule: str, c: int, q: Decimal, other: Decimal, A: Decimal, B: Decimal, ratio: Decimal
) -> Decimal:
    if rule in ("unbiased_weight_max", "unbiased_weight_max_blended"):
        return q * (q * A - other * B) / (q + other * ratio)
    if rule == "unbiased_weight_max_two_sided":
        return q * A
    assert rule == "unbiased_weight_max_one_sided"
    return A if c > 0 else Decimal(0)


def _two_or_more(kappa: list[Decimal], h: list[Decimal], z: list[Decimal]) -> Decimal:
    """Of independent events, the squares of the changes of probability."""
    none, one = Decimal(1), Decimal(0)
    for k, h_j, z_j in zip(kappa, h, z, strict=True):
        d = (_probability(z_j if h_j > 0 else -z_j) * (1 - k)) ** 2
        none, one = none * (1 - d), one * (1 - d) + none * d
    return 1 - none - one


def _probability(y: Decimal) -> Decimal:
    return 1 / (1 + _exp(-y))


def _product(values: list[Decimal]) -> Decimal:
    product = Decimal(1)
    for value in values:
        product *= value
    return product


def _logits(layer: Any, h: list[Decimal]) -> list[Decimal]:
    temperature = Decimal(float(layer.temperature))
    return [
        (sum((Decimal(float(w)) * v for w, v in zip(row, h, strict=True)), Decimal(float(b))))
        / temperature
        for row, b in zip(layer.weight, layer.bias, strict=True)
    ]


def _joint(net: Any, action: list[Decimal], z: list[Decimal], moved: list[Decimal]) -> Decimal:
    if net.output == "softmax":
        k = action.index(Decimal(1))
        before, after = [_exp(v) for v in z], [_exp(v) for v in moved]
        return (after[k] / sum(after)) / (before[k] / sum(before))
    squares = [(a - v) ** 2 - (a - m) ** 2 for a, v, m in zip(action, z, moved, strict=True)]
    return _exp(sum(squares, Decimal(0)) / (2 * Decimal(float(net.sigma)) ** 2))


@functools.cache
def _e(digits: int) -> Decimal:
    term = total = Decimal(1)
    for k in range(1, digits + 20):  # far more terms than needed: the loop ends itself
        term /= k
        if total + term == total:
            break
        total += term
    return total


def _exp(y: Decimal) -> Decimal:
    if y == y.to_integral_value():
        return Decimal(_e(decimal.getcontext().prec) ** int(y))
    return y.exp()
