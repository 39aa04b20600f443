"""The one place that makes task, rule, network, optimizer and baseline from settings."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import uwm
from uwm.checks import instance, shown, whole_number
from uwm.experiments.identity import task_identity
from uwm.experiments.settings import AUTO, Settings
from uwm.outputs import parse as parse_output
from uwm.rules import resolve as resolve_rule
from uwm.tasks import TASKS, Task, resolve as resolve_task, task_info
from uwm.tasks.by_name import title_of
from uwm.tasks.files import STANDARD_INPUT
from uwm.tasks.output_kinds import check_output, number_of_units, output_kinds

MOST_JOBS = 1_024


@dataclass(frozen=True, eq=False)
class Chosen:
    """A task, the settings that name it, its title, and the digest of its examples if it has any.

    sha256 is None for a task that its settings describe. given: whether the task is an object of
    the caller's, which settings cannot make again. identity: what defines it, see `task_identity`.
    """

    settings: Settings
    task: Task
    title: str
    sha256: str | None
    given: bool
    identity: dict[str, Any]

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave the task out where another process can make it again; it keeps it, too."""
        if self.given or self.settings.task == STANDARD_INPUT:
            values = [getattr(self, field.name) for field in dataclasses.fields(self)]
            return Chosen, tuple(values)
        names = ("task", "label", "delimiter", "header", *task_settings(self.settings))
        return chosen_elsewhere, (tuple((name, getattr(self.settings, name)) for name in names),)


def choose_task(settings: Settings, task: Task | None = None) -> Chosen:
    """Return the task that settings name, unless one is given.

    The settings of results must not name another task than was used: the name of a given task takes
    the place of theirs.

    Raises TypeError for what is no settings or no task.
    """
    instance("settings", settings, Settings, "uwm.experiments.Settings")
    if task is None:
        made, title = new_task(settings), title_of_task(settings)
        built_in = settings.task in TASKS
        sha256 = None if built_in else getattr(made, "sha256", None)
        return Chosen(settings, made, title, sha256, False, task_identity(settings, made))
    instance("task", task, Task, "a uwm.Task (the settings take a name)")
    title = str(getattr(task, "name", type(task).__name__))
    named = dataclasses.replace(settings, task=title, label=None, delimiter=None, header=None)
    identity = task_identity(named, task, given=True)
    return Chosen(named, task, title, getattr(task, "sha256", None), True, identity)


@functools.lru_cache(maxsize=4)
def chosen_elsewhere(settings: tuple[tuple[str, Any], ...]) -> Chosen:
    """Return the task of these settings in a process that computes cells; the latest are kept."""
    return choose_task(Settings(**dict(settings)))


def new_task(settings: Settings) -> Task:
    """Return the task that settings name."""
    return resolve_task(
        settings.task,
        label=settings.label,
        delimiter=settings.delimiter,
        header=settings.header,
        **task_settings(settings),
    )


def title_of_task(settings: Settings) -> str:
    """Return the task's name for titles."""
    return title_of(settings.task, **task_settings(settings))


def task_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings that are the task's own, by name."""
    names = task_info(settings.task).settings if settings.task in TASKS else ()
    return {name: getattr(settings, name) for name in names}


def new_rule(rule: str | uwm.Rule) -> uwm.Rule:
    """Return a new rule by its name; a rule object is itself."""
    return resolve_rule(rule)


def new_network(settings: Settings, task: Task, seed: int) -> uwm.Network:
    """Return an untrained network of the right sizes for the task.

    Raises ValueError if the settings' output does not suit the task, or if the network is larger
    than the memory.
    """
    output = parse_output(settings.output or output_kinds(task)[0])
    check_output(output.name, task)
    sizes = [task.n_inputs, *settings.hidden, number_of_units(output.name, task)]
    check_memory(sizes, settings)
    return uwm.Network(
        sizes,
        output=output,
        units=settings.units,
        dtype=settings.dtype,
        seed=seed,
        initial_gain=settings.initial_gain,
    )


def check_memory(sizes: Sequence[int], settings: Settings) -> None:
    """Raise ValueError if a network and its training need more memory than there is."""
    if not hasattr(os, "sysconf"):
        return
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    weights = sum(a * b for a, b in itertools.pairwise(sizes))
    # The weights, their update, and the two moments of Adam; logits and activations of a batch.
    numbers = 4 * weights + 2 * settings.batch_size * sum(sizes)
    needed = numbers * (4 if settings.dtype == "float32" else 8)
    if needed > memory:
        raise ValueError(
            f"hidden, batch_size must fit into the memory, got {shown(weights)} weights and"
            f" batches of {settings.batch_size:,}: they need {needed / 1e9:.3g} GB of memory, this"
            f" machine has {memory / 1e9:.3g} GB"
        )


def new_optimizer(settings: Settings, rule: str, net: uwm.Network) -> uwm.Adam | uwm.SGD:
    """Return a fresh optimizer with the rule's learning rates for a network."""
    given, factor = settings.rates(rule), settings.rate_factor
    if given == AUTO and factor == 1:
        return uwm.Adam()
    rates: float | list[float | uwm.InverseRoot]
    if isinstance(given, str):
        rates = [
            uwm.InverseRoot(factor * r.rate, r.steps, warm_up=r.warm_up)
            for r in uwm.automatic_rates(net)
        ]
    else:
        rates = [factor * r for r in given] if isinstance(given, tuple) else factor * given
    return uwm.Adam(rates) if settings.optimizer == "adam" else uwm.SGD(rates)


def new_baseline(settings: Settings, rule: str) -> uwm.RunningMean | float | None:
    """Return a fresh baseline for the rule."""
    chosen = settings.baseline_of(rule)
    return uwm.RunningMean() if isinstance(chosen, str) else chosen


def check_parts(settings: Settings, task: Task) -> None:
    """Make network and rules once, so that what they refuse is refused before any training."""
    new_network(settings, task, settings.first_seed)
    for rule in settings.rules:
        new_rule(rule)


def number_of_jobs(jobs: int | None) -> int:
    """Return how many runs go at a time: what is asked for, or one per processor core at hand."""
    return available_cores() if jobs is None else whole_number("jobs", jobs, 1, MOST_JOBS)


def available_cores() -> int:
    """Return how many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
