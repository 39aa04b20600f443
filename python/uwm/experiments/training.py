"""The training of one run, which goes on bit for bit after it was ended by whatever it was."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import uwm
from uwm.experiments.build import new_baseline, new_network, new_optimizer, new_rule
from uwm.experiments.identity import is_built_in
from uwm.experiments.settings import Settings, name_of
from uwm.tasks import Task

CURVE_POINTS = 200
PIECE = 10.0  # seconds of training between two looks at the clock
KEEP_EVERY = 60.0  # seconds between two checkpoints

Listen = Callable[[int, int, float], bool]


@dataclass(frozen=True, eq=False)
class Training:
    """What to train.

    file: for a checkpoint every minute, None for none. The training goes on from what it holds.
    """

    settings: Settings
    task: Task
    rule: str | uwm.Rule
    seed: int
    threads: int = 1
    file: Path | None = None


@dataclass(eq=False)
class Trained:
    """A network in training, and the mean reward of each window of steps so far.

    ends: the step that each window ends with. The last tenth of the steps begins with a window of
    its own, whatever their number.
    """

    net: uwm.Network
    optimizer: uwm.Optimizer
    baseline: Any
    ends: list[int] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def steps(self) -> int:
        """How many steps are done."""
        return self.ends[-1] if self.ends else 0

    def add(self, log: uwm.Log) -> None:
        """Add what a stretch of training has brought."""
        first, count = self.steps, len(log.rewards)
        ends = np.minimum(np.arange(1, count + 1) * log.record_every, log.steps)
        self.ends += (first + ends).tolist()
        self.rewards += log.rewards.tolist()
        self.seconds += log.seconds

    def mean(self, first: int = 0) -> float:
        """Return the mean reward of the steps from this one on."""
        ends = np.array(self.ends)
        weights = np.diff(ends, prepend=0) * (ends > first)
        return float(weights @ np.array(self.rewards) / weights.sum())

    def curve(self, batch_size: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return after how many episodes each window ends, and its mean reward."""
        return np.array(self.ends, dtype=np.int64) * batch_size, np.array(self.rewards)


def train(training: Training, listen: Listen) -> Trained | None:
    """Train a new network, or go on with the one in the file; None if `listen` says no.

    listen(step, steps, reward): called about ten times a second.

    >>> settings = Settings(address_bits=1, hidden=(4,), episodes=30)
    >>> done = train(Training(settings, uwm.tasks.Multiplexer(1), "ste", 0), lambda *told: True)
    >>> done.steps, done.ends[-3:]
    (30, [28, 29, 30])
    """
    settings, rule = training.settings, new_rule(training.rule)
    # A rule or task of one's own may remember things that no checkpoint holds.
    file = training.file if is_built_in(rule) and is_built_in(training.task) else None
    state = (None if file is None else resumed(file)) or begun(training)
    every = window(settings)
    windows, kept = 1, time.monotonic()
    while (first := state.steps) < settings.steps:
        end = next_end(settings, first, None if file is None else windows * every)
        log = stretch(training, rule, state, end, lambda s, n, r: listen(first + s, n, r))
        if log.stopped:
            return None
        state.add(log)
        windows = max(1, int(PIECE / max(log.seconds, 1e-9) * (end - first) / every))
        if file is not None and time.monotonic() - kept > KEEP_EVERY:
            keep(file, state)
            kept = time.monotonic()
    if file is not None:
        file.unlink(missing_ok=True)
    return state


def window(settings: Settings) -> int:
    """Return the steps of one point of the curve."""
    return max(1, settings.steps // CURVE_POINTS)


def last_tenth(settings: Settings) -> int:
    """Return the step that the last tenth begins after."""
    return settings.steps - max(1, settings.steps // 10)


def next_end(settings: Settings, first: int, most: int | None) -> int:
    """Return how far to train in one go: windows come out the same however long a stretch is."""
    tenth = last_tenth(settings)
    end = tenth if first < tenth else settings.steps
    return end if most is None else min(end, first + most)


def begun(training: Training) -> Trained:
    """Return a network that has learned nothing, with all that its training takes."""
    settings, name = training.settings, name_of(training.rule)
    net = new_network(settings, training.task, training.seed)
    return Trained(net, new_optimizer(settings, name, net), new_baseline(settings, name))


def stretch(
    training: Training, rule: uwm.Rule, state: Trained, end: int, listen: Listen
) -> uwm.Log:
    """Train up to this step."""
    settings, first = training.settings, state.steps
    try:
        return uwm.train(
            state.net,
            rule,
            state.optimizer,
            training.task,
            steps=end - first,
            batch_size=settings.batch_size,
            baseline=state.baseline,
            record_every=window(settings),
            threads=training.threads,
            progress=lambda step, steps, reward: listen(step, settings.steps, reward),
        )
    except uwm.DivergenceError as error:  # its steps are those of this stretch
        words = re.sub(r"step (\d+)", lambda found: f"step {first + int(found[1])}", str(error))
        raise uwm.DivergenceError(words) from None


def resumed(file: Path) -> Trained | None:
    """Return what a checkpoint holds; None if there is none, or it is damaged."""
    try:
        found = uwm.load(file)
        ends, rewards, seconds = (found.extra[name] for name in ("ends", "rewards", "seconds"))
    except (OSError, ValueError, KeyError):
        return None
    if found.optimizer is None or isinstance(ends, str) or isinstance(rewards, str):
        return None
    return Trained(
        found.net,
        found.optimizer,
        found.baseline,
        ends.tolist(),
        rewards.tolist(),
        float(np.asarray(seconds).item()),
    )


def keep(file: Path, state: Trained) -> None:
    """Write a checkpoint. Training goes on without one where the disk is full, for instance."""
    curve = {
        "ends": np.array(state.ends),
        "rewards": np.array(state.rewards),
        "seconds": np.array([state.seconds]),
    }
    with suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        uwm.save(file, state.net, state.optimizer, state.baseline, extra=curve)
