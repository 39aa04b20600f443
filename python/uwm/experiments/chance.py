"""What is earned without learning: by chance, by the best constant action, by a new network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

import uwm
from uwm.experiments.build import new_network, new_task
from uwm.experiments.settings import Settings
from uwm.tasks import Task

EPISODES = 1000  # of a new network, on a task that cannot say what chance earns
ENVIRONMENT_STEPS = 5000  # of random actions


@dataclass(frozen=True)
class Chance:
    """The mean reward of a policy that learns nothing.

    chance: of the policy named `policy`: "chance", which draws every action equally often, "a new
    network" or "random actions". error: its standard error, 0 where it is computed. constant: of
    the best action that is always the same, None where that is not known.

    >>> Chance(-0.8, -0.7).line
    -0.7
    """

    chance: float
    constant: float | None = None
    error: float = 0.0
    policy: str = "chance"

    @property
    def line(self) -> float:
        """The better of the two: what a run has to exceed to have learned something."""
        return self.chance if self.constant is None else max(self.chance, self.constant)


def chance_of(settings: Settings, task: Task | None = None) -> Chance | None:
    """Return what a task gives without learning, None if that cannot be found out.

    task: the task object, by default the one that settings name. For a multiplexer and for labelled
    examples it is computed, for other tasks measured: a new network earns rewards for 1,000
    episodes, with the first seed.

    >>> chance_of(Settings(address_bits=2))
    Chance(chance=0.0, constant=0.0, error=0.0, policy='chance')
    """
    try:
        task = new_task(settings) if task is None else task
        if isinstance(task, uwm.tasks.Multiplexer):
            return Chance(0.0, 0.0)
        if isinstance(task, uwm.tasks.Bandit):
            return chance_of_bandit(task)
        return chance_of_network(settings, task)
    except (
        Exception
    ):  # a file that is gone, a name that is no task, a task of one's own that raises
        return None


def chance_of_bandit(task: uwm.tasks.Bandit) -> Chance:
    """Return what labelled examples give: +1 for the label, -1 for anything else.

    >>> chance_of_bandit(uwm.tasks.Bandit(np.zeros((4, 1)), [0, 1, 2, 2])).constant
    0.0
    """
    counts = np.bincount(np.asarray(task.labels, dtype=np.int64))
    classes = max(2, task.n_outputs)
    return Chance(2 / classes - 1, float(2 * counts.max() / counts.sum() - 1))


def chance_of_network(settings: Settings, task: Task) -> Chance | None:
    """Return what a new network earns; None if its rewards are not finite."""
    net, seed = new_network(settings, task, settings.first_seed), settings.first_seed
    steps = min(-(-EPISODES // settings.batch_size), settings.steps)
    rewards = []
    for step in range(steps):
        sample = net.forward(task.inputs(seed, step, settings.batch_size))
        rewards.append(np.asarray(task.reward(seed, step, sample), dtype=np.float64))
    return _measured(np.concatenate(rewards), "a new network")


def chance_in(environment: str) -> Chance | None:
    """Return what random actions earn per episode of an environment, None if it cannot be said.

    The episodes are those that end within 5,000 steps, at least two.

    >>> 15 < chance_in("CartPole-v1").chance < 30
    True
    """
    from uwm.rl.environments import make_environment

    try:
        env = make_environment(environment)
    except (ImportError, ValueError):
        return None
    try:
        return _measured(np.array(_returns(env)), "random actions")
    except Exception:  # whatever an environment may raise
        return None
    finally:
        env.close()


def _returns(env: Any) -> list[float]:
    env.action_space.seed(0)
    env.reset(seed=0)
    returns, total = [], 0.0
    for _ in range(ENVIRONMENT_STEPS):
        _, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        total += float(reward)
        if terminated or truncated:
            returns.append(total)
            total = 0.0
            env.reset()
    return returns


def _measured(rewards: np.ndarray[Any, np.dtype[np.float64]], policy: str) -> Chance | None:
    if len(rewards) < 2 or not np.isfinite(rewards).all():
        return None
    error = float(rewards.std(ddof=1)) / math.sqrt(len(rewards))
    return Chance(float(rewards.mean()), None, error, policy)
