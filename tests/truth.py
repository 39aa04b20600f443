"""The rules that weigh flips in decimal arithmetic: slow, and beyond doubt at extremes.

Sums and products stand as in the manual, on one sample at a time. A sample is the numbers stored in
it: its logits, whatever the precision in which they were computed, and its actions. Numbers may be
as large as exp(10^16) here; what is larger is cut off there, and no reward depends on by how much.
1 - kappa is formed from odds, so that 60 digits do for numbers of any size.
"""

from __future__ import annotations

import decimal
import functools
from decimal import Decimal
from typing import Any

import numpy as np

FORMS = (
    "unbiased_weight_max_posterior",
    "unbiased_weight_max",
    "unbiased_weight_max_two_sided",
    "unbiased_weight_max_one_sided",
    "flip_difference",
    "posterior_reinforce",
)
DIGITS = 60


def unit_rewards(net: Any, rule: str, sample: Any, s: int, R: float, *, sizes: bool = False) -> Any:
    """Rewards of the hidden units for sample s of a batch, one array a layer; cut off at 1e300.

    sizes: the same sums with every term made positive: what rounding errors are relative to.
    """
    context = decimal.Context(prec=DIGITS, Emax=10**18 - 1, Emin=-(10**18 - 1))
    context.traps[decimal.Underflow] = context.traps[decimal.Subnormal] = False
    with decimal.localcontext(context):
        z = [[Decimal(float(v)) for v in logits[s]] for logits in sample.logits]
        h = [[Decimal(float(v)) for v in actions[s]] for actions in sample.activations]
        reward = Decimal(abs(R) if sizes else R)
        return [_floats(layer) for layer in _unit_rewards(net, rule, z, h, reward, sizes)]


def _floats(values: list[Decimal]) -> Any:
    largest = Decimal("1e300")
    return np.array([float(min(max(v, -largest), largest)) for v in values])


def _unit_rewards(
    net: Any, rule: str, z: list[list[Decimal]], h: list[list[Decimal]], R: Decimal, sizes: bool
) -> list[list[Decimal]]:
    last = len(net.layers) - 2
    rewards: list[list[Decimal]] = []
    T_above = [R] * len(h[-1])
    above: list[tuple[Decimal, Decimal, Decimal]] = []  # A, B, lambda
    for ell in reversed(range(last + 1)):
        found, here = [], []
        for i in range(len(h[ell])):
            c = 1 if h[ell][i] > 0 else -1
            change = _change(net, ell, i, c)
            if ell == last and net.output != "bernoulli":
                kappa, one_minus_kappa = _joint(net, h[-1], z[-1], change)
                kappas, gains, T, T_flipped = [kappa], [one_minus_kappa], [R], [R]
                changes, rests = [Decimal(0)], [Decimal(1)]
            else:
                kappas, gains, T, T_flipped, changes, rests = [], [], T_above, [], [], []
                for j, h_j in enumerate(h[ell + 1]):
                    s = 1 if h_j > 0 else -1
                    a, x = _exp(-s * z[ell + 1][j]), _exp(-s * (z[ell + 1][j] + change[j]))
                    kappas.append((1 + a) / (1 + x))
                    gains.append((x - a) / (1 + x))
                    changes.append(gains[-1] / (1 + a))
                    low, high = min(a, x), max(a, x)
                    rests.append(low / (1 + low) + 1 / (1 + high))  # 1 - |change|
                    T_flipped.append(R if ell == last else _reward(rule, s, x, *above[j]))
            if rule == "posterior_reinforce" or (ell == last and rule != "flip_difference"):
                # paid alike, the units above are one: the sum over them collapses
                gains, kappas = [_one_minus_product(kappas, gains)], [_product(kappas)]
                T, T_flipped = [R], [R]
            true_gains = gains
            if sizes:
                gains, changes = [abs(g) for g in gains], [abs(d) for d in changes]
            n = len(kappas)
            before = [_product(kappas[:j]) for j in range(n)]
            after = [_product(kappas[j + 1 :]) for j in range(n)]
            if rule == "flip_difference":
                before = [Decimal(1)] * n
            A = sum((before[j] * gains[j] * T[j] for j in range(n)), Decimal(0))
            B = sum((after[j] * -gains[j] * T_flipped[j] for j in range(n)), Decimal(0))
            if rule == "unbiased_weight_max" and ell < last:
                joint = R * _one_minus_product(kappas, true_gains)
                joint = abs(joint) if sizes else joint
                local, share = _shares(changes, rests)
                A, B = local * A + share * joint, local * B - share * joint
            here.append((A, B, _product(kappas)))
            found.append(_reward(rule, c, _exp(-c * z[ell][i]), *here[-1]))
        rewards.insert(0, found)
        above, T_above = here, found
    return rewards


