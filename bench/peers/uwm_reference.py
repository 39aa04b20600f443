"""The project's own NumPy twin: float64, written to be read."""

from __future__ import annotations

import numpy as np

import uwm.reference as ref

from .problem import Answer, Moment, Problem


def rule(name: str) -> ref.Rule:
    """The rule of that name."""
    if name == "unbiased_weight_max_two_sided":
        return ref.UnbiasedWeightMax("two_sided")
    rules = (
        ref.Reinforce(),
        ref.StraightThrough(),
        ref.WeightMax(),
        ref.UnbiasedWeightMax("posterior"),
    )
    return {rule.name: rule for rule in rules}[name]


class Trainer:
    """Goes on with one network from call to call."""

    chunk = 1

    def __init__(self, problem: Problem) -> None:
        self.net = ref.Network(problem.sizes, initial_gain=1)
        self.rule = rule(problem.rule)
        self.adam = ref.Adam(learning_rate=problem.learning_rate)
        self.task = ref.Multiplexer(address_bits=problem.address_bits)
        self.batch = problem.batch

    def run(self, steps: int) -> None:
        ref.train(self.net, self.rule, self.adam, self.task, steps=steps, batch_size=self.batch)


def trainer(problem: Problem, threads: int) -> Trainer:
    return Trainer(problem)


def check(problem: Problem, moment: Moment) -> Answer:
    net = ref.Network(problem.sizes, initial_gain=1)
    for layer, weight, bias in zip(net.layers, moment.weights, moment.biases, strict=True):
        layer.weight[...], layer.bias[...] = weight, bias
    sample = net.clamp(moment.inputs, moment.activations)
    unit_rewards = rule(problem.rule).unit_rewards(net, sample, moment.reward)
    gradient = rule(problem.rule).gradient(net, sample, moment.reward)
    return Answer(list(unit_rewards), [g.weight for g in gradient], [g.bias for g in gradient])


def versions() -> dict[str, str]:
    return {"numpy": np.__version__}
