"""The result of a search: every rule's best trial, and the settings that they make."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

from uwm.checks import one_of
from uwm.experiments.build import title_of_task
from uwm.experiments.compute import Record
from uwm.experiments.runs import Unfinished
from uwm.experiments.settings import Settings, name_of
from uwm.experiments.tuning.search import OBJECTIVES, Search
from uwm.experiments.tuning.trials import Trial


@dataclass(frozen=True, eq=False)
class Tuned:
    """The results of `tune`: all trials, and per rule the best one and what mattered.

    importance: of each parameter by rule, its share of the objective's variance. unfinished: runs
    that an error in a rule or task has ended; their trials have no result. record: what it is made
    of.
    """

    search: Search
    title: str
    trials: tuple[Trial, ...]
    importance: dict[str, dict[str, float]]
    task_sha256: str | None = None
    unfinished: tuple[Unfinished, ...] = ()
    record: Record | None = field(default=None, compare=False)

    def best(self, rule: str, objective: str | None = None) -> Trial:
        """Return a rule's best finalist, by another objective than the search's if one is given.

        Without finalists the best trial. Raises ValueError if there is none, since all trials
        diverged or the search was stopped, or for a rule that was not searched.
        """
        name = objective or self.search.objective
        one_of("rule", rule, self.search.settings.rule_names)
        one_of("objective", name, OBJECTIVES)
        if self.search.finalists:
            name = f"again_{name}"
        done = [t for t in self.trials if t.rule == rule and not math.isnan(getattr(t, name))]
        if not done:
            raise ValueError(f"{rule}: {self.why_none(rule)}")
        return max(done, key=lambda trial: float(getattr(trial, name)))

    def why_none(self, rule: str) -> str:
        """Return why a rule has no best trial."""
        failed = [run.reason for run in self.unfinished if run.rule == rule]
        if failed:
            return f"no trial has a result: {failed[0]}"
        count = self.number_of_trials(rule)
        if count < self.search.trials:
            return f"stopped after {count} of {self.search.trials} trials"
        trials = [trial for trial in self.trials if trial.rule == rule]
        if all(math.isnan(trial.mean_reward) for trial in trials):
            return "every trial diverged; lower the learning rates searched"
        return "no finalist has a result; they diverged, or the search was stopped before"

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that have a best trial."""

        def found(rule: str) -> bool:
            try:
                self.best(rule)
            except ValueError:
                return False
            return True

        return tuple(rule for rule in self.search.settings.rule_names if found(rule))

    def number_of_trials(self, rule: str) -> int:
        """Return how many trials a rule has had: fewer than asked for if it was stopped."""
        return sum(trial.rule == rule for trial in self.trials)

    def settings(self, objective: str | None = None) -> Settings:
        """Return settings for `compare` in which every rule has its best rates and baseline.

        Rules without a best trial are left out. Seeds are those of a comparison by default.
        Raises ValueError if no rule has one.
        """
        search = self.search
        if objective is not None:
            search = dataclasses.replace(search, objective=objective)
        rates: dict[str, Any] = {}
        baselines: dict[str, Any] = {}
        rules = []
        for rule in search.settings.rules:
            name = name_of(rule)
            try:
                chosen = search.apply(name, self.best(name, search.objective).choice)
            except ValueError:
                continue
            rules.append(rule)
            rates[name] = chosen.rates(name)
            baselines[name] = chosen.baseline_of(name)
        if not rules:
            rule = search.settings.rule_names[0]
            raise ValueError(f"no rule has a best trial; {rule}: {self.why_none(rule)}")
        counts = [self.number_of_trials(name_of(rule)) for rule in rules]
        return dataclasses.replace(
            search.settings,
            rules=rules,
            learning_rates=rates,
            baselines=baselines,
            rates_from=rates_from(search, min(counts), max(counts)),
            seeds=Settings.seeds,
            first_seed=0,
        )


def rates_from(search: Search, least: int, most: int) -> str:
    """Return in words where tuned rates are from, and what they were found on."""
    trials = f"{least}" if least == most else f"{least} to {most}"
    fixed = search.settings
    sizes = ", ".join(str(size) for size in fixed.hidden)
    optimizer = {"adam": "Adam", "sgd": "SGD"}[fixed.optimizer]
    return (
        f"uwm tune: {search.describe().replace(f'{search.trials} trials', f'{trials} trials', 1)},"
        f" on {title_of_task(fixed)}, [{sizes}] hidden units, batch size {fixed.batch_size},"
        f" {optimizer}"
    )
