"""Unbiased Weight Maximization in four forms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from uwm.protocols import Array, NetworkLike

from ..extended import Extended
from ..flips import action_logits, flipped_action_logits, kappa, product_of, signs
from ..network import Sample
from .base import Rule, everywhere
from .flip_pass import Comparing, ratios_above

FORMS = ("blended", "posterior", "two_sided", "one_sided")


class UnbiasedWeightMax(Comparing):
    """Unbiased Weight Maximization (after Chung, arXiv 2307.13270), in four forms without bias.

        A_i = sum_j (prod_{k<j} kappa_ki) (1 - kappa_ji) T_j
        one-sided            T_i = h_i A_i              (the literal counterpart of Weight Max)
        two-sided            T_i = q_i A_i              less variance
        posterior-weighted   T_i = q_i (q_i A_i - (1 - q_i) B_i) / (q_i + (1 - q_i) lambda_i)

    In the last, h_i is averaged out given layer l + 1: A_i compares from the side of the action
    taken, B_i / lambda_i from the side of the flip:

        lambda_i = prod_j kappa_ji
        B_i = sum_j (prod_{k>j} kappa_ki) (kappa_ji - 1) T'_j,     T'_j: T_j had i flipped

    The blended form, the default, is the posterior-weighted one with A_i and B_i drawn towards what
    R says of layer l + 1 as one joint action, where a flip moves that layer's probabilities far:

        A_i + s_i ((1 - lambda_i) R - A_i),  B_i + s_i (-(1 - lambda_i) R - B_i)

    s_i = m_i^2 (3 - 2 m_i). m_i is the probability of two or more of independent events that have
    the probabilities (p_j - p'_j)^2, p'_j: p_j had i flipped.

    form: "blended", "posterior", "two_sided" or "one_sided". Raises ValueError for another.

    >>> UnbiasedWeightMax().name, UnbiasedWeightMax("two_sided").name
    ('unbiased_weight_max', 'unbiased_weight_max_two_sided')
    """

    def __init__(self, form: str = "blended") -> None:
        if form not in FORMS:
            raise ValueError(f"form must be one of {', '.join(FORMS)}, got {form!r}")
        self.form = form

    @classmethod
    def forms(cls) -> Sequence[Rule]:
        return [cls(form) for form in FORMS]

    @property
    def name(self) -> str:
        default = self.form == "blended"
        return "unbiased_weight_max" if default else f"unbiased_weight_max_{self.form}"

    def __repr__(self) -> str:
        return f"UnbiasedWeightMax({'' if self.form == 'blended' else repr(self.form)})"

    def _block(self, net: NetworkLike, sample: Sample, R: Array) -> list[Array]:
        if self.form in ("two_sided", "one_sided"):
            hidden = _simple_forms(net, sample, R, self.form == "two_sided")
        else:
            hidden = _posterior_weighted(net, sample, R, self.form == "blended")
        return [*hidden, everywhere(R, net.sizes[-1])]


def _simple_forms(net: NetworkLike, sample: Sample, R: Array, two_sided: bool) -> list[Array]:
    # All output units share one reward, so the sum over them collapses: they are one joint unit.
    last = len(net.layers) - 2
    T = Extended.of(R[:, None])
    rewards: list[Array] = []
    for ell in reversed(range(last + 1)):
        k, one_minus_k = ratios_above(net, sample, ell, ell == last)
        A = (k.before() * one_minus_k * T[:, :, None]).sum(axis=1)
        if two_sided:
            T = Extended.sigmoid(action_logits(sample, ell)) * A  # q_i A_i
        else:
            T = Extended.of((signs(sample, ell) > 0).astype(np.float64)) * A  # h_i A_i
        rewards.insert(0, T.value())
    return rewards


def _posterior_weighted(net: NetworkLike, sample: Sample, R: Array, blended: bool) -> list[Array]:
    last = len(net.layers) - 2
    rewards: list[Array] = []
    A = B = lam = Extended.of(R)  # of the layer above; not used at the output
    for ell in reversed(range(last + 1)):
        if ell == last:  # the output is one joint unit, and T'_j = T_j = R
            T = Extended.of(R[:, None])
            T_flipped = T[:, :, None]
        else:
            y_flipped = flipped_action_logits(net, sample, ell)
            T = _reward_of(action_logits(sample, ell + 1), A, B, lam)
            T_flipped = _reward_of(y_flipped, A[:, :, None], B[:, :, None], lam[:, :, None])
        k, one_minus_k = ratios_above(net, sample, ell, ell == last)
        A = (k.before() * one_minus_k * T[:, :, None]).sum(axis=1)
        B = (k.after() * -one_minus_k * T_flipped).sum(axis=1)
        lam = k.product()
        if blended and ell < last:  # below the output A_i is (1 - lambda_i) R already
            joint = product_of(k, one_minus_k)[1] * Extended.of(R[:, None])
            local, share = _shares(net, sample, ell)
            A, B = local * A + share * joint, local * B - share * joint
        rewards.insert(0, _reward_of(action_logits(sample, ell), A, B, lam).value())
    return rewards


def _shares(net: NetworkLike, sample: Sample, ell: int) -> tuple[Extended, Extended]:
    """1 - s and s = m^2 (3 - 2 m), m the probability of two or more of independent events.

    An event has the probability (p_j - p'_j)^2. The shares depend on the other units of layer l,
    but neither on i's action nor on those above: shares that did would bring a bias.
    """
    y = np.broadcast_arrays(
        action_logits(sample, ell + 1)[:, :, None], flipped_action_logits(net, sample, ell)
    )
    change = Extended.sigmoid(y[0]) * kappa(net, sample, ell)[1]
    # 1 - |p - p'| as a sum of two probabilities: digits are kept where an event is nearly certain
    rest = Extended.sigmoid(-np.maximum(*y)) + Extended.sigmoid(np.minimum(*y))
    event, no_event = change * change, rest * (Extended.of(2.0) - rest)
    none = Extended.of(np.ones_like(y[0][:, 0]))
    one = many = Extended.of(np.zeros_like(y[0][:, 0]))
    for j in range(y[0].shape[1]):
        d, not_d = event[:, j], no_event[:, j]
        none, one, many = none * not_d, one * not_d + none * d, many + one * d
    few, two = none + one, Extended.of(2.0)  # few is 1 - many, with its digits
    local = few * few * (Extended.of(1.0) + two * many)
    return local, many * many * (Extended.of(3.0) - two * many)


def _reward_of(y: Array, A: Extended, B: Extended, lam: Extended) -> Extended:
    """T = q (q A - (1 - q) B) / (q + (1 - q) lambda), for an action with q = sigmoid(y)."""
    q, not_q = Extended.sigmoid(y), Extended.sigmoid(-y)
    return q * (q * A - not_q * B) / (q + not_q * lam)
