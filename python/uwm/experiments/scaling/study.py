"""How a rule's noise, learning and cost change with the number of units.

Two axes: the width of the hidden layers at a fixed number of layers, and the number of layers at a
fixed width. Learning rates that suit one size do not suit another, so every rule is trained at
every size with the same few multiples of the settings' rates, and its best multiple counts.
"""

from __future__ import annotations

import dataclasses
import math
import os
from typing import Any

import numpy as np

from uwm.checks import instance
from uwm.experiments.build import Chosen, check_parts, choose_task
from uwm.experiments.cells import INTERRUPTED, Row
from uwm.experiments.compute import Computer, Study, computer
from uwm.experiments.progress import Listener, Progress, interrupted, nobody
from uwm.experiments.runs import Request, Run, Unfinished, train_all
from uwm.experiments.scaling.noise import NetworkNoise
from uwm.experiments.scaling.plan import TRAINER, Plan
from uwm.experiments.scaling.result import Point, Scaling
from uwm.experiments.settings import Settings, name_of
from uwm.experiments.store import Store
from uwm.tasks import Task

Hidden = tuple[int, ...]
Place = tuple[str, Hidden, int]  # axis, hidden layers, seed
Runs = dict[tuple[Hidden, str, float, int], Run | Unfinished]
Noises = dict[str, float]  # by rule


def measure_scaling(
    plan: Plan,
    *,
    task: Task | None = None,
    store: Store | str | os.PathLike[str] | None = None,
    fresh: bool = False,
    executor: Any = None,
    jobs: int | None = None,
    progress: Listener = nobody,
) -> Scaling:
    """Measure every rule at every size.

    task, store, fresh, executor, jobs: as in `compare`.
    progress(event): called with a `Progress` for every network measured and run made; step counts
    them. When it returns False, the work stops, as on Ctrl-C.

    A run or a measurement that an error in a rule or task of one's own ends is listed in the
    result's `unfinished`; the others go on.

    Raises as `compare` does, `uwm.Interrupted` when stopped: its `result` is the Scaling of what
    was finished.

    >>> settings = Settings(address_bits=1, rules=("ste",), episodes=40, seeds=1)
    >>> plan = Plan(settings, widths=(4,), depths=(), factors=(1,), samples=2048)
    >>> found = measure_scaling(plan)
    >>> found.points[0].noise_to_signal > 1
    True
    """
    instance("plan", plan, Plan, "a uwm.experiments.Plan, such as Plan(settings)")
    chosen = choose_task(plan.settings, task)
    plan = dataclasses.replace(plan, settings=chosen.settings)
    for _, hidden in plan.sizes:
        check_parts(sized(plan.settings, hidden), chosen.task)
    study = Study("scaling", chosen.title, plan.as_dict())
    with computer(
        study, store=store, fresh=fresh, executor=executor, jobs=jobs, progress=progress
    ) as computing:
        work = _Work(plan, chosen, computing)
        stopped = work.measure(trained=False) or work.learn()
        if plan.trained and not stopped:
            stopped = work.measure(trained=True)
        points = work.points()
        unfinished = tuple(work.unfinished)
        found = Scaling(plan, chosen.title, points, chosen.sha256, unfinished, computing.record())
    if stopped:
        raise interrupted(found, f"{len(points)} points have results")
    return found


