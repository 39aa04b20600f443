"""What every peer trains: the network, the task, the rules, and the numbers to agree on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

RULES = (
    "reinforce",
    "ste",
    "weight_max",
    "unbiased_weight_max_posterior",
    "unbiased_weight_max_two_sided",
)
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Problem:
    """A 4-bit multiplexer, hidden layers of Bernoulli units, a rule, a batch, and Adam.

    The learning rate is small: a step costs the same at the end of a measurement as at its start.
    """

    hidden: tuple[int, ...]
    batch: int
    rule: str
    address_bits: int = 4
    learning_rate: float = 1e-5

    @property
    def sizes(self) -> tuple[int, ...]:
        """Inputs, hidden layers, output."""
        return (self.address_bits + 2**self.address_bits, *self.hidden, 1)

    @property
    def synapses(self) -> int:
        """Weights of all layers."""
        return sum(n_in * n_out for n_in, n_out in pairwise(self.sizes))


@dataclass(frozen=True)
class Moment:
    """One step's givens in float32: parameters, inputs, the actions drawn and the rewards."""

    weights: list[Array]
    biases: list[Array]
    inputs: Array
    activations: list[Array]
    reward: Array


@dataclass(frozen=True)
class Answer:
    """One step's results: a reward per unit, and the direction of ascent."""

    unit_rewards: list[Array]
    weights: list[Array]
    biases: list[Array]


class Trainer(Protocol):
    """Trains; `run` returns when `steps` steps (a multiple of `chunk`) are done."""

    chunk: int

    def run(self, steps: int) -> None: ...


class Peer(Protocol):
    """A module of this folder."""

    def versions(self) -> dict[str, str]: ...
    def trainer(self, problem: Problem, threads: int) -> Trainer: ...
    def check(self, problem: Problem, moment: Moment) -> Answer: ...


def initial(sizes: tuple[int, ...], seed: int) -> tuple[list[Array], list[Array]]:
    """Glorot-uniform weights (n_out, n_in) and zero biases, float32."""
    rng = np.random.default_rng(seed)
    weights, biases = [], []
    for n_in, n_out in pairwise(sizes):
        bound = np.sqrt(6.0 / (n_in + n_out))
        weights.append(rng.uniform(-bound, bound, (n_out, n_in)).astype(np.float32))
        biases.append(np.zeros(n_out, np.float32))
    return weights, biases


def moment(problem: Problem, seed: int = 0) -> Moment:
    """A step at random, its actions drawn from the network's own law."""
    rng = np.random.default_rng(seed)
    weights, biases = initial(problem.sizes, seed)
    biases = [rng.normal(0.0, 0.3, b.shape).astype(np.float32) for b in biases]
    x = rng.choice(np.array([-1.0, 1.0], np.float32), (problem.batch, problem.sizes[0]))
    h, activations = x, []
    for w, b in zip(weights, biases, strict=True):
        p = 1.0 / (1.0 + np.exp(-(h @ w.T + b)))
        h = (rng.random(p.shape) < p).astype(np.float32)
        activations.append(h)
    reward = rng.choice(np.array([-1.0, 1.0], np.float32), problem.batch)
    return Moment(weights, biases, x, activations, reward)


def disagreement(a: Answer, b: Answer) -> float:
    """Largest difference, relative to the largest number of the same array."""
    worst = 0.0
    for one, other in (
        (a.unit_rewards, b.unit_rewards),
        (a.weights, b.weights),
        (a.biases, b.biases),
    ):
        for x, y in zip(one, other, strict=True):
            if np.shape(x) != np.shape(y) or not np.all(np.isfinite(x)):
                return float("inf")
            worst = max(worst, float(np.max(np.abs(x - y)) / max(1e-30, float(np.max(np.abs(y))))))
    return worst
