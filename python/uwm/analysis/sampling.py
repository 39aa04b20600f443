"""Bias, cosine and noise by sampling, with intervals, for networks too large to enumerate.

Inputs are drawn by the task, actions by the network. Sums of products of independent samples
estimate squared lengths without the bias that the noise of a mean would bring in,

    |E u|^2  ~  (|sum u|^2 - sum |u|^2) / (n (n - 1)),

and likewise inner products. The intervals come from ten groups of samples: each is left out in turn
(the jackknife), and the spread of the ten results gives the 95% interval by Student's t.
Sums are kept per group, so memory is ten numbers per parameter and rule, however many the samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import uwm
from uwm._arrays import finite_array
from uwm.checks import MOST_SEED, check_task, finite, whole_number
from uwm.protocols import Array, NetworkLike
from uwm.reference.rules import LayerGradient

from .estimators import Estimator, OneSample, RewardOf, rebuilt
from .progress import Progress, tell
from .statistics import ROUNDING, flat
from .updates import LayerUpdate

GROUPS = 10
STUDENT_T = 2.26215716  # 97.5% quantile, 9 degrees of freedom
STRIDE = 1024  # steps of random numbers of one block: more passes than any estimator makes


@dataclass(frozen=True)
class Estimate:
    """A number known from sampling, and its 95% interval; NaN where the samples are too few.

    >>> Estimate(1.0, 0.9, 1.1).low
    0.9
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class SampledStatistics:
    """What `RuleStatistics` has, estimated: one `Estimate` per layer.

    Bias is the distance of the mean update from `gradient`: "exact", or the name of the unbiased
    rule whose mean on the same samples stands for the gradient (that rule's own bias is then 0 by
    definition). A bias whose interval reaches down to 0 was not seen. One update took `evaluations`
    forward passes, each with a reward.
    """

    name: str
    relative_bias: tuple[Estimate, ...]
    cosine: tuple[Estimate, ...]
    noise_to_signal: tuple[Estimate, ...]
    gradient_norm: tuple[Estimate, ...]
    gradient: str
    samples: int
    evaluations: int


def sampled_statistics(
    net: NetworkLike,
    rules: Sequence[Any],
    task: Any,
    *,
    samples: int = 2**16,
    seed: int = 0,
    baseline: float = 0.0,
    gradient: Sequence[LayerGradient] | None = None,
    reference: Any = None,
    layers: int | None = None,
    progress: Progress | None = None,
) -> list[SampledStatistics]:
    """Statistics of rules on a task from `samples` inputs, each with actions of its own.

    rules: rules, or estimators such as `DisArm()`. All are given the same inputs and first pass.
    task: anything with the `inputs` and `reward` of `uwm.Task`.
    seed: of inputs and actions; the network's own random numbers do not move.
    baseline: subtracted from every reward.
    gradient: the exact one if known, from `exact_gradient`.
    reference: otherwise, the unbiased rule or estimator whose mean stands for the gradient, by
    default the posterior-weighted rule. The less noise it has, the narrower the intervals.
    layers: only the first so many, which saves time and memory in wide networks.
    progress(done, total) counts samples. When it returns False, `uwm.Interrupted` is raised.
    Raises ValueError or TypeError if task and network do not fit or a number makes no sense.

    >>> task = uwm.tasks.Multiplexer(address_bits=1)
    >>> net = uwm.Network([3, 8, 1], seed=1)
    >>> weight_max, = sampled_statistics(net, [uwm.WeightMax()], task, samples=5000)
    >>> len(weight_max.relative_bias), weight_max.gradient
    (2, 'unbiased_weight_max_posterior')
    """
    samples = whole_number("samples", samples, 2 * GROUPS)
    if layers is not None:
        layers = whole_number("layers", layers, 1)
    baseline = finite("baseline", baseline)
    check_task(net, task)
    engine = rebuilt(net, 0, seed=whole_number("seed", seed, 0, MOST_SEED))
    estimators = [_estimator(rule) for rule in rules]
    truth = _estimator(uwm.UnbiasedWeightMax("posterior") if reference is None else reference)
    exact = None if gradient is None else _checked(gradient, engine)[:layers]
    tally = _Tally(engine, estimators, truth if exact is None else None, layers)
    done = 0
    for group, sample, reward in _batches(engine, task, samples, seed, baseline):
        tally.add(group, sample, reward)
        done += sample.batch_size
        tell(progress, done, samples)
    counts = np.array(_counts(samples), np.float64)
    if exact is not None:
        tally.take_exact(exact, counts)
    return tally.statistics(counts, truth.name if exact is None else "exact")


