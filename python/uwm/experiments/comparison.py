"""Compare rules on a task: every rule with every seed, in parallel on all cores."""

from __future__ import annotations

import dataclasses
import itertools
import os
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import uwm
from uwm.checks import one_line, shown, whole_number
from uwm.experiments.parallel import in_threads
from uwm.experiments.settings import Settings
from uwm.tasks import Classification, Multiplexer, Task, digits, from_file
from uwm.tasks.files import is_file_name

CURVE_POINTS = 200
BUILT_IN = ("multiplexer", "digits")
MOST_JOBS = 1_024
INTERRUPTED = "interrupted"  # why a run has no result
PACKAGE = str(Path(uwm.__file__).parent)

Listener = Callable[[str, int, int, int, float], None]


@dataclass(frozen=True, eq=False)
class Run:
    """One rule trained with one seed.

    rewards[k] is the mean reward of the episodes after episodes[k-1], up to episodes[k].
    mean_reward is over all episodes, final_reward over the last tenth. test_accuracy averages 32
    passes of the network, test_accuracy_one_pass takes one; both are None without test data.
    version and simd_level say which uwm and which instruction set made the run.
    """

    rule: str
    seed: int
    mean_reward: float
    final_reward: float
    steps_per_second: float
    episodes: NDArray[np.int64]
    rewards: NDArray[np.float64]
    test_accuracy: float | None = None
    test_accuracy_one_pass: float | None = None
    version: str = ""
    simd_level: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the run without its curve, as JSON can hold it."""
        names = ("rule", "seed", "mean_reward", "final_reward", "steps_per_second")
        values = {name: getattr(self, name) for name in names}
        if self.test_accuracy is not None:
            values["test_accuracy"] = self.test_accuracy
            values["test_accuracy_one_pass"] = self.test_accuracy_one_pass
        return {**values, "version": self.version, "simd_level": self.simd_level}


@dataclass(frozen=True)
class Unfinished:
    """A run without a result, and why."""

    rule: str
    seed: int
    reason: str


@dataclass(frozen=True, eq=False)
class Comparison:
    """The results of `compare`: finished runs, rule by rule and seed by seed, and the others.

    task_sha256: digest of the task's examples, if it has any.
    """

    settings: Settings
    title: str
    runs: tuple[Run, ...]
    unfinished: tuple[Unfinished, ...] = ()
    task_sha256: str | None = None

    def of(self, rule: str) -> tuple[Run, ...]:
        """Return the runs of one rule."""
        return tuple(run for run in self.runs if run.rule == rule)

    def describe(self) -> str:
        """Return one line for titles: the settings, and how much is missing if anything is."""
        total = len(self.runs) + len(self.unfinished)
        missing = f" ({len(self.runs)} of {total} runs finished)" if self.unfinished else ""
        return self.settings.describe() + missing

    def write(self, folder: str | os.PathLike[str], *, plot: bool = True) -> list[Path]:
        """Write settings.json, runs.csv, curves.csv and learning-curves.png; return their paths.

        Each file appears whole or not at all. Runs with the same settings that the folder holds
        already stay, the same rule and seed being replaced. Files of other settings move into a
        sub-folder, `earlier-1` or the next number; but if this comparison was stopped and that one
        is complete, this one goes into a sub-folder, `stopped-1` or the next number.

        A picture that cannot be drawn is a warning. Raises OSError for files that cannot be
        written.
        """
        from uwm.experiments.comparison_files import write

        return write(self, Path(folder), plot=plot)


class ComparisonInterrupted(KeyboardInterrupt):
    """Ctrl-C during `compare`; `comparison` holds what was finished."""

    def __init__(self, comparison: Comparison) -> None:
        super().__init__(f"interrupted, {len(comparison.runs)} runs were finished")
        self.comparison = comparison


def compare(
    settings: Settings | None = None,
    *,
    task: Task | None = None,
    jobs: int | None = None,
    progress: Listener | None = None,
) -> Comparison:
    """Train every rule with every seed and return the results.

    task: a task object to use instead of the one that settings names; a network for it has one
    Bernoulli output unit if the task has one output, else softmax.
    jobs: runs at a time, by default one per processor core at hand. Training releases the GIL.
    progress(rule, seed, step, steps, reward): called about ten times a second per run, from several
    threads.

    A run that fails (it diverged, or a rule or task of one's own has raised) is listed in the
    result's `unfinished`, with what was raised and where.

    Raises ValueError or TypeError for wrong settings, OSError for an unreadable task file,
    ImportError for a missing package, and ComparisonInterrupted on Ctrl-C.

    >>> settings = Settings(address_bits=1, hidden=(4,), rules=("ste",), episodes=10, seeds=1)
    >>> compare(settings).runs[0].rewards.shape
    (10,)
    """
    settings = Settings() if settings is None else settings
    jobs = available_cores() if jobs is None else whole_number("jobs", jobs, 1, MOST_JOBS)
    settings, title, task = chosen_task(settings, task)
    new_network(settings, task, settings.first_seed)  # what it refuses, it refuses before training

    requests = [  # seeds outermost: stopped early, all rules have had as many
        Request(settings, task, rule, seed)
        for seed in settings.seed_range
        for rule in settings.rules
    ]
    results, interrupted = train_all(requests, jobs=jobs, progress=progress)
    ordered = [
        result for k in range(len(settings.rules)) for result in results[k :: len(settings.rules)]
    ]
    comparison = Comparison(
        settings,
        title,
        tuple(result for result in ordered if isinstance(result, Run)),
        tuple(result for result in ordered if isinstance(result, Unfinished)),
        digest_of(settings, task),
    )
    if interrupted:
        raise ComparisonInterrupted(comparison)
    return comparison


@dataclass(frozen=True, eq=False)
class Request:
    """A run to be made: one rule on one task with one seed."""

    settings: Settings
    task: Task
    rule: str | uwm.Rule
    seed: int


def train_all(
    requests: Sequence[Request],
    *,
    jobs: int,
    progress: Listener | None = None,
    finished: Callable[[int, Run | Unfinished], None] | None = None,
) -> tuple[list[Run | Unfinished], bool]:
    """Make the runs, `jobs` at a time, and return them in the order asked for.

    finished(k, result): called by this thread whenever a run has ended, the k-th of the requests.
    The second value returned is true if Ctrl-C ended the runs; those it ended are Unfinished.
    """
    # What the runs at a time leave of the cores, each run may share its batches among.
    threads = max(1, available_cores() // max(1, min(jobs, len(requests))))
    stop = threading.Event()
    results: dict[int, Run | Unfinished] = {}

    def ended(k: int, result: Run | Unfinished) -> None:
        results[k] = result
        if finished is not None:
            finished(k, result)

    calls = (partial(train_once, request, threads, stop, progress) for request in requests)
    interrupted = in_threads(calls, ended, jobs=jobs, stop=stop.set)
    return [
        results.get(k) or Unfinished(name_of(request.rule), request.seed, INTERRUPTED)
        for k, request in enumerate(requests)
    ], interrupted


class _Stopped(Exception):
    """Raised in a run's progress callback to end it."""


class _ListenerFailed(Exception):
    """Raised in a run's progress callback when the user's own function has raised."""


def train_once(
    request: Request, threads: int, stop: threading.Event, progress: Listener | None
) -> Run | Unfinished:
    """Train one rule with one seed."""
    settings, task, seed = request.settings, request.task, request.seed
    name = name_of(request.rule)

    def listen(step: int, steps: int, reward: float) -> None:
        if stop.is_set():
            raise _Stopped
        if progress is not None:
            try:
                progress(name, seed, step, steps, reward)
            except BaseException as error:
                raise _ListenerFailed from error

    try:
        listen(0, settings.steps, float("nan"))
        rule = uwm.rule(request.rule) if isinstance(request.rule, str) else request.rule
        net = new_network(settings, task, seed)
        log = uwm.train(
            net,
            rule,
            new_optimizer(settings, name),
            task,
            steps=settings.steps,
            batch_size=settings.batch_size,
            baseline=new_baseline(settings, name),
            record_every=max(1, settings.steps // CURVE_POINTS),
            threads=threads,
            progress=listen,
        )
        accuracy, one_pass = None, None
        if isinstance(task, Classification) and len(task.test_labels) > 0:
            accuracy, one_pass = task.accuracy(net), task.accuracy(net, passes=1)
    except _Stopped:
        return Unfinished(name, seed, INTERRUPTED)
    except _ListenerFailed as failure:
        assert failure.__cause__ is not None
        raise failure.__cause__ from None
    except (Exception, SystemExit) as error:  # whatever a rule or a task of the user's may raise
        return Unfinished(name, seed, reason_of(error, request.rule, task))
    ends = np.arange(1, len(log.rewards) + 1, dtype=np.int64) * log.record_every
    return Run(
        rule=name,
        seed=seed,
        mean_reward=float(log.mean_reward),
        final_reward=float(log.final_reward),
        steps_per_second=log.steps / max(log.seconds, 1e-9),
        episodes=np.minimum(ends, log.steps) * settings.batch_size,
        rewards=np.array(log.rewards),
        test_accuracy=accuracy,
        test_accuracy_one_pass=one_pass,
        version=uwm.__version__,
        simd_level=uwm.simd_level(),
    )


def name_of(rule: str | uwm.Rule) -> str:
    """Return a rule's name."""
    return rule if isinstance(rule, str) else str(rule.name)


def reason_of(error: BaseException, *own: object) -> str:
    """Return why a run failed: the message, and for errors in the user's code kind, file and line.

    own: objects whose classes may be the user's.
    """
    expected = isinstance(error, (ValueError, ArithmeticError)) and str(error)
    words = str(error) if expected else f"{type(error).__name__}: {error}".removesuffix(": ")
    modules = {getattr(sys.modules.get(type(each).__module__), "__file__", None) for each in own}
    files = {file for file in modules if file and not file.startswith(PACKAGE)}
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in files]
    return (
        f"{words} ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else words
    )


def chosen_task(settings: Settings, task: Task | None) -> tuple[Settings, str, Task]:
    """Return the settings, a title and the task: the one that settings names unless one is given.

    Settings must not name another task than is used: those returned name the one given.
    """
    if task is None:
        return settings, title_of(settings), make_task(settings)
    title = getattr(task, "name", type(task).__name__)
    named = dataclasses.replace(settings, task=title, label=None, delimiter=None, header=None)
    return named, title, task


def digest_of(settings: Settings, task: Task) -> str | None:
    """Return the digest of a task's examples; None for a built-in task, and without examples."""
    return None if settings.task in BUILT_IN else getattr(task, "sha256", None)


def make_task(settings: Settings) -> Task:
    """Return the task that settings names: multiplexer, digits, or a CSV or NPZ file's path."""
    if settings.task == "multiplexer":
        return Multiplexer(settings.address_bits)
    if settings.task == "digits":
        return digits()
    if is_file_name(settings.task):
        return from_file(
            settings.task,
            label=settings.label,
            delimiter=settings.delimiter,
            header=settings.header,
        )
    raise ValueError(
        f"task: unknown {settings.task!r},"
        " expected multiplexer, digits or the path of a .csv or .npz file"
    )


def title_of(settings: Settings) -> str:
    """Return the task's name for titles."""
    if settings.task == "multiplexer":
        return f"Multiplexer, {settings.address_bits} address bits"
    titles = {"digits": "Handwritten digits", "-": "Standard input"}
    return titles.get(settings.task, one_line(Path(settings.task).name))


def new_network(settings: Settings, task: Task, seed: int) -> uwm.Network:
    """Return an untrained network of the right sizes for the task.

    Raises ValueError if it is larger than the memory.
    """
    sizes = [task.n_inputs, *settings.hidden, task.n_outputs]
    check_memory(sizes, settings)
    return uwm.Network(
        sizes,
        output="bernoulli" if task.n_outputs == 1 else "softmax",
        units=settings.units,
        dtype=settings.dtype,
        seed=seed,
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
            f"hidden, batch_size: {shown(weights)} weights and batches of {settings.batch_size:,}"
            f" need {needed / 1e9:.3g} GB of memory, this machine has {memory / 1e9:.3g} GB"
        )


def new_optimizer(settings: Settings, rule: str) -> uwm.Adam | uwm.SGD:
    """Return a fresh optimizer with the rule's learning rates."""
    given = settings.rates(rule)
    rates = list(given) if isinstance(given, tuple) else given
    return uwm.Adam(rates) if settings.optimizer == "adam" else uwm.SGD(rates)


def new_baseline(settings: Settings, rule: str) -> uwm.RunningMean | float | None:
    """Return a fresh baseline for the rule."""
    chosen = settings.baseline_of(rule)
    return uwm.RunningMean() if isinstance(chosen, str) else chosen


def available_cores() -> int:
    """Return how many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
