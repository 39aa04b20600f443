"""Training in stretches, and what a network has come to after each."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

import uwm
from uwm.experiments.build import new_baseline, new_optimizer, new_rule
from uwm.experiments.progress import Monitor, Progress
from uwm.experiments.settings import Settings, name_of

REWARD_SAMPLES = 2**14


class Trainer:
    """Trains a network further and further, with one optimizer and one baseline."""

    def __init__(self, settings: Settings, net: uwm.Network, task: Any, monitor: Monitor) -> None:
        (rule,) = settings.rules
        self._rule, self._name = new_rule(rule), name_of(rule)
        self._settings, self._net, self._task = settings, net, task
        self._optimizer = new_optimizer(settings, self._name, net)
        self._baseline = new_baseline(settings, self._name)
        self._monitor, self._steps = monitor, 0

    def train_until(self, end: int) -> None:
        """Train up to this step, counted from the first call.

        Raises KeyboardInterrupt if the work is to stop before.
        """
        steps = end - self._steps
        if steps > 0:
            log = uwm.train(
                self._net,
                self._rule,
                self._optimizer,
                self._task,
                steps=steps,
                batch_size=self._settings.batch_size,
                baseline=self._baseline,
                progress=self._show,
            )
            if log.stopped or self._monitor.stopped:
                raise KeyboardInterrupt
        self._steps = max(end, self._steps)

    def _show(self, step: int, steps: int, reward: float) -> bool:
        done, seed = self._steps + step, self._settings.first_seed
        return self._monitor.tell(Progress("training", seed, done, self._settings.steps, reward))


def mean_reward(net: uwm.Network, task: Any, seed: int) -> float:
    """Return the mean reward of 16,384 episodes; the network's random numbers do not move."""
    copy = net.copy()
    total, rows = 0.0, 1024
    for step in range(REWARD_SAMPLES // rows):
        sample = copy.forward(task.inputs(seed, step, rows))
        total += float(np.sum(task.reward(seed, step, sample)))
    return total / REWARD_SAMPLES


def digest(net: uwm.Network) -> str:
    """Return a digest of a network's parameters: two networks of one size are not the same."""
    found = hashlib.sha256()
    for layer in net.layers:
        found.update(np.ascontiguousarray(layer.weight).tobytes())
        found.update(np.ascontiguousarray(layer.bias).tobytes())
    return found.hexdigest()
