"""The circle: inputs, forward pass, reward, one reward per unit, update."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from uwm import log_views
from uwm._arrays import finite_array
from uwm.checks import check_task, is_false, whole_number
from uwm.protocols import Array

from .baselines import Baseline, Constant
from .network import Network, Sample
from .optimizers import Optimizer
from .rules import Rule
from .tasks import Task


@dataclass(frozen=True)
class Log:
    """What a training run brought.

    `rewards`: mean reward of each window of `record_every` steps (the last may be shorter).
    `mean_reward`: over all steps. `final_reward`: over the last tenth of them.

    >>> Log(np.zeros(1), 1, 1, 1, 0.0, 0.0, 0.1).mean_reward
    0.0
    """

    rewards: Array
    record_every: int
    steps: int
    batch_size: int
    mean_reward: float
    final_reward: float
    seconds: float

    @property
    def episodes(self) -> int:
        """Samples in all."""
        return self.steps * self.batch_size

    def to_frame(self) -> Any:
        """The rewards as a frame of pandas: step, episode, reward.

        >>> Log(np.zeros(2), 1, 2, 4, 0.0, 0.0, 0.1).to_frame().episode.tolist()
        [4, 8]
        """
        return log_views.to_frame(self)

    def plot(self, axes: Any = None) -> Any:
        """Draw the rewards against the episodes; returns the axes of matplotlib.

        >>> Log(np.zeros(2), 1, 2, 4, 0.0, 0.0, 0.1).plot().get_xlabel()
        'episodes'
        """
        return log_views.plot(self, axes)


class Learner:
    """The steps of `train` one at a time, for a loop of your own.

    Raises ValueError if `learn` comes before `forward`, or a shape does not fit.

    >>> from uwm.reference import Adam, Learner, Network, UnbiasedWeightMax
    >>> learner = Learner(Network([3, 4, 1]), UnbiasedWeightMax(), Adam())
    >>> sample = learner.forward(np.ones((5, 3)))
    >>> learner.learn(np.ones(5))
    """

    def __init__(self, net: Network, rule: Rule, optimizer: Optimizer) -> None:
        self.net, self.rule, self.optimizer = net, rule, optimizer
        self._sample: Sample | None = None

    def forward(self, x: Array) -> Sample:
        """Draw the actions for inputs (batch, n_in)."""
        self._sample = self.net.forward(x)
        return self._sample

    def learn(self, reward: Array) -> None:
        """Make one update from the latest sample; reward (batch,), a baseline subtracted."""
        if self._sample is None:
            raise ValueError("forward must come before learn")
        R = finite_array("reward", reward, (self._sample.batch_size,))
        self.optimizer.step(self.net, self.rule.gradient(self.net, self._sample, R))


class Interrupted(KeyboardInterrupt):
    """Ctrl-C stopped a training run; `result` is the Log of the steps so far."""

    def __init__(self, log: Log) -> None:
        super().__init__(f"stopped after {log.steps} steps")
        self.result = log


def train(
    net: Network,
    rule: Rule,
    opt: Optimizer,
    task: Task,
    *,
    steps: int,
    batch_size: int = 1,
    baseline: float | Baseline | None = None,
    record_every: int | None = None,
    progress: Callable[[int, int, float], object] | None = None,
) -> Log:
    """Train `net` in place for `steps` updates of `batch_size` samples each; returns a Log.

    baseline: None, a number, or a Baseline; used before it learns from the same rewards.
    record_every: steps per entry of Log.rewards, by default a hundredth of the run.
    progress(step, steps, reward): called about ten times a second and at the end; when it returns
    False, training stops.
    Raises ValueError or TypeError, before anything is changed, if the pieces do not fit.

    >>> from uwm.reference import Adam, Multiplexer, Network, UnbiasedWeightMax, train
    >>> net = Network([3, 4, 1])
    >>> log = train(net, UnbiasedWeightMax(), Adam(), Multiplexer(address_bits=1), steps=20)
    >>> log.rewards.shape
    (20,)
    """
    steps = whole_number("steps", steps, 1)
    batch_size = whole_number("batch_size", batch_size, 1)
    window = max(1, steps // 100) if record_every is None else record_every
    window = whole_number("record_every", window, 1)
    check_task(net, task)
    given = 0.0 if baseline is None else baseline
    b = given if isinstance(given, Baseline) else Constant(given)
    learner = Learner(net, rule, opt)
    means: list[float] = []
    start = reported = time.perf_counter()
    try:
        for _ in range(steps):
            x = task.inputs(net.seed, net.step, batch_size)
            now = net.step
            sample = learner.forward(x)
            R = finite_array("reward", task.reward(net.seed, now, sample), (batch_size,))
            expected = finite_array("baseline", b.predict(sample.inputs), (batch_size,))
            learner.learn(R - expected)
            b.update(sample.inputs, R)  # only after a step that was not refused
            means.append(float(R.mean()))
            if progress is not None and time.perf_counter() - reported > 0.1:
                reported = time.perf_counter()
                if is_false(progress(len(means), steps, float(np.mean(means[-window:])))):
                    return _log(means, window, batch_size, start)
    except KeyboardInterrupt:
        raise Interrupted(_log(means, window, batch_size, start)) from None
    if progress is not None:
        progress(steps, steps, float(np.mean(means[-window:])))
    return _log(means, window, batch_size, start)


def _log(means: list[float], window: int, batch_size: int, start: float) -> Log:
    seconds = time.perf_counter() - start
    if not means:
        return Log(np.zeros(0), window, 0, batch_size, 0.0, 0.0, seconds)
    rewards = [np.mean(means[k : k + window]) for k in range(0, len(means), window)]
    tenth = max(1, len(means) // 10)
    return Log(
        rewards=np.array(rewards),
        record_every=window,
        steps=len(means),
        batch_size=batch_size,
        mean_reward=float(np.mean(means)),
        final_reward=float(np.mean(means[-tenth:])),
        seconds=seconds,
    )
