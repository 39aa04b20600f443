"""Runs: one rule trained with one seed each, many at a time, and why one has no result."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import uwm
from uwm.experiments.build import (
    available_cores,
    new_baseline,
    new_network,
    new_optimizer,
    new_rule,
)
from uwm.experiments.parallel import in_threads
from uwm.experiments.progress import Monitor, Progress
from uwm.experiments.settings import Settings, name_of
from uwm.own import own_files
from uwm.tasks import Classification, Task

CURVE_POINTS = 200
INTERRUPTED = "interrupted"  # why a run has no result
PACKAGE = str(Path(uwm.__file__).parent)


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
    """A run without a result, and why.

    diverged: whether it was numbers that ended it, not Ctrl-C nor an error in a rule or task.
    """

    rule: str
    seed: int
    reason: str
    diverged: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return rule, seed and reason, as JSON can hold them."""
        return {"rule": self.rule, "seed": self.seed, "reason": self.reason}


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
    monitor: Monitor | None = None,
    finished: Callable[[int, Run | Unfinished], None] = lambda k, result: None,
) -> tuple[list[Run | Unfinished], bool]:
    """Make the runs, `jobs` at a time, and return them in the order asked for.

    finished(k, result): called by this thread whenever a run has ended, the k-th of the requests.
    monitor: is told of every run, and stops them all.
    The second value returned is true if the runs were stopped; those without a result are
    Unfinished.
    """
    # What the runs at a time leave of the cores, each run may share its batches among.
    threads = max(1, available_cores() // max(1, min(jobs, len(requests))))
    monitor = Monitor() if monitor is None else monitor
    results: dict[int, Run | Unfinished] = {}

    def ended(k: int, result: Run | Unfinished) -> None:
        results[k] = result
        finished(k, result)

    calls = (partial(train_once, request, threads, monitor) for request in requests)
    stopped = in_threads(calls, ended, jobs=jobs, monitor=monitor)
    return [
        results.get(k) or Unfinished(name_of(request.rule), request.seed, INTERRUPTED)
        for k, request in enumerate(requests)
    ], stopped


class _ListenerFailed(Exception):
    """Raised in a run's progress callback when the user's own function has raised."""


def train_once(request: Request, threads: int, monitor: Monitor) -> Run | Unfinished:
    """Train one rule with one seed."""
    name, seed = name_of(request.rule), request.seed

    def listen(step: int, steps: int, reward: float) -> bool:
        try:
            return monitor.tell(Progress(name, seed, step, steps, reward))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise _ListenerFailed from error

    try:
        if listen(0, request.settings.steps, float("nan")):
            net, log = trained(request, threads, listen)
            if not log.stopped:
                return run_of(request, net, log)
        return Unfinished(name, seed, INTERRUPTED)
    except KeyboardInterrupt:  # raised by the listener, a rule or a task: it stops all runs
        monitor.stop()
        return Unfinished(name, seed, INTERRUPTED)
    except _ListenerFailed as failure:
        assert failure.__cause__ is not None
        raise failure.__cause__ from None
    except (Exception, SystemExit) as error:  # whatever a rule or a task of the user's may raise
        own = (request.rule, request.task)
        of_numbers = isinstance(error, (ValueError, ArithmeticError))
        diverged = of_numbers and own_frame(error, *own) is None
        return Unfinished(name, seed, reason_of(error, *own), diverged)


def trained(
    request: Request, threads: int, listen: Callable[[int, int, float], bool]
) -> tuple[uwm.Network, uwm.Log]:
    """Train a new network as a run asks for."""
    settings, name = request.settings, name_of(request.rule)
    net = new_network(settings, request.task, request.seed)
    log = uwm.train(
        net,
        new_rule(request.rule),
        new_optimizer(settings, name, net),
        request.task,
        steps=settings.steps,
        batch_size=settings.batch_size,
        baseline=new_baseline(settings, name),
        record_every=max(1, settings.steps // CURVE_POINTS),
        threads=threads,
        progress=listen,
    )
    return net, log


def run_of(request: Request, net: uwm.Network, log: uwm.Log) -> Run:
    """Return the results of a run."""
    task, accuracy, one_pass = request.task, None, None
    if isinstance(task, Classification) and len(task.test_labels) > 0:
        accuracy, one_pass = task.accuracy(net), task.accuracy(net, passes=1)
    ends = np.arange(1, len(log.rewards) + 1, dtype=np.int64) * log.record_every
    return Run(
        rule=name_of(request.rule),
        seed=request.seed,
        mean_reward=float(log.mean_reward),
        final_reward=float(log.final_reward),
        steps_per_second=log.steps / max(log.seconds, 1e-9),
        episodes=np.minimum(ends, log.steps) * request.settings.batch_size,
        rewards=np.array(log.rewards),
        test_accuracy=accuracy,
        test_accuracy_one_pass=one_pass,
        version=uwm.__version__,
        simd_level=uwm.simd_level(),
    )


def reason_of(error: BaseException, *own: object) -> str:
    """Return why a run failed: the message, and for errors in the user's code kind, file and line.

    own: rules and tasks whose classes may be the user's, rules by name, too.
    """
    frame = own_frame(error, *own)
    expected = frame is None and isinstance(error, (ValueError, ArithmeticError)) and str(error)
    words = str(error) if expected else f"{type(error).__name__}: {error}".removesuffix(": ")
    return words if frame is None else f"{words} ({Path(frame.filename).name}, line {frame.lineno})"


def own_frame(error: BaseException, *own: object) -> traceback.FrameSummary | None:
    """Return the last line of the user's own code that an error has passed through."""
    modules = {getattr(sys.modules.get(type(each).__module__), "__file__", None) for each in own}
    files = {file for file in modules if file and not file.startswith(PACKAGE)}
    files |= own_files(each for each in own if isinstance(each, str))
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in files]
    return frames[-1] if frames else None
