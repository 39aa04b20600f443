"""The tasks and networks of docs/step-sizes.md."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import uwm


@dataclass(frozen=True)
class Case:
    """A task, a network and a length of training.

    tuned: mean reward and last tenth in docs/claims.md, at rates found by a search.
    """

    hidden: tuple[int, ...]
    batch_size: int
    episodes: int
    address_bits: int = 0  # none: digits
    tuned: tuple[float, float] | None = None

    def task(self) -> uwm.Task:
        """Return the task, new."""
        if self.address_bits == 0:
            return uwm.tasks.digits()
        return uwm.tasks.Multiplexer(self.address_bits)


STUDY = {
    "mux3-b1": Case((64, 32), 1, 200_000, 3, (0.935, 1.000)),
    "mux3-b16": Case((64, 32), 16, 320_000, 3, (0.935, 0.998)),
    "mux4-b1": Case((64, 32), 1, 400_000, 4, (0.719, 0.994)),
    "mux4-b16": Case((64, 32), 16, 800_000, 4, (0.756, 0.991)),
    "mux5-b1": Case((64, 32), 1, 500_000, 5, (0.223, 0.371)),
    "mux5-b16": Case((64, 32), 16, 1_200_000, 5, (0.401, 0.606)),
    "wide": Case((256, 128), 16, 240_000, 4, (0.656, 0.948)),
    "deep": Case((64, 32, 16), 16, 800_000, 4, (0.661, 0.889)),
    "digits": Case((64,), 16, 200_000, 0, (0.828, 0.988)),
}
WIDTHS = (8, 16, 32, 64, 128, 256, 512, 1024, 2048)
DEPTHS = (1, 2, 3, 4, 5, 6, 7, 8)
SIZES = {f"width-{n}": Case((n, n), 16, 32_000, 2) for n in WIDTHS} | {
    f"depth-{n}": Case((32,) * n, 16, 32_000, 2) for n in DEPTHS
}
#: The same at a harder task, which takes hours for the widest.
HARD_WIDTHS = (32, 64, 128, 256, 512, 1024)
HARD = {f"mux4-width-{n}": Case((n, n), 16, 800_000, 4) for n in HARD_WIDTHS}
CASES = STUDY | SIZES | HARD


def parity(bits: int) -> uwm.Task:
    """Return the task of telling whether the number of ones among bits is odd."""
    x = np.array([[2 * ((i >> k) & 1) - 1 for k in range(bits)] for i in range(2**bits)])
    return uwm.tasks.Bandit(x, (x > 0).sum(axis=1) % 2)


def curve(x: np.ndarray) -> np.ndarray:
    """Return what the action of `Regression` should be."""
    return np.sin(2 * x[:, 0]) + 0.5 * x[:, 1] * x[:, 2]


class Regression(uwm.Task):
    """A task for a Gaussian output: the reward is minus the squared error of the action."""

    n_inputs, n_outputs = 4, 1

    def inputs(self, seed: int, step: int, batch_size: int) -> np.ndarray:
        """Return uniform inputs of size 1."""
        return np.random.default_rng([seed, step]).uniform(-1.7, 1.7, (batch_size, 4))

    def reward(self, seed: int, step: int, sample: uwm.Sample) -> np.ndarray:
        """Return one reward for each row of inputs."""
        x = np.asarray(sample.inputs, float)
        return -((np.asarray(sample.output, float)[:, 0] - curve(x)) ** 2)
