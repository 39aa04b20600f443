"""PyTorch on the CPU, torch.compile: the whole step where layers are small.

With large layers the loop over the units j cannot be unrolled into one graph: a compiled function
does a block of units j at once, its accumulators in registers, and the step calls it for each one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .problem import BETA1, BETA2, EPSILON, Answer, Moment, Problem
from .torch_rules import (
    adam_constants,
    answer,
    flips_dense,
    forward,
    gradient,
    state,
    unit_rewards,
)

BLOCK = 16  # units j per call
WHOLE_BELOW = 64  # units j that are unrolled into the graph of the whole step


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Static shapes, no Python between the kernels."""
    result: Callable[..., Any] = torch.compile(function, dynamic=False, fullgraph=True)
    return result


def some_units(
    E: Tensor,
    inverse_E: Tensor,
    odds: Tensor,
    fired_j: Tensor,
    fired_i: Tensor,
    T: Tensor,
    above: tuple[Tensor, Tensor, Tensor],
    sums: tuple[Tensor, Tensor, Tensor],
    posterior: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """The accumulators A, B, lambda (batch, i) after a block of units j, last first."""
    A, B, ratio = sums
    for j in range(len(E) - 1, -1, -1):
        a = odds[:, j : j + 1]
        x = a * torch.where(fired_i == fired_j[:, j : j + 1], E[j], inverse_E[j])
        if posterior:
            above_A, above_B, above_ratio = (t[:, j : j + 1] for t in above)
            y = 1.0 + above_ratio * x
            both = 1.0 / ((1.0 + x) * y)
            u = both * y
            d = (x - a) * u
            B = B - ratio * d * ((above_A - above_B * x) * both)
            ratio = ratio * ((1.0 + a) * u)
        else:
            d = (x - a) * (1.0 / (1.0 + x))
        A = A + d * (T[:, j : j + 1] - A)
    return A, B, ratio


def flips_unrolled(
    w: Tensor,
    odds: Tensor,
    fired_j: Tensor,
    fired_i: Tensor,
    T: Tensor,
    above: tuple[Tensor, Tensor, Tensor],
    posterior: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """All units j in one graph."""
    zeros = torch.zeros_like(fired_i, dtype=w.dtype)
    E = torch.exp(w)
    sums = (zeros, zeros, zeros + 1.0)
    return some_units(E, 1.0 / E, odds, fired_j, fired_i, T, above, sums, posterior)


compiled_block = compiled(some_units)
compiled_dense = compiled(flips_dense)


def flips_in_blocks(
    w: Tensor,
    odds: Tensor,
    fired_j: Tensor,
    fired_i: Tensor,
    T: Tensor,
    above: tuple[Tensor, Tensor, Tensor],
    posterior: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Blocks of units j from last to first."""
    if len(w) == 1:
        result: tuple[Tensor, Tensor, Tensor] = compiled_dense(
            w, odds, fired_j, fired_i, T.contiguous(), above, posterior
        )
        return result
    E = torch.exp(w)
    inverse_E = 1.0 / E
    zeros = torch.zeros_like(fired_i, dtype=w.dtype)
    sums = (zeros, zeros, zeros + 1.0)
    for k in range(len(w) - BLOCK, -1, -BLOCK):
        # Copies: views at other offsets would be compiled anew.
        rows = slice(k, k + BLOCK)
        columns = [t[:, rows].clone() for t in (odds, fired_j, T, *above)]
        sums = compiled_block(
            E[rows].clone(),
            inverse_E[rows].clone(),
            columns[0],
            columns[1],
            fired_i,
            columns[2],
            tuple(columns[3:]),
            sums,
            posterior,
        )
    return sums


def adam(
    parameters: list[Tensor],
    m: list[Tensor],
    v: list[Tensor],
    g: list[Tensor],
    constants: Tensor,
) -> None:
    """In place on parameters and moments; constants: rate and scale of the root."""
    for w, first, second, d in zip(parameters, m, v, g, strict=True):
        first.lerp_(d, 1.0 - BETA1)
        second.mul_(BETA2).addcmul_(d, d, value=1.0 - BETA2)
        w.add_(constants[0] * first / (constants[1] * second.sqrt() + EPSILON))


class Trainer:
    """Goes on with one network from call to call."""

    chunk = 1

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.weights, self.biases, self.m, self.v = state(problem)
        self.parameters = [*self.weights, *self.biases]
        self.t = 0
        self.constants = torch.zeros(2)
        layers_small = max(problem.hidden) <= WHOLE_BELOW
        unbiased = problem.rule.startswith("unbiased")
        self.draw = compiled(lambda: forward(problem, self.weights, self.biases))
        self.adam = compiled(adam)
        self.update = compiled(self.whole if layers_small or not unbiased else gradient)
        self.in_one = layers_small or not unbiased

    def whole(self, constants: Tensor) -> None:
        problem = self.problem
        x, h, p, reward = forward(problem, self.weights, self.biases)
        T = unit_rewards(problem.rule, self.weights, h, p, reward, flips_unrolled)
        adam(self.parameters, self.m, self.v, gradient(x, h, p, T), constants)

    @torch.inference_mode()
    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.t += 1
            rate, root_scale = adam_constants(self.problem.learning_rate, self.t)
            self.constants[0], self.constants[1] = rate, root_scale
            if self.in_one:
                self.update(self.constants)
                continue
            x, h, p, reward = self.draw()
            T = unit_rewards(self.problem.rule, self.weights, h, p, reward, flips_in_blocks)
            g = self.update(x, h, p, [t.contiguous() for t in T])
            self.adam(self.parameters, self.m, self.v, g, self.constants)


def trainer(problem: Problem, threads: int) -> Trainer:
    torch.set_num_threads(threads)
    torch.compiler.reset()
    return Trainer(problem)


def check(problem: Problem, moment: Moment) -> Answer:
    torch.compiler.reset()  # each problem has its own compilations, of which there is a limit
    small = max(problem.hidden) <= WHOLE_BELOW
    return answer(problem, moment, compiled(flips_unrolled) if small else flips_in_blocks)


def versions() -> dict[str, str]:
    return {"torch": str(torch.__version__)}