def _checked(gradient: Sequence[LayerGradient], net: uwm.Network) -> list[Array]:
    if len(gradient) != len(net.layers):
        raise ValueError(f"gradient must have {len(net.layers)} layers, got {len(gradient)}")
    for ell, (g, layer) in enumerate(zip(gradient, net.layers, strict=True)):
        finite_array(f"gradient[{ell}].weight", g.weight, layer.weight.shape)
        finite_array(f"gradient[{ell}].bias", g.bias, layer.bias.shape)
    return [flat(layer) for layer in gradient]


def _estimator(rule: Any) -> Estimator:
    estimator: Estimator = rule if hasattr(rule, "updates") else OneSample(rule)
    return estimator


def _batches(
    net: uwm.Network, task: Any, samples: int, seed: int, baseline: float
) -> Iterator[tuple[int, uwm.Sample, RewardOf]]:
    """Draw the samples of each group in batches, with what pays samples of the same inputs."""
    rows = min(4096, max(64, 2**18 // max(net.sizes)))
    step = 0
    for group, n in enumerate(_counts(samples)):
        for first in range(0, n, rows):
            net.step = step
            sample = net.forward(task.inputs(seed, step, min(rows, n - first)))
            yield group, sample, _reward(task, seed, step, baseline)
            step += STRIDE


def _counts(samples: int) -> list[int]:
    """How many samples each group gets."""
    return [(k + 1) * samples // GROUPS - k * samples // GROUPS for k in range(GROUPS)]


def _reward(task: Any, seed: int, step: int, baseline: float) -> RewardOf:
    """Rewards of samples whose inputs are those of this step."""

    def reward(sample: uwm.Sample) -> Array:
        given = task.reward(seed, step, sample)
        return finite_array("reward of the task", given, (sample.batch_size,)) - baseline

    return reward


class _Sums:
    """Sums over the samples of each group: of updates u, of |u|^2 and of u times v."""

    def __init__(self, parameters: int) -> None:
        self.vector = np.zeros((GROUPS, parameters))
        self.squares = np.zeros(GROUPS)
        self.products = np.zeros(GROUPS)

    def add(self, group: int, u: list[LayerUpdate], v: list[LayerUpdate] | None) -> None:
        for term in u:
            weight, bias = term.total(np.ones(len(term.delta)))
            self.vector[group, : weight.size] += weight.ravel()
            self.vector[group, weight.size :] += bias
        self.squares[group] += sum(a.dot(b).sum() for a in u for b in u)
        if v is not None:
            self.products[group] += sum(a.dot(b).sum() for a in u for b in v)

    def fill(self, counts: Array, g: Array) -> None:
        """The sums of an update that is always g."""
        self.vector = counts[:, None] * g
        self.squares = counts * float(g @ g)


class _Tally:
    """The sums of each estimator's updates, and of those whose mean is the true gradient.

    truth: the unbiased estimator that makes the latter; None if the gradient itself is known.
    """

    def __init__(
        self,
        net: uwm.Network,
        estimators: list[Estimator],
        truth: Estimator | None,
        layers: int | None,
    ) -> None:
        sizes = [layer.weight.size + layer.bias.size for layer in net.layers][:layers]
        self.net = net
        self.estimators = estimators
        self.truth = truth
        self.true_sums = [_Sums(n) for n in sizes]
        self.sums = [[_Sums(n) for n in sizes] for _ in estimators]

    def add(self, group: int, sample: uwm.Sample, reward: RewardOf) -> None:
        """One batch, the same for all estimators."""
        after = self.net.step  # where estimators that draw further samples go on
        v = None
        if self.truth is not None:
            v = self.truth.updates(self.net, sample, reward)
            for total, update in zip(self.true_sums, v, strict=False):
                total.add(group, update, update)
        for estimator, totals in zip(self.estimators, self.sums, strict=True):
            self.net.step = after
            u = estimator.updates(self.net, sample, reward)
            for ell, total in enumerate(totals):
                total.add(group, u[ell], None if v is None else v[ell])

    def take_exact(self, exact: list[Array], counts: Array) -> None:
        """Take the exact gradient, per layer, for the true one."""
        for total, g in zip(self.true_sums, exact, strict=True):
            total.fill(counts, g)
        for totals in self.sums:
            for total, g in zip(totals, exact, strict=True):
                total.products = total.vector @ g

    def statistics(self, counts: Array, gradient: str) -> list[SampledStatistics]:
        return [
            _statistics(estimator, totals, self.true_sums, counts, gradient, self.net)
            for estimator, totals in zip(self.estimators, self.sums, strict=True)
        ]


def _statistics(
    estimator: Estimator,
    sums: list[_Sums],
    true_sums: list[_Sums],
    counts: Array,
    gradient: str,
    net: uwm.Network,
) -> SampledStatistics:
    layers = [_layer(u, v, counts) for u, v in zip(sums, true_sums, strict=True)]
    bias, cosine, noise, norm = zip(*layers, strict=True)
    return SampledStatistics(
        name=estimator.name,
        relative_bias=bias,
        cosine=cosine,
        noise_to_signal=noise,
        gradient_norm=norm,
        gradient=gradient,
        samples=int(counts.sum()),
        evaluations=estimator.evaluations(net),
    )


def _layer(u: _Sums, v: _Sums, counts: Array) -> tuple[Estimate, Estimate, Estimate, Estimate]:
    """Relative bias, cosine, noise-to-signal and length of the gradient of one layer."""
    full = _moments(u, v, counts, None)
    left_out = np.stack([_moments(u, v, counts, group) for group in range(GROUPS)])
    spread = np.sqrt((GROUPS - 1) * left_out.var(axis=0))
    full = np.where(np.isnan(spread), np.nan, full)  # a group less, and there was no signal left
    low, high = full - STUDENT_T * spread, full + STUDENT_T * spread
    roots = np.array([True, False, True, True])  # squares, whose roots are wanted
    found = [np.where(roots, np.sqrt(np.maximum(a, 0.0)), np.clip(a, -1.0, 1.0))
             for a in (full, low, high)]  # fmt: skip
    bias, cosine, noise, norm = (Estimate(*map(float, each)) for each in zip(*found, strict=True))
    return bias, cosine, noise, norm


def _moments(u: _Sums, v: _Sums, counts: Array, without: int | None) -> Array:
    """|E u - E v|^2 / |E v|^2, the cosine, trace of the covariance of u / |E v|^2, and |E v|^2."""
    keep = np.arange(GROUPS) != without
    n = counts[keep].sum()
    U, V = u.vector[keep].sum(axis=0), v.vector[keep].sum(axis=0)

    def product(a: Array, b: Array, same: Array) -> float:
        return float((a @ b - same[keep].sum()) / (n * (n - 1)))

    uu, uv, vv = product(U, U, u.squares), product(U, V, u.products), product(V, V, v.squares)
    if vv <= ROUNDING**2 * u.squares[keep].sum() / n:
        return np.full(4, np.nan)
    cosine = uv / np.sqrt(uu * vv) if uu > 0 else np.nan
    variance = u.squares[keep].sum() / n - uu
    return np.array([(uu - 2 * uv + vv) / vv, cosine, variance / vv, vv])
