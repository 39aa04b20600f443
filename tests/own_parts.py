"""Parts of a training written in Python, which several tests use."""

from __future__ import annotations

from typing import Any

import numpy as np

import uwm


class Broadcast(uwm.Rule):
    """The reward to every unit."""

    def unit_rewards(self, net: Any, sample: Any, reward: Any) -> Any:
        return [np.repeat(reward[:, None], n, axis=1) for n in net.sizes[1:]]


class Ascent(uwm.Optimizer):
    """Gradient ascent in Python."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.calls = 0

    def step(self, net: Any, gradient: Any) -> None:
        for layer, g in zip(net.layers, gradient, strict=True):
            layer.weight += (self.rate * g.weight).astype(net.dtype)
            layer.bias += (self.rate * g.bias).astype(net.dtype)
        self.calls += 1


class Clipped(uwm.SGD):
    """An optimizer of the engine whose step is overridden."""

    def step(self, net: Any, gradient: Any) -> None:
        clipped = [
            uwm.LayerGradient(np.clip(g.weight, -1, 1), np.clip(g.bias, -1, 1)) for g in gradient
        ]
        super().step(net, clipped)


class Slow(uwm.Baseline):
    """A running mean in Python."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = 0.0

    def predict(self, x: Any) -> Any:
        return np.full(len(x), self.mean)

    def update(self, x: Any, reward: Any) -> None:
        self.mean += 0.01 * (float(np.mean(reward)) - self.mean)


class Parity(uwm.Task):
    """One where the first output is the parity of the inputs."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.shape = n_inputs, n_outputs

    @property
    def n_inputs(self) -> int:
        return self.shape[0]

    @property
    def n_outputs(self) -> int:
        return self.shape[1]

    def inputs(self, seed: int, step: int, batch_size: int) -> Any:
        rows = step + np.arange(batch_size)[:, None]
        return ((rows >> np.arange(self.n_inputs)) & 1).astype(np.float64)

    def reward(self, seed: int, step: int, sample: Any) -> Any:
        return np.where((sample.output[:, 0] > 0.5) == (sample.inputs.sum(axis=1) % 2), 1.0, -1.0)
