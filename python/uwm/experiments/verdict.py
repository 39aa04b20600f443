"""The verdict of a comparison: which rules differ, which runs learned, which rates look wrong.

`verdict` judges what `compare` returns, `verdict_of_agents` what `compare_agents` returns. Both
hand their runs to `judge`, which knows nothing of networks.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from uwm.analysis import Estimate
from uwm.experiments.chance import Chance, chance_in, chance_of
from uwm.experiments.curves import (
    Curve,
    at_chance,
    fell_back,
    is_long_enough,
    still_rises,
)
from uwm.experiments.statistics import (
    FEWEST_SEEDS,
    LEVEL,
    bootstrap_interval,
    choose_test,
    holm,
    interquartile_mean,
    paired_test,
    probability_of_improvement,
    seeds_needed,
)

if TYPE_CHECKING:
    from uwm.experiments.comparison import Comparison
    from uwm.experiments.reinforcement import AgentComparison

POINTS = 200  # of an agent's curve


@dataclass(frozen=True, eq=False)
class Trained:
    """A run as the verdict sees it: its seed, its score, and its learning curve."""

    seed: int
    score: float
    curve: Curve


@dataclass(frozen=True)
class Standing:
    """A rule's part in the verdict.

    score: interquartile mean over seeds, with a bootstrap interval from five seeds on, else NaN.
    judged: how many runs have a curve that is long enough to say more.
    at_chance, fell_back: seeds, as `uwm.experiments.curves` defines them. rise: the means of
    the last two tenths if the rule still rises steeply, else None. diverged: seeds without result.
    """

    rule: str
    seeds: int
    score: Estimate
    judged: int = 0
    at_chance: tuple[int, ...] = ()
    fell_back: tuple[int, ...] = ()
    rise: tuple[float, float] | None = None
    diverged: tuple[int, ...] = ()


@dataclass(frozen=True)
class Pair:
    """Two rules, the one with the higher score first.

    seeds: that both have a result with. p: of the paired test, corrected for the number of pairs;
    NaN where no test was made. ahead: which one the test's statistic favours, 1 or -1; 0 for none.
    improvement: how likely a run of the first beats a run of the second.
    """

    first: str
    second: str
    seeds: int
    p: float
    ahead: int
    improvement: Estimate

    @property
    def differs(self) -> bool:
        """Whether the first rule is shown to be ahead, at the level of 5%."""
        return self.p < LEVEL and self.ahead > 0


@dataclass(frozen=True)
class Verdict:
    """What can be said of a comparison.

    quantity: what was compared. standings: the rules that have a result, the highest score first.
    pairs: every two of them. test: "wilcoxon", "t" or "" for none. seeds: the fewest that two rules
    share. seeds_needed: from how many on a test is made without trusting a distribution. chance:
    what is earned without learning, if known. no_result: rules without any. tuned: rules that had
    rates of their own.
    """

    quantity: str
    standings: tuple[Standing, ...]
    pairs: tuple[Pair, ...] = ()
    test: str = ""
    seeds: int = 0
    seeds_needed: int = 0
    chance: Chance | None = None
    no_result: tuple[Standing, ...] = ()
    tuned: frozenset[str] = field(default_factory=frozenset)

    def pair(self, first: str, second: str) -> Pair:
        """Return a pair; `first` is the rule with the higher score."""
        return next(p for p in self.pairs if (p.first, p.second) == (first, second))

    def tiers(self) -> list[list[Standing]]:
        """Return the rules in groups: the first of a group is ahead of all in later groups.

        The others of a group are those that it is not shown to be ahead of.
        """
        left, groups = list(self.standings), []
        while left:
            first, *rest = left
            same = [s for s in rest if not self.pair(first.rule, s.rule).differs]
            groups.append([first, *same])
            left = [s for s in rest if s not in same]
        return groups

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON can hold it, None for NaN."""
        return {
            "quantity": self.quantity,
            "chance": None if self.chance is None else {**vars(self.chance)},
            "test": self.test or None,
            "level": LEVEL,
            "correction": "holm",
            "seeds": self.seeds,
            "seeds_needed": self.seeds_needed,
            "rules": [_standing(s) for s in (*self.standings, *self.no_result)],
            "pairs": [
                {
                    "first": pair.first,
                    "second": pair.second,
                    "seeds": pair.seeds,
                    "p": _known(pair.p),
                    "differs": pair.differs,
                    "probability_of_improvement": _interval(pair.improvement),
                }
                for pair in self.pairs
            ],
        }


def _standing(standing: Standing) -> dict[str, Any]:
    return {
        "rule": standing.rule,
        "seeds": standing.seeds,
        "interquartile_mean": _interval(standing.score),
        "at_chance": list(standing.at_chance) if standing.judged else None,
        "fell_back": list(standing.fell_back) if standing.judged else None,
        "still_rises": standing.rise is not None if standing.judged else None,
        "diverged": list(standing.diverged),
    }


