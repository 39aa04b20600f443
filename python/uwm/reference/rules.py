"""The learning rules: how the global reward becomes one reward T_i for every unit.

Every unit does REINFORCE with a reward of its own, dw_im = T_i e_i h_m with the eligibility
e_i = d log Pr(h_i) / dz_i, and a rule is nothing but the way rewards are handed from layer l + 1
(units j) down to layer l (units i). At the output layer T = R; a baseline is subtracted from R
before. Indices in comments are those of the manual; arrays are (batch, j, i).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import (
    Array,
    NetworkLike,
    SampleLike,
    finite_array,
    finite_product,
    real_number,
)
from .flips import (
    action_logits,
    flipped_action_logits,
    joint_lambda,
    kappa,
    outgoing_weights,
    product_of,
    signs,
)
from .network import Sample, log_sigmoid
from .wide import Wide


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

    def gradient(self, net: NetworkLike, sample: SampleLike, reward: Any) -> list[LayerGradient]:
        """Batch mean of T_j e_j h_m / temperature for every layer: the direction of ascent.

        Raises ValueError or TypeError if reward or sample do not fit, or if the gradient overflows.
        """
        rewards = self.unit_rewards(net, sample, reward)
        if len(rewards) != len(net.layers):
            raise ValueError(f"unit rewards: expected {len(net.layers)} arrays, got {len(rewards)}")
        gradient = []
        for ell, layer in enumerate(net.layers):
            shape = (sample.batch_size, net.sizes[ell + 1])
            T = finite_array(f"unit rewards of layer {ell}", rewards[ell], shape)
            below = np.asarray(sample.activations[ell - 1] if ell > 0 else sample.inputs)
            e = np.asarray(sample.eligibilities[ell])
            with np.errstate(over="ignore", invalid="ignore"):
                update = T * e / (layer.temperature * sample.batch_size)
                made = LayerGradient(update.T @ below, update.sum(axis=0))
            if not (np.all(np.isfinite(made.weight)) and np.all(np.isfinite(made.bias))):
                raise ValueError(
                    f"gradient of layer {ell}: expected finite numbers, but it overflows"
                )
            gradient.append(made)
        return gradient

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def _everywhere(R: Array, n: int) -> Array:
    """The reward itself, for each of n units."""
    return np.repeat(R[:, None], n, axis=1)


def _checked_reward(net: NetworkLike, sample: SampleLike, reward: Any) -> Array:
    widths = tuple(np.shape(a)[1] for a in (sample.inputs, *sample.activations))
    if widths != tuple(net.sizes):
        raise ValueError(f"sample: expected one of a {tuple(net.sizes)} network, got {widths}")
    return finite_array("reward", reward, (sample.batch_size,))


class Reinforce(Rule):
    """REINFORCE (Williams 1992): T_i = R. Unbiased; its variance grows with the number of units.

    >>> Reinforce().name
    'reinforce'
    """

    @property
    def name(self) -> str:
        return "reinforce"

    def unit_rewards(self, net: NetworkLike, sample: SampleLike, reward: Any) -> list[Array]:
        R = _checked_reward(net, sample, reward)
        return [_everywhere(R, n) for n in net.sizes[1:]]


class _Backward(Rule):
    """Rules linear in the weights: T_i from sum_j w_ji delta_j, delta_j = T_j e_j."""

    def unit_rewards(self, net: NetworkLike, sample: SampleLike, reward: Any) -> list[Array]:
        R = _checked_reward(net, sample, reward)
        rewards = [_everywhere(R, net.sizes[-1])]
        for ell in reversed(range(len(net.layers) - 1)):
            e = np.asarray(sample.eligibilities[ell + 1], dtype=np.float64)
            sums = finite_product([rewards[0], e], self._passed_on(net, outgoing_weights(net, ell)))
            rewards.insert(0, self._factor(sample, ell) * sums)
        return rewards

    def _factor(self, sample: SampleLike, ell: int) -> Array:
        """What unit i multiplies the sum with."""
        raise NotImplementedError

    def _passed_on(self, net: NetworkLike, w: Array) -> Array:
        """What stands in the place of the weight."""
        return w


class StraightThrough(_Backward):
    """Straight-through backpropagation (Bengio et al. 2013): T_i = c_i q_i sum_j w_ji delta_j.

    Then T_i e_i = p_i (1 - p_i) sum_j w_ji delta_j, as if the mean activation had been passed on.
    Biased, to first order in w right.

    >>> StraightThrough().name
    'ste'
    """

    @property
    def name(self) -> str:
        return "ste"

    def _factor(self, sample: SampleLike, ell: int) -> Array:
        q = np.exp(log_sigmoid(action_logits(sample, ell)))
        return signs(sample, ell) * q

    def _passed_on(self, net: NetworkLike, w: Array) -> Array:
        # the slope of the mean activation, which is 2p - 1 or p
        return 2.0 * w if net.units == "bipolar" else w


class WeightMax(_Backward):
    """Weight Maximization (Chung 2022): T_i = h_i sum_j |w_ji|^(norm-1) sgn(w_ji) delta_j.

    With norm 2 that is the change of half the squared norm of the unit's outgoing weights.
    Biased, to first order in w right for norm 2. Raises ValueError unless norm >= 1.

    >>> WeightMax(norm=1).name
    'weight_max'
    """

    def __init__(self, norm: float = 2.0) -> None:
        self.norm = real_number("norm", norm)
        if not self.norm >= 1.0:
            raise ValueError(f"norm: expected a number of at least 1, got {norm}")

    @property
    def name(self) -> str:
        return "weight_max"

    def __repr__(self) -> str:
        return f"WeightMax(norm={self.norm:g})"

    def _factor(self, sample: SampleLike, ell: int) -> Array:
        return np.asarray(sample.activations[ell], dtype=np.float64)

    def _passed_on(self, net: NetworkLike, w: Array) -> Array:
        with np.errstate(over="ignore"):
            power = np.abs(w) ** (self.norm - 1.0)
        return np.asarray(np.minimum(power, np.finfo(np.float64).max) * np.sign(w))


class _Comparing(Rule):
    """Rules made of the ratios kappa.

    The array kappa_ji of a batch can be large, and samples do not mix, so this hands the samples on
    in blocks.
    """

    def unit_rewards(self, net: NetworkLike, sample: SampleLike, reward: Any) -> list[Array]:
        R = _checked_reward(net, sample, reward)
        blocks = [self._block(net, part, R[rows]) for rows, part in _blocks(net, sample)]
        return [np.concatenate(layer) for layer in zip(*blocks, strict=True)]

    def _block(self, net: NetworkLike, sample: Sample, R: Array) -> list[Array]:
        raise NotImplementedError


def _blocks(net: NetworkLike, sample: SampleLike) -> Iterator[tuple[slice, Sample]]:
    synapses = max(m * n for m, n in zip(net.sizes[1:], (*net.sizes[2:], 1), strict=True))
    length = max(1, 2**18 // synapses)
    for start in range(0, sample.batch_size, length):
        rows = slice(start, start + length)
        part = Sample(
            _rows(sample.inputs, rows),
            [_rows(a, rows) for a in sample.activations],
            [_rows(a, rows) for a in sample.logits],
            [_rows(a, rows) for a in sample.probabilities],
            [_rows(a, rows) for a in sample.eligibilities],
            net.output,
        )
        yield rows, part


def _rows(array: Any, rows: slice) -> Array:
    return np.asarray(array[rows], dtype=np.float64)


class UnbiasedWeightMax(_Comparing):
    """Unbiased Weight Maximization (after Chung, arXiv 2307.13270), in four forms without bias.

        A_i = sum_j (prod_{k<j} kappa_ki) (1 - kappa_ji) T_j
        one-sided            T_i = h_i A_i              (the literal counterpart of Weight Max)
        two-sided            T_i = q_i A_i              less variance
        posterior-weighted   T_i = q_i (q_i A_i - (1 - q_i) B_i) / (q_i + (1 - q_i) lambda_i)

    The last is the default, in which h_i is averaged out given layer l + 1: A_i compares from the
    side of the action taken, B_i / lambda_i from the side of the flip:

        lambda_i = prod_j kappa_ji
        B_i = sum_j (prod_{k>j} kappa_ki) (kappa_ji - 1) T'_j,     T'_j: T_j had i flipped

    The blended form is the posterior-weighted one with A_i and B_i drawn towards what R says of
    layer l + 1 as one joint action, where a flip moves that layer's probabilities p_j far:

        A_i + s_i ((1 - lambda_i) R - A_i),  B_i + s_i (-(1 - lambda_i) R - B_i)

    s_i is the probability of two or more of independent events that have the probabilities
    (p_j - p'_j)^2, p'_j: p_j had i flipped.

    Raises ValueError if more than one flag is given.

    >>> UnbiasedWeightMax().name, UnbiasedWeightMax(two_sided=True).name
    ('unbiased_weight_max', 'unbiased_weight_max_two_sided')
    """

    def __init__(
        self, *, two_sided: bool = False, one_sided: bool = False, blended: bool = False
    ) -> None:
        if two_sided + one_sided + blended > 1:
            raise ValueError("expected at most one of two_sided, one_sided and blended, got more")
        self.two_sided, self.one_sided = bool(two_sided), bool(one_sided)
        self.blended = bool(blended)

    @property
    def name(self) -> str:
        if self.blended:
            return "unbiased_weight_max_blended"
        if self.two_sided:
            return "unbiased_weight_max_two_sided"
        return "unbiased_weight_max_one_sided" if self.one_sided else "unbiased_weight_max"

    def __repr__(self) -> str:
        flags = ("two_sided", "one_sided", "blended")
        form = ", ".join(f"{flag}=True" for flag in flags if getattr(self, flag))
        return f"UnbiasedWeightMax({form})"

    def _block(self, net: NetworkLike, sample: Sample, R: Array) -> list[Array]:
        simple = self.two_sided or self.one_sided
        hidden = _simple_forms(net, sample, R, self.two_sided) if simple else None
        return [
            *(hidden if hidden is not None else _posterior_weighted(net, sample, R, self.blended)),
            _everywhere(R, net.sizes[-1]),
        ]


def _as_units(net: NetworkLike, sample: Sample, ell: int, joint: bool) -> tuple[Wide, Wide]:
    """kappa_ji and 1 - kappa_ji, (batch, j, i); `joint`: layer l + 1 counts as one unit j."""
    if not joint:
        return kappa(net, sample, ell)
    ratio, gain = joint_lambda(net, sample, ell)
    return ratio[:, None, :], gain[:, None, :]


def _simple_forms(net: NetworkLike, sample: Sample, R: Array, two_sided: bool) -> list[Array]:
    # All output units share one reward, so the sum over them collapses: they are one joint unit.
    last = len(net.layers) - 2
    T = Wide.of(R[:, None])
    rewards: list[Array] = []
    for ell in reversed(range(last + 1)):
        k, one_minus_k = _as_units(net, sample, ell, ell == last)
        A = (k.before() * one_minus_k * T[:, :, None]).sum(axis=1)
        if two_sided:
            T = Wide.sigmoid(action_logits(sample, ell)) * A  # q_i A_i
        else:
            T = Wide.of((signs(sample, ell) > 0).astype(np.float64)) * A  # h_i A_i
        rewards.insert(0, T.value())
    return rewards


def _posterior_weighted(net: NetworkLike, sample: Sample, R: Array, blended: bool) -> list[Array]:
    last = len(net.layers) - 2
    rewards: list[Array] = []
    A = B = lam = Wide.of(R)  # of the layer above; not used at the output
    for ell in reversed(range(last + 1)):
        if ell == last:  # the output is one joint unit, and T'_j = T_j = R
            T = Wide.of(R[:, None])
            T_flipped = T[:, :, None]
        else:
            y_flipped = flipped_action_logits(net, sample, ell)
            T = _reward_of(action_logits(sample, ell + 1), A, B, lam)
            T_flipped = _reward_of(y_flipped, A[:, :, None], B[:, :, None], lam[:, :, None])
        k, one_minus_k = _as_units(net, sample, ell, ell == last)
        A = (k.before() * one_minus_k * T[:, :, None]).sum(axis=1)
        B = (k.after() * -one_minus_k * T_flipped).sum(axis=1)
        lam = k.product()
        if blended and ell < last:  # below the output A_i is (1 - lambda_i) R already
            joint = product_of(k, one_minus_k)[1] * Wide.of(R[:, None])
            local, share = _shares(net, sample, ell)
            A, B = local * A + share * joint, local * B - share * joint
        rewards.insert(0, _reward_of(action_logits(sample, ell), A, B, lam).value())
    return rewards


def _shares(net: NetworkLike, sample: Sample, ell: int) -> tuple[Wide, Wide]:
    """Of independent events of probability (p_j - p'_j)^2: at most one, and two or more.

    They depend on the other units of layer l, but neither on i's action nor on those above: shares
    that did would bring a bias.
    """
    y = np.broadcast_arrays(
        action_logits(sample, ell + 1)[:, :, None], flipped_action_logits(net, sample, ell)
    )
    change = Wide.sigmoid(y[0]) * kappa(net, sample, ell)[1]
    # 1 - |p - p'| as a sum of two probabilities: digits are kept where an event is nearly certain
    rest = Wide.sigmoid(-np.maximum(*y)) + Wide.sigmoid(np.minimum(*y))
    event, no_event = change * change, rest * (Wide.of(2.0) - rest)
    none = Wide.of(np.ones_like(y[0][:, 0]))
    one = more = Wide.of(np.zeros_like(y[0][:, 0]))
    for j in range(y[0].shape[1]):
        d, not_d = event[:, j], no_event[:, j]
        none, one, more = none * not_d, one * not_d + none * d, more + one * d
    return none + one, more


def _reward_of(y: Array, A: Wide, B: Wide, lam: Wide) -> Wide:
    """T = q (q A - (1 - q) B) / (q + (1 - q) lambda), for an action with q = sigmoid(y)."""
    q, other = Wide.sigmoid(y), Wide.sigmoid(-y)
    return q * (q * A - other * B) / (q + other * lam)


class FlipDifference(_Comparing):
    """T_i = q_i sum_j (1 - kappa_ji) T_j: the two-sided rule without its product. Biased.

    It adds up what each unit j above would have noticed of the flip, ignoring that they act
    together.

    >>> FlipDifference().name
    'flip_difference'
    """

    @property
    def name(self) -> str:
        return "flip_difference"

    def _block(self, net: NetworkLike, sample: Sample, R: Array) -> list[Array]:
        last = len(net.layers) - 2
        joint = net.output != "bernoulli"
        T = Wide.of(_everywhere(R, 1 if joint else net.sizes[-1]))
        rewards = [_everywhere(R, net.sizes[-1])]
        for ell in reversed(range(last + 1)):
            one_minus_k = _as_units(net, sample, ell, joint and ell == last)[1]
            q = Wide.sigmoid(action_logits(sample, ell))
            T = q * (one_minus_k * T[:, :, None]).sum(axis=1)
            rewards.insert(0, T.value())
        return rewards


class PosteriorReinforce(_Comparing):
    """T_i = R q_i (1 - lambda_i) / (q_i + (1 - q_i) lambda_i), REINFORCE with h_i averaged out.

    Then T_i e_i = R (Pr(h_i = 1 | layer l + 1) - p_i): unbiased, bounded, still one global reward.

    >>> PosteriorReinforce().name
    'posterior_reinforce'
    """

    @property
    def name(self) -> str:
        return "posterior_reinforce"

    def _block(self, net: NetworkLike, sample: Sample, R: Array) -> list[Array]:
        rewards = []
        for ell in range(len(net.layers) - 1):
            (ratio, gain), y = joint_lambda(net, sample, ell), action_logits(sample, ell)
            q, other = Wide.sigmoid(y), Wide.sigmoid(-y)
            T = Wide.of(R[:, None]) * q * gain / (q + other * ratio)
            rewards.append(T.value())
        return [*rewards, _everywhere(R, net.sizes[-1])]


_BY_NAME: dict[str, Callable[[], Rule]] = {
    "reinforce": Reinforce,
    "ste": StraightThrough,
    "weight_max": WeightMax,
    "unbiased_weight_max": UnbiasedWeightMax,
    "unbiased_weight_max_blended": lambda: UnbiasedWeightMax(blended=True),
    "unbiased_weight_max_two_sided": lambda: UnbiasedWeightMax(two_sided=True),
    "unbiased_weight_max_one_sided": lambda: UnbiasedWeightMax(one_sided=True),
    "flip_difference": FlipDifference,
    "posterior_reinforce": PosteriorReinforce,
}

RULES: tuple[str, ...] = tuple(_BY_NAME)


def rule(name: str) -> Rule:
    """The built-in rule of that name; ValueError listing the names if there is none.

    >>> rule("ste")
    StraightThrough()
    """
    if name not in _BY_NAME:
        raise ValueError(f"rule: expected one of {', '.join(RULES)}, got {name!r}")
    return _BY_NAME[name]()
