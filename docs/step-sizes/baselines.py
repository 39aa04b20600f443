"""The baselines that docs/step-sizes.md compares: none, and three kinds of value estimate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import uwm


class LinearCritic(uwm.Baseline):
    """The expected reward as a linear function of the inputs, by normalised least mean squares."""

    def __init__(self, n_inputs: int, rate: float = 0.05) -> None:
        super().__init__()
        self.weight, self.rate = np.zeros(1 + n_inputs), rate

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return one value per row of x."""
        return self.weight[0] + x @ self.weight[1:]

    def update(self, x: np.ndarray, reward: np.ndarray) -> None:
        """Move towards the rewards."""
        error = reward - self.predict(x)
        share = self.rate * error / (1 + (x * x).sum(axis=1)) / len(x)
        self.weight[0] += share.sum()
        self.weight[1:] += share @ x


class NetworkCritic(uwm.Baseline):
    """The expected reward by a layer of 64 tanh units, trained by backpropagation with Adam."""

    def __init__(self, n_inputs: int, rate: float = 3e-3, units: int = 64) -> None:
        super().__init__()
        rng = np.random.default_rng(1)
        self.parts = [
            rng.normal(size=(n_inputs, units)) / np.sqrt(n_inputs),
            np.zeros(units),
            np.zeros(units),
            np.zeros(1),
        ]
        self.first = [np.zeros_like(part) for part in self.parts]
        self.second = [np.zeros_like(part) for part in self.parts]
        self.rate, self.steps = rate, 0

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return one value per row of x."""
        a, b, c, d = self.parts
        return np.tanh(x @ a + b) @ c + d[0]

    def update(self, x: np.ndarray, reward: np.ndarray) -> None:
        """Move towards the rewards."""
        a, b, c, d = self.parts
        hidden = np.tanh(x @ a + b)
        error = (hidden @ c + d[0] - reward) / len(x)
        below = error[:, None] * c * (1 - hidden * hidden)
        self.steps += 1
        scale = np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
        gradients = (x.T @ below, below.sum(axis=0), error @ hidden, error.sum(keepdims=True))
        for k, gradient in enumerate(gradients):
            self.first[k] += 0.1 * (gradient - self.first[k])
            self.second[k] += 0.001 * (gradient * gradient - self.second[k])
            self.parts[k] -= self.rate * scale * self.first[k] / (np.sqrt(self.second[k]) + 1e-8)


BASELINES: dict[str, Callable[[int], uwm.Baseline | None]] = {
    "none": lambda n: None,
    "running mean": lambda n: uwm.RunningMean(),
    "linear critic": LinearCritic,
    "network critic": NetworkCritic,
}
