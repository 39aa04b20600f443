"""Ours: `uwm.train`, the circle in C++."""

from __future__ import annotations

import numpy as np

import uwm

from .problem import Answer, Moment, Problem


def rule(name: str) -> uwm.Rule:
    """The rule of that name."""
    rules: dict[str, uwm.Rule] = {
        "reinforce": uwm.Reinforce(),
        "ste": uwm.StraightThrough(),
        "weight_max": uwm.WeightMax(),
        "unbiased_weight_max_posterior": uwm.UnbiasedWeightMax("posterior"),
        "unbiased_weight_max_two_sided": uwm.UnbiasedWeightMax("two_sided"),
    }
    return rules[name]


class Trainer:
    """Goes on with one network from call to call."""

    chunk = 1

    def __init__(self, problem: Problem, threads: int) -> None:
        self.net = uwm.Network(problem.sizes, initial_gain=1)
        self.rule = rule(problem.rule)
        self.adam = uwm.Adam(learning_rate=problem.learning_rate)
        self.task = uwm.tasks.Multiplexer(address_bits=problem.address_bits)
        self.batch, self.threads = problem.batch, threads

    def run(self, steps: int) -> None:
        uwm.train(
            self.net,
            self.rule,
            self.adam,
            self.task,
            steps=steps,
            batch_size=self.batch,
            threads=self.threads,
        )


def trainer(problem: Problem, threads: int) -> Trainer:
    return Trainer(problem, threads)


def check(problem: Problem, moment: Moment) -> Answer:
    net = uwm.Network(problem.sizes, initial_gain=1)
    for layer, weight, bias in zip(net.layers, moment.weights, moment.biases, strict=True):
        layer.weight, layer.bias = weight, bias
    sample = net.clamp(moment.inputs, moment.activations)
    unit_rewards = rule(problem.rule).unit_rewards(net, sample, moment.reward)
    gradient = rule(problem.rule).gradient(net, sample, moment.reward)
    return Answer(
        [np.asarray(t) for t in unit_rewards],
        [np.asarray(g.weight) for g in gradient],
        [np.asarray(g.bias) for g in gradient],
    )


def versions() -> dict[str, str]:
    return {"uwm": uwm.__version__, "simd_level": uwm.simd_level()}
