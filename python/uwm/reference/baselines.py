"""Baselines: what is subtracted from the reward before a rule sees it.

A baseline must not depend on the actions drawn, so it is used before it is updated.
"""

from __future__ import annotations

import numpy as np

from uwm.checks import finite
from uwm.protocols import Array


class Baseline:
    """Base: predicts the reward of each input, and learns from the rewards that came.

    >>> class Zero(Baseline):
    ...     def predict(self, x):
    ...         return np.zeros(len(x))
    ...     def update(self, x, reward):
    ...         pass
    >>> Zero().predict(np.ones((2, 3)))
    array([0., 0.])
    """

    def predict(self, x: Array) -> Array:
        """Expected reward of inputs x (batch, n_in), (batch,)."""
        raise NotImplementedError(f"{type(self).__name__} does not define predict")

    def update(self, x: Array, reward: Array) -> None:
        """Learn from the rewards (batch,) that inputs x (batch, n_in) brought."""
        raise NotImplementedError(f"{type(self).__name__} does not define update")


class Constant(Baseline):
    """The same number always.

    >>> Constant(0.5).predict(np.ones((2, 3)))
    array([0.5, 0.5])
    """

    def __init__(self, value: float) -> None:
        self.value = float(finite("baseline", value))

    def predict(self, x: Array) -> Array:
        return np.full(len(x), self.value)

    def update(self, x: Array, reward: Array) -> None:
        pass


class RunningMean(Constant):
    """Exponential running mean of the rewards: value <- value + rate (batch mean - value).

    >>> baseline = RunningMean(rate=0.5)
    >>> baseline.update(np.ones((2, 3)), np.ones(2))
    >>> baseline.value
    0.5
    """

    def __init__(self, rate: float = 0.01, value: float = 0.0) -> None:
        super().__init__(value)
        self.rate = float(finite("rate", rate, above=0, most=1))

    def update(self, x: Array, reward: Array) -> None:
        mean = float(np.sum(np.asarray(reward) / len(reward)))  # no sum of rewards overflows
        way = mean - self.value
        if np.isfinite(way):
            self.value += self.rate * way
        else:
            self.value = (1.0 - self.rate) * self.value + self.rate * mean
