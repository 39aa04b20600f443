"""Compare rules on a task: every rule with every seed, in parallel on all cores."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from uwm.checks import one_of
from uwm.experiments.build import check_parts, choose_task
from uwm.experiments.compute import Record, Study, computer
from uwm.experiments.progress import Listener, interrupted, nobody
from uwm.experiments.runs import Request, Run, Unfinished, by_rule, train_all
from uwm.experiments.settings import Settings
from uwm.experiments.store import Store
from uwm.tasks import Task


@dataclass(frozen=True, eq=False)
class Comparison:
    """The results of `compare`: finished runs, rule by rule and seed by seed, and the others.

    task_sha256: digest of the task's examples, if it has any. record: what it is made of.
    task: the object.
    """

    settings: Settings
    title: str
    runs: tuple[Run, ...]
    unfinished: tuple[Unfinished, ...] = ()
    task_sha256: str | None = None
    record: Record | None = field(default=None, compare=False)
    task: Task | None = field(default=None, compare=False)

    def of(self, rule: str) -> tuple[Run, ...]:
        """Return the runs of one rule, none if all of them are unfinished.

        Raises ValueError for a rule that did not take part.
        """
        one_of("rule", rule, self.settings.rule_names)
        return tuple(run for run in self.runs if run.rule == rule)

    def describe(self) -> str:
        """Return one line for titles: the settings, and how much is missing if anything is."""
        total = len(self.runs) + len(self.unfinished)
        missing = f" ({len(self.runs)} of {total} runs finished)" if self.unfinished else ""
        return self.settings.describe() + missing


def compare(
    settings: Settings | None = None,
    *,
    task: Task | None = None,
    store: Store | str | os.PathLike[str] | None = None,
    fresh: bool = False,
    executor: Any = None,
    jobs: int | None = None,
    progress: Listener = nobody,
) -> Comparison:
    """Train every rule with every seed and return the results.

    task: a task object to use instead of the one that settings name; a network for it has one
    Bernoulli output unit if the task has one output, else softmax.
    store: keeps every finished run, a folder or a `Store`. Runs that it holds are not made again,
    unless fresh is true.
    executor: what makes the runs, see `uwm.experiments.executors.choose`: by default threads of
    this process, for training releases the GIL.
    jobs: runs at a time, by default one per processor core at hand.
    progress(event): called about ten times a second per run with a `Progress`, from several
    threads. When it returns False, all runs stop, as on Ctrl-C.

    A run that fails (it diverged, or a rule or task of one's own has raised) is listed in the
    result's `unfinished`, with what was raised and where.

    Raises ValueError or TypeError for wrong settings, OSError for an unreadable file, ImportError
    for a missing package, and `uwm.Interrupted` when stopped: its `result` is the Comparison of
    what was finished.

    >>> settings = Settings(address_bits=1, hidden=(4,), rules=("ste",), episodes=10, seeds=1)
    >>> compare(settings).runs[0].rewards.shape
    (10,)
    """
    chosen = choose_task(Settings() if settings is None else settings, task)
    settings = chosen.settings
    check_parts(settings, chosen.task)
    requests = [  # seeds outermost: stopped early, all rules have had as many
        Request(settings, chosen, rule, seed)
        for seed in settings.seed_range
        for rule in settings.rules
    ]
    study = Study("compare", chosen.title, settings.as_dict())
    with computer(
        study, store=store, fresh=fresh, executor=executor, jobs=jobs, progress=progress
    ) as computing:
        results, stopped = train_all(requests, computing)
    ordered = by_rule(results, len(settings.rules))
    comparison = Comparison(
        settings,
        chosen.title,
        tuple(result for result in ordered if isinstance(result, Run)),
        tuple(result for result in ordered if isinstance(result, Unfinished)),
        chosen.sha256,
        computing.record(),
        chosen.task,
    )
    if stopped:
        raise interrupted(comparison, f"{len(comparison.runs)} runs were finished")
    return comparison