class _Work:
    """A study under way: the noises and the runs so far."""

    def __init__(self, plan: Plan, chosen: Chosen, computing: Computer) -> None:
        self._plan, self._chosen, self._computing = plan, chosen, computing
        seeds = plan.settings.seed_range
        self._places = [(axis, hidden, seed) for axis, hidden in plan.sizes for seed in seeds]
        self._start: dict[Place, Noises] = {}
        self._after: dict[Place, Noises] = {}
        self._runs: Runs = {}
        self.unfinished: list[Unfinished] = []

    def measure(self, *, trained: bool) -> bool:
        """Measure the noise of every network; return whether that was stopped."""
        found = self._after if trained else self._start
        what = "noise after training" if trained else "noise"
        rules = self._plan.settings.rules
        networks = [self._network(place, trained) for place in self._places]
        # Rules outermost: the first of a network measures them all.
        cells = [network.cell(rule) for rule in rules for network in networks]
        there = self._computing.known(cells)
        for k, cell in enumerate(cells):
            if cell.key not in there:
                networks[k % len(networks)].rules.append(rules[k // len(networks)])

        def ended(k: int, row: Row) -> None:
            place, rule = self._places[k % len(networks)], name_of(rules[k // len(networks)])
            if row.status == INTERRUPTED:
                return
            value = None if row.result is None else row.result["noise_to_signal"]
            here = found.setdefault(place, {})
            here[rule] = math.nan if value is None else value
            axis, hidden, seed = place
            if row.result is None:
                self._fail(rule, hidden, seed, f"{what}: {row.reason}")
            if len(here) == len(rules):
                done = sum(len(each) == len(rules) for each in found.values())
                name = f"{what}: {axis}, {list(hidden)}"
                self._computing.monitor.tell(Progress(name, seed, done, len(self._places)))

        _, stopped = self._computing.compute(cells, ended)
        return stopped

    def _network(self, place: Place, trained: bool) -> NetworkNoise:
        """Return the network of a place; if trained, with the best rates of its trainer."""
        _, hidden, seed = place
        settings = sized(self._plan.settings, hidden)
        if trained:
            factor = self._best_factor(hidden, TRAINER) or self._plan.factors[0]
            settings = scaled(settings, factor)
        return NetworkNoise(settings, self._chosen, seed, self._plan.samples, trained)

    def learn(self) -> bool:
        """Train every rule at every size, with every multiple of the rates and every seed.

        Return whether that was stopped.
        """
        settings = self._plan.settings
        wanted = {  # a size may be on both axes
            (hidden, name_of(rule), factor, seed): Request(
                scaled(sized(settings, hidden), factor), self._chosen, rule, seed
            )
            for _, hidden, seed in self._places
            for rule in settings.rules
            for factor in self._plan.factors
        }
        keys = list(wanted)

        def ended(k: int, run: Run | Unfinished) -> None:
            self._runs[keys[k]] = run
            hidden, rule, factor, seed = keys[k]
            which = f"{rule}, {list(hidden)}, rates x {factor:g}"
            reward = run.mean_reward if isinstance(run, Run) else math.nan
            self._computing.monitor.tell(Progress(which, seed, len(self._runs), len(keys), reward))
            if isinstance(run, Unfinished) and not run.diverged and run.reason != INTERRUPTED:
                self._fail(rule, hidden, seed, f"rates x {factor:g}: {run.reason}")

        _, stopped = train_all(
            list(wanted.values()),
            self._computing.silent(),  # of whole runs `ended` tells
            ended,
        )
        for key in keys:
            run = self._runs.get(key)
            if run is None or (isinstance(run, Unfinished) and run.reason == INTERRUPTED):
                self._runs.pop(key, None)
                self._fail(key[1], key[0], key[3], f"rates x {key[2]:g}: {INTERRUPTED}")
        return stopped

    def _fail(self, rule: str, hidden: Hidden, seed: int, reason: str) -> None:
        self.unfinished.append(Unfinished(rule, seed, f"{list(hidden)}, {reason}"))

    def _best_factor(self, hidden: Hidden, rule: str) -> float | None:
        """Return the multiple of the rates with the highest mean reward over the seeds.

        None if runs are missing that it depends on.
        """
        means = {}
        for factor in self._plan.factors:
            runs = [
                self._runs.get((hidden, rule, factor, seed))
                for seed in self._plan.settings.seed_range
            ]
            if any(run is None for run in runs):
                return None
            rewards = [run.mean_reward for run in runs if isinstance(run, Run)]
            whole = len(rewards) == len(runs)
            means[factor] = float(np.mean(rewards)) if whole else -math.inf
        return max(means, key=means.__getitem__)

    def points(self) -> tuple[Point, ...]:
        """Return a point for every rule, size and seed of which anything is known."""
        return tuple(
            self._point(cell, rule)
            for cell in self._places
            for rule in self._plan.settings.rule_names
            if cell in self._start or self._best_factor(cell[1], rule) is not None
        )

    def _point(self, cell: Place, rule: str) -> Point:
        axis, hidden, seed = cell
        factor = self._best_factor(hidden, rule)
        run = None if factor is None else self._runs[hidden, rule, factor, seed]
        return Point(
            axis=axis,
            width=hidden[0],
            depth=len(hidden),
            rule=rule,
            seed=seed,
            noise_to_signal=self._start.get(cell, {}).get(rule, math.nan),
            noise_to_signal_trained=self._after.get(cell, {}).get(rule, math.nan),
            factor=math.nan if factor is None else factor,
            mean_reward=run.mean_reward if isinstance(run, Run) else math.nan,
            final_reward=run.final_reward if isinstance(run, Run) else math.nan,
            episodes_to_target=(
                episodes_to(self._plan.target, run) if isinstance(run, Run) else math.nan
            ),
            microseconds_per_step=1e6 / run.steps_per_second if isinstance(run, Run) else math.nan,
        )


def sized(settings: Settings, hidden: Hidden) -> Settings:
    """Return the settings with these hidden layers; rates of a rule's own would not fit."""
    return dataclasses.replace(settings, hidden=hidden, learning_rates={})


def scaled(settings: Settings, factor: float) -> Settings:
    """Return the settings with every learning rate multiplied."""
    return dataclasses.replace(settings, rate_factor=factor * settings.rate_factor)


def episodes_to(target: float, run: Run) -> float:
    """Return after how many episodes the reward of a twentieth of a run first reached the target.

    Infinite if it never did.
    """
    window = max(1, len(run.rewards) // 20)
    mean = np.convolve(run.rewards, np.full(window, 1 / window), mode="valid")
    reached = np.flatnonzero(mean >= target)
    return float(run.episodes[reached[0] + window - 1]) if len(reached) else math.inf
