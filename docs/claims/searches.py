"""The searches of a case: one by each objective, whose finalists together decide."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from plan import Case, Study
from store import SEARCHED

from uwm.experiments import Search, Settings, Trial, Tuned, tune
from uwm.experiments.build import choose_task
from uwm.experiments.runs import Request
from uwm.experiments.tuning.search import OBJECTIVES
from uwm.experiments.tuning.trials import TRIALS, read_trials
from uwm.report import write
from uwm.report.tuning_files import TUNED


def folder_of(data: Path, case: Case, objective: str) -> Path:
    """Return where the trials of a search are."""
    return data / "search" / case.name / objective


def run(
    study: Study, data: Path, case: Case, jobs: int, finished: Callable[[Trial], None]
) -> list[Tuned]:
    """Run what is missing of a case's searches: rules that have had other numbers of trials.

    The second starts like the first: those runs are in the store by then.
    """
    there = read(study, data, case)
    for k, objective in enumerate(OBJECTIVES):
        search = study.search(case, objective)
        trials = there[k].trials if there else ()
        missing = tuple(r for r in search.settings.rules if not whole(search, r, trials))
        if missing:
            settings = dataclasses.replace(search.settings, rules=missing)
            some = dataclasses.replace(search, settings=settings)
            tuned = tune(some, store=data / SEARCHED, jobs=jobs, finished=finished)
            kept = tuple(trial for trial in trials if trial.rule not in missing)
            tuned = dataclasses.replace(
                tuned, search=search, trials=(*kept, *tuned.trials), record=None
            )
            write(tuned, folder_of(data, case, objective))
    return read(study, data, case)


def whole(search: Search, rule: str, trials: Sequence[Trial]) -> bool:
    """Whether a rule has had all trials of a search, and its finalists."""
    done = [trial for trial in trials if trial.rule == rule]
    again = [trial for trial in done if not math.isnan(trial.again_mean_reward)]
    some = [trial for trial in done if not math.isnan(trial.mean_reward)]
    return len(done) == search.trials and len(again) >= min(search.finalists, len(some))


def requests(
    case: Case, settings: Settings, rules: Sequence[str], seeds: Sequence[int]
) -> list[Request]:
    """Return the runs of some rules and seeds at some settings."""
    chosen = choose_task(case.settings())
    return [Request(settings, chosen, rule, seed) for seed in seeds for rule in rules]


def read(study: Study, data: Path, case: Case) -> list[Tuned]:
    """Return a case's searches from the disk; nothing if they are not done."""
    found = []
    for objective in OBJECTIVES:
        folder = folder_of(data, case, objective)
        if not (folder / TUNED).exists():  # which a search writes when it is done
            return []
        search = study.search(case, objective)
        trials = tuple(read_trials(folder / TRIALS, search).values())
        found.append(Tuned(search, case.title, trials, {}))
    return found


def best(searches: Sequence[Tuned], objective: str, seeds: int) -> Settings:
    """Return settings with each rule's best finalist of all searches; without those that have none.

    seeds: the number of fresh ones.
    """
    chosen: dict[str, Settings] = {}
    for rule in searches[0].search.settings.rule_names:
        done = [
            (getattr(trial, f"again_{objective}"), tuned)
            for tuned in searches
            for trial in tuned.trials
            if trial.rule == rule and not math.isnan(trial.again_mean_reward)
        ]
        if done:
            tuned = max(done, key=lambda pair: float(pair[0]))[1]
            chosen[rule] = tuned.settings(objective)
    return dataclasses.replace(
        searches[0].search.settings,
        rules=tuple(chosen),
        learning_rates={rule: settings.rates(rule) for rule, settings in chosen.items()},
        baselines={rule: settings.baseline_of(rule) for rule, settings in chosen.items()},
        seeds=seeds,
        first_seed=0,
    )
