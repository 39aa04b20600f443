"""Find each rule's best learning rates, with the same number of trials and episodes for every rule.

Trials come in rounds of ROUND. All trials of a round are chosen from the results of the rounds
before it, each with a random state of its own, so that the search does not depend on how many runs
go at a time, nor on having been stopped and resumed.

A trial's one seed may have been lucky, above all at high rates. So the best few of each rule, the
finalists, are run again with seeds of their own, and those alone decide.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from uwm.checks import function, instance
from uwm.experiments.build import Chosen, check_parts, choose_task
from uwm.experiments.cells import INTERRUPTED
from uwm.experiments.compute import Computer, Study, computer
from uwm.experiments.progress import Listener, interrupted, nobody
from uwm.experiments.runs import Request, Run, Unfinished, train_all
from uwm.experiments.settings import Settings
from uwm.experiments.store import Store
from uwm.experiments.tuning.result import Tuned
from uwm.experiments.tuning.sampler import ask, check_optuna, importance_of, new_study, tell
from uwm.experiments.tuning.search import OBJECTIVES, Search
from uwm.experiments.tuning.trials import Choice, Trial
from uwm.tasks import Task

if TYPE_CHECKING:
    import optuna

ROUND = 4

Place = tuple[str, int]  # of a trial: rule and number


def tune(
    search: Search,
    *,
    task: Task | None = None,
    store: Store | str | os.PathLike[str] | None = None,
    fresh: bool = False,
    executor: Any = None,
    jobs: int | None = None,
    progress: Listener = nobody,
    finished: Callable[[Trial], object] = lambda trial: None,
) -> Tuned:
    """Search the best learning rates of each rule with Optuna's tree-structured Parzen estimator.

    task, store, fresh, executor, jobs, progress: as in `compare`. With a store a later call of the
    same search goes on where this one was stopped, with more trials if it asks for more, as if it
    had never been stopped. finished(trial): called whenever a trial is complete.

    A trial in which a run diverges counts as tried, without a result. So does one that an error in
    a rule or task of one's own has ended, but it is not kept: a later call tries it again.

    Raises ValueError or TypeError for wrong settings, ImportError if Optuna is missing, OSError,
    and `uwm.Interrupted` when stopped: its `result` is the Tuned of the finished trials.

    >>> search = Search(Settings(address_bits=1, hidden=(4,), rules=("ste",), episodes=50, seeds=1),
    ...                 trials=2)
    >>> [trial.number for trial in tune(search).trials]
    [0, 1]
    """
    instance("search", search, Search, "a uwm.experiments.Search, such as Search(settings)")
    function("finished", finished)
    check_optuna()
    chosen = choose_task(search.settings, task)
    search = dataclasses.replace(search, settings=chosen.settings)
    check_parts(search.settings, chosen.task)
    study = Study("tune", chosen.title, search.as_dict())
    importance: dict[str, dict[str, float]] = {name: {} for name in search.settings.rule_names}
    stopped = False
    with computer(
        study, store=store, fresh=fresh, executor=executor, jobs=jobs, progress=progress
    ) as computing:
        work = _Work(search, chosen, computing, finished)
        try:
            for first in range(0, search.trials, ROUND):
                work.run_round(range(first, min(first + ROUND, search.trials)))
            work.run_finalists()
            for name, seen in work.studies.items():  # takes seconds for many trials
                importance[name] = importance_of(seen)
        except KeyboardInterrupt:
            stopped = True
    trials = work.in_order()
    unfinished, record = tuple(work.unfinished), computing.record()
    found = Tuned(search, chosen.title, trials, importance, chosen.sha256, unfinished, record)
    if stopped:
        raise interrupted(found, f"{len(trials)} trials were finished")
    return found


class _Work:
    """A search under way: what has been tried of each rule, and how it went."""

    def __init__(
        self,
        search: Search,
        chosen: Chosen,
        computing: Computer,
        told: Callable[[Trial], object],
    ) -> None:
        self.search, self.trials = search, dict[Place, Trial]()
        self.unfinished: list[Unfinished] = []
        self.studies = {name: new_study(search, name) for name in search.settings.rule_names}
        self._chosen, self._computing, self._told = chosen, computing, told

    def run_round(self, numbers: range) -> None:
        """Choose the trials of these numbers for every rule, and run them."""
        asked: dict[Place, tuple[optuna.Trial, Choice]] = {
            (name, number): ask(study, self.search, number)
            for name, study in self.studies.items()
            for number in numbers
        }
        wanted = {
            place: self.search.apply(place[0], choice) for place, (_, choice) in asked.items()
        }

        def keep(place: Place, runs: Sequence[Run | Unfinished]) -> None:
            mean, final = averages(runs)
            made_by = {(run.version, run.simd_level) for run in runs if isinstance(run, Run)}
            version, level = made_by.pop() if len(made_by) == 1 else ("", "")
            self.trials[place] = Trial(
                *place, asked[place][1], mean, final, version=version, simd_level=level
            )

        self._run(wanted, keep)
        for place, (trial, _) in asked.items():
            value = float(getattr(self.trials[place], self.search.objective))
            tell(self.studies[place[0]], trial, value)

    def run_finalists(self) -> None:
        """Run the best trials of each rule again, with further seeds."""
        settings = self.search.settings
        again = {
            place: dataclasses.replace(
                self.search.apply(place[0], self.trials[place].choice),
                seeds=self.search.finalist_seeds,
                first_seed=settings.first_seed + settings.seeds,
            )
            for place in self._final()
        }

        def keep(place: Place, runs: Sequence[Run | Unfinished]) -> None:
            mean, final = averages(runs)
            self.trials[place] = dataclasses.replace(
                self.trials[place], again_mean_reward=mean, again_final_reward=final
            )

        self._run(again, keep)

    def in_order(self) -> tuple[Trial, ...]:
        """Return the trials rule by rule."""
        places = [
            (name, number)
            for name in self.search.settings.rule_names
            for number in range(self.search.trials)
        ]
        return tuple(self.trials[place] for place in places if place in self.trials)

    def _final(self) -> list[Place]:
        return [
            (name, trial.number)
            for name in self.search.settings.rule_names
            for trial in finalists([t for t in self.trials.values() if t.rule == name], self.search)
        ]

    def _run(
        self,
        wanted: dict[Place, Settings],
        keep: Callable[[Place, Sequence[Run | Unfinished]], None],
    ) -> None:
        """Train every seed of every trial; hand over its runs when the last has ended."""
        places = [place for place, settings in wanted.items() for _ in settings.seed_range]
        requests = [
            Request(settings, self._chosen, settings.rules[settings.rule_names.index(name)], seed)
            for (name, _), settings in wanted.items()
            for seed in settings.seed_range
        ]
        runs: dict[Place, dict[int, Run | Unfinished]] = {place: {} for place in wanted}
        new: set[Place] = set()

        def collect(k: int, run: Run | Unfinished) -> None:
            if isinstance(run, Unfinished) and run.reason == INTERRUPTED:
                return
            place = places[k]
            runs[place][run.seed] = run
            if requests[k].cell.key in self._computing.made:
                new.add(place)
            if len(runs[place]) == wanted[place].seeds:
                keep(place, [runs[place][seed] for seed in wanted[place].seed_range])
                self._end(place, list(runs[place].values()), place in new)

        _, stopped = train_all(requests, self._computing, collect)
        if stopped:
            raise KeyboardInterrupt

    def _end(self, place: Place, runs: Sequence[Run | Unfinished], new: bool) -> None:
        """Tell of a new trial, unless an error has ended it: that says nothing of its rates."""
        failed = [run for run in runs if isinstance(run, Unfinished) and not run.diverged]
        self.unfinished += failed
        if new and not failed:
            self._told(self.trials[place])


def finalists(trials: Sequence[Trial], search: Search) -> list[Trial]:
    """Return a rule's trials that are run again: in turn the best by mean and by final reward."""
    best = [
        sorted(
            (trial for trial in trials if not math.isnan(trial.mean_reward)),
            key=lambda trial: (-float(getattr(trial, name)), trial.number),
        )
        for name in sorted(OBJECTIVES, key=lambda name: name != search.objective)
    ]
    in_turn = [trial for both in zip(*best, strict=True) for trial in both]
    return list({trial.number: trial for trial in in_turn}.values())[: search.finalists]


def averages(runs: Sequence[Run | Unfinished]) -> tuple[float, float]:
    """Return mean and final reward over the seeds, NaN if one of the runs diverged."""
    finished = [run for run in runs if isinstance(run, Run)]
    if len(finished) < len(runs):
        return math.nan, math.nan
    return (
        float(np.mean([run.mean_reward for run in finished])),
        float(np.mean([run.final_reward for run in finished])),
    )
