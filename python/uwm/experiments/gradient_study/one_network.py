"""Measure rules on one network: by enumeration those that can be, by sampling the others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import uwm
from uwm.analysis import (
    Estimate,
    RuleStatistics,
    SampledStatistics,
    can_differentiate,
    count_activities,
    exact_gradient,
    exact_statistics,
    inputs_and_reward,
    sampled_statistics,
)
from uwm.analysis.exact import LIMIT, Reward
from uwm.experiments.gradient_study.result import Measurement
from uwm.experiments.guarded import Failed, each_alone
from uwm.experiments.progress import Monitor, Progress
from uwm.protocols import Array


@dataclass(frozen=True, eq=False)
class Named:
    """A rule or an estimator, the name that results give it, and what it was made from."""

    name: str
    rule: Any
    spec: Any


@dataclass(frozen=True, eq=False)
class Method:
    """How to measure.

    method: "exact", "sampled", or None for the first where it is feasible. reference: whose mean
    stands for the gradient where that cannot be computed. seed: of samples.
    """

    method: str | None
    samples: int
    reference: Named
    seed: int
    monitor: Monitor

    def tell(self, what: str, done: int, total: int) -> bool:
        """Tell how far the work is; return whether to go on."""
        return self.monitor.tell(Progress(what, self.seed, done, total))


def check_size(net: uwm.Network, task: Any, method: str | None) -> None:
    """Raise ValueError if the activities are to be enumerated and are too many."""
    size = size_of(net, listed(net, task))
    if method == "exact" and size > LIMIT:
        raise ValueError(
            f"activities to enumerate must be at most {LIMIT}, all inputs together, got"
            f" {'more' if size == math.inf else size}: sample, or take a smaller task or network"
        )


def size_of(net: uwm.Network, table: tuple[Array, Reward] | None) -> float:
    """Return the number of activities, all inputs together; infinite if they cannot be listed."""
    return math.inf if table is None else count_activities(net, table[0])


def measure(
    net: uwm.Network, task: Any, rules: Sequence[Named], how: Method, baseline: float
) -> list[list[Measurement] | Failed]:
    """Return each rule's measurements, one per layer, or why there are none.

    baseline: subtracted from every reward.
    """
    table = listed(net, task)
    truth, enumerated = None, list[Named]()
    if table is not None:
        x, reward = table[0], less(table[1], baseline)
        truth = exact_gradient(net, x, reward) if can_differentiate(net, x) else None
        if how.method != "sampled" and size_of(net, table) <= LIMIT:
            enumerated = [named for named in rules if not hasattr(named.rule, "updates")]
    others = [named for named in rules if named not in enumerated]

    def by_enumeration(some: Sequence[Named]) -> list[list[Measurement]]:
        found = exact_statistics(
            net,
            [named.rule for named in some],
            x,
            reward,
            progress=lambda done, total: how.tell("activities", done, total),
        )
        return [of_exact(named.name, each) for named, each in zip(some, found, strict=True)]

    def by_samples(some: Sequence[Named]) -> list[list[Measurement]]:
        found = sampled_statistics(
            net,
            [named.rule for named in some],
            task,
            samples=how.samples,
            seed=how.seed,
            baseline=baseline,
            gradient=truth,
            reference=how.reference.rule,
            progress=lambda done, total: how.tell("samples", done, total),
        )
        gradient = how.reference.name if truth is None else "exact"
        return [
            of_samples(named.name, each, gradient) for named, each in zip(some, found, strict=True)
        ]

    made = dict[int, Any]()
    for some, measured in ((enumerated, by_enumeration), (others, by_samples)):
        if some:
            made.update(zip(map(id, some), each_alone(measured, some), strict=True))
    return [made[id(named)] for named in rules]


def listed(net: uwm.Network, task: Any) -> tuple[Array, Reward] | None:
    """Return all inputs of a task and its reward.

    None if they are not known, or they, or the activities of one, are too many.
    """
    if not can_differentiate(net, np.zeros(net.sizes[0])):
        return None
    try:
        return inputs_and_reward(task)
    except (TypeError, ValueError):
        if hasattr(task, "inputs_and_reward"):
            raise  # a mistake in a task of one's own
        return None  # a task that does not list its inputs, or too many of them


def less(reward: Reward, baseline: float) -> Reward:
    """Return the reward minus a number."""
    return lambda output: reward(output) - baseline


def of_exact(name: str, found: RuleStatistics) -> list[Measurement]:
    """Return one measurement per layer, without intervals."""

    def sure(value: float) -> Estimate:
        return Estimate(value, value, value)

    columns = (found.relative_bias, found.cosine, found.noise_to_signal, found.gradient_norm)
    return [
        Measurement(
            0,
            ell,
            name,
            sure(bias),
            sure(cosine),
            sure(noise),
            sure(norm),
            "enumerated",
            "exact",
            0,
            1,
        )
        for ell, (bias, cosine, noise, norm) in enumerate(zip(*columns, strict=True))
    ]


def of_samples(name: str, found: SampledStatistics, gradient: str) -> list[Measurement]:
    """Return one measurement per layer, with intervals."""
    columns = (found.relative_bias, found.cosine, found.noise_to_signal, found.gradient_norm)
    how = (gradient, found.samples, found.evaluations)
    return [
        Measurement(0, ell, name, *values, "sampled", *how)
        for ell, values in enumerate(zip(*columns, strict=True))
    ]
