"""Runs: one rule trained with one seed each, and why one has no result."""

from __future__ import annotations

import math
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

import uwm
from uwm.experiments.build import Chosen, new_rule
from uwm.experiments.cells import DIVERGED, FAILED, INTERRUPTED, Cell, Context, Found, Row
from uwm.experiments.compute import Computer
from uwm.experiments.identity import rule_identity
from uwm.experiments.progress import Progress
from uwm.experiments.settings import Settings, name_of
from uwm.experiments.training import Trained, Training, last_tenth, train
from uwm.outputs import parse as parse_output, spelled
from uwm.own import own_files
from uwm.tasks import Classification
from uwm.tasks.output_kinds import output_kinds

T = TypeVar("T")

KIND = "run"
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
    traceback: of an error.
    """

    rule: str
    seed: int
    reason: str
    diverged: bool = False
    traceback: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return rule, seed and reason, as JSON can hold them."""
        return {"rule": self.rule, "seed": self.seed, "reason": self.reason}


@dataclass(frozen=True, eq=False)
class Request:
    """A run to be made: one rule on one task with one seed. It is a cell's work.

    Sent to another process, it takes along the name of its task, or the task if it has none.
    """

    settings: Settings
    chosen: Chosen
    rule: str | uwm.Rule
    seed: int

    @cached_property
    def cell(self) -> Cell:
        """The run as a cell."""
        return Cell(KIND, self.spec(), self)

    def spec(self) -> dict[str, Any]:
        """Return all that the result depends on, as JSON can hold it."""
        settings, name = self.settings, name_of(self.rule)
        each = len(settings.hidden) + 1
        output = settings.output or output_kinds(self.chosen.task)[0]
        return {
            "uwm": uwm.__version__,
            **self.chosen.identity,
            "hidden": list(settings.hidden),
            "output": spelled(parse_output(output)),
            "units": settings.units,
            "dtype": settings.dtype,
            "initial_gain": per_layer(settings.initial_gain, each),
            **rule_identity(self.rule, new_rule(self.rule)),
            "optimizer": settings.optimizer,
            "learning_rate": per_layer(settings.rates(name), each),
            "rate_factor": settings.rate_factor,
            "baseline": settings.baseline_of(name),
            "batch_size": settings.batch_size,
            "episodes": settings.episodes,
            "seed": self.seed,
        }

    def __call__(self, context: Context) -> Found:
        """Train, and return the result."""
        name, seed, settings = name_of(self.rule), self.seed, self.settings

        def listen(step: int, steps: int, reward: float) -> bool:
            return context.tell(Progress(name, seed, step, steps, reward))

        stopped = Found(INTERRUPTED, reason=INTERRUPTED)
        try:
            if not listen(0, settings.steps, math.nan):
                return stopped
            file = None
            if context.checkpoints is not None:
                file = context.checkpoints / f"{self.cell.key}.safetensors"
            training = Training(settings, self.chosen.task, self.rule, seed, context.threads, file)
            done = train(training, listen)
            return stopped if done is None else self._found(done)
        except KeyboardInterrupt:  # raised by the listener, a rule or a task: it stops all runs
            context.monitor.stop()
            return stopped
        except (Exception, SystemExit) as error:  # whatever a rule or a task of one's own may raise
            own = (self.rule, self.chosen.task)
            of_numbers = isinstance(error, (ValueError, ArithmeticError))
            diverged = of_numbers and own_frame(error, *own) is None
            trace = "".join(traceback.format_exception(error))
            return Found(DIVERGED if diverged else FAILED, None, reason_of(error, *own), trace)

    def _found(self, done: Trained) -> Found:
        settings, task = self.settings, self.chosen.task
        episodes, rewards = done.curve(settings.batch_size)
        result = {
            "mean_reward": done.mean(),
            "final_reward": done.mean(last_tenth(settings)),
            "rewards": rewards.tolist(),
            "episodes": episodes.tolist(),
        }
        if isinstance(task, Classification) and len(task.test_labels) > 0:
            result["test_accuracy"] = task.accuracy(done.net)
            result["test_accuracy_one_pass"] = task.accuracy(done.net, passes=1)
        speed = settings.steps / max(done.seconds, 1e-9)
        return Found(result=result, about={"steps_per_second": speed})


def train_all(
    requests: Sequence[Request],
    computer: Computer,
    finished: Callable[[int, Run | Unfinished], None] = lambda k, result: None,
) -> tuple[list[Run | Unfinished], bool]:
    """Make the runs that the store does not hold, and return all in the order asked for.

    finished(k, result): called by this thread whenever the k-th has a result.
    The second value returned is true if the runs were stopped; those without a result are
    Unfinished.
    """

    def ended(k: int, row: Row) -> None:
        finished(k, outcome(requests[k], row))

    rows, stopped = computer.compute([request.cell for request in requests], ended)
    results = [outcome(request, row) for request, row in zip(requests, rows, strict=True)]
    return results, stopped


def outcome(request: Request, row: Row) -> Run | Unfinished:
    """Return the run that a row holds, or why there is none."""
    name, seed = name_of(request.rule), request.seed
    if row.result is None:
        return Unfinished(name, seed, row.reason, row.status == DIVERGED, row.traceback)
    return Run(
        rule=name,
        seed=seed,
        mean_reward=row.result["mean_reward"],
        final_reward=row.result["final_reward"],
        steps_per_second=row.about["steps_per_second"],
        episodes=np.array(row.result["episodes"], dtype=np.int64),
        rewards=np.array(row.result["rewards"], dtype=np.float64),
        test_accuracy=row.result.get("test_accuracy"),
        test_accuracy_one_pass=row.result.get("test_accuracy_one_pass"),
        version=row.about["version"],
        simd_level=row.about["simd_level"],
    )


def by_rule(results: Sequence[T], rules: int) -> list[T]:
    """Return results that came seed by seed, one of each rule, rule by rule.

    >>> by_rule(["ste 0", "reinforce 0", "ste 1", "reinforce 1"], 2)
    ['ste 0', 'ste 1', 'reinforce 0', 'reinforce 1']
    """
    return [each for rule in range(rules) for each in results[rule::rules]]


def per_layer(value: Any, layers: int) -> Any:
    """Return one value for each layer; a word is itself."""
    return value if isinstance(value, str) else list(np.broadcast_to(value, layers).tolist())


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