def _change(net: Any, ell: int, i: int, c: int) -> list[Decimal]:
    """How far the logits of layer ell + 1 move when unit i flips."""
    layer = net.layers[ell + 1]
    step = Decimal((2 if net.units == "bipolar" else 1) * -c) / Decimal(float(layer.temperature))
    return [step * Decimal(float(w)) for w in layer.weight[:, i]]


def _reward(rule: str, c: int, a: Decimal, A: Decimal, B: Decimal, ratio: Decimal) -> Decimal:
    """T of a unit with the odds a = (1 - q) / q against its action."""
    q, other = 1 / (1 + a), a / (1 + a)
    if rule in ("unbiased_weight_max_posterior", "unbiased_weight_max"):
        return q * (q * A - other * B) / (q + other * ratio)
    if rule == "posterior_reinforce":
        return q * A / (q + other * ratio)
    if rule in ("unbiased_weight_max_two_sided", "flip_difference"):
        return q * A
    assert rule == "unbiased_weight_max_one_sided"
    return A if c > 0 else Decimal(0)


def _shares(changes: list[Decimal], rests: list[Decimal]) -> tuple[Decimal, Decimal]:
    """1 - s and s: s grows with the probability of two or more of independent events."""
    none, one, many = Decimal(1), Decimal(0), Decimal(0)
    for change, rest in zip(changes, rests, strict=True):
        d, not_d = change**2, rest * (2 - rest)
        none, one, many = none * not_d, one * not_d + none * d, many + one * d
    few = none + one
    return few**2 * (1 + 2 * many), many**2 * (3 - 2 * many)


def _one_minus_product(kappas: list[Decimal], gains: list[Decimal]) -> Decimal:
    """As a difference, or as the sum it is equal to, whichever keeps more digits."""
    terms = [_product(kappas[:j]) * gain for j, gain in enumerate(gains)]
    small = sum(abs(term) for term in terms) < 1
    return sum(terms, Decimal(0)) if small else 1 - _product(kappas)


def _product(values: list[Decimal]) -> Decimal:
    return functools.reduce(lambda a, b: a * b, values, Decimal(1))


def _joint(
    net: Any, action: list[Decimal], z: list[Decimal], change: list[Decimal]
) -> tuple[Decimal, Decimal]:
    """lambda and 1 - lambda of one joint action."""
    if net.output == "softmax":
        a = action.index(Decimal(1))
        top = max(z)
        weights = [_exp(v - top) for v in z]
        total = sum(weights)
        moved = sum(w * _exp(d - change[a]) for w, d in zip(weights, change, strict=True))
        excess = sum(w * (_exp(d - change[a]) - 1) for w, d in zip(weights, change, strict=True))
        return total / moved, excess / moved
    terms = [d * (2 * (a - v) - d) for a, v, d in zip(action, z, change, strict=True)]
    ratio = _exp(sum(terms, Decimal(0)) / (2 * Decimal(float(net.output.sigma)) ** 2))
    return ratio, 1 - ratio


def _exp(y: Decimal) -> Decimal:
    largest = Decimal(10) ** 16
    return min(max(y, -largest), largest).exp()
