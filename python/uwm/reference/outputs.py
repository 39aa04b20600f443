"""The kinds of output: how each draws, what it learns from, and what the flip of a unit below does.

The classes are those of `uwm.outputs` with that added. Logits z and actions h are (batch, n).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

import uwm.outputs
from uwm.protocols import Array, OutputLike

from . import random
from .sigmoid import log_sigmoid, log_softmax

__all__ = ["Bernoulli", "Gaussian", "Softmax"]

#: Seed, step, stream, layer and batch: the place in the random numbers.
Place: TypeAlias = tuple[int, int, int, int, int]


def check_two(name: str, actions: Array, low: int, high: int) -> None:
    """Raise ValueError unless every action is one of two numbers."""
    if not np.all((actions == low) | (actions == high)):
        raise ValueError(f"{name} must be {low} or {high}, got other numbers")


class Bernoulli(uwm.outputs.Bernoulli):
    """Independent units, each 0 or 1; a hidden unit is one too.

    >>> Bernoulli() == "bernoulli"
    True
    """

    initial_deviation = 3.0
    automatic_rate = 0.2

    def check_size(self, n: int) -> None:
        """Any number of units will do."""

    def check_actions(self, name: str, actions: Array) -> None:
        """Raise ValueError if the numbers are no possible actions."""
        check_two(name, actions, 0, 1)

    def draw(self, z: Array, place: Place) -> Array:
        """Draw actions from the logits."""
        u = random.uniforms(random.philox(*place, z.shape[1]))
        return np.asarray(u < np.exp(log_sigmoid(z)), dtype=np.float64)

    def law(self, z: Array, h: Array) -> tuple[Array, Array]:
        """p, and fired - p, written so that it keeps its digits when p is close to 0 or 1."""
        c = np.where(h > 0, 1.0, -1.0)
        return np.exp(log_sigmoid(z)), c * np.exp(log_sigmoid(-c * z))


class Softmax(uwm.outputs.Softmax):
    """One of n classes, as a row with one 1.

    >>> Softmax() == "softmax"
    True
    """

    initial_deviation = 0.3
    automatic_rate = 0.2

    def check_size(self, n: int) -> None:
        """Raise ValueError if n units cannot be such an output."""
        if n < 2:
            raise ValueError(f"sizes must end in 2 or more for a softmax output, got {n}")

    def check_actions(self, name: str, actions: Array) -> None:
        """Raise ValueError if the numbers are no possible actions."""
        check_two(name, actions, 0, 1)
        if not np.all(actions.sum(axis=1) == 1):
            raise ValueError(f"{name} must have one-hot rows, got rows with another sum")

    def draw(self, z: Array, place: Place) -> Array:
        """One uniform number picks the class: the first whose cumulative weight exceeds it."""
        n = z.shape[1]
        u = random.uniforms(random.philox(*place, 1))
        e = np.exp(z - z.max(axis=1, keepdims=True))
        above = np.cumsum(e, axis=1) > u * e.sum(axis=1, keepdims=True)
        last_possible = n - 1 - np.argmax(e[:, ::-1] > 0, axis=1)
        k = np.where(above.any(axis=1), np.argmax(above, axis=1), last_possible)
        return np.asarray(np.eye(n)[k], dtype=np.float64)

    def law(self, z: Array, h: Array) -> tuple[Array, Array]:
        """The probabilities pi, and h - pi."""
        pi = np.exp(log_softmax(z))
        return pi, h - pi

    def log_ratio(self, z: Array, h: Array, d: Array) -> Array:
        """log lambda_i = d_a - log sum_k pi_k exp(d_k), a the action and d_k the shift of z_k."""
        z, action = z[:, :, None], h[:, :, None]
        chosen = (action * d).sum(axis=1, keepdims=True)
        # where the ratio is near 1, from the differences; else from the logits
        log_pi, difference = log_softmax(z, axis=1), d - chosen
        with np.errstate(over="ignore"):
            slight = np.exp(log_pi) * np.expm1(np.minimum(difference, 1.0))
            large = np.exp(log_pi + difference) - np.exp(log_pi)
        excess = np.where(difference < 1.0, slight, large).sum(axis=1)
        near = np.abs(excess) < 0.5
        top, top_moved = z.max(axis=1), (z + d).max(axis=1)
        total = np.exp(z - top[:, None]).sum(axis=1)
        total_moved = np.exp(z + d - top_moved[:, None]).sum(axis=1)
        far = chosen[:, 0] - (top_moved - top) - np.log(total_moved / total)
        return np.where(near, -np.log1p(np.where(near, excess, 0.0)), far)


class Gaussian(uwm.outputs.Gaussian):
    """Independent real numbers around z, sigma apart.

    >>> Gaussian(0.5).sigma
    0.5
    """

    @property
    def initial_deviation(self) -> float:
        return 0.3 * self.sigma

    @property
    def automatic_rate(self) -> float:
        return 0.2 * self.sigma

    def check_size(self, n: int) -> None:
        """Any number of units will do."""

    def check_actions(self, name: str, actions: Array) -> None:
        """Any finite numbers will do."""

    def draw(self, z: Array, place: Place) -> Array:
        """Draw actions from the logits."""
        return z + self.sigma * random.normals(*place, z.shape[1])

    def law(self, z: Array, h: Array) -> tuple[Array, Array]:
        """The mean, and the noise over sigma^2; the noise is h - z of the numbers stored."""
        return z.copy(), (h - z) / self.sigma / self.sigma

    def log_ratio(self, z: Array, h: Array, d: Array) -> Array:
        """log lambda_i = sum_k (e_k^2 - (e_k - d_k)^2) / 2 sigma^2, multiplied out.

        e_k is the noise of the sample: action - logit of the numbers stored in it.
        """
        noise = (h - z)[:, :, None]
        return np.asarray((0.5 * (d / self.sigma) * ((2.0 * noise - d) / self.sigma)).sum(axis=1))


Kind: TypeAlias = Bernoulli | Softmax | Gaussian
_CLASSES: dict[str, Any] = {cls.name: cls for cls in (Bernoulli, Softmax, Gaussian)}


def resolve(output: str | OutputLike) -> Kind:
    """The output that a name or an output of `uwm` stands for.

    >>> resolve("gaussian").law(np.zeros((1, 1)), np.ones((1, 1)))[1]
    array([[1.]])
    """
    given = uwm.outputs.resolve(output)
    made: Kind = _CLASSES[given.name](**given.settings)
    return made
