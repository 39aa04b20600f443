"""The searches of a case: one by each objective, whose finalists together decide."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from plan import Case, Study

from uwm.experiments import Settings, Trial, Tuned, tune
from uwm.experiments.tuning.search import OBJECTIVES
from uwm.experiments.tuning.trials import TRIALS, read_trials
from uwm.report import write
from uwm.report.tuning_files import TUNED

CELLS = "cells"  # the folder of the runs, which is not kept with the sources


def folder_of(data: Path, case: Case, objective: str) -> Path:
    """Return where the trials of a search are."""
    return data / "search" / case.name / objective


def run(
    study: Study, data: Path, case: Case, jobs: int, finished: Callable[[Trial], None]
) -> list[Tuned]:
    """Run what is missing of a case's searches.

    The second starts like the first: those runs are in the store by then.
    """
    found = []
    for objective in OBJECTIVES:
        folder = folder_of(data, case, objective)
        search = study.search(case, objective)
        tuned = tune(search, store=data / CELLS, jobs=jobs, finished=finished)
        write(tuned, folder)
        found.append(tuned)
    return found


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
