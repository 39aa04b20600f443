"""PyTorch on the CPU, eager: autograd off, tensors in place, Adam on all tensors at once."""

from __future__ import annotations

import torch

from .problem import BETA1, BETA2, EPSILON, Answer, Moment, Problem
from .torch_rules import (
    adam_constants,
    answer,
    flips_eager,
    forward,
    gradient,
    state,
    unit_rewards,
)


class Trainer:
    """Goes on with one network from call to call."""

    chunk = 1

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.weights, self.biases, self.m, self.v = state(problem)
        self.parameters = [*self.weights, *self.biases]
        self.t = 0

    @torch.inference_mode()
    def run(self, steps: int) -> None:
        for _ in range(steps):
            x, h, p, reward = forward(self.problem, self.weights, self.biases)
            T = unit_rewards(self.problem.rule, self.weights, h, p, reward)
            self.adam(gradient(x, h, p, T))

    def adam(self, g: list[torch.Tensor]) -> None:
        self.t += 1
        rate, root_scale = adam_constants(self.problem.learning_rate, self.t)
        torch._foreach_lerp_(self.m, g, 1.0 - BETA1)
        torch._foreach_mul_(self.v, BETA2)
        torch._foreach_addcmul_(self.v, g, g, 1.0 - BETA2)
        root = torch._foreach_sqrt(self.v)
        torch._foreach_mul_(root, root_scale)
        torch._foreach_add_(root, EPSILON)
        torch._foreach_addcdiv_(self.parameters, self.m, root, rate)


def trainer(problem: Problem, threads: int) -> Trainer:
    torch.set_num_threads(threads)
    return Trainer(problem)


def check(problem: Problem, moment: Moment) -> Answer:
    return answer(problem, moment, flips_eager)


def versions() -> dict[str, str]:
    return {"torch": str(torch.__version__)}
