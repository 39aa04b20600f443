"""Gradient estimators of other families, as peers of the rules in studies of noise.

Most of them ask for several rewards per input: "what would I have earned had I acted otherwise?"
A simulator can answer that, a living learner cannot. So every estimator says how many forward
passes, each with a reward, one of its updates takes. Comparisons are to be made at equal numbers of
rewards: an update that takes n of them competes with the mean of n updates that take one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

import uwm
from uwm.checks import whole_number
from uwm.protocols import Array, RuleLike
from uwm.reference.random import ACTIVATIONS, uniforms

from .updates import LayerUpdate, updates_of_rule, updates_of_slopes

RewardOf = Callable[[Any], Array]
ANTITHETIC = 15  # stream of random numbers of the continuations; the engine's own are 0 to 4


class Estimator(Protocol):
    """Estimates of the gradient, one per input.

    Anything with these names is one; the classes below are.
    """

    @property
    def name(self) -> str: ...

    def evaluations(self, net: uwm.Network) -> int:
        """How many forward passes, each with a reward, one update takes."""
        ...

    def updates(
        self, net: uwm.Network, sample: uwm.Sample, reward: RewardOf
    ) -> list[list[LayerUpdate]]:
        """The estimates for a batch: per layer a list of updates, whose sum is the estimate.

        net: float64; sample: what it has just drawn, in step net.step - 1 of its seed; reward: a
        function from samples of these inputs to rewards (m,). Further samples may be drawn.
        """
        ...


class OneSample:
    """A learning rule: one forward pass, one reward.

    >>> estimator = OneSample(uwm.Reinforce())
    >>> estimator.name, estimator.evaluations(uwm.Network([2, 3, 1]))
    ('reinforce', 1)
    """

    def __init__(self, rule: RuleLike) -> None:
        self._rule = rule
        self.name = str(getattr(rule, "name", type(rule).__name__))

    def evaluations(self, net: uwm.Network) -> int:
        """How many forward passes, each with a reward, one update takes."""
        return 1

    def updates(
        self, net: uwm.Network, sample: uwm.Sample, reward: RewardOf
    ) -> list[list[LayerUpdate]]:
        """The estimates for a batch, see `Estimator`."""
        return [[u] for u in updates_of_rule(net, sample, self._rule, reward(sample))]


class LeaveOneOut:
    """REINFORCE with K samples per input, the mean of the others as baseline of each.

    The estimate is 1/K sum_k (R_k - mean of R over the other samples) d log Pr(h_k): unbiased, as
    the others know nothing of h_k. Source: Kool, van Hoof and Welling, "Buy 4 REINFORCE samples,
    get a baseline for free!", 2019.

    samples: K, from 2 to 512. Raises ValueError or TypeError for anything else.

    >>> LeaveOneOut(4).evaluations(uwm.Network([2, 3, 1]))
    4
    """

    def __init__(self, samples: int = 4) -> None:
        self._samples = whole_number("samples", samples, 2, 512)
        self.name = f"leave_one_out_{self._samples}"

    def evaluations(self, net: uwm.Network) -> int:
        """How many forward passes, each with a reward, one update takes."""
        return self._samples

    def updates(
        self, net: uwm.Network, sample: uwm.Sample, reward: RewardOf
    ) -> list[list[LayerUpdate]]:
        """The estimates for a batch, see `Estimator`."""
        n, x = self._samples, sample.inputs
        drawn = [sample, *(net.forward(x) for _ in range(n - 1))]
        R = np.stack([reward(s) for s in drawn])
        # R_k - (sum - R_k) / (K - 1), over K
        gain = (R - R.mean(axis=0)) / (n - 1)
        each = [
            updates_of_rule(net, s, uwm.Reinforce(), g) for s, g in zip(drawn, gain, strict=True)
        ]
        return [list(layer) for layer in zip(*each, strict=True)]


class PerInputBaseline:
    """A rule with a perfect critic: the baseline is the expected reward of the input.

    It leaves an unbiased rule unbiased. This is the ideal of a critic that predicts the reward; it
    is not the baseline of least variance, which would weigh rewards by the squared length of
    d log Pr. The expectation is taken over `passes` further samples of the input, which are not
    counted, as a critic would know it; being few, they add 1 / passes to the variance of the reward
    given the input.

    rule: REINFORCE by default. Raises ValueError or TypeError unless passes is from 1 to 512.

    >>> PerInputBaseline(uwm.UnbiasedWeightMax()).name
    'unbiased_weight_max_per_input'
    """

    def __init__(self, rule: RuleLike | None = None, *, passes: int = 32) -> None:
        self._rule = OneSample(uwm.Reinforce() if rule is None else rule)
        self._passes = whole_number("passes", passes, 1, 512)
        self.name = f"{self._rule.name}_per_input"

    def evaluations(self, net: uwm.Network) -> int:
        """How many forward passes, each with a reward, one update takes."""
        return 1

    def updates(
        self, net: uwm.Network, sample: uwm.Sample, reward: RewardOf
    ) -> list[list[LayerUpdate]]:
        """The estimates for a batch, see `Estimator`."""
        rewards = [reward(net.forward(sample.inputs)) for _ in range(self._passes)]
        V = np.mean(rewards, axis=0)
        return self._rule.updates(net, sample, lambda drawn: reward(drawn) - V)


class _Antithetic:
    """Antithetic pairs, layer by layer.

    A unit fires if its uniform number u is below p. For each layer, the actions are drawn once more
    from 1 - u, the layers below as they are, those above drawn anew; the difference of the two
    rewards tells the layer's gradient. Only Bernoulli units can do that, at the output too.
    """

    name: str

    def evaluations(self, net: uwm.Network) -> int:
        """How many forward passes, each with a reward, one update takes."""
        return 1 + len(net.layers)

    def updates(
        self, net: uwm.Network, sample: uwm.Sample, reward: RewardOf
    ) -> list[list[LayerUpdate]]:
        """The estimates for a batch, see `Estimator`."""
        if net.output != "bernoulli":
            raise ValueError(f"net must have a Bernoulli output for {self.name}, got {net.output}")
        h = [np.asarray(a) for a in sample.activations]
        R = reward(sample)
        slopes: list[Array] = []
        for ell, logit in enumerate(sample.logits):
            z: Array = np.asarray(logit, np.float64)
            m, n = z.shape
            words = uwm.philox(net.seed, net.step - 1, ACTIVATIONS, ell, m, n)
            u = uniforms(words)
            mirrored = 1.0 - u < sample.probabilities[ell]  # who fires with 1 - u
            hidden = ell < len(h) - 1
            a = np.where(mirrored, 1.0, -1.0 if hidden and net.units == "bipolar" else 0.0)
            above = list(_above(net, ell).forward(a).activations) if hidden else []
            R_mirrored = reward(net.clamp(sample.inputs, [*h[:ell], a, *above]))
            factor = self._factor(z, u, h[ell] > 0, mirrored)
            slopes.append((R - R_mirrored)[:, None] * factor)
        return [[u] for u in updates_of_slopes(net, sample, slopes)]

    def _factor(self, z: Array, u: Array, fired: Any, mirrored: Any) -> Array:
        raise NotImplementedError


class Arm(_Antithetic):
    """ARM: (R - R') (1/2 - u) for the logit, R' the reward of the antithetic actions.

    Several layers are treated one at a time, each with a continuation of its own: L + 1 rewards for
    L layers of units. Source: Yin and Zhou, "ARM: Augment-REINFORCE-merge gradient for stochastic
    binary networks", ICLR 2019 (proposition 5).

    >>> Arm().evaluations(uwm.Network([2, 3, 1]))
    3
    """

    name = "arm"

    def _factor(self, z: Array, u: Array, fired: Any, mirrored: Any) -> Array:
        return 0.5 - u


class DisArm(_Antithetic):
    """DisARM, also called U2G: ARM with u averaged out given the two actions.

    The logit gets 1/2 (R - R') (+1 if the unit fired, else -1) sigma(|z|) where the two actions
    differ, else 0; layers and rewards as in `Arm`. Sources: Dong, Mnih and Tucker, "DisARM: an
    antithetic gradient estimator for binary latent variables", NeurIPS 2020; Yin, Ho, Yan, Qian and
    Zhou, "Probabilistic best subset selection via gradient-based optimization", 2020 (U2G).

    >>> DisArm().evaluations(uwm.Network([2, 3, 3, 1]))
    4
    """

    name = "disarm"

    def _factor(self, z: Array, u: Array, fired: Any, mirrored: Any) -> Array:
        sign = fired.astype(np.float64) - mirrored.astype(np.float64)
        return np.asarray(0.5 * sign / (1.0 + np.exp(-np.abs(z))))


def _above(net: uwm.Network, ell: int) -> uwm.Network:
    """The layers above layer `ell` as a network, with random numbers that nothing else uses."""
    words = uwm.philox(net.seed, net.step - 1, ANTITHETIC, ell, 1, 2)[0]
    return rebuilt(net, ell + 1, seed=int(words[0]) << 32 | int(words[1]))


def rebuilt(net: Any, first: int, *, seed: int) -> uwm.Network:
    """The layers from `first` on as a float64 network of the engine with another seed."""
    made = uwm.Network(
        net.sizes[first:],
        output=net.output,
        units=net.units,
        temperature=net.temperature[first:],
        dtype="float64",
        seed=seed,
    )
    for mine, theirs in zip(made.layers, list(net.layers)[first:], strict=True):
        mine.weight, mine.bias = theirs.weight, theirs.bias
    return made