def _interval(estimate: Estimate) -> dict[str, float | None]:
    return {name: _known(getattr(estimate, name)) for name in ("value", "low", "high")}


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def judge(
    results: Mapping[str, Sequence[Trained]],
    *,
    quantity: str = "mean_reward",
    chance: Chance | None = None,
    diverged: Mapping[str, Sequence[int]] | None = None,
    tuned: Sequence[str] = (),
) -> Verdict:
    """Return what can be said of the runs of some rules.

    results: by rule. Runs whose score is not finite are left out. Rules are compared on the seeds
    that they share. chance: what is earned without learning. diverged: by rule, the seeds without a
    result. tuned: rules that had rates of their own.

    Raises ImportError if there is something to test and SciPy is missing.

    >>> runs = {name: [Trained(s, s + add, np.zeros(0)) for s in range(6)]
    ...         for name, add in (("a", 0.0), ("b", 0.5))}
    >>> found = judge(runs)
    >>> found.tiers()[0][0].rule, found.pairs[0].p
    ('b', 0.03125)
    """
    lost = {rule: tuple(seeds) for rule, seeds in (diverged or {}).items()}
    finite = {
        rule: {run.seed: run for run in runs if math.isfinite(run.score)}
        for rule, runs in results.items()
    }
    standings = [
        _judge_rule(rule, list(runs.values()), chance, lost.get(rule, ()))
        for rule, runs in finite.items()
    ]
    placed = sorted((s for s in standings if s.seeds), key=lambda s: -s.score.value)
    scores = {rule: {k: run.score for k, run in finite[rule].items()} for rule in finite}
    pairs, test = _compare([s.rule for s in placed], scores)
    return Verdict(
        quantity=quantity,
        standings=tuple(placed),
        pairs=pairs,
        test=test,
        seeds=min((pair.seeds for pair in pairs), default=0),
        seeds_needed=seeds_needed(len(pairs)),
        chance=chance,
        no_result=tuple(s for s in standings if not s.seeds),
        tuned=frozenset(tuned),
    )


def _compare(
    rules: Sequence[str], scores: Mapping[str, Mapping[int, float]]
) -> tuple[tuple[Pair, ...], str]:
    """Return every pair of rules, the earlier one first, and the test that was made."""
    couples = list(itertools.combinations(rules, 2))
    shared = [sorted(scores[a].keys() & scores[b].keys()) for a, b in couples]
    testable = [len(seeds) for seeds in shared if len(seeds) >= FEWEST_SEEDS]
    test = choose_test(min(testable), len(couples)) if testable else ""
    outcomes = []
    for (a, b), seeds in zip(couples, shared, strict=True):
        if test and len(seeds) >= FEWEST_SEEDS:
            sides = [[scores[rule][seed] for seed in seeds] for rule in (a, b)]
            outcomes.append(paired_test(sides[0], sides[1], test))
        else:
            outcomes.append((math.nan, 0))
    corrected = holm([p for p, _ in outcomes])
    pairs = [
        Pair(
            a,
            b,
            len(seeds),
            p,
            ahead,
            probability_of_improvement(list(scores[a].values()), list(scores[b].values())),
        )
        for (a, b), seeds, p, (_, ahead) in zip(couples, shared, corrected, outcomes, strict=True)
    ]
    return tuple(pairs), test


def _judge_rule(
    rule: str, runs: Sequence[Trained], chance: Chance | None, diverged: tuple[int, ...]
) -> Standing:
    scores = [run.score for run in runs]
    enough = len(scores) >= FEWEST_SEEDS
    low, high = bootstrap_interval(scores) if enough else (math.nan, math.nan)
    line = None if chance is None else chance.line
    judged = [run for run in runs if is_long_enough(run.curve)]
    nothing: tuple[int, ...] = ()
    if chance is not None:
        nothing = tuple(
            run.seed for run in judged if at_chance(run.curve, chance.line, chance.error)
        )
    return Standing(
        rule,
        len(runs),
        Estimate(interquartile_mean(scores), low, high),
        len(judged),
        nothing,
        tuple(run.seed for run in judged if fell_back(run.curve, line)),
        still_rises([run.curve for run in judged], line) if judged else None,
        diverged,
    )


def verdict(comparison: Comparison) -> Verdict:
    """Return what can be said of a comparison, by the mean reward over all episodes.

    Raises ImportError if there is something to test and SciPy is missing.

    >>> from uwm.experiments import Settings, compare
    >>> small = Settings(address_bits=1, hidden=(4,), rules=("ste",), episodes=40, seeds=1)
    >>> verdict(compare(small)).standings[0].rule
    'ste'
    """
    settings = comparison.settings
    results = {
        rule: [Trained(run.seed, run.mean_reward, run.rewards) for run in comparison.of(rule)]
        for rule in settings.rule_names
    }
    return judge(
        results,
        chance=chance_of(settings, comparison.task) if comparison.runs else None,
        diverged=_diverged(comparison.unfinished),
        tuned=tuple(settings.learning_rates),
    )


def verdict_of_agents(comparison: AgentComparison) -> Verdict:
    """Return what can be said of a comparison of agents, by the mean return over all episodes.

    Raises ImportError if there is something to test and SciPy is missing.
    """
    results = {
        rule: [
            Trained(run.seed, run.log.mean_return, curve_of_returns(run.log.returns))
            for run in comparison.of(rule)
        ]
        for rule in comparison.rules
    }
    return judge(
        results,
        quantity="mean_return",
        chance=chance_in(comparison.environment) if comparison.runs else None,
        diverged=_diverged(comparison.unfinished),
    )


def curve_of_returns(returns: Curve) -> Curve:
    """Return the returns of an agent's episodes as a curve of at most POINTS means."""
    parts = np.array_split(returns, max(1, min(POINTS, len(returns))))
    return np.array([part.mean() for part in parts if len(part)])


def _diverged(unfinished: Sequence[Any]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for run in unfinished:
        if run.diverged:
            found.setdefault(run.rule, []).append(run.seed)
    return found
